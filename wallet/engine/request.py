"""Steps 9 to 11: holder keys, nonce, key proofs, credential request; later, the deferred one."""

from collections.abc import Sequence

from wallet.engine.exchange import ask_for_credential
from wallet.engine.positions import Asking, Authorized, Deferred, Issued, Lost, Progress, Wanted
from wallet.engine.proofs import make_keys, proofs_of
from wallet.engine.run import Run
from wallet.errors import PeerRefused
from wallet.oauth.documents import succeeded
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
        nonce_endpoint = authorized.consent.issuer.nonce_endpoint
        if refusal.peer_error != "invalid_nonce" or nonce_endpoint is None or not asking.keys:
            raise
        # The nonce was used or has expired meanwhile: a fresh one, once (section 8.3.1.2).
        answer = await _ask(asking, authorized, run)
    return Issued(asking=asking, answer=answer)


async def _ask(asking: Asking, authorized: Authorized, run: Run) -> HttpResponse:
    consent, wanted = authorized.consent, asking.wanted
    name = wanted.credential_configuration_id
    proofs = await proofs_of(asking.keys, consent.issuer.configuration(name), consent, run)
    document = credential_request(name, wanted.credential_identifier, proofs)
    answer = await ask_for_credential(consent.issuer.credential_endpoint, document, authorized, run)
    return succeeded(answer, "credential_refused")


async def request_deferred(deferred: Deferred, authorized: Authorized, run: Run) -> Issued:
    """Ask for a credential that was put off (section 9.1)."""
    run.enter(Step.CREDENTIAL)
    endpoint = authorized.consent.issuer.deferred_credential_endpoint or ""
    answer = await ask_for_credential(
        endpoint, deferred_request(deferred.transaction_id), authorized, run
    )
    succeeded(answer, "credential_refused")
    return Issued(asking=deferred.asking, transaction_id=deferred.transaction_id, answer=answer)
