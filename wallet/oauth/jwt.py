"""JSON Web Tokens as the wallet makes and reads them (RFC 7515, section 7.1; RFC 7519)."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from wallet.records import JsonObject, Secret
from wallet.strict import base64url, base64url_encode, canonical_json, json_object

ALGORITHMS: Final = ("ES256", "ES384", "Ed25519", "EdDSA")
"""What the holder's keys can sign, best first (RFC 7518, section 3.4; RFC 8037; RFC 9864)."""

_MEMBERS: Final = {"EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
"""Those of a JWK that a thumbprint is over, by `kty` (RFC 7638, section 3.2; RFC 8037, 2)."""


@dataclass(frozen=True)
class Jwt:
    """A signed JWT whose signature nobody has checked.

    Attributes:
        header: The protected header.
        claims: The payload.
    """

    header: JsonObject
    claims: JsonObject = field(repr=False)


def signing_input(header: JsonObject, claims: JsonObject) -> bytes:
    """What is signed of a JWT (RFC 7515, section 5.1)."""
    parts = (json.dumps(part, separators=(",", ":")).encode() for part in (header, claims))
    return ".".join(map(base64url_encode, parts)).encode()


def compact(signed: bytes, signature: bytes) -> Secret[str]:
    """The compact serialization of a signed JWT."""
    return Secret(f"{signed.decode()}.{base64url_encode(signature)}")


def read_jwt(text: str) -> Jwt:
    """Read a compact JWT without looking at its signature.

    Raises:
        ValueError: Not three parts of canonical base64url, the first two JSON objects.
    """
    header, claims, signature = text.split(".")
    base64url(signature)
    return Jwt(json_object(base64url(header)), json_object(base64url(claims)))


def numeric_date(claims: JsonObject, name: str) -> datetime | None:
    """A claim that is a NumericDate (RFC 7519, section 2); None where it is absent.

    Raises:
        ValueError: It is no number, or out of range.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{name} is not a number"
        raise ValueError(message)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        message = f"{name} is out of range"
        raise ValueError(message) from None


def best_algorithm(offered: Collection[str]) -> str | None:
    """The first of `ALGORITHMS` that a peer takes; None where it takes none of them."""
    return next((one for one in ALGORITHMS if one in offered), None)


def thumbprint(jwk: Mapping[str, object]) -> str:
    """The SHA-256 thumbprint of an EC or OKP public key (RFC 7638, section 3).

    Raises:
        ValueError: Another kind of key, or none.
    """
    names = _MEMBERS.get(str(jwk.get("kty")), ())
    members = {name: str(jwk[name]) for name in names if isinstance(jwk.get(name), str)}
    if not names or len(members) < len(names):
        message = "not an EC or OKP public key"
        raise ValueError(message)
    return base64url_encode(hashlib.sha256(canonical_json(members)).digest())
