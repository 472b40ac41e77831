"""Trust anchors, and issuer certificates that chain to them (RFC 5280; SD-JWT VC, section 3.5)."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import (
    ExtensionPolicy,
    PolicyBuilder,
    Store,
)

from wallet.errors import LocalFailure
from wallet.records import JsonObject, TrustAnchor
from wallet.strict import base64url_encode
from wallet.trust.dids import DID
from wallet.trust.jwt_vc_issuer import is_web_issuer

CHAIN_LIMIT: Final = 6
FILE_LIMIT_BYTES: Final = 1_000_000

IssuerKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_CURVES: Final = {
    "secp256r1": ("P-256", 32),
    "secp384r1": ("P-384", 48),
    "secp521r1": ("P-521", 66),
}
"""A curve's name in a JWK and its bytes to a coordinate (RFC 7518, section 6.2.1)."""

# Hostile certificates make `cryptography` raise more kinds of error than it documents, among them
# `InvalidVersion` and `TypeError`, which have no common base below `Exception`.


@dataclass(frozen=True)
class Chain:
    """An issuer's certificate chain, read but not yet believed.

    Attributes:
        leaf: The certificate whose key signed.
        intermediates: The others, in the order they came.
        key: The leaf's public key.
    """

    leaf: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    key: IssuerKey

    @property
    def jwk(self) -> JsonObject:
        """The leaf's public key as a JWK (RFC 7518, section 6.2; RFC 8037, section 2)."""
        if isinstance(self.key, ed25519.Ed25519PublicKey):
            x = base64url_encode(self.key.public_bytes_raw())
            return {"kty": "OKP", "crv": "Ed25519", "x": x}
        curve, length = _CURVES[self.key.curve.name]
        point = self.key.public_numbers()
        x, y = (base64url_encode(one.to_bytes(length)) for one in (point.x, point.y))
        return {"kty": "EC", "crv": curve, "x": x, "y": y}


@dataclass(frozen=True)
class Anchors:
    """Whom the holder trusts; may be empty.

    Attributes:
        certificates: Authorities, or issuers themselves.
        issuers: Issuers by their identifiers, URLs or DIDs.
    """

    certificates: tuple[x509.Certificate, ...] = ()
    issuers: frozenset[str] = frozenset()

    def trust(self, chain: Chain, now: datetime) -> str:
        """The name of the anchor that `chain` leads to at `now`.

        The leaf needs no subject alternative name: who the issuer is follows from the anchor.

        Raises:
            ValueError: There is no valid path to an anchor; says why.
        """
        if not self.certificates:
            message = "this wallet has no trust anchors"
            raise ValueError(message)
        if chain.leaf in self.certificates:
            if not chain.leaf.not_valid_before_utc <= now <= chain.leaf.not_valid_after_utc:
                message = "the issuer's certificate is not valid now"
                raise ValueError(message)
            return name_of(chain.leaf)
        verifier = (
            PolicyBuilder()
            .store(Store(list(self.certificates)))
            .time(now)
            .max_chain_depth(CHAIN_LIMIT)
            .extension_policies(
                ca_policy=ExtensionPolicy.webpki_defaults_ca(),
                ee_policy=ExtensionPolicy.permit_all(),
            )
            .build_client_verifier()
        )
        try:
            verified = verifier.verify(chain.leaf, list(chain.intermediates))
        except Exception as error:  # noqa: BLE001
            raise ValueError(str(error)[:200]) from None
        return name_of(verified.chain[-1])


