"""Several credentials of one offer, and several copies of one credential."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.holder import WillingHolder, batch
from tests.support.simulator import Simulator
from wallet.app import Wallet
from wallet.errors import PeerBrokeProtocol, PeerRefused, Unreachable, VerificationFailed
from wallet.records import Received


@pytest.fixture
def issuer(issuer: Simulator) -> Simulator:
    issuer.names = ["card", "badge", "ticket"]
    return issuer


def names(received: Received) -> list[str]:
    return [card.credential_configuration_id for card in received.cards]


def bodies(issuer: Simulator, path: str) -> list[dict[str, Any]]:
    return [json.loads(body) for asked, body in issuer.requests if asked == path]


def for_badge(issuer: Simulator, refusal: Response) -> None:
    """Give this answer to who asks for the badge."""

    async def answer(request: Request) -> Response:
        if json.loads(await request.body()).get("credential_configuration_id") == "badge":
            return refusal
        return await issuer._right_answer("/credential", request)

    issuer.answers["/credential"] = answer


async def test_cred_08_all_of_them(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    received = await wallet.add(issuer.offer(), holder)
    assert names(received) == ["card", "badge", "ticket"]
    assert (received.pending, received.failures) == (None, ())
    asked = bodies(issuer, "/credential")
    assert [one["credential_configuration_id"] for one in asked] == ["card", "badge", "ticket"]
    assert len({key["x"] for key in issuer.bound}) == 3
    assert len(issuer.notified) == 3
    paths = [path for path, _ in issuer.requests]
    assert (paths.count("/token"), paths.count("/nonce")) == (1, 3)
    assert b"scope=card+badge+ticket" in dict(issuer.requests)["/par"]  # AUTH-04


async def test_what_the_holder_ticks(wallet: Wallet, issuer: Simulator) -> None:
    holder = WillingHolder(chosen=("card", "ticket"))
    received = await wallet.add(issuer.offer(), holder)
    assert names(received) == ["card", "ticket"]
    assert b"scope=card+ticket" in dict(issuer.requests)["/par"]


async def test_auth_02_details_for_each(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    def edit(metadata: dict[str, Any]) -> dict[str, Any]:
        del metadata["credential_configurations_supported"]["badge"]["scope"]
        return {**metadata, "authorization_servers": [issuer.url]}

    issuer.edits["issuer_metadata"] = edit
    details = [
        {"type": "openid_credential", "credential_configuration_id": name,
         "credential_identifiers": [f"{name}-2026"]}
        for name in ("card", "badge")
    ]  # fmt: skip
    issuer.edits["token"] = lambda token: {**token, "authorization_details": details}
    received = await wallet.add(issuer.offer(), holder)
    assert names(received) == ["card", "badge"]
    [failure] = received.failures  # TOK-07: the server granted less
    assert (failure.credential_configuration_id, failure.error.code) == ("ticket", "not_granted")
    asked = bodies(issuer, "/credential")
    assert [one["credential_identifier"] for one in asked] == ["card-2026", "badge-2026"]
    assert await wallet.pending() == ()


REFUSALS = {
    "denied": (JSONResponse({"error": "credential_request_denied"}, 400), PeerRefused),
    "broken": (Response("{", media_type="application/json"), PeerBrokeProtocol),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_one_that_fails_does_not_lose_the_others(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    refusal, fault = REFUSALS[name]
    for_badge(issuer, refusal)
    received = await wallet.add(issuer.offer(), holder)
    assert names(received) == ["card", "ticket"]
    [failure] = received.failures
    assert failure.credential_configuration_id == "badge"
    assert isinstance(failure.error, fault)
    assert len(await wallet.cards()) == 2
    assert await wallet.pending() == ()
    assert len(bodies(issuer, "/credential")) == 3  # ERR-02: denied is not asked for again


async def test_not_01_what_is_not_kept_is_told_as_a_failure(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    vct = "urn:example:badge:1"
    issuer.edits["payload"] = lambda p: {**p, "exp": 1} if p["vct"] == vct else p
    received = await wallet.add(issuer.offer(), holder)
    assert names(received) == ["card", "ticket"]
    [failure] = received.failures
    assert isinstance(failure.error, VerificationFailed)
    assert failure.error.code == "credential_expired"
    events = [(one["notification_id"], one["event"]) for one in issuer.notified]
    assert events == [
        ("notification-1", "credential_accepted"),
        ("notification-2", "credential_failure"),
        ("notification-3", "credential_accepted"),
    ]


async def test_one_that_fails_for_a_while_can_be_got_later(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    for_badge(issuer, Response(status_code=500))
    received = await wallet.add(issuer.offer(), holder)
    assert names(received) == ["card", "ticket"]
    assert [one.error.code for one in received.failures] == ["server_error"]
    [pending] = await wallet.pending()
    assert pending.look.name == "Simulated Badge"
    issuer.answers.clear()
    later = await wallet.resume(pending.id, holder)
    assert names(later) == ["badge"]
    assert len(await wallet.cards()) == 3
    assert await wallet.pending() == ()


async def test_if_all_fail_the_first_error_is_raised(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.edits["issuer_metadata"] = lambda m: {**m, "credential_endpoint": "http://127.0.0.1:1"}
    with pytest.raises(Unreachable, match="unreachable"):
        await wallet.add(issuer.offer(), holder)
    assert len(await wallet.pending()) == 1


# Copies.


@pytest.mark.parametrize(
    ("size", "wanted", "copies"), [(0, 5, 1), (3, 5, 3), (10, 4, 4), (10, 1, 1)]
)
async def test_cred_04_as_many_copies_as_both_want(
    size: int, wanted: int, copies: int, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.names, issuer.batch_size = ["card"], size
    batch(wallet, wanted)
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    assert card.copies == copies
    [asked] = bodies(issuer, "/credential")
    assert len(asked["proofs"]["jwt"]) == copies
    assert len({key["x"] for key in issuer.bound}) == copies
    assert len({proof["nonce"] for proof in issuer.proofs}) == 1  # NON-04
    paths = [path for path, _ in issuer.requests]
    assert (paths.count("/nonce"), paths.count("/notification")) == (1, 1)


async def test_res_02_fewer_copies_than_keys(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.names, issuer.batch_size = ["card"], 5
    batch(wallet, 5)
    issuer.edits["credential_response"] = lambda r: {**r, "credentials": r["credentials"][1:3]}
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    assert card.copies == 2
    assert [one.id for one in await wallet.cards()] == [card.id]


BAD_BATCHES: dict[str, tuple[Callable[[list[Any]], list[Any]], str]] = {
    "RES-02 one twice": (lambda r: [r[0], r[0]], "key_binding_mismatch"),
    "RES-02 one too many": (lambda r: [*r, r[0]], "credential_response_invalid"),
    "RES-02 none": (lambda _: [], "credential_response_invalid"),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
async def test_bad_batches(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    edit, code = BAD_BATCHES[name]
    issuer.names, issuer.batch_size = ["card"], 2
    batch(wallet, 2)
    issuer.edits["credential_response"] = lambda r: {**r, "credentials": edit(r["credentials"])}
    with pytest.raises((VerificationFailed, PeerBrokeProtocol)) as caught:
        await wallet.add(issuer.offer(), holder)
    assert caught.value.code == code
    assert await wallet.cards() == ()


async def test_not_01_a_batch_fails_as_a_whole(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.names, issuer.batch_size = ["card"], 3
    batch(wallet, 3)
    made = iter(range(9))
    issuer.edits["payload"] = lambda p: {**p, "exp": 1} if next(made) == 1 else p
    with pytest.raises(VerificationFailed, match="credential_expired"):
        await wallet.add(issuer.offer(), holder)
    assert [one["event"] for one in issuer.notified] == ["credential_failure"]
