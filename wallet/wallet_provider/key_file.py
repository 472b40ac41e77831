"""Private keys from files, as others know them: of this wallet as a client, or of its provider."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from wallet.errors import LocalFailure
from wallet.strict import json_object

ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "EdDSA"}
"""By curve: the algorithm a key signs with."""


@dataclass(frozen=True)
class KeyFile:
    """A `SigningKey` that was read from a file.

    Attributes:
        algorithm: JOSE name.
        kid: From the file; None where it has none, as in PEM.
    """

    algorithm: str
    kid: str | None
    _key: ECKey | OKPKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """See `wallet.ports.SigningKey.sign`."""
        return JWSRegistry.algorithms[self.algorithm].sign(message, self._key)

    def certify(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """The certificate with this key's signature."""
        key = self._key.private_key
        assert isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey)  # noqa: S101 - `load_key`
        if isinstance(key, Ed25519PrivateKey):
            return builder.sign(key, None)
        return builder.sign(key, SHA384() if self.algorithm == "ES384" else SHA256())


def load_key(file: Path) -> KeyFile:
    """Read a private key on P-256, P-384 or Ed25519: PEM without passphrase, or a JWK.

    Raises:
        LocalFailure: `settings_invalid`, naming the file.
    """
    try:
        data = file.read_bytes()
        members = json_object(data) if data.lstrip().startswith(b"{") else {}
        key = _imported(data, {name: str(value) for name, value in members.items()})
        algorithm = ALGORITHMS[key.curve_name]
    except (OSError, JoseError, KeyError, ValueError, TypeError) as error:
        raise LocalFailure("settings_invalid", f"key {file}: {type(error).__name__}") from None
    if not key.is_private:
        raise LocalFailure("settings_invalid", f"key {file}: not a private key")
    kid = members.get("kid")
    return KeyFile(algorithm, str(kid) if kid is not None else None, key)


def _imported(data: bytes, members: dict[str, str]) -> ECKey | OKPKey:
    if members:
        kind = OKPKey if members.get("kty") == "OKP" else ECKey
        names = ("kty", "crv", "x", "y", "d")
        return kind.import_key({name: members[name] for name in names if name in members})
    try:
        return ECKey.import_key(data)
    except (JoseError, ValueError, TypeError):
        return OKPKey.import_key(data)
