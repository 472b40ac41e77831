"""Issuers that are called by a DID: did:jwk, did:key, did:web (DID Core 1.0)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import Field, ValidationError

from wallet.oauth.documents import Document, pointer
from wallet.ports import HttpResponse
from wallet.records import JsonObject
from wallet.strict import base64url, base64url_encode, json_object
from wallet.trust.key_sets import JSON, KEYS_LIMIT, read_json, signing_key
from wallet.urls import is_loopback

DID_DOCUMENT: Final = (*JSON, "application/did+json", "application/did+ld+json", "application/did")
LENGTH_LIMIT: Final = 2_000
RULE: Final = "DID Core 1.0, section 5.2"

DID: Final = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9._%:~-]{1,2000}")
"""Its syntax, with room for the base64url of a did:jwk (DID Core 1.0, section 3.1)."""

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CURVES: Final = {b"\x80\x24": ("P-256", ec.SECP256R1()), b"\x81\x24": ("P-384", ec.SECP384R1())}
"""Multicodec's `p256-pub` and `p384-pub`: compressed points."""
_ED25519: Final = b"\xed\x01"
"""Multicodec's `ed25519-pub`."""
_WEB: Final = re.compile(r"did:web:([A-Za-z0-9.-]+)(?:%3[Aa]([0-9]{1,5}))?((?::[A-Za-z0-9._~-]+)*)")


class VerificationMethod(Document):
    """A key of a DID document."""

    id: str
    controller: str
    public_key_jwk: Mapping[str, Any] | None = Field(default=None, alias="publicKeyJwk")
    public_key_multibase: str | None = Field(default=None, alias="publicKeyMultibase")


class DidDocument(Document):
    """What a did:web leads to."""

    id: str
    verification_method: Sequence[VerificationMethod] = Field(
        default=(), alias="verificationMethod", max_length=KEYS_LIMIT
    )
    assertion_method: Sequence[str | VerificationMethod] = Field(
        default=(), alias="assertionMethod", max_length=KEYS_LIMIT
    )


def key_of(did: str, key_id: str) -> JsonObject | None:
    """The key that a did:jwk or did:key is; None for a DID of another method.

    Args:
        did: The issuer.
        key_id: What names the key: a DID URL or its fragment; empty where nothing does.

    Raises:
        ValueError: It is no key that signs credentials, or `key_id` names another.
    """
    if len(did) > LENGTH_LIMIT:
        message = "the DID is too long"
        raise ValueError(message)
    method, _, named = did.removeprefix("did:").partition(":")
    match method:
        case "jwk":
            key, fragment = signing_key(json_object(base64url(named))), "0"
        case "key":
            key, fragment = multikey(named), named
        case _:
            return None
    if key_id and absolute(key_id, did) != f"{did}#{fragment}":
        message = f"{key_id[:100]!r} is no key of it"
        raise ValueError(message)
    return key


def multikey(text: str) -> JsonObject:
    """The JWK of a Multikey: Ed25519, or a compressed point on P-256 or P-384 (did:key).

    Raises:
        ValueError: It is none.
    """
    if not text.startswith("z") or len(text) > LENGTH_LIMIT:
        message = "no Multikey in base58btc"
        raise ValueError(message)
    data = _base58(text[1:])
    prefix, octets = data[:2], data[2:]
    if prefix == _ED25519:
        return signing_key({"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(octets)})
    if prefix not in _CURVES or not octets or octets[0] not in (2, 3):
        message = "a Multikey of another kind"
        raise ValueError(message)
    name, curve = _CURVES[prefix]
    point = ec.EllipticCurvePublicKey.from_encoded_point(curve, octets).public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = (base64url_encode(one.to_bytes(size)) for one in (point.x, point.y))
    return signing_key({"kty": "EC", "crv": name, "x": x, "y": y})


def did_web_url(did: str) -> str:
    """Where the document of a did:web is (did:web, section 3.2).

    Raises:
        ValueError: It is no did:web.
    """
    found = _WEB.fullmatch(did)
    if found is None or len(did) > LENGTH_LIMIT:
        message = "no did:web"
        raise ValueError(message)
    host, port, path = found[1], found[2], found[3].replace(":", "/")
    scheme = "http" if is_loopback(host) else "https"  # http is for development only, as in URLs
    origin = f"{scheme}://{host}" + (f":{port}" if port else "")
    return f"{origin}{path or '/.well-known'}/did.json"


def read_did_document(response: HttpResponse, did: str, key_id: str) -> tuple[JsonObject, ...]:
    """The keys with which `did` signs credentials: that of `key_id`, or all where none is named.

    Raises:
        ValueError: It is no DID document, another's, or has no such key for assertions.
    """
    try:
        document = DidDocument.model_validate(read_json(response, DID_DOCUMENT))
    except ValidationError as error:
        raise ValueError(pointer(error)) from None
    if document.id != did:
        message = f"it is that of {document.id[:200]!r}"
        raise ValueError(message)
    methods = {absolute(one.id, did): one for one in document.verification_method}
    for one in document.assertion_method:
        if isinstance(one, VerificationMethod):
            methods.setdefault(absolute(one.id, did), one)
    asserting = [
        absolute(one if isinstance(one, str) else one.id, did) for one in document.assertion_method
    ]
    wanted = [absolute(key_id, did)] if key_id else asserting
    found = [methods[one] for one in wanted if one in methods and one in asserting]
    if not found:
        message = f"no key for assertions is called {key_id[:100]!r}"
        raise ValueError(message)
    return tuple(_key(one, did) for one in found)


def absolute(key_id: str, did: str) -> str:
    """The DID URL of a key that may be named by its fragment alone."""
    if key_id.startswith("did:"):
        return key_id
    return f"{did}#{key_id.removeprefix('#')}"


def _key(method: VerificationMethod, did: str) -> JsonObject:
    if method.controller != did:
        message = "the key is controlled by somebody else"
        raise ValueError(message)
    match method.public_key_jwk, method.public_key_multibase:
        case None, str(text):
            return multikey(text)
        case Mapping() as jwk, None:
            return signing_key(jwk)
        case _:
            message = "the key is not there in exactly one form"
            raise ValueError(message)


def _base58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
