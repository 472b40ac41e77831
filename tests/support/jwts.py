"""Signed JWTs as a test wants them: any header, any payload, any key (RFC 7515)."""

import base64
import json
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, OKPKey

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

ALGORITHMS: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_HASHES: Final[dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]]] = {
    "secp256r1": hashes.SHA256,
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key(curve: str = "P-256") -> Key:
    curves: dict[str, type[ec.EllipticCurve]] = {
        "P-256": ec.SECP256R1,
        "P-384": ec.SECP384R1,
        "P-521": ec.SECP521R1,
    }
    if curve == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(curves[curve]())


def algorithm_of(key: Key) -> str:
    return "EdDSA" if isinstance(key, ed25519.Ed25519PrivateKey) else ALGORITHMS[key.curve.name]


def public_jwk(key: Key) -> dict[str, str]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        jwk = OKPKey.import_key(key).as_dict(private=False)
    else:
        jwk = ECKey.import_key(key).as_dict(private=False)
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y") if name in jwk}


def signature(key: Key, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(_HASHES[key.curve.name]())))
    length = (key.curve.key_size + 7) // 8
    return r.to_bytes(length) + s.to_bytes(length)


def signed(header: Any, claims: Any, key: Key) -> str:
    """A compact JWS of two documents, or of the very bytes they are to be."""
    written = (
        part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
        for part in (header, claims)
    )
    message = ".".join(map(b64, written))
    return f"{message}.{b64(signature(key, message.encode()))}"


def x5c(*certificates: x509.Certificate) -> list[str]:
    return [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates]
