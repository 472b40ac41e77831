"""The certificate of a document signer (ISO/IEC 18013-5, annex B.1.4)."""

from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

MDOC_SIGNER = x509.ObjectIdentifier("1.0.18013.5.1.2")
"""The extended key usage `mdlDS`."""


class UnfitError(ValueError):
    """The certificate cannot have signed such a document; says why."""


def shortcomings(leaf: x509.Certificate, signed: datetime, now: datetime) -> tuple[str, ...]:
    """What the standard asks of the certificate and it lacks, although it may have signed.

    Raises:
        UnfitError: It is not valid now, was not when the document was signed, or is for other
            purposes.
    """
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if not begins <= now <= ends:
        message = "it is not valid now"
        raise UnfitError(message)
    if not begins <= signed <= ends:
        message = "the document was signed when it was not valid"
        raise UnfitError(message)
    purposes = [
        one.value for one in leaf.extensions if isinstance(one.value, x509.ExtendedKeyUsage)
    ]
    if purposes and MDOC_SIGNER not in purposes[0]:
        message = "it is for other purposes than mobile documents"
        raise UnfitError(message)
    lacks = [] if purposes else ["it does not say that it is for mobile documents"]
    if not any(isinstance(one.value, x509.KeyUsage) for one in leaf.extensions):
        lacks.append("it does not say that its key is for signatures")
    return tuple(lacks)


def place_of(leaf: x509.Certificate) -> tuple[str, str]:
    """The country and the state or province of its subject; empty where it names none.

    Raises:
        UnfitError: Its subject can't be read.
    """
    try:
        subject = leaf.subject
    except Exception:  # noqa: BLE001 - `TypeError` and others that have no common base
        message = "its subject can't be read"
        raise UnfitError(message) from None
    named = {one.oid: str(one.value) for one in subject}
    return named.get(NameOID.COUNTRY_NAME, ""), named.get(NameOID.STATE_OR_PROVINCE_NAME, "")
