"""Issuances that are not over, as a holder sees them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from wallet.engine.positions import (
    Asked,
    Consent,
    Issued,
    consent_of,
    position_of,
    wanted_of,
)
from wallet.engine.progress import (
    has_notices,
    kept_ids,
    put_off_until,
    renewal,
    settled,
    unfinished,
)
from wallet.errors import LocalFailure
from wallet.openid4vci.display import look_of
from wallet.records import Flow, Look, PendingIssuance
from wallet.urls import host_of


def pending_of(flow: Flow, languages: Sequence[str]) -> PendingIssuance | None:
    """How an issuance that is not over presents itself; None for one that is.

    Total: also where its row cannot be read.
    """
    try:
        position = position_of(flow)
    except LocalFailure:
        unknown = Look("An issuance that cannot be read")
        return PendingIssuance(flow.id, unknown, Look(""), "", None, False, readable=False)
    if settled(position):
        return None
    consent = consent_of(position)
    issuer = consent.issuer.credential_issuer
    wanted = [wanted_of(one).credential_configuration_id for one in unfinished(position)]
    looks = [
        look_of(
            consent.issuer.configuration(name).credential_metadata.display,
            languages,
            name,
            consent.images,
        )
        for name in wanted or consent.credential_configuration_ids
    ]
    return PendingIssuance(
        id=flow.id,
        look=replace(looks[0], name=", ".join(dict.fromkeys(one.name for one in looks))),
        issuer=look_of(consent.issuer.display, languages, host_of(issuer), consent.images),
        credential_issuer=issuer,
        began_at=consent.began_at,
        signs_in=isinstance(position, Consent | Asked),
        ask_again_at=put_off_until(position),
        has_come=any(isinstance(one, Issued) for one in unfinished(position)),
    )


def renews(flow: Flow, credential_id: str) -> bool:
    """Whether going on from there can have a stored credential issued anew."""
    try:
        return renewal(position_of(flow), credential_id) is not None
    except LocalFailure:
        return False


def renewable_in(flow: Flow) -> frozenset[str]:
    """The credentials that going on from there can have issued anew."""
    try:
        position = position_of(flow)
    except LocalFailure:
        return frozenset()
    ids = kept_ids(position)
    return frozenset(one for one in ids if renewal(position, one) is not None)


def due(flow: Flow, now: datetime) -> bool:
    """Whether the wallet can go on by itself now: the issuer is to be told, or asked again."""
    try:
        position = position_of(flow)
    except LocalFailure:
        return False
    moment = put_off_until(position)
    waiting = settled(position) or moment is not None
    return (waiting and has_notices(position)) or (moment is not None and moment <= now)


def of_no_use(flow: Flow, credential_ids: Collection[str]) -> bool:
    """Whether a row is kept only for the refresh of credentials that are no longer there."""
    try:
        position = position_of(flow)
    except LocalFailure:
        return False
    over = settled(position) and not has_notices(position)
    return over and not kept_ids(position) & set(credential_ids)
