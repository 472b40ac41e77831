"""Certificate chains in the `x5c` header of a JWT (RFC 7515, section 4.1.6; HAIP 1.0)."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc.jwk import ECKey, OKPKey

from reference_servers.jwts import JwtError, PublicKey

LENGTH_LIMIT: Final = 5


def anchors(file: Path | None) -> Sequence[x509.Certificate]:
    """The trust anchors of a PEM file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not such a file.
    """
    return x509.load_pem_x509_certificates(file.read_bytes()) if file else ()


def leaf_key(x5c: object, trusted: Sequence[x509.Certificate] | None = None) -> PublicKey:
    """The public key of a chain's first certificate.

    Args:
        x5c: The header parameter: a chain without its trust anchor.
        trusted: Trust anchors; None where it is of no matter who certified the key.

    Raises:
        JwtError: The chain is broken, out of date, or ends at no trust anchor.
    """
    if not isinstance(x5c, list) or not 0 < len(x5c) <= LENGTH_LIMIT:
        raise JwtError("x5c is not a chain of certificates")
    try:
        chain = [
            x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in x5c
        ]
        for subject, issuer in pairwise(chain):
            _check_issued(subject, issuer)
        if trusted is not None:
            _check_trusted(chain[-1], trusted)
        now = datetime.now(UTC)
        if any(not one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in chain):
            raise JwtError("a certificate of x5c is out of date")
        public = chain[0].public_key()
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise JwtError("x5c is not a chain of certificates") from None
    if isinstance(public, ec.EllipticCurvePublicKey):
        return ECKey.import_key(public)
    if isinstance(public, ed25519.Ed25519PublicKey):
        return OKPKey.import_key(public)
    raise JwtError("the certificate's key is not of an elliptic curve")


def _check_trusted(last: x509.Certificate, trusted: Sequence[x509.Certificate]) -> None:
    if last in trusted or last.issuer == last.subject:
        raise JwtError("x5c must end before the trust anchor")
    for anchor in trusted:
        if anchor.subject == last.issuer:
            _check_issued(last, anchor)
            return
    raise JwtError("x5c ends at no trust anchor of this server")


def _check_issued(subject: x509.Certificate, issuer: x509.Certificate) -> None:
    subject.verify_directly_issued_by(issuer)
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise JwtError("a certificate of x5c is not an authority's") from None
    if not constraints.ca:
        raise JwtError("a certificate of x5c is not an authority's")
