"""Certificate chains of issuers, good ones and others (RFC 5280)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Certified:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey


def certified(
    name: str,
    by: Certified | None = None,
    *,
    key: PrivateKey | None = None,
    ca: bool = False,
    signs: bool | None = None,
    begins: timedelta = timedelta(days=-30),
    ends: timedelta = timedelta(days=30),
) -> Certified:
    """A certificate for `name`, from `by` or self-signed, around `NOW`."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    signing_key, issuer = (own, _subject(name)) if by is None else (by.key, by.certificate.subject)
    algorithm = None if isinstance(signing_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    signs = not ca if signs is None else signs
    usage = x509.KeyUsage(signs, False, False, False, False, ca, ca, False, False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(authority, critical=False)
        .sign(signing_key, algorithm)
    )
    return Certified(certificate, own)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
