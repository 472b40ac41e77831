"""Hear of a locked session or a sleeping computer by every way this platform has."""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from wallet.ports import Departure

Leave = Callable[[Departure], Awaitable[None]]

CLOCK_INTERVAL_S: Final = 10.0
CLOCK_TOLERANCE_S: Final = 30.0
POLL_INTERVAL_S: Final = 2.0

log = logging.getLogger(__name__)


async def watch(leave: Leave, now: Callable[[], float] = time.time) -> None:
    """Call `leave` whenever the session is locked or the computer goes to sleep; until cancelled.

    A way that does not work here is silent.
    """
    ways = [clock(leave, now)]
    if sys.platform == "linux":
        from wallet.session import linux  # noqa: PLC0415 - one of three

        ways += [linux.screen_saver(leave), linux.logind(leave)]
    elif sys.platform == "win32":
        from wallet.session.windows import session_locked  # noqa: PLC0415

        ways.append(polled(session_locked, leave))
    elif sys.platform == "darwin":
        from wallet.session.macos import session_locked  # noqa: PLC0415

        ways.append(polled(session_locked, leave))
    await asyncio.gather(*map(_quietly, ways))


async def _quietly(way: Coroutine[Any, Any, None]) -> None:
    try:
        await way
    except Exception as error:  # noqa: BLE001 - no bus, no such service, another desktop
        log.debug("not watched: %s", type(error).__name__)


async def clock(leave: Leave, now: Callable[[], float]) -> None:
    """Notice afterwards that the computer slept: the clock on the wall has jumped."""
    while True:
        before = now()
        await asyncio.sleep(CLOCK_INTERVAL_S)
        if now() - before > CLOCK_INTERVAL_S + CLOCK_TOLERANCE_S:
            await leave(Departure.ASLEEP)


async def polled(locked: Callable[[], bool], leave: Leave) -> None:
    """Look every other second whether the session is locked."""
    before = False
    while True:
        after = locked()
        if after and not before:
            await leave(Departure.SESSION_LOCKED)
        before = after
        await asyncio.sleep(POLL_INTERVAL_S)
