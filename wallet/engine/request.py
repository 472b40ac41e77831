"""Steps 9 to 11: holder keys, nonce, key proofs, credential request; later, the deferred one."""

from collections.abc import Sequence
from dataclasses import replace

from wallet.compat import ProfileName, after_refusal
from wallet.engine.exchange import ask_for_credential, note_nonce
from wallet.engine.positions import (
    Asking,
    Authorized,
    Consent,
    Deferred,
    Issued,
    Lost,
    Progress,
    Wanted,
    wanted_of,
)
from wallet.engine.proofs import make_keys, proofs_of
from wallet.engine.run import Run
from wallet.engine.tolerance import facts_of
from wallet.errors import PeerRefused
from wallet.oauth.documents import errors_in, succeeded
from wallet.openid4vci.credential import credential_request
from wallet.openid4vci.deferred import deferred_request
from wallet.openid4vci.token import credential_identifiers, read_token_response
from wallet.ports import HttpResponse
from wallet.steps import Step


def granted(authorized: Authorized) -> Authorized:
    """Read the Token Response: which credentials there are to ask for (section 6.2)."""
    token = read_token_response(authorized.answer)
    names = authorized.consent.credential_configuration_ids
    identifiers = credential_identifiers(token, names)
    credentials: list[Progress] = []
    for name in names:
        known: Sequence[str | None] = (None,) if identifiers is None else identifiers.get(name, ())
        wanted = [
            Wanted(credential_configuration_id=name, credential_identifier=one) for one in known
        ]
        credentials += wanted or [Lost(wanted=_ungranted(name), code="not_granted", notice=None)]
    return authorized.model_copy(update={"credentials": tuple(credentials)})


def regranted(authorized: Authorized) -> Authorized:
    """After a refresh: what is still to be asked for, by the identifiers of the new response.

    Raises:
        PeerRefused, PeerBrokeProtocol: As `granted`.
    """
    token = read_token_response(authorized.answer)
    names = authorized.consent.credential_configuration_ids
    identifiers = credential_identifiers(token, names) or {}
    for place, one in enumerate(authorized.credentials):
        if not isinstance(one, Wanted | Asking):
            continue
        wanted = wanted_of(one)
        known = identifiers.get(wanted.credential_configuration_id, ())
        if known and wanted.credential_identifier not in known:
            named = wanted.model_copy(update={"credential_identifier": known[0]})
            further = named if one is wanted else one.model_copy(update={"wanted": named})
            authorized = authorized.at(place, further)
    return authorized


def _ungranted(name: str) -> Wanted:
    return Wanted(credential_configuration_id=name, credential_identifier=None)


async def prepare(wanted: Wanted, authorized: Authorized, run: Run) -> Asking:
    """Make the keys the copies of the credential will be bound to."""
    run.enter(Step.CREDENTIAL)
    issuer = authorized.consent.issuer
    configuration = issuer.configuration(wanted.credential_configuration_id)
    keys = await make_keys(configuration, issuer.batch_size(run.policy.batch), run)
    return Asking(wanted=wanted, keys=keys)


async def request_credential(asking: Asking, authorized: Authorized, run: Run) -> Issued:
    """Ask for the credential with a fresh nonce; after a kill again, with the same keys."""
    run.enter(Step.CREDENTIAL)
    try:
        answer = await _ask(asking, authorized, run)
    except PeerRefused as refusal:
        issuer = authorized.consent.issuer
        another = issuer.nonce_endpoint or issuer.credential_issuer in run.heard.c_nonces
        if refusal.peer_error != "invalid_nonce" or not another or not asking.keys:
            raise
        # The nonce was used or has expired meanwhile: a fresh one, once (section 8.3.1.2).
        answer = await _ask(asking, authorized, run)
    return Issued(asking=asking, answer=answer)


async def _ask(asking: Asking, authorized: Authorized, run: Run) -> HttpResponse:
    consent, wanted = authorized.consent, asking.wanted
    name = wanted.credential_configuration_id
    if consent.issuer.credential_issuer not in run.heard.c_nonces:
        note_nonce(authorized.answer, consent, run)
    proofs = await proofs_of(asking.keys, consent.issuer.configuration(name), consent, run)
    document = credential_request(name, wanted.credential_identifier, proofs)
    endpoint = consent.issuer.credential_endpoint
    facts = facts_of(consent, run, name)
    answer = await ask_for_credential(endpoint, document, facts, authorized, run)
    if (other := _shown(answer, consent, run)) is not None:
        consent = consent.model_copy(update={"profile": other})
        return await _ask(asking, authorized.model_copy(update={"consent": consent}), run)
    return succeeded(answer, "credential_refused")


def _shown(answer: HttpResponse, consent: Consent, run: Run) -> ProfileName | None:
    """As what the request may be made once more, after this answer; None for not at all."""
    issuer = consent.issuer
    if issuer.credential_issuer in run.policy.profiles:
        return None
    error = "".join(errors_in(answer))
    return after_refusal(consent.profile, issuer.model_dump(), answer.status, error)


async def request_deferred(deferred: Deferred, authorized: Authorized, run: Run) -> Issued:
    """Ask for a credential that was put off (section 9.1)."""
    run.enter(Step.CREDENTIAL)
    endpoint = authorized.consent.issuer.deferred_credential_endpoint or ""
    name = deferred.asking.wanted.credential_configuration_id
    facts = facts_of(authorized.consent, run, name)
    answer = await ask_for_credential(
        endpoint,
        deferred_request(deferred.transaction_id),
        replace(facts, transaction_id=deferred.transaction_id),
        authorized,
        run,
    )
    succeeded(answer, "credential_refused")
    return Issued(asking=deferred.asking, transaction_id=deferred.transaction_id, answer=answer)
