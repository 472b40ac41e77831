"""Issuing mobile documents with the `isomdoc` library (ISO/IEC 18013-5; OpenID4VCI 1.0, A.2)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from cbor2 import CBORTag
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from isomdoc import create_mdoc
from joserfc.jwk import ECKey

DOC_TYPE: Final = "org.iso.18013.5.1.mDL"
NAMESPACE: Final = "org.iso.18013.5.1"
ES256: Final = -7
CURVE: Final = "P-256"
"""Of holders' keys: the library knows no other."""
FULL_DATE: Final = 1004
"""The CBOR tag of a date without time (RFC 8943)."""
DATES: Final = frozenset({"birth_date", "issue_date", "expiry_date"})


@dataclass(frozen=True)
class DocumentSigner:
    """What mobile documents are signed with.

    Attributes:
        key: The private key, of P-256.
        certificate: The document signer's (annex B.1.4).
    """

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def issue(
    claims: Mapping[str, Any],
    *,
    doc_type: str,
    dates: tuple[int, int],
    holder_jwk: Mapping[str, str] | None,
    signer: DocumentSigner,
) -> str:
    """An `IssuerSigned` in base64url.

    Args:
        claims: Elements by namespace; dates as text, pictures as data URIs.
        doc_type: Its `docType`.
        dates: Since when and until when it is valid, in seconds.
        holder_jwk: The key it is bound to, of P-256.
        signer: Who signs it.

    Raises:
        ValueError: There is no key that it can be bound to.
    """
    if holder_jwk is None or holder_jwk.get("crv") != CURVE:
        message = f"a mobile document is bound to a key of {CURVE}"
        raise ValueError(message)
    document = create_mdoc(doc_type, [signer.certificate], signer.key)
    for namespace, members in elements(claims).items():
        for identifier, value in members.items():
            document.add_data_item(namespace, identifier, value)
    begins, ends = (datetime.fromtimestamp(seconds, UTC) for seconds in dates)
    issued = document.generate_credential(
        ECKey.import_key(dict(holder_jwk)).public_key, begins, begins, ends
    )
    return base64.urlsafe_b64encode(issued).rstrip(b"=").decode()


def elements(claims: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The elements by namespace as they are in CBOR: dates are dates, pictures are bytes.

    Raises:
        ValueError: The claims are not by namespace, or a date or a picture is none.
    """
    if not all(isinstance(members, dict) for members in claims.values()):
        message = "the claims of a mobile document are by namespace"
        raise ValueError(message)
    return {namespace: _value("", members) for namespace, members in claims.items()}


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - a JSON value, a CBOR value
    if isinstance(value, dict):
        return {member: _value(member, inner) for member, inner in value.items()}
    if isinstance(value, list):
        return [_value("", inner) for inner in value]
    if name in DATES:
        return CBORTag(FULL_DATE, date.fromisoformat(str(value)).isoformat())
    if isinstance(value, str) and value.startswith("data:"):
        return base64.b64decode(value.partition(",")[2], validate=True)
    return value
