"""Every screen, with Flet's real component code, a real wallet and a simulated issuer."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import segno

from tests.support.fakeclient import FakeClient
from tests.support.holder import follow
from tests.support.older_drafts import Draft13
from tests.support.simulator import Simulator, simulated, simulated_issuer
from tests.support.status_lists import listed
from wallet.app import Wallet
from wallet.errors import LocalFailure
from wallet.gui.shell import prepare
from wallet.gui.state import Done, Place, WalletState, Working
from wallet.records import Secret
from wallet.settings import load


@pytest.fixture
def issuer() -> Iterator[Simulator]:
    with simulated_issuer() as simulator:
        yield simulator


class Desk:
    """A window in front of a wallet."""

    def __init__(self, folder: Path, issuer: Simulator, **more: object) -> None:
        anchor = folder / "root.pem"
        anchor.write_bytes(issuer.authority.pem)
        flags = {
            "data_folder": folder / "wallet",
            "trust_anchor": [str(anchor)],
            "language": ["en"],
            "key_derivation_ms": "0",
            "loopback_development": True,
            "camera": str(folder / "no-camera.avi"),
            **more,
        }
        self.wallet = TestWallet(load(flags, {}))
        self.state = WalletState(self.wallet)
        self.client = FakeClient()

    async def open(self) -> FakeClient:
        self.client.page.theme = None
        return await self.client.start(lambda page: prepare(page, self.state))


class TestWallet(Wallet):
    """The wallet with a browser that needs no screen."""

    __test__ = False
    browser_works = True
    browses = True

    async def open_in_browser(self, url: Secret[str]) -> None:
        if not self.browser_works:
            raise LocalFailure("browser_failed")
        if self.browses:
            self._visit = asyncio.create_task(asyncio.to_thread(follow, url.reveal()))


@pytest.fixture
async def desk(tmp_path: Path, issuer: Simulator) -> AsyncIterator[Desk]:
    one = Desk(tmp_path, issuer)
    yield one
    assert not one.client.crashes
    one.client.close()
    await one.wallet.close()


async def opened(desk: Desk) -> FakeClient:
    client = await desk.open()
    await client.type("door-passphrase", "correct horse")
    await client.type("door-passphrase-again", "correct horse")
    await client.tap("door-create")
    await client.see("empty-add")
    return client


async def pasted(client: FakeClient, link: str) -> None:
    await client.tap("nav-add")
    await client.type("add-paste-field", link)
    await client.tap("add-paste-go")


async def test_first_start(desk: Desk) -> None:
    client = await desk.open()
    await client.type("door-passphrase", "correct horse")
    await client.type("door-passphrase-again", "correct cart")
    await client.tap("door-create")
    await client.read("The two passphrases differ.")
    await client.type("door-passphrase", "short")
    await client.type("door-passphrase-again", "short")
    await client.tap("door-create")
    await client.read("at least 8 characters")
    assert desk.state.place is Place.DOOR


async def test_what_is_tolerated_is_told_before_it_is_accepted(tmp_path: Path) -> None:
    with simulated(Draft13) as issuer:
        desk = Desk(tmp_path, issuer)
        client = await opened(desk)
        await pasted(client, issuer.offer())
        await client.tap("contact-go")
        await client.read("an older version of the protocol")
        await client.tap("review-deviations")
        await client.read("outside credential_metadata")
        await client.tap("review-deviations")
        await client.gone("review-tolerated")
        await client.tap("review-accept")
        await client.see("result-open")
        client.close()
        await desk.wallet.close()


async def test_the_status_of_a_credential(desk: Desk, issuer: Simulator) -> None:
    lists = listed(issuer)
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.tap("result-open")
    await client.read("has not been asked yet")
    await client.tap("detail-check-status")
    await client.read("Its issuer says that it is valid")
    for value, word in [(2, "Suspended"), (1, "Revoked")]:
        lists.values[1] = value
        await client.tap("detail-check-status")
        await client.read(f"Its issuer has {word.lower()} it")
        await client.read(word)
    lists.members["exp"] = 1
    await client.tap("detail-check-status")
    await client.read("Nobody could tell whether it is still valid")
    await client.read("it expired 1970-01-01")
    lists.members.clear()
    await client.tap("detail-check-status")
    await client.tap("back")
    await client.see("card-0")
    await client.read("Revoked")


async def test_statuses_are_asked_as_the_wallet_opens(desk: Desk, issuer: Simulator) -> None:
    lists = listed(issuer)
    lists.values[1] = 1
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.see("result-open")
    assert lists.asked == 0
    await desk.state.lock()
    await client.type("door-passphrase", "correct horse")
    await client.tap("door-unlock")
    await client.read("Revoked")
    assert lists.asked == 1


async def test_a_locked_wallet(desk: Desk) -> None:
    await desk.wallet.create(Secret("correct horse"))
    await desk.wallet.close()
    client = await desk.open()
    await client.type("door-passphrase", "another horse")
    await client.tap("door-unlock")
    await client.read("not the passphrase")
    await client.type("door-passphrase", "correct horse")
    await client.tap("door-unlock")
    await client.see("empty-add")


async def test_the_whole_way_and_back(desk: Desk, issuer: Simulator) -> None:
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.see("contact-go")
    assert issuer.requests == []
    assert client.id("contact-host").value == issuer.url.removeprefix("http://")
    await client.tap("contact-go")
    await client.see("review-accept")
    await client.read("Simulated Issuer")
    await client.read("Surname")
    await client.tap("review-accept")
    await client.tap("result-open")
    await client.see("detail-claims")
    labels = [
        control.label
        for control in client.walk()
        if type(control).__name__ == "Semantics" and (control.identifier or "").startswith("claim-")
    ]
    assert labels == ["Surname: Quark-Sentinel", "Given name: Zita-Sentinel", "Age: 42"]
    await client.read("trusted by Simulated Root")
    await client.tap("detail-technical")
    await client.see("detail-copy")
    await client.read("3. Signature: passed")
    await client.tap("detail-remove")
    await client.tap("remove-cancel")
    assert len(await desk.wallet.cards()) == 1
    await client.tap("detail-remove")
    await client.tap("remove-confirm")
    await client.see("empty-add")
    assert await desk.wallet.cards() == ()


async def test_several_offered_credentials(desk: Desk, issuer: Simulator) -> None:
    issuer.names = ["card", "badge", "ticket"]
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.see("review-accept")
    first, *_ = [one for one in client.walk() if type(one).__name__ == "Checkbox"]
    await client.fire(first, "change", False, value=False)
    await client.tap("review-accept")
    await client.read("They are in your wallet")
    assert isinstance(desk.state.phase, Done)
    cards = desk.state.phase.received.cards
    assert [card.credential_configuration_id for card in cards] == ["badge", "ticket"]


async def test_off_12_a_transaction_code(desk: Desk, issuer: Simulator) -> None:
    client = await opened(desk)
    tx_code = {"length": 4, "description": "It was sent by post."}
    await pasted(client, issuer.pre_authorized_offer(tx_code, "0042"))
    await client.tap("contact-go")
    await client.read("you type the code")
    await client.tap("review-accept")
    await client.read("It was sent by post.")
    await client.type("code-field", "42")
    await client.tap("code-go")
    await client.read("The code has 4 digits.")
    assert "/token" not in [path for path, _ in issuer.requests]
    await client.type("code-field", "4242")
    await client.tap("code-go")
    await client.read("This code was refused.")
    await client.type("code-field", "0042")
    await client.tap("code-go")
    await client.see("result-open")


async def test_two_ways_to_be_let_in(desk: Desk, issuer: Simulator) -> None:
    client = await opened(desk)
    await pasted(client, issuer.pre_authorized_offer(grants={"authorization_code": {}}))
    await client.tap("contact-go")
    await client.read("by this offer alone")
    [group] = [one for one in client.walk() if type(one).__name__ == "RadioGroup"]
    await client.fire(group, "change", "authorization_code", value="authorization_code")
    await client.read("your browser opens")
    await client.tap("review-accept")
    await client.see("result-open")
    assert "/par" in [path for path, _ in issuer.requests]


async def test_put_off_and_come(desk: Desk, issuer: Simulator) -> None:
    issuer.deferrals = 1
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.read("needs time")
    await client.tap("result-done")
    await client.read("Simulated Card has come.")
    await client.tap("news-seen")
    await client.see("card-0")
    assert desk.state.news == []


async def test_from_an_issuer_and_anew(desk: Desk, issuer: Simulator) -> None:
    issuer.refreshes = True
    client = await opened(desk)
    await client.tap("nav-add")
    await client.type("add-issuer-field", issuer.url)
    await client.tap("add-issuer-go")
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.tap("result-open")
    await client.tap("detail-refresh")
    await client.read("It is in your wallet")
    assert len(issuer.bound) == 2
    assert len(await desk.wallet.cards()) == 1


@pytest.mark.parametrize(("ask", "decline"), [("contact-go", "contact-cancel"),
                                              ("review-accept", "review-decline")])  # fmt: skip
async def test_declined(ask: str, decline: str, desk: Desk, issuer: Simulator) -> None:
    client = await opened(desk)
    await pasted(client, issuer.offer())
    if ask == "review-accept":
        await client.tap("contact-go")
    await client.see(ask)
    await client.tap(decline)
    await client.read("You stopped this.")
    await client.tap("error-close")
    await client.see("empty-add")


async def test_cancelled_while_waiting_for_the_browser(desk: Desk, issuer: Simulator) -> None:
    desk.wallet.browses = False
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.see("browser-again")
    await client.tap("progress-cancel")
    await client.read("You stopped this.")


async def test_a_browser_that_does_not_open(desk: Desk, issuer: Simulator) -> None:
    desk.wallet.browser_works = False
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.read("could not be opened")
    phase = desk.state.phase
    assert isinstance(phase, Working)
    assert phase.sign_in_url
    await asyncio.to_thread(follow, phase.sign_in_url.reveal())
    await client.see("result-open")


async def test_an_error_in_two_layers(desk: Desk, issuer: Simulator) -> None:
    issuer.edits["credential"] = lambda credential: credential[:-1]
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    assert "broken and was not stored" in (await client.see("error-sentence")).value
    assert client.id("error-code") is None
    await client.tap("error-details")
    await client.see("error-code")
    await client.read("RFC 9901, section 4")
    await client.tap("error-details")
    await client.gone("error-code")
    await client.tap("error-close")
    await client.see("empty-add")


async def test_no_offer_and_no_camera(desk: Desk) -> None:
    client = await opened(desk)
    await pasted(client, "https://example.com")
    await client.read("This is not a credential offer.")
    await client.tap("add-camera")
    await client.read("No camera can be opened.")
    await client.see("add-paste-go")


async def test_a_picture_of_the_code(desk: Desk, issuer: Simulator) -> None:
    client = await opened(desk)
    await client.tap("nav-add")
    out = io.BytesIO()
    segno.make_qr(issuer.offer()).save(out, kind="png", scale=5)
    client.answers["pick_files"] = [
        {"id": 1, "name": "offer.png", "size": 1, "path": None, "bytes": out.getvalue()}
    ]
    await client.tap("add-image")
    await client.see("contact-go")
    await client.tap("contact-cancel")
    await client.read("You stopped this.")


async def test_settings(desk: Desk) -> None:
    client = await opened(desk)
    await client.tap("nav-settings")
    await client.see("setting-client_id")
    await client.read("Profile default")


@pytest.mark.parametrize("width", [420, 1280])
async def test_narrow_and_wide(width: int, desk: Desk, issuer: Simulator) -> None:
    desk.client = FakeClient(width=width)
    client = await opened(desk)
    assert desk.state.wide is (width > 600)
    for _ in range(3):
        await pasted(client, issuer.offer())
        await client.tap("contact-go")
        await client.tap("review-accept")
        await client.tap("result-done")
        await client.see("card-0")
    await client.see("card-2")
    desk.state.cards = [replace(card, expired=True) for card in desk.state.cards]
    await client.read("Expired")
    await client.tap("card-1")
    await client.see("detail-claims")


@pytest.mark.parametrize("on", [True, False])
async def test_the_setting_for_development_is_seen_everywhere(
    on: bool, tmp_path: Path, issuer: Simulator
) -> None:
    desk = Desk(tmp_path, issuer, loopback_development=on)
    client = await opened(desk)
    for place, there in (
        (Place.CARDS, "empty-add"),
        (Place.ADD, "add-paste-field"),
        (Place.SETTINGS, "settings-protection"),
        (Place.PROTECTION, "protection-how"),
    ):
        await desk.state.go(place)
        await client.see(there)
        assert any(text.startswith("For development") for text in client.texts()) is on
    client.close()
    await desk.wallet.close()
