"""Steps 9 to 11: nonce, key proof, credential request."""

from dataclasses import dataclass

from wallet.engine.authorize import Authorized
from wallet.engine.run import Run
from wallet.errors import PeerRefused
from wallet.oauth.clock import time_at
from wallet.openid4vci.credential import credential_request, read_credential_response
from wallet.openid4vci.issuer_metadata import IssuerMetadata
from wallet.openid4vci.nonce import read_nonce
from wallet.openid4vci.proof import needs_proof, proof_algorithm, proof_jwt, proof_signing_input
from wallet.records import HolderKey, Secret
from wallet.steps import Step


@dataclass(frozen=True)
class Issued:
    """What the issuer sent, not yet believed.

    Attributes:
        authorized: What it was asked for.
        credential: Exactly as received.
        key: The holder key of the key proof; None for a credential without key binding.
    """

    authorized: Authorized
    credential: Secret[str]
    key: HolderKey | None


async def request_credential(authorized: Authorized, run: Run) -> Issued:
    """Ask for the credential with a fresh key and a fresh nonce."""
    run.enter(Step.CREDENTIAL)
    consent = authorized.consent
    issuer = consent.resolved.issuer
    if not needs_proof(consent.configuration):
        return Issued(authorized, await _ask(authorized, None, run), None)
    with run.trace.span("store", "holder key"):
        key = await run.keys.create_key(proof_algorithm(consent.configuration))
    try:
        credential = await _ask(authorized, await _proof(key, issuer, run), run)
    except PeerRefused as refusal:
        if refusal.peer_error != "invalid_nonce" or issuer.nonce_endpoint is None:
            raise
        # The nonce was used or has expired meanwhile: a fresh one, once (section 8.3.1.2).
        credential = await _ask(authorized, await _proof(key, issuer, run), run)
    return Issued(authorized, credential, key)


async def _ask(authorized: Authorized, proof: Secret[str] | None, run: Run) -> Secret[str]:
    consent = authorized.consent
    response = await run.http.post(
        consent.resolved.issuer.credential_endpoint,
        body=credential_request(
            consent.credential_configuration_id, authorized.credential_identifier, proof
        ),
        content_type="application/json",
        authorization=Secret(f"Bearer {authorized.token.access_token.get_secret_value()}"),
    )
    return read_credential_response(response)


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
