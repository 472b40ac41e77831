"""From an offer to stored credentials: the sequence diagram, top to bottom."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace

from wallet.engine.authorize import authorize, redeem, redeem_pre_authorized, refresh
from wallet.engine.exchange import client_for
from wallet.engine.keep import keep
from wallet.engine.notices import tell
from wallet.engine.positions import (
    Asked,
    Asking,
    Authorized,
    Consent,
    Deferred,
    Issued,
    Kept,
    Lost,
    Position,
    PreAuthorized,
    Redirected,
    Refreshing,
    Wanted,
    consent_of,
    credentials_of,
    position_of,
    wanted_of,
)
from wallet.engine.progress import (
    error_of,
    failed,
    given_up,
    held_up,
    may_pass,
    next_place,
    refresh_token_of,
    renewal,
    to_keep,
    unfinished,
)
from wallet.engine.request import (
    granted,
    prepare,
    regranted,
    request_credential,
    request_deferred,
)
from wallet.engine.resolve import Visit, resolve
from wallet.engine.review import review
from wallet.engine.run import Run
from wallet.errors import LocalFailure, PeerRefused, VerificationFailed, WalletError
from wallet.records import Failure, Flow
from wallet.steps import Step


@dataclass(frozen=True)
class Result:
    """What became of an issuance.

    Attributes:
        stored: The ids of the records that were stored or replaced.
        put_off: Whether the issuer put some credentials off.
        failures: The credentials that failed.
    """

    stored: tuple[str, ...]
    put_off: bool
    failures: tuple[Failure, ...]


async def receive(source: str | Visit, run: Run) -> Result:
    """Go the twelve steps of OpenID4VCI 1.0, section 3.4, for the credentials the holder chooses.

    Cancelling the task ends the run wherever it is. Where there is something to lose by then and
    the run ended through no decision, it stays in the journal, for `resume`.

    Args:
        source: An offer's link, or the issuer that the holder comes to without one.
        run: What there is at hand.

    Raises:
        WalletError: With its `step` set. One of several credentials that fails is told in the
            result, and the others come all the same.
    """
    try:
        consent = await review(await resolve(source, run), run)
        return await _go_on(consent, run)
    except WalletError as error:
        run.place(error)
        raise


async def resume(flow: Flow, run: Run) -> Result:
    """Go on with a run that was interrupted or put off, from where the journal says it stands.

    Raises:
        WalletError: As `receive`; `code_used_up` where the interruption cost the sign-in, which
            can then be done again by another `resume`; `offer_used_up` where it cost the offer.
    """
    run = replace(run, flow_id=flow.id)
    position = position_of(flow)
    if isinstance(position, Asked):
        position = position.consent  # its page in the browser is gone: a new request
    try:
        return await _go_on(position, run)
    except WalletError as error:
        run.place(error)
        if error.peer_error != "invalid_grant":
            raise
        match position:
            case Redirected():
                code = "code_used_up"
            case PreAuthorized(transaction_code=None):
                code = "offer_used_up"
            case _:
                raise
        spent = PeerRefused(
            code, error.detail, step=Step.TOKEN, url=error.url, peer_error="invalid_grant"
        )
    if code == "code_used_up":
        consent = consent_of(position)
        # The keys of the client that was went with the row; the next sign-in has its own.
        client = await client_for(consent.server, consent.grant_type, run)
        await run.reach(consent.model_copy(update={"client": client}))
    raise spent


async def renew(flow: Flow, credential_id: str, run: Run) -> Result:
    """Have a stored credential issued anew; the old copies go when the new ones are verified.

    Raises:
        WalletError: As `receive`; `refresh_impossible`. The old copies are there still.
    """
    position = renewal(position_of(flow), credential_id)
    if position is None:
        raise LocalFailure("refresh_impossible")
    run = replace(run, flow_id=flow.id)
    try:
        return await _go_on(position, run)
    except WalletError as error:
        run.place(error)
        raise


async def give_up(flow: Flow, run: Run) -> None:
    """Drop what is under way, and tell an issuer that has delivered already (section 11)."""
    run = replace(run, flow_id=flow.id)
    left = given_up(position_of(flow))
    await _leave(left and await tell(left, run), run)


@dataclass
class _Course:
    """What happened to single credentials in one run, by their places.

    Attributes:
        errors: Those that cannot go on in this run.
        refreshed: Those for which the access token was refreshed.
        put_off: Those that the issuer put off; a later run asks again.
    """

    errors: dict[int, WalletError] = field(default_factory=dict)
    refreshed: set[int] = field(default_factory=set)
    put_off: set[int] = field(default_factory=set)


async def _go_on(position: Position, run: Run) -> Result:
    before = [isinstance(one, Kept) for one in credentials_of(position)]
    course = _Course()
    try:
        while True:
            await run.reach(position)
            further = await _further(position, course, run)
            if further is None:
                break
            position = further
    except asyncio.CancelledError:
        with suppress(WalletError):  # a store that was closed meanwhile keeps the run for later
            await _leave(given_up(position), run)
        raise
    except WalletError as error:
        if not (may_pass(error) and _worth_keeping(position)):
            await _leave(None, run)
        raise
    assert isinstance(position, Authorized)  # noqa: S101 - only there is nothing further
    await _leave(await tell(position, run), run)
    return _result(position, before, course)


async def _further(position: Position, course: _Course, run: Run) -> Position | None:
    """The next position; None where there is nothing more to do now."""
    match position:
        case Consent():
            return await authorize(position, run)
        case Asked():
            return await authorize(position.consent, run)
        case Redirected():
            return await redeem(position, run)
        case PreAuthorized():
            return await redeem_pre_authorized(position, run)
        case Refreshing():
            return await _refreshed(position, course, run)
        case Authorized(credentials=()):
            return granted(position)
        case Authorized():
            done = course.put_off.union(course.errors)
            place = next_place(position, done, run.clock.now())
            return None if place is None else await _one_further(place, position, course, run)


async def _one_further(place: int, position: Authorized, course: _Course, run: Run) -> Position:
    """One credential further; where it fails the others still go on."""
    try:
        match position.credentials[place]:
            case Wanted() as wanted:
                return position.at(place, await prepare(wanted, position, run))
            case Asking() as asking:
                return position.at(place, await request_credential(asking, position, run))
            case Deferred() as deferred:
                return position.at(place, await request_deferred(deferred, position, run))
            case Issued() as issued:
                further = await keep(place, issued, position, run)
                if isinstance(further.credentials[place], Deferred):
                    course.put_off.add(place)
                return further
            case Kept() | Lost():
                return position
    except WalletError as error:
        refresh_token = refresh_token_of(position)
        if error.peer_error == "invalid_token" and place not in course.refreshed and refresh_token:
            course.refreshed.add(place)
            return Refreshing(authorized=position, refresh_token=refresh_token)
        run.place(error)
        course.errors[place] = error
        if may_pass(error):
            return held_up(position, place, run.clock.now())
        discarded = isinstance(error, VerificationFailed) and error.discarded
        return failed(position, place, error.code, discarded=discarded)


async def _refreshed(position: Refreshing, course: _Course, run: Run) -> Authorized:
    """A new access token; where it is refused, what is not stored yet is lost."""
    try:
        return regranted(await refresh(position, run))
    except WalletError as error:
        if may_pass(error):
            raise
        run.place(error)
        spent = error.peer_error == "invalid_grant"
        authorized = position.authorized.model_copy(update={"refreshable": not spent})
        for place, one in enumerate(authorized.credentials):
            if not isinstance(one, Kept | Lost):
                course.errors[place] = error
                authorized = failed(authorized, place, error.code)
        return authorized


def _result(position: Authorized, before: list[bool], course: _Course) -> Result:
    """What became of it; the first error is raised where there is nothing else to tell."""
    stored, failures = [], []
    for place, one in enumerate(position.credentials):
        error = course.errors.get(place)
        if error is None and isinstance(one, Lost) and not one.told:
            error = error_of(one.code)
        if error is not None:
            failures.append(Failure(wanted_of(one).credential_configuration_id, error))
        elif isinstance(one, Kept) and not (place < len(before) and before[place]):
            stored.append(one.credential_id)
    put_off = any(isinstance(one, Deferred) for one in unfinished(position))
    if failures and not stored and not put_off:
        raise failures[0].error
    return Result(tuple(stored), put_off, tuple(failures))


def _worth_keeping(position: Position) -> bool:
    """Whether the run has something that another would not."""
    return not isinstance(position, Consent | Asked)


async def _leave(position: Authorized | None, run: Run) -> None:
    """Leave in the journal what is still of use, or nothing."""
    left = to_keep(position) if position is not None else None
    if left is not None:
        await run.reach(left)
        return
    with suppress(WalletError):  # a store that was closed meanwhile keeps the run for later
        await run.flows.end(run.flow_id)
