"""From an offer to a stored credential: the sequence diagram, top to bottom."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from wallet.engine.authorize import authorize, redeem
from wallet.engine.keep import keep
from wallet.engine.notices import notify
from wallet.engine.positions import (
    Asked,
    Asking,
    Authorized,
    Consent,
    Issued,
    Kept,
    Position,
    Redirected,
    consent_of,
    position_of,
)
from wallet.engine.request import prepare, request_credential
from wallet.engine.resolve import resolve
from wallet.engine.review import review
from wallet.engine.run import Run
from wallet.errors import LocalFailure, PeerRefused, Unreachable, WalletError
from wallet.records import Flow
from wallet.steps import Step
from wallet.trace import Event


async def receive(offer: str, run: Run) -> str:
    """Go the twelve steps of OpenID4VCI 1.0, section 3.4, for one credential of `offer`.

    Cancelling the task ends the run wherever it is. Where there is something to lose by then and
    the run ended through no decision, it stays in the journal, for `resume`.

    Returns:
        The stored credential's id.

    Raises:
        WalletError: With its `step` set.
    """
    try:
        consent = await review(await resolve(offer, run), run)
        return await _go_on(consent, run)
    except WalletError as error:
        error.step = error.step or _current(run.trace.events)
        raise


async def resume(flow: Flow, run: Run) -> str:
    """Go on with a run that was interrupted, from where the journal says it stands.

    Returns:
        The stored credential's id.

    Raises:
        WalletError: As `receive`; `code_used_up` where the interruption cost the sign-in, which
            can then be done again by another `resume`.
    """
    run = replace(run, flow_id=flow.id)
    position = position_of(flow)
    if isinstance(position, Asked):
        position = position.consent  # its page in the browser is gone: a new request
    try:
        return await _go_on(position, run)
    except PeerRefused as error:
        if not (isinstance(position, Redirected) and error.peer_error == "invalid_grant"):
            error.step = error.step or _current(run.trace.events)
            raise
        spent = PeerRefused(
            "code_used_up", error.detail, step=Step.TOKEN, url=error.url, peer_error="invalid_grant"
        )
    await run.reach(consent_of(position))
    raise spent


async def _go_on(position: Position, run: Run) -> str:
    try:
        while not isinstance(position, Kept):
            await run.reach(position)
            position = await _next(position, run)
    except asyncio.CancelledError:
        await _end(run)
        raise
    except WalletError as error:
        if not _worth_keeping(position, error):
            await _end(run)
        raise
    if await notify(position, run):
        await _end(run)
    return position.credential_id


async def _next(
    position: Consent | Asked | Redirected | Authorized | Asking | Issued, run: Run
) -> Position:
    match position:
        case Consent():
            return await authorize(position, run)
        case Asked():
            return await authorize(position.consent, run)
        case Redirected():
            return await redeem(position, run)
        case Authorized():
            return await prepare(position, run)
        case Asking():
            return await request_credential(position, run)
        case Issued():
            return await keep(position, run)


def _worth_keeping(position: Position, error: WalletError) -> bool:
    """Whether a run that failed may still succeed, and has something that another would not."""
    passing = isinstance(error, Unreachable | LocalFailure) or error.code == "server_error"
    return passing and not isinstance(position, Consent | Asked)


async def _end(run: Run) -> None:
    with suppress(WalletError):  # a store that was closed meanwhile keeps the run for later
        await run.flows.end(run.flow_id)


def _current(events: list[Event]) -> Step | None:
    steps = [Step(event.name) for event in events if event.kind == "step"]
    return steps[-1] if steps else None
