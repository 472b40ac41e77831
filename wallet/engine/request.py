"""Steps 9 to 11: holder key, nonce, key proof, credential request."""

from wallet.engine.positions import Asking, Authorized, Issued
from wallet.engine.run import Run
from wallet.errors import PeerRefused
from wallet.oauth.clock import time_at
from wallet.oauth.documents import succeeded
from wallet.openid4vci.credential import credential_request
from wallet.openid4vci.issuer_metadata import IssuerMetadata
from wallet.openid4vci.nonce import read_nonce
from wallet.openid4vci.proof import needs_proof, proof_algorithm, proof_jwt, proof_signing_input
from wallet.openid4vci.token import credential_identifier, read_token_response
from wallet.ports import HttpResponse
from wallet.records import HolderKey, Secret
from wallet.steps import Step


async def prepare(authorized: Authorized, run: Run) -> Asking:
    """Read the Token Response, and make the key the credential will be bound to."""
    token = read_token_response(authorized.answer)
    consent = authorized.consent
    credential_identifier(token, consent.credential_configuration_id)  # is it what was agreed to?
    run.enter(Step.CREDENTIAL)
    key = None
    if needs_proof(consent.configuration):
        with run.trace.span("store", "holder key"):
            key = await run.keys.create_key(proof_algorithm(consent.configuration))
    return Asking(authorized=authorized, key=key)


async def request_credential(asking: Asking, run: Run) -> Issued:
    """Ask for the credential with a fresh nonce; after a kill again, with the same key."""
    issuer = asking.authorized.consent.issuer
    if asking.key is None:
        return Issued(asking=asking, answer=await _ask(asking, None, run))
    try:
        answer = await _ask(asking, await _proof(asking.key, issuer, run), run)
    except PeerRefused as refusal:
        if refusal.peer_error != "invalid_nonce" or issuer.nonce_endpoint is None:
            raise
        # The nonce was used or has expired meanwhile: a fresh one, once (section 8.3.1.2).
        answer = await _ask(asking, await _proof(asking.key, issuer, run), run)
    return Issued(asking=asking, answer=answer)


async def _ask(asking: Asking, proof: Secret[str] | None, run: Run) -> HttpResponse:
    consent = asking.authorized.consent
    token = read_token_response(asking.authorized.answer)
    name = consent.credential_configuration_id
    answer = await run.http.post(
        consent.issuer.credential_endpoint,
        body=credential_request(name, credential_identifier(token, name), proof),
        content_type="application/json",
        authorization=token.authorization,
    )
    return succeeded(answer, "credential_refused")


async def _proof(key: HolderKey, issuer: IssuerMetadata, run: Run) -> Secret[str]:
    nonce, now = None, run.clock.now()
    if issuer.nonce_endpoint is not None:
        answer = await run.http.post(issuer.nonce_endpoint)
        nonce, now = read_nonce(answer), time_at(answer, run.clock.now())
    message = proof_signing_input(
        key,
        credential_issuer=issuer.credential_issuer,
        client_id=run.policy.client_id,
        nonce=nonce,
        now=now,
    )
    with run.trace.span("crypto", "key proof"):
        return proof_jwt(message, await run.keys.sign(key.key_id, message))
