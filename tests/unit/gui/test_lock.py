"""The lock: what brings the window to the door, and what is left behind it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.fakeclient import FakeClient
from tests.support.holder import follow
from tests.support.processes import vaults
from tests.support.simulator import Simulator, simulated_issuer
from tests.unit.gui.test_screens import Desk, opened, pasted
from wallet.app import Door
from wallet.gui.browser import OneTab
from wallet.gui.screens.door import LEFT
from wallet.gui.state import Place, Working
from wallet.ports import Departure

CLAIM = "Zita-Sentinel"


@pytest.fixture
def issuer() -> Iterator[Simulator]:
    with simulated_issuer() as simulator:
        yield simulator


@pytest.fixture
async def desk(
    tmp_path: Path, issuer: Simulator, request: pytest.FixtureRequest
) -> AsyncIterator[Desk]:
    one = Desk(tmp_path, issuer, **getattr(request, "param", {}))
    yield one
    assert not one.client.crashes
    one.client.close()
    await one.wallet.close()


async def with_a_credential(desk: Desk, issuer: Simulator) -> FakeClient:
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.tap("result-open")
    await client.see("detail-claims")
    await client.tap("detail-technical")
    await client.see("detail-copy")
    return client


async def at_the_door(desk: Desk, client: FakeClient, why: Departure) -> None:
    await client.read(LEFT[why])
    state = desk.state
    await client.until(lambda: state.door is Door.LOCKED)
    assert (state.cards, state.pending, state.shown, state.credential) == ([], [], None, None)
    assert desk.wallet.door is Door.LOCKED
    assert vaults() == []


async def unlocked(client: FakeClient) -> None:
    await client.type("door-passphrase", "correct horse")
    await client.tap("door-unlock")


async def test_by_hand(desk: Desk, issuer: Simulator) -> None:
    client = await with_a_credential(desk, issuer)
    assert any(CLAIM in text for text in client.texts())
    await client.tap("nav-lock")
    await at_the_door(desk, client, Departure.BY_HAND)
    assert not any(CLAIM in text for text in client.texts())
    await unlocked(client)
    await client.see("card-0")  # not the details: those are shown only when they are asked for
    assert desk.state.left is None


async def test_back_to_a_harmless_place(desk: Desk) -> None:
    client = await opened(desk)
    await client.tap("nav-settings")
    await client.tap("nav-lock")
    await unlocked(client)
    await client.see("setting-auto_lock")


@pytest.mark.parametrize("why", [Departure.SESSION_LOCKED, Departure.ASLEEP])
async def test_by_the_session(why: Departure, desk: Desk, issuer: Simulator) -> None:
    client = await with_a_credential(desk, issuer)
    await asyncio.gather(desk.state.lock(why), desk.state.lock(why))
    await at_the_door(desk, client, why)


@pytest.mark.parametrize("desk", [{"auto_lock": "0.3"}], indirect=True)
async def test_after_a_while_without_use(desk: Desk) -> None:
    client = await opened(desk)
    await at_the_door(desk, client, Departure.IDLE)
    await unlocked(client)
    await client.see("empty-add")
    await at_the_door(desk, client, Departure.IDLE)  # and again


@pytest.mark.parametrize("desk", [{"auto_lock": "0.5"}], indirect=True)
async def test_any_use_counts(desk: Desk) -> None:
    client = await opened(desk)
    clock = asyncio.get_running_loop().time
    end = clock() + 1.5
    [window] = [one for one in client.walk() if type(one).__name__ == "GestureDetector"]
    while clock() < end:
        await client.fire(window, "hover")
        assert desk.state.place is Place.CARDS
        await asyncio.sleep(0.05)
    await at_the_door(desk, client, Departure.IDLE)
    assert clock() >= end + 0.4


@pytest.mark.parametrize("desk", [{"auto_lock": "1"}], indirect=True)
async def test_not_while_the_engine_works(desk: Desk, issuer: Simulator) -> None:
    """The person is in their browser, perhaps for minutes."""
    desk.wallet.browses = False
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.see("browser-again")
    clock = asyncio.get_running_loop().time
    began = clock()
    await client.until(lambda: clock() > began + 1.2)
    phase = desk.state.phase
    assert isinstance(phase, Working)
    assert phase.sign_in_url
    await asyncio.to_thread(follow, phase.sign_in_url.reveal())
    await client.see("result-open")
    await at_the_door(desk, client, Departure.IDLE)  # counted from its end


@pytest.mark.parametrize("desk", [{"auto_lock": "1"}], indirect=True)
async def test_a_question_that_nobody_answers(desk: Desk, issuer: Simulator) -> None:
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.see("contact-go")
    await at_the_door(desk, client, Departure.IDLE)
    assert issuer.requests == []


@pytest.mark.parametrize("desk", [{"auto_lock": "0"}], indirect=True)
async def test_never_is_said(desk: Desk) -> None:
    client = await opened(desk)
    await client.tap("nav-settings")
    await client.read("never locks itself")


async def test_during_an_issuance(desk: Desk, issuer: Simulator) -> None:
    """It is cancelled, and can be gone on with."""
    desk.wallet.browses = False
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.see("browser-again")
    await desk.state.lock(Departure.SESSION_LOCKED)
    await at_the_door(desk, client, Departure.SESSION_LOCKED)
    desk.wallet.browses = True
    await unlocked(client)
    await client.tap("pending-0-resume")
    await client.see("result-open")


async def test_while_something_is_asked_for(desk: Desk, issuer: Simulator) -> None:
    client = await with_a_credential(desk, issuer)
    [pid] = vaults()
    os.kill(pid, signal.SIGSTOP)
    looking = asyncio.create_task(desk.state.go(Place.CARDS))
    await client.until(lambda: desk.state.busy)
    locking = asyncio.create_task(desk.state.lock())
    await client.read(LEFT[Departure.BY_HAND])
    os.kill(pid, signal.SIGCONT)
    await asyncio.gather(looking, locking)
    await at_the_door(desk, client, Departure.BY_HAND)
    assert desk.state.failure is None


async def test_while_it_is_being_unlocked(desk: Desk) -> None:
    client = await opened(desk)
    await client.tap("nav-lock")
    await client.type("door-passphrase", "correct horse")
    unlocking = asyncio.create_task(client.tap("door-unlock"))
    await client.until(lambda: desk.state.busy)
    await desk.state.lock(Departure.SESSION_LOCKED)
    await unlocking
    await at_the_door(desk, client, Departure.BY_HAND)


async def test_a_vault_that_stops(desk: Desk, issuer: Simulator) -> None:
    client = await with_a_credential(desk, issuer)
    [pid] = vaults()
    os.kill(pid, signal.SIGKILL)
    await client.read("has stopped. Nothing stored was lost.")
    assert desk.state.cards == []
    await unlocked(client)
    await client.see("card-0")


async def test_a_passphrase_in_a_file_opens_it_at_a_click(
    tmp_path: Path, issuer: Simulator
) -> None:
    (tmp_path / "passphrase").write_text("correct horse")
    desk = Desk(tmp_path, issuer, passphrase_file=tmp_path / "passphrase")
    client = await desk.open()
    await client.tap("nav-lock")
    await client.see("door-open")
    assert desk.wallet.door is Door.LOCKED  # not by itself
    await client.tap("door-open")
    await client.see("empty-add")
    client.close()
    await desk.wallet.close()


async def test_a_window_that_is_away(desk: Desk, issuer: Simulator) -> None:
    """What it would show when it comes back is the door, and nothing of before is kept for it."""
    client = await with_a_credential(desk, issuer)
    await client.session.disconnect(3600)
    await desk.state.lock(Departure.IDLE)
    assert client.id("door-passphrase")
    assert not any(CLAIM in text for text in client.texts())


async def test_another_tab(desk: Desk, issuer: Simulator) -> None:
    tabs = OneTab(desk.wallet)
    first, second = desk.client, FakeClient()
    await first.start(tabs.main)
    await first.type("door-passphrase", "correct horse")
    await first.type("door-passphrase-again", "correct horse")
    await first.tap("door-create")
    await first.see("empty-add")
    await second.start(tabs.main)
    await second.read("open in another tab")
    second.close()
    await first.session.disconnect(3600)
    third = FakeClient()
    await third.start(tabs.main)
    await third.see("door-passphrase")  # it does not go on where the first one was
    assert first.id("door-passphrase")
    await unlocked(third)
    await third.see("empty-add")
    third.close()
