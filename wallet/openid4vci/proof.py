"""Key proofs (OpenID4VCI 1.0, Appendix F)."""

import json
from datetime import datetime
from typing import Final

from wallet.errors import Unsupported
from wallet.openid4vci.issuer_metadata import CredentialConfiguration
from wallet.records import HolderKey, Secret
from wallet.strict import base64url_encode

JWT_PROOF_TYPE: Final = "openid4vci-proof+jwt"
ALGORITHMS: Final = ("ES256",)
"""What the holder's keys can sign, best first."""

_RULE: Final = "OpenID4VCI 1.0, appendix F.1"


def needs_proof(configuration: CredentialConfiguration) -> bool:
    """Whether the credential is bound to a key of the holder (section 12.2.4)."""
    return (
        configuration.proof_types_supported is not None
        or configuration.cryptographic_binding_methods_supported is not None
    )


def proof_algorithm(configuration: CredentialConfiguration) -> str:
    """The algorithm of a `jwt` key proof with a `jwk` header for this configuration.

    Raises:
        Unsupported: `proof_unsupported`, naming what the issuer asks for instead.
    """
    types = configuration.proof_types_supported or {}
    methods = configuration.cryptographic_binding_methods_supported
    if "jwt" not in types:
        raise Unsupported("proof_unsupported", f"proof types {sorted(types)}", rule=_RULE)
    if methods is not None and "jwk" not in methods:
        raise Unsupported("proof_unsupported", f"binding methods {list(methods)}", rule=_RULE)
    if types["jwt"].key_attestations_required is not None:
        raise Unsupported("proof_unsupported", "a key attestation is required", rule=_RULE)
    offered = types["jwt"].proof_signing_alg_values_supported
    for algorithm in ALGORITHMS:
        if algorithm in offered:
            return algorithm
    raise Unsupported("proof_unsupported", f"algorithms {list(offered)}", rule=_RULE)


def proof_signing_input(
    key: HolderKey,
    *,
    credential_issuer: str,
    client_id: str,
    nonce: Secret[str] | None,
    now: datetime,
) -> bytes:
    """What the holder key signs: header and claims of a `jwt` key proof (Appendix F.1).

    `iss` is the `client_id`; it is left out for an access token that was got anonymously.
    """
    header = {"typ": JWT_PROOF_TYPE, "alg": key.algorithm, "jwk": dict(key.public_jwk)}
    claims = {
        **({"iss": client_id} if client_id else {}),
        "aud": credential_issuer,
        "iat": int(now.timestamp()),
        **({"nonce": nonce.reveal()} if nonce is not None else {}),
    }
    parts = (
        base64url_encode(json.dumps(part, separators=(",", ":")).encode())
        for part in (header, claims)
    )
    return ".".join(parts).encode()


def proof_jwt(signing_input: bytes, signature: bytes) -> Secret[str]:
    """The compact JWS of a signed key proof."""
    return Secret(f"{signing_input.decode()}.{base64url_encode(signature)}")
