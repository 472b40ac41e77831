"""Step 12: verify the credential, and keep it only then."""

import asyncio
from collections.abc import Awaitable

from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.formats import FORMATS
from wallet.engine.positions import Asking, Issued, Kept, flow_of
from wallet.engine.run import Run
from wallet.openid4vci.credential import read_credential_response
from wallet.records import CredentialRecord, Image, Json
from wallet.steps import Step


async def keep(issued: Issued, run: Run) -> Kept:
    """Verify what the issuer sent, and commit it together with the journal's row.

    Cancelling comes too late once the commit has begun: the run ends well then.

    Raises:
        VerificationFailed: Nothing was stored.
    """
    asking = issued.asking
    consent, keys = asking.authorized.consent, asking.keys
    credential, notification_id = read_credential_response(issued.answer)
    run.enter(Step.VERIFICATION)
    configuration = consent.configuration
    expected = Expected(
        type=configuration.vct,
        holder_jwk=keys[0].public_jwk if keys else None,
        mandatory=tuple(
            tuple(claim.path)
            for claim in configuration.credential_metadata.claims
            if claim.mandatory
        ),
        anchors=run.anchors,
        now=run.clock.now(),
    )
    with run.trace.span("crypto", "verification"):
        verify = FORMATS[configuration.format]
        verified = await asyncio.to_thread(verify, credential, expected)
    images = {**consent.images, **await _pictures(verified.claims, run)}
    run.enter(Step.STORAGE)
    record = _record(verified, asking, images, run)
    kept = Kept(
        authorized=asking.authorized, credential_id=record.id, notification_id=notification_id
    )
    with run.trace.span("store", kept.stage):
        await _completed(run.flows.keep(record, flow_of(run.flow_id, kept)))
    return kept


async def _completed(commit: Awaitable[None]) -> None:
    """Wait for `commit` also when cancelled: what the holder is told must be what is stored."""
    task = asyncio.ensure_future(commit)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task


def _record(
    verified: VerifiedCredential, asking: Asking, images: dict[str, Image], run: Run
) -> CredentialRecord:
    consent = asking.authorized.consent
    issuer = consent.issuer
    name = consent.credential_configuration_id
    return CredentialRecord(
        id=run.random.name(),
        format=consent.configuration.format,
        credential=verified.credential.reveal(),
        key_id=asking.keys[0].key_id if asking.keys else "",
        credential_issuer=issuer.credential_issuer,
        credential_configuration_id=name,
        configuration=dict(issuer.credential_configurations_supported[name]),
        issuer_display=tuple(d.model_dump() for d in issuer.display),
        claims=verified.claims,
        images=images,
        trusted_by=verified.trusted_by,
        received_at=run.clock.now(),
        expires_at=verified.expires_at,
        report=verified.report,
    )


async def _pictures(claims: Json, run: Run) -> dict[str, Image]:
    """The pictures among the claims (`data:` URIs), checked and re-encoded, by their URI."""
    found: dict[str, Image] = {}
    for uri in _data_uris(claims):
        picture = await run.http.image(uri)
        if picture is not None:
            found[uri] = picture
    return found


def _data_uris(value: Json) -> list[str]:
    if isinstance(value, str):
        return [value] if value.startswith("data:image/") else []
    if isinstance(value, dict):
        return [uri for member in value.values() for uri in _data_uris(member)]
    if isinstance(value, list | tuple):
        return [uri for element in value for uri in _data_uris(element)]
    return []
