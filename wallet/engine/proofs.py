"""Steps 9 and 10: the holder's keys and their proofs (OpenID4VCI 1.0, appendix F)."""

from collections.abc import Sequence

from wallet.engine.positions import Consent
from wallet.engine.run import Run
from wallet.oauth.clock import time_at
from wallet.openid4vci.issuer_metadata import CredentialConfiguration
from wallet.openid4vci.nonce import read_nonce
from wallet.openid4vci.proof import needs_proof, proof_algorithm, proof_jwt, proof_signing_input
from wallet.records import HolderKey, JsonObject


async def make_keys(
    configuration: CredentialConfiguration, copies: int, run: Run
) -> tuple[HolderKey, ...]:
    """A key for each copy of the credential; none where it is not bound to a key."""
    if not needs_proof(configuration):
        return ()
    algorithm = proof_algorithm(configuration)
    with run.trace.span("store", "holder key"):
        return tuple([await run.keys.create_key(algorithm) for _ in range(copies)])


async def proofs_of(
    keys: Sequence[HolderKey], configuration: CredentialConfiguration, consent: Consent, run: Run
) -> JsonObject:
    """`proofs` of a Credential Request with a fresh nonce; {} where none are needed."""
    if not needs_proof(configuration):
        return {}
    issuer = consent.issuer
    nonce, now = None, run.clock.now()
    if issuer.nonce_endpoint is not None:
        answer = await run.http.post(issuer.nonce_endpoint)
        nonce, now = read_nonce(answer), time_at(answer, run.clock.now())
    proofs = []
    for key in keys:
        message = proof_signing_input(
            key,
            credential_issuer=issuer.credential_issuer,
            client_id=consent.client.client_id,
            nonce=nonce,
            now=now,
        )
        with run.trace.span("crypto", "key proof"):
            signature = await run.keys.sign(key.key_id, message)
        proofs.append(proof_jwt(message, signature).reveal())
    return {"jwt": proofs}
