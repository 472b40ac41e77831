"""A mobile document as who debugs it wants to read it."""

from dataclasses import dataclass, field

from wallet.credentials.mdoc.diagnostic import diagnostic
from wallet.credentials.mdoc.issuer_signed import read_issuer_signed
from wallet.records import Secret
from wallet.strict import base64url


@dataclass(frozen=True)
class TechnicalView:
    """Its parts in diagnostic notation.

    Attributes:
        mso: The `MobileSecurityObject`.
        items: Each `IssuerSignedItem`, in the order they came.
    """

    mso: str
    items: tuple[str, ...] = field(repr=False)


def technical_view(credential: Secret[str]) -> TechnicalView:
    """The parts of a mobile document that was found well-formed before.

    Raises:
        ValueError: It was not.
    """
    document = read_issuer_signed(base64url(credential.reveal()))
    return TechnicalView(
        diagnostic(document.payload), tuple(diagnostic(item.encoded) for item in document.items)
    )
