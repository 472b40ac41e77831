"""Holder keys: made and used here, kept by the store (RFC 7518, section 3.4; RFC 8037)."""

from typing import TYPE_CHECKING, Final

from wallet.errors import LocalFailure
from wallet.strict import base64url_encode
from wallet.vault.failures import damaged

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

# ruff: noqa: PLC0415 - cryptography is loaded with the first key

CURVES: Final = {"ES256": ("P-256", 32), "ES384": ("P-384", 48)}
"""By JOSE algorithm: the curve, and the bytes of a coordinate and of r and s."""


def new_key(algorithm: str) -> tuple[bytes, dict[str, str]]:
    """A fresh key for ES256, ES384 or Ed25519: its private half in DER, its public one as a JWK."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    match algorithm:
        case "ES256":
            key = ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            key = ec.generate_private_key(ec.SECP384R1())
        case "Ed25519" | "EdDSA":
            key = ed25519.Ed25519PrivateKey.generate()
        case _:
            raise LocalFailure("internal", f"no holder keys for {algorithm[:20]}")
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),  # the store seals it
    )
    return der, public_jwk(key)


def public_jwk(
    key: "ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey",
) -> dict[str, str]:
    """The public half (RFC 7518, section 6.2.1; RFC 8037, section 2)."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes_raw()
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(raw)}
    numbers = key.public_key().public_numbers()
    curve, size = next(one for one in CURVES.values() if one[1] == (key.key_size + 7) // 8)
    coordinates = {"x": numbers.x, "y": numbers.y}
    return {
        "kty": "EC",
        "crv": curve,
        **{name: base64url_encode(value.to_bytes(size)) for name, value in coordinates.items()},
    }


def read_key(der: bytes) -> "ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey":
    """A private key as `new_key` wrote it. Raises `store_damaged`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key = load_der_private_key(der, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise damaged("a holder key cannot be read")
    return key


def signature(der: bytes, message: bytes) -> bytes:
    """The JOSE signature over `message`; for ES256 and ES384 r and s. Raises `store_damaged`."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    key = read_key(der)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    size = (key.key_size + 7) // 8
    digest = hashes.SHA256() if size == CURVES["ES256"][1] else hashes.SHA384()
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
    return r.to_bytes(size) + s.to_bytes(size)
