"""Holder keys for ES256 (RFC 7518, section 3.4): made and used here, kept by the store."""

from wallet.strict import base64url_encode
from wallet.vault.failures import damaged

# ruff: noqa: PLC0415 - cryptography is loaded with the first key


def new_key() -> tuple[bytes, dict[str, str]]:
    """A fresh P-256 key: its private half as PKCS #8 in DER, its public half as a JWK."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private_key = ec.generate_private_key(ec.SECP256R1())
    numbers = private_key.public_key().public_numbers()
    der = private_key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),  # SQLCipher encrypts the page it is written to
    )
    return der, {
        "kty": "EC",
        "crv": "P-256",
        "x": base64url_encode(numbers.x.to_bytes(32)),
        "y": base64url_encode(numbers.y.to_bytes(32)),
    }


def signature(der: bytes, message: bytes) -> bytes:
    """The JOSE signature over `message`: r and s, 64 bytes. Raises `store_damaged`."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    key = serialization.load_der_private_key(der, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise damaged("a key cannot be read")
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)
