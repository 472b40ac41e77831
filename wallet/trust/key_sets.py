"""The public keys of issuers in the JSON documents that they publish (RFC 7517, section 5)."""

from collections.abc import Mapping, Sequence
from typing import Final

from wallet.oauth.documents import Document
from wallet.ports import HttpResponse
from wallet.records import JsonObject
from wallet.strict import json_object
from wallet.trust.public_keys import public_key

KEYS_LIMIT: Final = 100
JSON: Final = ("application/json",)
JWK_SET: Final = ("application/json", "application/jwk-set+json")

_PUBLIC: Final = ("kty", "crv", "x", "y")
_CURVES: Final = ("P-256", "P-384", "P-521", "Ed25519")


class KeySet(Document):
    """A JWK set; members of a key that are no texts are of no use here."""

    keys: Sequence[Mapping[str, object]]


def read_json(response: HttpResponse, media_types: Sequence[str] = JSON) -> JsonObject:
    """The JSON object of an answer. Raises `ValueError`."""
    if response.media_type not in media_types:
        message = f"Content-Type is {response.media_type[:60] or 'missing'}, not {media_types[0]}"
        raise ValueError(message)
    return json_object(response.body)


def signing_keys(key_set: KeySet, key_id: str) -> tuple[JsonObject, ...]:
    """The keys of a set that may have signed: all of that `kid`, or all where none is named.

    Keys of other kinds, or for another use, are passed over.

    Raises:
        ValueError: There are too many, none fits, or one is private or broken.
    """
    if len(key_set.keys) > KEYS_LIMIT:
        message = f"{len(key_set.keys)} keys"
        raise ValueError(message)
    found = tuple(
        signing_key(one)
        for one in key_set.keys
        if one.get("crv") in _CURVES
        and one.get("use", "sig") == "sig"
        and key_id in ("", one.get("kid"))
    )
    if not found:
        message = f"no key for signatures is called {key_id[:100]!r}" if key_id else "no key fits"
        raise ValueError(message)
    return found


def signing_key(jwk: Mapping[str, object]) -> JsonObject:
    """The public members of a JWK, once it is a key. Raises `ValueError`."""
    if "d" in jwk or jwk.get("use", "sig") != "sig":
        message = "a private key, or one for another use"
        raise ValueError(message)
    public = {name: text for name in _PUBLIC if isinstance(text := jwk.get(name), str)}
    public_key(public)
    return public
