"""How far the credentials of one issuance are, and what follows from it: pure."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta

from wallet.engine.positions import (
    Asking,
    Authorized,
    Deferred,
    Issued,
    Kept,
    Lost,
    Notice,
    Position,
    Progress,
    Refreshing,
    Wanted,
    credentials_of,
    wanted_of,
)
from wallet.errors import MEANINGS, LocalFailure, Unreachable, VerificationFailed, WalletError
from wallet.openid4vci.credential import Delivery, read_credential_response
from wallet.openid4vci.notification import Event
from wallet.openid4vci.token import read_token_response
from wallet.policy import RETRY_S
from wallet.records import Secret
from wallet.report import Report


def next_place(authorized: Authorized, without: Collection[int], now: datetime) -> int | None:
    """The first credential with which something can be done now."""
    for place, one in enumerate(authorized.credentials):
        match one:
            case Deferred(ask_again_at=moment) if moment > now:
                continue
            case Wanted() | Asking() | Issued() | Deferred() if place not in without:
                return place
    return None


def unfinished(position: Position) -> tuple[Progress, ...]:
    """The credentials that may still come."""
    return tuple(one for one in credentials_of(position) if not isinstance(one, Kept | Lost))


def put_off_until(position: Position) -> datetime | None:
    """When the issuer may be asked again; None where something else is to be done as well."""
    moments = [one.ask_again_at for one in unfinished(position) if isinstance(one, Deferred)]
    if not moments or len(moments) < len(unfinished(position)):
        return None
    return min(moments)


def has_notices(position: Position) -> bool:
    """Whether the issuer still has to be told something."""
    return any(
        isinstance(one, Kept | Lost) and one.notice is not None for one in credentials_of(position)
    )


def settled(position: Position) -> bool:
    """Whether there is nothing left for the holder to wait for or to decide."""
    return (
        isinstance(position, Authorized) and bool(position.credentials) and not unfinished(position)
    )


def kept_ids(position: Position) -> frozenset[str]:
    """The records that this issuance stored."""
    return frozenset(one.credential_id for one in credentials_of(position) if isinstance(one, Kept))


def refresh_token_of(authorized: Authorized) -> Secret[str] | None:
    """The refresh token that is good now; a new one of the last answer before an older one."""
    if not authorized.refreshable:
        return None
    with suppress(WalletError):
        token = read_token_response(authorized.answer).refresh_token
        if token is not None:
            return Secret(token.get_secret_value())
    return authorized.refresh_token


def failed(authorized: Authorized, place: int, code: str, *, discarded: bool = False) -> Authorized:
    """The same after one credential failed: a record that it was to replace stays.

    Args:
        authorized: Before.
        place: Which of its credentials.
        code: Why, a code of `wallet.errors`.
        discarded: Whether the holder did not want it.
    """
    one = authorized.credentials[place]
    deleted = discarded or code == "cancelled"
    event: Event = "credential_deleted" if deleted else "credential_failure"
    notice = _notice(one, event)
    wanted = wanted_of(one)
    if wanted.replaces is None:
        return authorized.at(place, Lost(wanted=wanted, code=code, notice=notice))
    kept = wanted.model_copy(update={"replaces": None})
    return authorized.at(place, Kept(wanted=kept, credential_id=wanted.replaces, notice=notice))


def _notice(one: Progress, event: Event) -> Notice | None:
    if isinstance(one, Issued):
        with suppress(WalletError):
            delivery = read_credential_response(one.answer)
            if isinstance(delivery, Delivery) and delivery.notification_id:
                return Notice(notification_id=delivery.notification_id, event=event)
    return None


def may_pass(error: WalletError) -> bool:
    """Whether the same may succeed later."""
    return isinstance(error, Unreachable | LocalFailure) or error.code in ("server_error", "busy")


def held_up(authorized: Authorized, place: int, now: datetime) -> Authorized:
    """The same after one credential could not be asked for: one that was put off waits again."""
    one = authorized.credentials[place]
    if not isinstance(one, Deferred):
        return authorized
    later = now + timedelta(seconds=RETRY_S)
    return authorized.at(place, one.model_copy(update={"ask_again_at": later}))


def given_up(position: Position) -> Authorized | None:
    """What is left when the holder gives up; None where nothing is."""
    authorized = position.authorized if isinstance(position, Refreshing) else position
    if not isinstance(authorized, Authorized):
        return None
    for place, one in enumerate(authorized.credentials):
        if not isinstance(one, Kept | Lost):
            authorized = failed(authorized, place, "cancelled")
    return authorized


def to_keep(authorized: Authorized) -> Authorized | None:
    """What the journal keeps after a run: None where nothing is left to do or to refresh.

    What is lost was told to the holder, and is forgotten once the issuer knows.
    """
    rest = tuple(
        one.model_copy(update={"told": True}) if isinstance(one, Lost) else one
        for one in authorized.credentials
        if not (isinstance(one, Lost) and one.notice is None)
    )
    left = authorized.model_copy(update={"credentials": rest})
    lasting = kept_ids(left) and refresh_token_of(left) is not None
    return left if unfinished(left) or has_notices(left) or lasting else None


def renewal(position: Position, credential_id: str) -> Position | None:
    """The position from which a stored credential is issued anew; None where it cannot be."""
    credentials = credentials_of(position)
    if credential_id in [wanted_of(one).replaces for one in unfinished(position)]:
        return position  # it is under way
    if not isinstance(position, Authorized):
        return None
    refresh_token = refresh_token_of(position)
    for place, one in enumerate(credentials):
        if refresh_token and isinstance(one, Kept) and one.credential_id == credential_id:
            wanted = one.wanted.model_copy(update={"replaces": credential_id})
            return Refreshing(authorized=position.at(place, wanted), refresh_token=refresh_token)
    return None


def error_of(code: str) -> WalletError:
    """The error of a code that the journal kept without its words."""
    fault = MEANINGS[code].fault
    if fault is VerificationFailed:
        return VerificationFailed(code, report=Report(()))
    return fault(code)
