"""Verifying what a holder key signs as an issuer does it: joserfc, and the public key alone."""

import base64

from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import deserialize_compact

from wallet.records import HolderKey


def signing_input(key: HolderKey, payload: bytes = b"message") -> bytes:
    """What is signed of a JWS (RFC 7515, section 5.1); Ed25519 by its name of RFC 9864."""
    head = f'{{"alg":"{_name(key)}"}}'.encode()
    return b".".join(base64.urlsafe_b64encode(one).rstrip(b"=") for one in (head, payload))


def verify(key: HolderKey, signature: bytes, signed: bytes) -> None:
    """Raise an error of joserfc unless `signature` is that of `key` over `signed`."""
    kind = OKPKey if key.public_jwk["kty"] == "OKP" else ECKey
    jws = b".".join([signed, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()
    public: dict[str, str | list[str]] = {**key.public_jwk}
    deserialize_compact(jws, kind.import_key(public), algorithms=[_name(key)])


def _name(key: HolderKey) -> str:
    return "Ed25519" if key.algorithm == "EdDSA" else key.algorithm
