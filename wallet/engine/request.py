"""Steps 9 to 11: nonce, key proof, credential request."""

from dataclasses import dataclass

from wallet.engine.authorize import Authorized
from wallet.engine.run import Run
from wallet.openid4vci.credential import credential_request, read_credential_response
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
    key = proof = None
    if needs_proof(consent.configuration):
        with run.trace.span("crypto", "holder key"):
            key = await run.keys.create_key(proof_algorithm(consent.configuration))
        proof = await _proof(key, issuer.credential_issuer, issuer.nonce_endpoint, run)
    response = await run.http.post(
        issuer.credential_endpoint,
        body=credential_request(
            consent.credential_configuration_id, authorized.credential_identifier, proof
        ),
        content_type="application/json",
        authorization=Secret(f"Bearer {authorized.token.access_token.get_secret_value()}"),
    )
    return Issued(authorized, read_credential_response(response), key)


async def _proof(
    key: HolderKey, credential_issuer: str, nonce_endpoint: str | None, run: Run
) -> Secret[str]:
    nonce = read_nonce(await run.http.post(nonce_endpoint)) if nonce_endpoint else None
    message = proof_signing_input(
        key,
        credential_issuer=credential_issuer,
        client_id=run.policy.client_id,
        nonce=nonce,
        now=run.clock.now(),
    )
    with run.trace.span("crypto", "key proof"):
        return proof_jwt(message, await run.keys.sign(key.key_id, message))
