"""Whether credentials still stand: asked of status lists, on sockets."""

import zlib
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import Response

from tests.support.holder import WillingHolder
from tests.support.simulator import Authority, Simulator, b64
from tests.support.status_lists import TYPE, Lists, listed
from wallet.app import Wallet
from wallet.records import Card, Standing


@pytest.fixture
def lists(issuer: Simulator) -> Lists:
    return listed(issuer)


async def got(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> Card:
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    return card


def standing(card: Card) -> Standing:
    assert card.answer is not None
    return card.answer.standing


async def test_a_credential_is_revoked_and_restored(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, lists: Lists
) -> None:
    card = await got(wallet, issuer, holder)
    assert (card.has_status, card.answer) == (True, None)
    for value, said in [(0, "valid"), (2, "suspended"), (1, "revoked"), (0, "valid")]:
        lists.values[1] = value
        [asked] = await wallet.check_status(card.id)
        assert standing(asked) == said
        assert (await wallet.card(card.id)).answer == asked.answer
        assert (await wallet.card(card.id)).claims == card.claims
    lists.values[1] = 3
    [asked] = await wallet.check_status(card.id)
    assert asked.answer is not None
    assert (asked.answer.standing, asked.answer.reason) == (
        Standing.UNKNOWN, "a status of the issuer's own kind"
    )  # fmt: skip


async def test_tsl_06_each_list_once_and_not_before_its_time(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, lists: Lists
) -> None:
    for _ in range(3):
        await got(wallet, issuer, holder)
    assert lists.asked == 0
    assert [standing(card) for card in await wallet.check_status()] == ["valid"] * 3
    assert lists.asked == 1
    assert await wallet.check_status() == ()
    for card in await wallet.cards():
        await wallet.card(card.id)
    assert lists.asked == 1


async def test_tsl_01_of_an_expired_credential_nobody_is_asked(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, lists: Lists
) -> None:
    edit, ends = issuer.edits["payload"], int(issuer.now().timestamp()) + 1
    issuer.edits["payload"] = lambda payload: {**edit(payload), "exp": ends}
    card = await got(wallet, issuer, holder)
    while not (await wallet.card(card.id)).expired:
        pass
    assert await wallet.check_status() == ()
    assert lists.asked == 0


async def test_a_credential_that_names_no_list(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    card = await got(wallet, issuer, holder)
    assert await wallet.check_status(card.id) == ()
    assert await wallet.check_status() == ()
    assert not card.has_status


async def test_what_one_list_says_is_not_unsaid_by_a_silent_one(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, lists: Lists
) -> None:
    silent = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "suspension",
        "statusListIndex": "1",
        "statusListCredential": f"{issuer.url}/nowhere",
    }
    edit = issuer.edits["payload"]

    def both(payload: dict[str, Any]) -> dict[str, Any]:
        edited: dict[str, Any] = edit(payload)
        return {**edited, "status": {**edited["status"], "credentialStatus": silent}}

    issuer.edits["payload"] = both
    card = await got(wallet, issuer, holder)
    assert standing((await wallet.check_status(card.id))[0]) is Standing.UNKNOWN
    lists.values[1] = 1
    assert standing((await wallet.check_status(card.id))[0]) is Standing.REVOKED


def plain(status: int, body: bytes = b"", kind: str = TYPE) -> Callable[[], Response]:
    return lambda: Response(body, status, media_type=kind)


BROKEN: dict[str, tuple[Callable[[Lists], Any], str]] = {
    "TSL-05 no answer": (lambda one: setattr(one, "answer", plain(503)), "HTTP 503"),
    "TSL-05 gone": (lambda one: setattr(one, "answer", plain(404)), "HTTP 404"),
    "TSL-05 no token": (lambda one: setattr(one, "answer", plain(200, b"x")), "not believed"),
    "TSL-05 no letters": (lambda one: setattr(one, "answer", plain(200, b"\xff")), "ascii"),
    "TSL-02 a page": (
        lambda one: setattr(one, "answer", plain(200, b"<html>", "text/html")), "Content-Type"),
    "TSL-03 of another list": (lambda one: one.members.update(sub="https://a.example"), "sub"),
    "TSL-03 old": (lambda one: one.members.update(exp=1), "expired"),
    "TSL-03 by a stranger": (
        lambda one: setattr(one, "authority", Authority("Stranger")), "somebody else"),
    "TSL-04 too short": (
        lambda one: one.members.update(
            status_list={"bits": 1, "lst": b64(zlib.compress(b""))}), "outside"),
    "too large": (lambda one: setattr(one, "answer", plain(200, b" " * 1_100_000)), "more than"),
    "redirected": (
        lambda one: setattr(
            one, "answer", lambda: Response("", 302, {"location": "https://a.example/"})),
        "HTTP 302"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
async def test_tsl_05_what_cannot_be_believed_is_no_statement(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder, lists: Lists
) -> None:
    spoil, words = BROKEN[name]
    card = await got(wallet, issuer, holder)
    spoil(lists)
    [asked] = await wallet.check_status(card.id)
    assert asked.answer is not None
    assert asked.answer.standing is Standing.UNKNOWN
    assert words in asked.answer.reason
    assert asked.answer.ask_again_at > asked.answer.asked_at


@pytest.mark.parametrize(
    "status",
    [
        {"status_list": {"idx": -1, "uri": "https://a.example"}},
        {"another_list": {"uri": "https://a.example"}},
        {"status_list": {"idx": 1, "uri": "ftp://a.example"}},
        {"status_list": {"idx": 1, "uri": "http://10.0.0.1/"}},
    ],
)
async def test_a_reference_that_cannot_be_followed(
    status: Any, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.edits["payload"] = lambda payload: {**payload, "status": status}
    card = await got(wallet, issuer, holder)
    [asked] = await wallet.check_status(card.id)
    assert standing(asked) is Standing.UNKNOWN


async def test_a_status_while_the_credential_is_removed(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, lists: Lists
) -> None:
    """What is heard of a credential that is gone is dropped."""
    first, second = [await got(wallet, issuer, holder) for _ in range(2)]
    [answer] = {one.answer for one in await wallet.check_status(second.id)}
    assert answer is not None
    await wallet.remove(first.id)
    await wallet._opened().hear(first.id, answer)
    assert [card.id for card in await wallet.cards()] == [second.id]
