"""The steps of an issuance, in the order a holder sees them."""

from enum import StrEnum


class Step(StrEnum):
    """One step of OpenID4VCI 1.0, section 3; the value is stable and appears in traces."""

    OFFER = "offer"
    """The Credential Offer is read (section 4)."""
    ISSUER = "issuer"
    """Issuer and authorization server metadata are fetched (section 12, RFC 8414)."""
    REVIEW = "review"
    """The holder reads what is offered and agrees."""
    AUTHORIZATION = "authorization"
    """Authorization Request and the browser's redirect (section 5)."""
    TOKEN = "token"  # noqa: S105 - the name of a step
    """Token Request (section 6)."""
    CREDENTIAL = "credential"
    """Nonce, key proof and Credential Request (sections 7 and 8)."""
    VERIFICATION = "verification"
    """The credential is verified before it is kept."""
    STORAGE = "storage"
    """The credential is committed to the encrypted store."""
