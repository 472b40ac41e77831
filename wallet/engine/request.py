"""Steps 9 to 11: holder keys, nonce, key proofs, credential request."""

from wallet.engine.exchange import ask_issuer
from wallet.engine.positions import Asking, Authorized, Issued
from wallet.engine.proofs import make_keys, proofs_of
from wallet.engine.run import Run
from wallet.errors import PeerRefused
from wallet.oauth.documents import succeeded
from wallet.openid4vci.credential import credential_request
from wallet.openid4vci.token import credential_identifier, read_token_response
from wallet.ports import HttpResponse
from wallet.steps import Step


async def prepare(authorized: Authorized, run: Run) -> Asking:
    """Read the Token Response, and make the keys the credential will be bound to."""
    token = read_token_response(authorized.answer)
    consent = authorized.consent
    credential_identifier(token, consent.credential_configuration_id)  # is it what was agreed to?
    run.enter(Step.CREDENTIAL)
    keys = await make_keys(consent.configuration, 1, run)
    return Asking(authorized=authorized, keys=keys)


async def request_credential(asking: Asking, run: Run) -> Issued:
    """Ask for the credential with a fresh nonce; after a kill again, with the same keys."""
    try:
        answer = await _ask(asking, run)
    except PeerRefused as refusal:
        nonce_endpoint = asking.authorized.consent.issuer.nonce_endpoint
        if refusal.peer_error != "invalid_nonce" or nonce_endpoint is None or not asking.keys:
            raise
        # The nonce was used or has expired meanwhile: a fresh one, once (section 8.3.1.2).
        answer = await _ask(asking, run)
    return Issued(asking=asking, answer=answer)


async def _ask(asking: Asking, run: Run) -> HttpResponse:
    authorized, consent = asking.authorized, asking.authorized.consent
    name = consent.credential_configuration_id
    identifier = credential_identifier(read_token_response(authorized.answer), name)
    proofs = await proofs_of(asking.keys, consent.configuration, consent, run)
    document = credential_request(name, identifier, proofs)
    answer = await ask_issuer(consent.issuer.credential_endpoint, document, authorized, run)
    return succeeded(answer, "credential_refused")
