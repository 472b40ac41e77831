"""A wallet provider for development: it signs whatever is asked, with a key from a file."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc.jwk import JWKRegistry

from wallet.errors import LocalFailure
from wallet.oauth import client_attestation
from wallet.oauth.jwt import compact, signing_input
from wallet.openid4vci import key_attestation
from wallet.ports import Clock
from wallet.records import HolderKey, JsonObject, Secret
from wallet.trust.anchors import name_of
from wallet.wallet_provider.key_file import KeyFile

LIFETIME_S: Final = 3_600


@dataclass(frozen=True)
class DevelopmentProvider:
    """`WalletProvider` in the wallet itself.

    Attributes:
        key: Signs.
        chain: The key's certificates for `x5c`, its own first, without the trust anchor; may be
            empty where who verifies knows the key by its `kid`.
        clock: Dates the attestations.
    """

    key: KeyFile
    chain: tuple[x509.Certificate, ...]
    clock: Clock

    async def client_attestation(self, key: HolderKey, client_id: str) -> Secret[str]:
        """See `wallet.ports.WalletProvider.client_attestation`."""
        claims: JsonObject = {"sub": client_id, "cnf": {"jwk": dict(key.public_jwk)}}
        return self._signed(client_attestation.TYP, claims)

    async def key_attestation(
        self,
        keys: Sequence[HolderKey],
        *,
        nonce: Secret[str] | None,
        required: JsonObject,
        algorithms: Sequence[str],  # noqa: ARG002 - there is one key to sign with
    ) -> Secret[str]:
        """See `wallet.ports.WalletProvider.key_attestation`: what is required is attested."""
        levels = ("key_storage", "user_authentication")
        claims: JsonObject = {
            "attested_keys": [dict(key.public_jwk) for key in keys],
            **{name: required[name] for name in levels if name in required},
            **({"nonce": nonce.reveal()} if nonce is not None else {}),
        }
        return self._signed(key_attestation.TYP, claims)

    async def key_certificates(self, key: HolderKey) -> tuple[bytes, ...]:
        """See `wallet.ports.WalletProvider.key_certificates`: one, by the provider's own key."""
        now = self.clock.now()
        held = JWKRegistry.import_key(dict(key.public_jwk)).public_key
        assert not isinstance(held, bytes)  # noqa: S101 - a holder key has a public part
        own = self.chain[0].subject if self.chain else _name("development wallet provider")
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name("holder key"))
            .issuer_name(own)
            .public_key(held)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + timedelta(seconds=LIFETIME_S))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        chain = (self.key.certify(builder), *self.chain)
        return tuple(certificate.public_bytes(Encoding.DER) for certificate in chain)

    def _signed(self, typ: str, claims: JsonObject) -> Secret[str]:
        ders = (certificate.public_bytes(Encoding.DER) for certificate in self.chain)
        x5c = [base64.b64encode(der).decode() for der in ders]
        header: JsonObject = {
            "typ": typ,
            "alg": self.key.algorithm,
            **({"kid": self.key.kid} if self.key.kid is not None else {}),
            **({"x5c": x5c} if x5c else {}),
        }
        issued = int(self.clock.now().timestamp())
        own: JsonObject = {
            "iss": name_of(self.chain[0]) if self.chain else "development wallet provider",
            "iat": issued,
            "exp": issued + LIFETIME_S,
        }
        message = signing_input(header, {**own, **claims})
        return compact(message, self.key.sign(message))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def load_chain(file: Path) -> tuple[x509.Certificate, ...]:
    """Read the certificates of a PEM file. Raises `LocalFailure("settings_invalid")`."""
    try:
        return tuple(x509.load_pem_x509_certificates(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise LocalFailure("settings_invalid", f"chain {file}: {type(error).__name__}") from None
