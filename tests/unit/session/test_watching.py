"""Ways to hear that the person has left, that need no service."""

import asyncio
from collections.abc import Iterator

import pytest

from wallet.ports import Departure
from wallet.session import watching as module
from wallet.session.watching import clock, polled, watch


class Desk:
    def __init__(self) -> None:
        self.departures: list[Departure] = []
        self.left = asyncio.Event()

    async def leave(self, why: Departure) -> None:
        self.departures.append(why)
        self.left.set()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOCK_INTERVAL_S", 0.01)
    monkeypatch.setattr(module, "POLL_INTERVAL_S", 0.01)


def wall(*jumps: float) -> Iterator[float]:
    """A clock on the wall that is looked at before and after each interval."""
    time = 1_000_000.0
    for jump in jumps:
        yield time
        time += 0.01 + jump
        yield time
    raise asyncio.CancelledError


async def test_a_clock_that_jumps_tells_of_sleep() -> None:
    desk, times = Desk(), wall(0, 29, -3600, 31, 0, 36_000)
    with pytest.raises(asyncio.CancelledError):
        await clock(desk.leave, lambda: next(times))
    assert desk.departures == [Departure.ASLEEP] * 2


async def test_a_session_that_is_polled() -> None:
    desk, looks = Desk(), iter([False, True, True, False, True])

    def locked() -> bool:
        found = next(looks, None)
        if found is None:
            raise asyncio.CancelledError
        return found

    with pytest.raises(asyncio.CancelledError):
        await polled(locked, desk.leave)
    assert desk.departures == [Departure.SESSION_LOCKED] * 2


async def test_where_there_is_no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock still tells."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    times = wall(0, 0, 60)
    desk = Desk()
    watching = asyncio.create_task(watch(desk.leave, lambda: next(times)))
    await desk.left.wait()
    watching.cancel()
    assert desk.departures == [Departure.ASLEEP]
