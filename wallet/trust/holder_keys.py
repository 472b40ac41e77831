"""The holder's public keys by the names that issuers know them by (RFC 7800; did:jwk; did:key)."""

from collections.abc import Mapping, Sequence
from typing import Final

from wallet.oauth.jwt import thumbprint
from wallet.records import JsonObject
from wallet.strict import base64url, base64url_encode, canonical_json, json_object

DID_METHODS: Final = ("did:jwk", "did:key")

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MULTICODEC: Final = {"Ed25519": b"\xed\x01", "P-256": b"\x80\x24", "P-384": b"\x81\x24"}
"""Multicodec's `ed25519-pub`, `p256-pub` and `p384-pub`, by a JWK's `crv`."""


def did_url(jwk: Mapping[str, str], method: str) -> str:
    """The DID URL of a public key, with its fragment: what `kid` and `verificationMethod` hold."""
    if method == "did:jwk":
        return f"did:jwk:{base64url_encode(canonical_json(dict(jwk)))}#0"
    name = multibase(_MULTICODEC[jwk["crv"]] + _point(jwk))
    return f"did:key:{name}#{name}"


def multibase(data: bytes) -> str:
    """Multibase with the base58btc alphabet."""
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    zeros = len(data) - len(data.lstrip(b"\0"))
    return f"z{_BASE58[0] * zeros}{digits}"


def confirms(confirmation: JsonObject, jwk: Mapping[str, str]) -> bool:
    """Whether a `cnf` claim (RFC 7800) names the public key `jwk`: as a JWK, or by its DID URL.

    A key that is to be fetched (`jku`) is none, whatever stands beside it.
    """
    if "jku" in confirmation:
        return False
    named = confirmation.get("jwk")
    if isinstance(named, dict):
        try:
            return "d" not in named and thumbprint(named) == thumbprint(jwk)
        except ValueError:
            return False
    return confirmation.get("kid") in [did_url(jwk, method) for method in DID_METHODS]


def names_of(jwks: Sequence[Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """Public keys by what `canonical` makes of their DIDs."""
    return {
        canonical(did_url(jwk, method).partition("#")[0]): jwk
        for jwk in jwks
        for method in DID_METHODS
    }


def canonical(did: str) -> str:
    """The same for every did:jwk of a key, whatever further members it has, in whatever order.

    Other DIDs stay as they are; of a did:jwk that is none nothing is left.
    """
    method, _, named = did.rpartition(":")
    if method != "did:jwk":
        return did
    try:
        jwk = json_object(base64url(named))
        return "" if "d" in jwk else f"{method}:{thumbprint(jwk)}"
    except ValueError:
        return ""


def _point(jwk: Mapping[str, str]) -> bytes:
    """The key's bytes: those of Ed25519, or a compressed point (SEC 1, section 2.3.3)."""
    x = base64url(jwk["x"])
    if jwk["kty"] == "OKP":
        return x
    return bytes([2 + base64url(jwk["y"])[-1] % 2]) + x
