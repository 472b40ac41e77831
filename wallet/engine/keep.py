"""Step 12: keep the credential once it is verified."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace

from wallet.credentials.contract import VerifiedCredential
from wallet.engine.judgement import judge, worst
from wallet.engine.positions import (
    Asking,
    Authorized,
    Deferred,
    Issued,
    Kept,
    Notice,
    flow_of,
)
from wallet.engine.progress import given_up
from wallet.engine.run import Run
from wallet.engine.type_metadata import described
from wallet.engine.verify import verify
from wallet.errors import PeerBrokeProtocol
from wallet.openid4vci.credential import Delivery, read_credential_response
from wallet.openid4vci.deferred import ask_again_at, same_transaction
from wallet.openid4vci.display import picture_uris
from wallet.openid4vci.issuer_metadata import CredentialMetadata
from wallet.records import Copy, CredentialRecord, Image, Json, JsonObject
from wallet.steps import Step


async def keep(place: int, issued: Issued, authorized: Authorized, run: Run) -> Authorized:
    """Verify what the issuer sent, and commit it together with the journal's row.

    Where no trust anchor vouches for the issuer, the holder is asked first; whoever is interrupted
    there is asked again. Cancelling comes too late once the commit has begun: the run ends well
    then.

    Raises:
        VerificationFailed: Nothing was stored.
    """
    asking = issued.asking
    response = read_credential_response(issued.answer)
    if not isinstance(response, Delivery):
        if authorized.consent.issuer.deferred_credential_endpoint is None:
            raise PeerBrokeProtocol(
                "credential_response_invalid",
                "the credential is put off, and there is no deferred_credential_endpoint",
                rule="OpenID4VCI 1.0, section 9",
            )
        transaction = same_transaction(response, issued.transaction_id)
        deferred = Deferred(
            asking=asking,
            transaction_id=transaction.transaction_id,
            ask_again_at=ask_again_at(transaction, run.clock.now()),
        )
        return authorized.at(place, deferred)
    run.enter(Step.VERIFICATION)
    copies = await verify(response, asking, authorized.consent, run)
    name = asking.wanted.credential_configuration_id
    await judge([one for one, _ in copies], name, authorized.consent, run)
    format_ = authorized.consent.issuer.configuration(name).format
    type_ = await described(copies[0][0], format_, run)
    images = {**authorized.consent.images, **await _pictures(copies[0][0].claims, run)}
    images |= await _looks(type_.metadata, run)
    run.enter(Step.STORAGE)
    record = replace(
        _record(copies, asking, authorized, images, run),
        type_metadata=type_.metadata,
        report=type_.report,
    )
    notice = (
        Notice(notification_id=response.notification_id, event="credential_accepted")
        if response.notification_id
        else None
    )
    wanted = asking.wanted.model_copy(update={"replaces": None})
    kept = authorized.at(place, Kept(wanted=wanted, credential_id=record.id, notice=notice))
    with run.trace.span("store", "kept"):
        stopped = await _completed(run.flows.keep(record, flow_of(run.flow_id, kept)))
    return given_up(kept) or kept if stopped else kept


async def _completed(commit: Awaitable[None]) -> bool:
    """Wait for `commit` also when cancelled: what the holder is told must be what is stored.

    Returns:
        Whether the run was cancelled.
    """
    task = asyncio.ensure_future(commit)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        return True
    return False


def _record(
    copies: Sequence[tuple[VerifiedCredential, str]],
    asking: Asking,
    authorized: Authorized,
    images: dict[str, Image],
    run: Run,
) -> CredentialRecord:
    issuer = authorized.consent.issuer
    wanted, (first, _) = asking.wanted, copies[0]
    least = worst([one for one, _ in copies])
    name = wanted.credential_configuration_id
    ends = [one.expires_at for one, _ in copies if one.expires_at is not None]
    return CredentialRecord(
        id=wanted.replaces or run.random.name(),
        format=issuer.configuration(name).format,
        copies=tuple(Copy(one.credential.reveal(), key_id) for one, key_id in copies),
        credential_issuer=issuer.credential_issuer,
        credential_configuration_id=name,
        configuration=dict(issuer.credential_configurations_supported[name]),
        issuer_display=tuple(d.model_dump() for d in issuer.display),
        claims=first.claims,
        images=images,
        trust=least.trust,
        trusted_by=least.trusted_by,
        received_at=run.clock.now(),
        expires_at=min(ends, default=None),
        status=first.status,
        report=least.report,
        profile=authorized.consent.profile,
    )


async def _pictures(claims: Json, run: Run) -> dict[str, Image]:
    """The pictures among the claims (`data:` URIs), checked and re-encoded, by their URI."""
    found: dict[str, Image] = {}
    for uri in _data_uris(claims):
        picture = await run.http.image(uri)
        if picture is not None:
            found[uri] = picture
    return found


async def _looks(metadata: JsonObject, run: Run) -> dict[str, Image]:
    """The pictures that a type shows its credentials with, by their URI."""
    if not metadata:
        return {}
    display = CredentialMetadata.model_validate(metadata).display
    uris = picture_uris(display, run.policy.languages)
    pictures = await asyncio.gather(*(run.http.image(uri) for uri in uris))
    return {uri: one for uri, one in zip(uris, pictures, strict=True) if one is not None}


def _data_uris(value: Json) -> list[str]:
    if isinstance(value, str):
        return [value] if value.startswith("data:image/") else []
    if isinstance(value, dict):
        return [uri for member in value.values() for uri in _data_uris(member)]
    if isinstance(value, list | tuple):
        return [uri for element in value for uri in _data_uris(element)]
    return []
