"""DIDs that are the key themselves: did:jwk, and did:key with the keys this issuer knows."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc.jwk import ECKey, OKPKey

from reference_servers.jwts import JwtError, public_jwk

BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CURVES: Final[Mapping[bytes, ec.EllipticCurve]] = {
    b"\x80\x24": ec.SECP256R1(),
    b"\x81\x24": ec.SECP384R1(),
}
"""Multicodec prefixes of compressed points: p256-pub, p384-pub."""
ED25519: Final = b"\xed\x01"
JWK_JCS: Final = b"\xd1\xd6\x03"
LIMIT: Final = 2_000


def jwk_of(url: object) -> Mapping[str, str]:
    """The public JWK that a DID URL with fragment names (OpenID4VCI 1.0, appendix F.1).

    Raises:
        JwtError: It is no such URL, or its key is not known here.
    """
    did, mark, fragment = str(url).partition("#")
    method, _, identifier = did.removeprefix("did:").partition(":")
    if not isinstance(url, str) or not mark or len(url) > LIMIT or not did.startswith("did:"):
        raise JwtError("kid is not a DID URL with fragment")
    try:
        if method == "jwk" and fragment == "0":
            octets = base64.urlsafe_b64decode(identifier + "=" * (-len(identifier) % 4))
            return public_jwk(json.loads(octets))
        if method == "key" and fragment == identifier and identifier.startswith("z"):
            return public_jwk(_did_key(base58(identifier[1:])))
    except (ValueError, RecursionError, UnsupportedAlgorithm):
        raise JwtError("kid is a DID without a key") from None
    raise JwtError("kid is neither did:jwk nor did:key")


def _did_key(octets: bytes) -> Any:  # noqa: ANN401 - a JSON value
    prefix = octets[:2]
    if prefix in CURVES:
        point = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[prefix], octets[2:])
        return ECKey.import_key(point).as_dict(private=False)
    if prefix == ED25519:
        key = ed25519.Ed25519PublicKey.from_public_bytes(octets[2:])
        return OKPKey.import_key(key).as_dict(private=False)
    if octets.startswith(JWK_JCS):
        return json.loads(octets[3:])
    raise ValueError


def base58(text: str) -> bytes:
    """Octets of base58btc.

    Raises:
        ValueError: It is not.
    """
    if len(text) > LIMIT:
        raise ValueError
    number = 0
    for character in text:
        number = number * 58 + BASE58.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58_text(octets: bytes) -> str:
    """Octets in base58btc."""
    number, text = int.from_bytes(octets), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(octets) - len(octets.lstrip(b"\0"))) + text
