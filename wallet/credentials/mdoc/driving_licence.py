"""What a mobile driving licence must say besides (ISO/IEC 18013-5, sections 7.1 and 7.2)."""

from typing import Final

from cryptography import x509

from wallet.credentials.mdoc.document_signer import UnfitError, place_of
from wallet.records import JsonObject

DOC_TYPE: Final = "org.iso.18013.5.1.mDL"
NAMESPACE: Final = "org.iso.18013.5.1"

MANDATORY: Final = (
    "family_name",
    "given_name",
    "birth_date",
    "issue_date",
    "expiry_date",
    "issuing_country",
    "issuing_authority",
    "document_number",
    "portrait",
    "driving_privileges",
    "un_distinguishing_sign",
)
"""Section 7.2.1, table 5."""


def check_place(elements: JsonObject, leaf: x509.Certificate) -> None:
    """The licence must name the place that its signer's certificate names, if that names one.

    Raises:
        UnfitError: It does not, or the certificate's subject can't be read.
    """
    country, province = place_of(leaf)
    allowed = {
        "issuing_country": (country,),
        "issuing_jurisdiction": (province, f"{country}-{province}"),
    }
    for name, certified in allowed.items():
        if certified[0] and elements.get(name, certified[0]) not in certified:
            message = f"{name} is not that of its signer's certificate"
            raise UnfitError(message)


def missing(elements: JsonObject) -> tuple[str, ...]:
    """The mandatory elements that are not there."""
    return tuple(name for name in MANDATORY if name not in elements)
