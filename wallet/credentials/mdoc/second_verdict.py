"""The second verdict on a mobile document: that of openvc as a whole."""

from collections.abc import Mapping
from datetime import datetime

from cryptography import x509
from openvc.mdoc import MdocTrustError, verify_issuer_signed

from wallet.policy import CLOCK_SKEW_S


def objection(
    decoded: Mapping[object, object], doc_type: str, leaf: x509.Certificate, at: datetime
) -> str | None:
    """Why openvc refuses what the first verdict accepted; empty where it agrees.

    Args:
        decoded: `IssuerSigned` as `openvc.cbor` decodes it.
        doc_type: What it must be.
        leaf: Whose key signed; openvc is made to trust it, because whom to trust is not its
            question.
        at: Aware; when it is to be valid.

    Returns:
        None where openvc gets no further than the certificate.
    """
    document = {"docType": doc_type, "issuerSigned": decoded}
    try:
        verify_issuer_signed(
            document,
            trust_anchors=[leaf],
            now=at,
            leeway_s=CLOCK_SKEW_S,
            expected_doc_type=doc_type,
        )
    except MdocTrustError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no agreement
        return type(error).__name__
    return ""
