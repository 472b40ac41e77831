"""Steps 9 and 10: the holder's keys and their proofs (OpenID4VCI 1.0, appendix F)."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from wallet.engine.exchange import ask_nonce
from wallet.engine.positions import Consent
from wallet.engine.run import Run
from wallet.errors import Unsupported
from wallet.oauth.clock import time_at
from wallet.openid4vci.issuer_metadata import CredentialConfiguration
from wallet.openid4vci.key_attestation import check_key_attestation
from wallet.openid4vci.nonce import read_nonce
from wallet.openid4vci.proof import (
    ProofChoice,
    certified_reference,
    key_reference,
    needs_proof,
    presentation,
    proof_choice,
    proof_signing_input,
)
from wallet.records import HolderKey, JsonObject, Secret


async def make_keys(
    configuration: CredentialConfiguration, copies: int, run: Run
) -> tuple[HolderKey, ...]:
    """A key for each copy of the credential; none where it is not bound to a key."""
    if not needs_proof(configuration):
        return ()
    choice = proof_choice(configuration, attester=run.attester)
    with run.trace.span("store", "holder key"):
        return tuple([await run.keys.create_key(choice.algorithm) for _ in range(copies)])


async def proofs_of(
    keys: Sequence[HolderKey], configuration: CredentialConfiguration, consent: Consent, run: Run
) -> JsonObject:
    """`proofs` of a Credential Request with a fresh nonce; {} where none are needed."""
    if not needs_proof(configuration):
        return {}
    choice = proof_choice(configuration, attester=run.attester)
    nonce = run.heard.c_nonces.get(consent.issuer.credential_issuer)
    now = run.clock.now()
    if consent.issuer.nonce_endpoint is not None:
        answer = await ask_nonce(consent.issuer.nonce_endpoint, run)
        nonce, now = read_nonce(answer), time_at(answer, run.clock.now())
    attestation = await _attestation(keys, choice, consent, nonce, now, run)
    if attestation is not None:
        keys = keys[:1]  # its attestation stands for all of them
    match choice.proof_type:
        case "attestation":
            assert attestation is not None  # noqa: S101 - `proof_choice` saw to it
            return {"attestation": [attestation.reveal()]}
        case "jwt":
            return {
                "jwt": [
                    await _jwt(key, choice, consent, nonce, now, attestation, run) for key in keys
                ]
            }
        case "di_vp":
            return {"di_vp": [await _di_vp(key, choice, consent, nonce, now, run) for key in keys]}
        case _ as never:
            assert_never(never)


async def _attestation(
    keys: Sequence[HolderKey],
    choice: ProofChoice,
    consent: Consent,
    nonce: Secret[str] | None,
    now: datetime,
    run: Run,
) -> Secret[str] | None:
    """The wallet provider's word for all the keys, where the issuer wants it."""
    if choice.attested is None:
        return None
    provider = run.at(consent.server.issuer).provider
    if provider is None:
        raise Unsupported("proof_unsupported", "nobody attests this wallet's keys")
    attestation = await provider.key_attestation(
        keys, nonce=nonce, required=choice.attested, algorithms=choice.attesting
    )
    check_key_attestation(attestation, keys, choice, nonce=nonce, now=now)
    return attestation


async def _jwt(
    key: HolderKey,
    choice: ProofChoice,
    consent: Consent,
    nonce: Secret[str] | None,
    now: datetime,
    attestation: Secret[str] | None,
    run: Run,
) -> str:
    message = proof_signing_input(
        key,
        await _reference(key, choice, consent, run),
        credential_issuer=consent.issuer.credential_issuer,
        client_id=consent.client.client_id,
        nonce=nonce,
        now=now,
        key_attestation=attestation,
    )
    return (await run.signed(key, message, "key proof")).reveal()


async def _reference(key: HolderKey, choice: ProofChoice, consent: Consent, run: Run) -> JsonObject:
    """How a proof names its key. No issuer's metadata can ask for `x5c`, so a setting does."""
    standing = run.at(consent.server.issuer)
    if choice.names != "jwk" or standing.key_reference != "x5c":
        return key_reference(key, choice.names)
    if standing.provider is None:
        raise Unsupported("proof_unsupported", "nobody certifies this wallet's keys")
    return certified_reference(key, await standing.provider.key_certificates(key))


async def _di_vp(
    key: HolderKey,
    choice: ProofChoice,
    consent: Consent,
    nonce: Secret[str] | None,
    now: datetime,
    run: Run,
) -> JsonObject:
    unsigned = presentation(
        key,
        choice.names,
        choice.suite,
        credential_issuer=consent.issuer.credential_issuer,
        nonce=nonce,
        now=now,
    )
    with run.trace.span("crypto", "key proof"):
        return unsigned.signed(await run.keys.sign(key.key_id, unsigned.message))
