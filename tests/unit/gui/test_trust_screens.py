"""What the window says of the five levels of trust, and how it is told whom to trust."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.fakeclient import FakeClient
from tests.support.issuer_keys import JWT_VC_ISSUER, Known, by_domain, by_own_key, serve
from tests.support.simulator import Authority, Simulator, simulated_issuer
from tests.unit.gui.test_screens import Desk, opened, pasted
from wallet.gui.state import Place


@pytest.fixture
def issuer() -> Iterator[Simulator]:
    with simulated_issuer() as simulator:
        yield simulator


@pytest.fixture
async def desk(tmp_path: Path, issuer: Simulator) -> AsyncIterator[Desk]:
    (tmp_path / "offered.pem").write_bytes(Authority("Demo Authority").pem)
    one = Desk(tmp_path, issuer)
    yield one
    assert not one.client.crashes
    one.client.close()
    await one.wallet.close()


def unverifiable(issuer: Simulator) -> None:
    by_domain(issuer)
    serve(issuer, JWT_VC_ISSUER, {}, status_code=503)


async def accepted(client: FakeClient, issuer: Simulator) -> None:
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")


async def test_a_trusted_one_is_not_asked_about(desk: Desk, issuer: Simulator) -> None:
    client = await opened(desk)
    await accepted(client, issuer)
    await client.read("trusted by Simulated Root")
    await client.tap("result-open")
    await client.see("detail-trust")
    assert client.id("detail-verify") is None


LEVELS: dict[str, tuple[Known, str]] = {
    "Known by its address only": (by_domain, "Nobody you trust says who that is."),
    "Unknown issuer": (by_own_key, "Anybody could have made it."),
    "Not verified yet": (unverifiable, "its signature is not checked"),
}


@pytest.mark.parametrize("word", LEVELS)
async def test_each_level_is_asked_about_and_told(word: str, desk: Desk, issuer: Simulator) -> None:
    known, sentence = LEVELS[word]
    known(issuer)
    client = await opened(desk)
    await accepted(client, issuer)
    await client.see("judge-level")
    await client.read(word)
    await client.read(sentence)
    await client.tap("judge-details")
    await client.read("2. Issuer:")
    await client.tap("judge-keep")
    await client.read("It is in your wallet")
    await client.read(sentence)
    await client.tap("result-open")
    await client.see("detail-verify")
    await client.read(sentence)
    await client.tap("back")
    await client.see("card-0")
    await client.read(word)


async def test_discarded(desk: Desk, issuer: Simulator) -> None:
    by_domain(issuer)
    client = await opened(desk)
    await accepted(client, issuer)
    await client.tap("judge-discard")
    assert "does not trust" in (await client.see("error-sentence")).value
    await client.tap("error-close")
    await client.see("empty-add")
    assert [one["event"] for one in issuer.notified] == ["credential_deleted"]


async def test_check_now(desk: Desk, issuer: Simulator) -> None:
    unverifiable(issuer)
    client = await opened(desk)
    await accepted(client, issuer)
    await client.tap("judge-keep")
    await client.tap("result-open")
    await client.see("detail-verify")
    by_domain(issuer)
    await client.tap("detail-verify")
    await client.read("Known by its address only")
    serve(issuer, JWT_VC_ISSUER, {"issuer": "https://another.example", "jwks": {"keys": []}})
    await client.tap("detail-verify")
    await client.read("It was checked again, and is not as it should be: Issuer")
    await client.tap("back")
    await client.read("Refused")
    assert len(await desk.wallet.cards()) == 1


async def test_a_question_that_a_lock_interrupts_is_asked_again(
    desk: Desk, issuer: Simulator
) -> None:
    by_domain(issuer)
    client = await opened(desk)
    await accepted(client, issuer)
    await client.see("judge-keep")
    await desk.state.lock()
    await client.type("door-passphrase", "correct horse")
    await client.tap("door-unlock")
    await client.read("It has come. Next, the wallet verifies it")
    await client.tap("pending-0-resume")
    await client.tap("judge-keep")
    await client.see("result-open")


async def test_what_came_while_nobody_looked(desk: Desk, issuer: Simulator) -> None:
    by_domain(issuer)
    issuer.deferrals = 1
    client = await opened(desk)
    await accepted(client, issuer)
    await client.tap("result-done")
    await client.read("whether to keep it is for you to decide")
    await client.tap("news-seen")
    await client.tap("pending-0-resume")
    await client.tap("judge-keep")
    await client.see("result-open")


async def test_whom_the_person_trusts(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(Authority("Other Root").pem)
    client = await opened(desk)
    await client.tap("nav-settings")
    await client.tap("settings-trust")
    await client.see("anchor-0")
    await client.read("By the setting trust_anchor")
    assert client.id("anchor-0-remove") is None
    await client.type("trust-whom", "nonsense")
    await client.tap("trust-add")
    await client.read("neither a certificate nor the address")
    await client.type("trust-whom", str(tmp_path / "other.pem"))
    await client.tap("trust-add")
    await client.read("You trust Other Root from now on.")
    await client.type("trust-whom", "https://issuer.example")
    await client.tap("trust-add")
    await client.see("anchor-2")
    await client.tap("anchor-1-remove")
    await client.tap("anchor-1-keep")
    await client.tap("anchor-1-remove")
    await client.tap("anchor-1-gone")
    await client.gone("anchor-2")
    assert [one.name for one in await desk.wallet.trusted()] == [
        "Simulated Root",
        "https://issuer.example",
    ]
    await client.tap("back")
    await client.see("settings-trust")


@pytest.mark.parametrize("answer", ["yes", "no"])
async def test_an_offered_authority(answer: str, tmp_path: Path, issuer: Simulator) -> None:
    (tmp_path / "offered.pem").write_bytes(Authority("Demo Authority").pem)
    desk = Desk(tmp_path, issuer, offered_anchor=str(tmp_path / "offered.pem"))
    client = await opened(desk)
    await client.see("offered-0")
    await client.read("SHA-256 fingerprint")
    await client.tap(f"offered-{answer}")
    await client.gone("offered-0")
    names = [one.name for one in await desk.wallet.trusted()]
    assert ("Demo Authority" in names) is (answer == "yes")
    await desk.state.lock()
    await client.type("door-passphrase", "correct horse")
    await client.tap("door-unlock")
    await client.see("empty-add")
    assert client.id("offered-0") is None
    client.close()
    await desk.wallet.close()


async def test_a_file_that_is_not_there_keeps_nobody_out(tmp_path: Path, issuer: Simulator) -> None:
    desk = Desk(tmp_path, issuer, offered_anchor=str(tmp_path / "nothing.pem"))
    client = await opened(desk)
    (tmp_path / "root.pem").unlink()
    await desk.state.go(Place.TRUST)
    await client.read("A setting cannot be used.")
    client.close()
    await desk.wallet.close()
