"""The demo certificate authority, and the issuer's certificate under it (RFC 5280)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry
from jwcrypto.jwk import JWK
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.credential_issuer.data_integrity import ProofKey
from reference_servers.credential_issuer.database import Authority
from reference_servers.credential_issuer.mdoc import DocumentSigner
from reference_servers.credential_issuer.settings import Settings
from reference_servers.jwts import public_jwk
from reference_servers.storage import password

REGISTRY: Final = JWSRegistry(algorithms=["ES256"])
REGISTRY.max_header_length = 16_384
COUNTRY: Final = "XX"
"""Nobody's code (ISO 3166-1): of the CA, and so of the licences that it stands for."""
RENEWED: Final = timedelta(days=30)
DOCUMENT_SIGNER: Final = x509.ObjectIdentifier("1.0.18013.5.1.2")
"""The extended key usage `mdlDS` (ISO/IEC 18013-5, annex B.1.4)."""


@dataclass(frozen=True)
class SigningKey:
    """The issuer's key.

    Attributes:
        jwk: The private key.
        key: The same for the other library.
        x5c: Its certificate, base64 DER, without the trust anchor.
        anchor_pem: The demo CA's certificate.
    """

    jwk: JWK
    key: ECKey
    x5c: tuple[str, ...]
    anchor_pem: bytes

    @property
    def kid(self) -> str:
        """The key's name in the key set: its thumbprint (RFC 7638)."""
        return self.key.thumbprint()

    @property
    def public(self) -> Mapping[str, Any]:
        """The JWK for the key set."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "alg": "ES256", "use": "sig"}

    def signed(self, typ: str, claims: Mapping[str, Any], **header: object) -> str:
        """A JWT by this key; the `header` says which key that is, by `x5c` or by `kid`."""
        whole = {"alg": "ES256", "typ": typ, **header}
        return jwt.encode(whole, dict(claims), self.key, registry=REGISTRY)

    def raw_signature(self, message: bytes) -> bytes:
        """ES256 of what is no JWT."""
        return REGISTRY.algorithms["ES256"].sign(message, self.key)


def signing_key(sessions: sessionmaker[Session], public_url: str, data_dir: Path) -> SigningKey:
    """The issuer's key, made at first start; the CA's certificate is written to `ca.pem`."""
    secret = password(data_dir)
    with sessions.begin() as db:
        if db.get(Authority, "ca") is None:
            _make(db, public_url, secret)
        ca, issuer = db.get_one(Authority, "ca"), db.get_one(Authority, "issuer")
    (data_dir / "ca.pem").write_text(ca.certificate)
    der = _leaf(issuer).public_bytes(serialization.Encoding.DER)
    return SigningKey(
        JWK.from_pem(issuer.private_key.encode(), secret),
        ECKey.import_key(issuer.private_key, password=secret),
        (base64.b64encode(der).decode(),),
        ca.certificate.encode(),
    )


def document_signer(sessions: sessionmaker[Session], data_dir: Path) -> DocumentSigner:
    """What mobile documents are signed with, under the CA that there is.

    It is made at first start, and made anew at a start in its last `RENEWED` (annex B.1.4 allows
    its certificate little more than a year).
    """
    secret = password(data_dir)
    with sessions.begin() as db:
        stored = db.get(Authority, "document-signer")
        if stored is None or _leaf(stored).not_valid_after_utc < datetime.now(UTC) + RENEWED:
            ca_key = _private(db.get_one(Authority, "ca"), secret)
            key = ec.generate_private_key(ec.SECP256R1())
            names = ("OID4VCI Demo Document Signer", "OID4VCI Demo CA")
            new = _certificate(*names, key, ca_key, years=1, purpose=DOCUMENT_SIGNER)
            stored = db.merge(_stored("document-signer", key, new, secret))
        return DocumentSigner(_private(stored, secret), _leaf(stored))


def proof_key(sessions: sessionmaker[Session], settings: Settings) -> ProofKey:
    """What Data Integrity proofs are made with: the issuer's key, or one of Ed25519 of its own."""
    suite, owner, secret = settings.cryptosuite, settings.controller, password(settings.data_dir)
    with sessions.begin() as db:
        if suite.startswith("ecdsa-"):
            private = _private(db.get_one(Authority, "issuer"), secret)
            jwk = ECKey.import_key(private.public_key()).as_dict(private=False)
            return ProofKey(suite, private, public_jwk(jwk), owner)
        stored = db.get(Authority, "ed25519")
        if stored is None:
            new = _encrypted(ed25519.Ed25519PrivateKey.generate(), secret)
            stored = Authority(role="ed25519", private_key=new, certificate="")
            db.add(stored)
        own = serialization.load_pem_private_key(stored.private_key.encode(), secret)
    if not isinstance(own, ed25519.Ed25519PrivateKey):
        message = f"{stored.role}: not a key of Ed25519"
        raise ValueError(message)
    jwk = OKPKey.import_key(own.public_key()).as_dict(private=False)
    return ProofKey(suite, own, public_jwk(jwk), owner)


def encryption_key(sessions: sessionmaker[Session], data_dir: Path) -> ECKey:
    """The key that Credential Requests are encrypted for, made at first start."""
    secret = password(data_dir)
    with sessions.begin() as db:
        stored = db.get(Authority, "encryption")
        if stored is None:
            new = _encrypted(ec.generate_private_key(ec.SECP256R1()), secret)
            stored = Authority(role="encryption", private_key=new, certificate="")
            db.add(stored)
        key = ECKey.import_key(stored.private_key, password=secret)
    key.ensure_kid()
    return key


def _encrypted(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, secret: bytes) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(secret),
    ).decode()


def _make(db: Session, public_url: str, secret: bytes) -> None:
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate("OID4VCI Demo CA", "OID4VCI Demo CA", ca_key, ca_key, years=10)
    leaf = _certificate(
        "OID4VCI Demo Issuer", "OID4VCI Demo CA", key, ca_key, years=2, url=public_url
    )
    for role, private, certificate in (("ca", ca_key, ca), ("issuer", key, leaf)):
        db.add(_stored(role, private, certificate, secret))


def _stored(
    role: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, secret: bytes
) -> Authority:
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return Authority(role=role, private_key=_encrypted(key, secret), certificate=pem)


def _leaf(stored: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(stored.certificate.encode())


def _private(stored: Authority, secret: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(stored.private_key.encode(), secret)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        message = f"{stored.role}: not a key of an elliptic curve"
        raise ValueError(message)
    return key


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    years: int,
    url: str | None = None,
    purpose: x509.ObjectIdentifier | None = None,
) -> x509.Certificate:
    """A CA certificate, with a `url` an issuer's, or that of a key with another `purpose`."""
    now = datetime.now(UTC)
    ca = url is None and purpose is None
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(x509.BasicConstraints(ca, 0 if ca else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if url is not None:
        names = [x509.UniformResourceIdentifier(url)]
        host = urlsplit(url).hostname or ""
        if not host.replace(".", "").isdigit() and ":" not in host:
            names.append(x509.DNSName(host))  # type: ignore[arg-type]  # both are general names
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    return builder.sign(signer, hashes.SHA256())
