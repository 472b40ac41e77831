"""Issuing W3C credentials as JWTs (Verifiable Credentials Data Model 1.1, section 6.3.1)."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from reference_servers.credential_issuer.certificates import SigningKey

CONTEXT: Final = "https://www.w3.org/2018/credentials/v1"


def did_of(jwk: Mapping[str, str]) -> str:
    """The did:jwk of a public key."""
    octets = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return f"did:jwk:{base64.urlsafe_b64encode(octets).rstrip(b'=').decode()}"


def subject_of(claims: Mapping[str, Any], holder_jwk: Mapping[str, str] | None) -> dict[str, Any]:
    """A `credentialSubject`, called by the key that it is bound to; None for none.

    Raises:
        ValueError: A claim is called `id`, or as a keyword of JSON-LD.
    """
    if reserved := [name for name in claims if name == "id" or name.startswith("@")]:
        message = f"reserved claim names: {sorted(reserved)}"
        raise ValueError(message)
    return {**({} if holder_jwk is None else {"id": did_of(holder_jwk)}), **claims}


def issue(
    claims: Mapping[str, Any],
    *,
    definition: Mapping[str, Any],
    registered: Mapping[str, Any],
    holder_jwk: Mapping[str, str] | None,
    key: SigningKey,
    issuer_key: str = "x5c",
) -> str:
    """A W3C credential as a JWT.

    Args:
        claims: Of the subject.
        definition: `type`, and with JSON-LD `@context` (OpenID4VCI 1.0, appendix A.1).
        registered: `iss`, `nbf`, `exp`, `status`.
        holder_jwk: The key it is bound to; None for none.
        key: The issuer's.
        issuer_key: How the header names that key: `x5c` or `kid`.

    Raises:
        ValueError: A claim has a reserved name.
    """
    contexts: Sequence[Any] = definition.get("@context", [CONTEXT])
    subject = subject_of(claims, holder_jwk)
    payload = {
        **registered,
        "jti": f"urn:uuid:{uuid4()}",
        **({"sub": subject["id"]} if "id" in subject else {}),
        "vc": {
            "@context": contexts,
            "type": definition["type"],
            "credentialSubject": subject,
        },
    }
    named = {"x5c": list(key.x5c)} if issuer_key == "x5c" else {"kid": key.kid}
    return key.signed("JWT", payload, **named)
