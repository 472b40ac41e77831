"""The holder's public keys by the names that issuers know them by (RFC 7800; did:jwk; did:key)."""

from collections.abc import Mapping
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
            return _is_public(named, jwk)
        except ValueError:
            return False
    return confirmation.get("kid") in [did_url(jwk, method) for method in DID_METHODS]


def names_key(did: str, jwk: Mapping[str, str]) -> bool:
    """Whether a DID is one of the public key `jwk`.

    The JWK in a did:jwk may have further members, and these in any order.
    """
    method, _, named = did.rpartition(":")
    if method != "did:jwk":
        return did == did_url(jwk, "did:key").partition("#")[0]
    try:
        return _is_public(json_object(base64url(named)), jwk)
    except ValueError:
        return False


def _is_public(named: JsonObject, jwk: Mapping[str, str]) -> bool:
    return "d" not in named and thumbprint(named) == thumbprint(jwk)


def _point(jwk: Mapping[str, str]) -> bytes:
    """The key's bytes: those of Ed25519, or a compressed point (SEC 1, section 2.3.3)."""
    x = base64url(jwk["x"])
    if jwk["kty"] == "OKP":
        return x
    return bytes([2 + base64url(jwk["y"])[-1] % 2]) + x