def name_of(certificate: x509.Certificate) -> str:
    """A certificate's common name, or its whole subject."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def read_chain(certificates: Sequence[bytes]) -> Chain:
    """Read an `x5c` or `x5chain`, leaf first, DER.

    Raises:
        ValueError: No or too many certificates, one that can't be read, or a leaf whose key is
            of no kind that signs credentials (P-256, P-384, P-521, Ed25519) or must not sign.
    """
    if not 1 <= len(certificates) <= CHAIN_LIMIT:
        message = f"{len(certificates)} certificates"
        raise ValueError(message)
    try:
        leaf, *others = (x509.load_der_x509_certificate(der) for der in certificates)
        key = leaf.public_key()
        usage = [e.value for e in leaf.extensions if isinstance(e.value, x509.KeyUsage)]
    except Exception as error:  # noqa: BLE001
        message = f"a certificate can't be read: {type(error).__name__}"
        raise ValueError(message) from None
    match key:
        case ed25519.Ed25519PublicKey():
            pass
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            pass
        case _:
            message = "the leaf's key is neither on a NIST curve nor on Ed25519"
            raise ValueError(message)
    if usage and not usage[0].digital_signature:
        message = "the leaf's key is not for signatures"
        raise ValueError(message)
    return Chain(leaf, tuple(others), key)


def read_x5c(header: object) -> Chain:
    """Read an `x5c` header parameter (RFC 7515, section 4.1.6); raises `ValueError`."""
    if not isinstance(header, list) or not all(isinstance(one, str) for one in header):
        message = "the header names no certificate chain"
        raise ValueError(message)
    try:
        return read_chain([base64.b64decode(one, validate=True) for one in header])
    except binascii.Error:
        message = "not base64"
        raise ValueError(message) from None


def fingerprint_of(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate, in hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def load_anchors(files: Sequence[Path], others: Iterable[TrustAnchor] = ()) -> Anchors:
    """The anchors in PEM files, and those that the holder added.

    Raises:
        LocalFailure: `settings_invalid`, naming the file.
    """
    trusted = [one for one in others if one.trusted]
    certificates = [certificate for file in files for certificate in _in_file(file)]
    certificates += [
        x509.load_der_x509_certificate(base64.b64decode(one.value))
        for one in trusted
        if one.kind == "certificate"
    ]
    issuers = frozenset(one.value for one in trusted if one.kind == "issuer")
    return Anchors(tuple(certificates), issuers)


def anchors_in(file: Path) -> tuple[TrustAnchor, ...]:
    """What a file of the settings vouches for; raises as `load_anchors`."""
    return tuple(_anchor(one, None, str(file)) for one in _in_file(file))


def read_anchors(data: bytes, now: datetime) -> tuple[TrustAnchor, ...]:
    """The certificates of a file that the holder chose, PEM or DER.

    Raises:
        LocalFailure: `trust_anchor_unreadable`.
    """
    found: list[x509.Certificate] = []
    if len(data) <= FILE_LIMIT_BYTES:
        try:
            if b"-----BEGIN" in data:
                found = x509.load_pem_x509_certificates(data)
            else:
                found = [x509.load_der_x509_certificate(data)]
            return tuple(_anchor(one, now) for one in found)
        except Exception:  # noqa: BLE001, S110 - as above
            pass
    raise LocalFailure("trust_anchor_unreadable", "no certificate in PEM or DER")


def read_anchor(identifier: str, now: datetime) -> TrustAnchor:
    """The issuer of that identifier, a URL or a DID. Raises as `read_anchors`."""
    if not (is_web_issuer(identifier) or DID.fullmatch(identifier)):
        raise LocalFailure("trust_anchor_unreadable", "neither an https URL nor a DID")
    digest = hashlib.sha256(identifier.encode()).hexdigest()
    return TrustAnchor(digest, "issuer", identifier, identifier, None, now)


def _in_file(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise LocalFailure(
            "settings_invalid", f"trust anchor {file}: {type(error).__name__}"
        ) from None


def _anchor(certificate: x509.Certificate, now: datetime | None, file: str = "") -> TrustAnchor:
    return TrustAnchor(
        id=fingerprint_of(certificate),
        kind="certificate",
        name=name_of(certificate),
        value=base64.b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii"),
        expires_at=certificate.not_valid_after_utc,
        added_at=now,
        file=file,
    )
