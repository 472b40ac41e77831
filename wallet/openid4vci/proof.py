"""Proof types (OpenID4VCI 1.0, Appendix F)."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from cryptography import x509
from joserfc.jwk import JWKRegistry

from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.jwt import best_algorithm, signing_input
from wallet.openid4vci.issuer_metadata import CredentialConfiguration
from wallet.records import HolderKey, JsonObject, Secret
from wallet.strict import canonical_json
from wallet.trust.holder_keys import DID_METHODS, did_url, multibase

JWT_PROOF_TYPE: Final = "openid4vci-proof+jwt"
CRYPTOSUITES: Final = {"ecdsa-jcs-2019": "ES256", "eddsa-jcs-2022": "EdDSA"}
"""The Data Integrity suites that need no RDF, best first, with the algorithm of their keys."""

_RULE: Final = "OpenID4VCI 1.0, appendix F"
_PRESENTATION: Final[JsonObject] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiablePresentation"],
}

ProofType = Literal["jwt", "attestation", "di_vp"]


@dataclass(frozen=True)
class ProofChoice:
    """How the wallet proves that it has the keys of a credential.

    Attributes:
        proof_type: Member of `proof_types_supported`.
        algorithm: JOSE name of the algorithm of the holder's keys.
        names: How the keys are named: "jwk", or the DID method.
        suite: The `cryptosuite` of a `di_vp`; empty for the other types.
        attested: What a key attestation must say (`key_attestations_required`); None where none is
            needed.
        attesting: The algorithms that the key attestation may be signed with.
    """

    proof_type: ProofType
    algorithm: str
    names: str
    suite: str = ""
    attested: JsonObject | None = None
    attesting: tuple[str, ...] = ()


def needs_proof(configuration: CredentialConfiguration) -> bool:
    """Whether the credential is bound to a key of the holder (section 12.2.4)."""
    return (
        configuration.proof_types_supported is not None
        or configuration.cryptographic_binding_methods_supported is not None
    )


def proof_choice(configuration: CredentialConfiguration, *, attester: bool) -> ProofChoice:
    """The best proof for this configuration: the keys' own signatures before others' word for them.

    Args:
        configuration: Where a proof is needed.
        attester: Whether a wallet provider attests keys for this wallet.

    Raises:
        Unsupported: `proof_unsupported`, with the first reason.
    """
    types = configuration.proof_types_supported or {}
    reasons: list[str] = []
    for proof_type in ("jwt", "attestation", "di_vp"):
        if proof_type not in types:
            continue
        named = types[proof_type].proof_signing_alg_values_supported
        offered = [one for one in named if isinstance(one, str)]
        required = types[proof_type].key_attestations_required
        if proof_type == "attestation":
            required = required if required is not None else {}
        if required is not None and not (attester and proof_type != "di_vp"):
            reasons.append(f"{proof_type}: a key attestation is required")
            continue
        try:
            names = _names(configuration, did_only=proof_type == "di_vp")
            match proof_type:
                case "jwt":
                    algorithm, suite = _algorithm(offered), ""
                case "attestation":
                    algorithm, suite = best_algorithm(offered) or "ES256", ""
                case _:
                    algorithm, suite = _suite(offered)
        except ValueError as error:
            reasons.append(f"{proof_type}: {error}")
            continue
        attesting = tuple(offered) if required is not None else ()
        return ProofChoice(proof_type, algorithm, names, suite, required, attesting)
    reason = reasons[0] if reasons else f"proof types {sorted(types)}"
    raise Unsupported("proof_unsupported", reason, rule=_RULE)


def _names(configuration: CredentialConfiguration, *, did_only: bool) -> str:
    methods = configuration.cryptographic_binding_methods_supported
    if not did_only and (methods is None or {"jwk", "cose_key"} & set(methods)):
        return "jwk"
    for method in DID_METHODS:
        if methods is None or method in methods:
            return method
    message = f"binding methods {list(methods or ())}"
    raise ValueError(message)


def _algorithm(offered: Sequence[str]) -> str:
    algorithm = best_algorithm(offered)
    if algorithm is None:
        message = f"algorithms {list(offered)}"
        raise ValueError(message)
    return algorithm


def _suite(offered: Sequence[str]) -> tuple[str, str]:
    for suite, algorithm in CRYPTOSUITES.items():
        if suite in offered:
            return algorithm, suite
    message = f"cryptosuites {list(offered)}"
    raise ValueError(message)


def key_reference(key: HolderKey, names: str) -> JsonObject:
    """The one header parameter that names a key: `jwk`, or `kid` with a DID URL."""
    if names == "jwk":
        return {"jwk": dict(key.public_jwk)}
    return {"kid": did_url(key.public_jwk, names)}


def certified_reference(key: HolderKey, certificates: Sequence[bytes]) -> JsonObject:
    """The same by `x5c`: the key's certificates (DER), its own first.

    Raises:
        PeerBrokeProtocol: `wallet_attestation_invalid` where they are not of this key.
    """
    own = None
    with suppress(ValueError, IndexError):
        own = x509.load_der_x509_certificate(certificates[0]).public_key()
    if own is None or own != JWKRegistry.import_key(dict(key.public_jwk)).public_key:
        raise PeerBrokeProtocol(
            "wallet_attestation_invalid",
            "the certificate is not of the wallet's key",
            rule=f"{_RULE}.1",
        )
    return {"x5c": [base64.b64encode(one).decode() for one in certificates]}


def proof_signing_input(
    key: HolderKey,
    reference: JsonObject,
    *,
    credential_issuer: str,
    client_id: str,
    nonce: Secret[str] | None,
    now: datetime,
    key_attestation: Secret[str] | None = None,
) -> bytes:
    """What the holder key signs: header and claims of a `jwt` key proof (Appendix F.1).

    Args:
        key: The key.
        reference: Names it, by `key_reference` or `certified_reference`.
        credential_issuer: The audience.
        client_id: Empty where the access token was got anonymously.
        nonce: The `c_nonce`, where the issuer has a nonce endpoint.
        now: The time by the issuer's clock.
        key_attestation: Attests the key, and others perhaps.
    """
    header: JsonObject = {
        "typ": JWT_PROOF_TYPE,
        "alg": key.algorithm,
        **reference,
        **({"key_attestation": key_attestation.reveal()} if key_attestation is not None else {}),
    }
    claims: JsonObject = {
        **({"iss": client_id} if client_id else {}),
        "aud": credential_issuer,
        "iat": int(now.timestamp()),
        **({"nonce": nonce.reveal()} if nonce is not None else {}),
    }
    return signing_input(header, claims)


@dataclass(frozen=True)
class UnsignedPresentation:
    """A Verifiable Presentation that lacks its `proofValue`, and what is signed for it."""

    document: JsonObject
    message: bytes

    def signed(self, signature: bytes) -> JsonObject:
        """The presentation with its proof."""
        proof = self.document["proof"]
        assert isinstance(proof, Mapping)  # noqa: S101 - it was put there below
        return {**self.document, "proof": {**proof, "proofValue": multibase(signature)}}


def presentation(
    key: HolderKey,
    names: str,
    suite: str,
    *,
    credential_issuer: str,
    nonce: Secret[str] | None,
    now: datetime,
) -> UnsignedPresentation:
    """A `di_vp` key proof (Appendix F.2; Data Integrity EdDSA and ECDSA Cryptosuites, JCS).

    Arguments as for `proof_signing_input`; `suite` is one of `CRYPTOSUITES`.
    """
    method = did_url(key.public_jwk, names)
    document: JsonObject = {**_PRESENTATION, "holder": method.partition("#")[0]}
    proof: JsonObject = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "verificationMethod": method,
        "proofPurpose": "authentication",
        "domain": credential_issuer,
        **({"challenge": nonce.reveal()} if nonce is not None else {}),
    }
    return UnsignedPresentation(*_with_proof(document, proof))


def _with_proof(document: JsonObject, proof: JsonObject) -> tuple[JsonObject, bytes]:
    """`document` with `proof`, and the hash data of both (sections 3.3.1 and 3.3.4)."""
    proof = {**proof, "@context": document["@context"]}
    hashes = (hashlib.sha256(canonical_json(one)).digest() for one in (proof, document))
    return {**document, "proof": proof}, b"".join(hashes)
