"""Interrupted issuances as a holder sees them."""

from collections.abc import Sequence

from wallet.engine.positions import Asked, Consent, Kept, consent_of, position_of
from wallet.errors import LocalFailure
from wallet.openid4vci.display import look_of
from wallet.records import Flow, Look, PendingIssuance
from wallet.urls import host_of


def pending_of(flow: Flow, languages: Sequence[str]) -> PendingIssuance:
    """How an interrupted issuance presents itself. Total: also where its row cannot be read."""
    try:
        position = position_of(flow)
    except LocalFailure:
        unknown = Look("An issuance that cannot be read")
        return PendingIssuance(flow.id, unknown, Look(""), "", None, False, readable=False)
    consent = consent_of(position)
    issuer = consent.issuer.credential_issuer
    name = consent.credential_configuration_id
    display = consent.configuration.credential_metadata.display
    return PendingIssuance(
        id=flow.id,
        look=look_of(display, languages, name, consent.images),
        issuer=look_of(consent.issuer.display, languages, host_of(issuer), consent.images),
        credential_issuer=issuer,
        began_at=consent.began_at,
        signs_in=isinstance(position, Consent | Asked),
    )


def stored(flow: Flow) -> Kept | None:
    """The position, if only the issuer is left to be told: nothing for the holder to decide."""
    try:
        position = position_of(flow)
    except LocalFailure:
        return None
    return position if isinstance(position, Kept) else None
