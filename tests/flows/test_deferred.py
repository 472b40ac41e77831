"""A credential that the issuer puts off (section 9): kept, asked for again, told."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.holder import WillingHolder, batch
from tests.support.simulator import Simulator
from wallet.app import SystemClock, Wallet
from wallet.errors import LocalFailure, PeerBrokeProtocol, PeerRefused
from wallet.records import Received, Secret


@pytest.fixture
def issuer(issuer: Simulator) -> Simulator:
    issuer.deferrals = 1
    return issuer


def paths(issuer: Simulator) -> list[str]:
    return [path for path, _ in issuer.requests if path in ("/credential", "/deferred")]


async def put_off(wallet: Wallet, issuer: Simulator) -> str:
    received = await wallet.add(issuer.offer(), WillingHolder())
    assert received.cards == ()
    assert received.pending is not None
    assert received.pending.ask_again_at is not None
    assert await wallet.pending() == (received.pending,)
    return received.pending.id


async def test_def_01_put_off_once(wallet: Wallet, issuer: Simulator) -> None:
    flow_id = await put_off(wallet, issuer)
    received = await wallet.resume(flow_id, WillingHolder())
    assert len(received.cards) == 1
    assert await wallet.pending() == ()
    assert paths(issuer) == ["/credential", "/deferred"]
    [asked] = [json.loads(body) for path, body in issuer.requests if path == "/deferred"]
    assert set(asked) == {"transaction_id"}
    assert [one["event"] for one in issuer.notified] == ["credential_accepted"]


async def test_def_02_the_interval_is_obeyed(wallet: Wallet, issuer: Simulator) -> None:
    issuer.interval_s = 3600
    before = datetime.now(UTC)
    flow_id = await put_off(wallet, issuer)
    [pending] = await wallet.pending()
    assert pending.ask_again_at is not None
    assert pending.ask_again_at - before >= timedelta(hours=1)
    received = await wallet.resume(flow_id, WillingHolder())
    assert received.pending == pending
    assert await wallet.catch_up() == ()
    assert paths(issuer) == ["/credential"]


async def test_def_05_it_survives_the_end_of_the_process(wallet: Wallet, issuer: Simulator) -> None:
    issuer.deferrals = 2
    flow_id = await put_off(wallet, issuer)
    news: tuple[Received, ...] = ()
    for _ in range(2):
        await wallet.close()
        await wallet.open(Secret("correct horse"))
        assert news == ()
        news = await wallet.catch_up()
    assert [len(one.cards) for one in news] == [1]
    assert flow_id not in [one.id for one in await wallet.pending()]


async def test_it_comes_by_itself_while_the_wallet_is_open(
    wallet: Wallet, issuer: Simulator
) -> None:
    issuer.deferrals = 3
    came: asyncio.Queue[Received] = asyncio.Queue()

    async def tell(news: tuple[Received, ...]) -> None:
        for one in news:
            await came.put(one)

    attending = asyncio.create_task(wallet.attend(tell))
    await put_off(wallet, issuer)
    async with asyncio.timeout(20):
        received = await came.get()
    attending.cancel()
    assert len(received.cards) == 1
    assert paths(issuer) == ["/credential", "/deferred", "/deferred", "/deferred"]


async def test_def_04_denied_is_told_and_over(wallet: Wallet, issuer: Simulator) -> None:
    async def deny(_request: Request) -> Response:
        return JSONResponse({"error": "credential_request_denied"}, 400)

    issuer.answers["/deferred"] = deny
    flow_id = await put_off(wallet, issuer)
    with pytest.raises(PeerRefused) as caught:
        await wallet.resume(flow_id, WillingHolder())
    assert caught.value.peer_error == "credential_request_denied"
    assert await wallet.pending() == ()
    assert paths(issuer) == ["/credential", "/deferred"]


async def test_def_04_denied_in_the_background(wallet: Wallet, issuer: Simulator) -> None:
    async def deny(_request: Request) -> Response:
        return JSONResponse({"error": "credential_request_denied"}, 400)

    issuer.answers["/deferred"] = deny
    await put_off(wallet, issuer)
    [news] = await wallet.catch_up()
    assert [one.error.peer_error for one in news.failures] == ["credential_request_denied"]
    assert await wallet.pending() == ()


async def test_def_03_another_transaction(wallet: Wallet, issuer: Simulator) -> None:
    issuer.deferrals = 5
    issuer.edits["deferral"] = lambda d: {**d, "transaction_id": str(datetime.now(UTC))}

    async def again(_request: Request) -> Response:
        return JSONResponse({"transaction_id": "another", "interval": 1}, 202)

    issuer.answers["/deferred"] = again
    flow_id = await put_off(wallet, issuer)
    with pytest.raises(PeerBrokeProtocol, match="credential_response_invalid"):
        await wallet.resume(flow_id, WillingHolder())


async def test_put_off_without_an_endpoint_to_ask(wallet: Wallet, issuer: Simulator) -> None:
    issuer.edits["issuer_metadata"] = lambda m: {
        name: value for name, value in m.items() if name != "deferred_credential_endpoint"
    }
    with pytest.raises(PeerBrokeProtocol, match="credential_response_invalid"):
        await wallet.add(issuer.offer(), WillingHolder())


async def test_the_network_fails_for_a_while(
    wallet: Wallet, issuer: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def boom(_request: Request) -> Response:
        return Response(status_code=500)

    issuer.answers["/deferred"] = boom
    await put_off(wallet, issuer)
    assert await wallet.catch_up() == ()
    issuer.answers.clear()
    assert await wallet.catch_up() == ()  # it waits a minute before it asks again
    assert len(await wallet.pending()) == 1
    later = datetime.now(UTC) + timedelta(minutes=2)
    monkeypatch.setattr(SystemClock, "now", lambda _: later)
    [news] = await wallet.catch_up()
    assert len(news.cards) == 1


async def test_others_come_at_once(wallet: Wallet, issuer: Simulator) -> None:
    issuer.names = ["card", "badge"]
    issuer.put_off = {"badge"}
    received = await wallet.add(issuer.offer(), WillingHolder())
    assert [card.credential_configuration_id for card in received.cards] == ["card"]
    assert received.pending is not None
    assert received.pending.look.name == "Simulated Badge"
    [news] = await wallet.catch_up()
    assert [card.credential_configuration_id for card in news.cards] == ["badge"]


async def test_a_batch_that_is_put_off(wallet: Wallet, issuer: Simulator) -> None:
    issuer.batch_size = 4
    batch(wallet, 4)
    await put_off(wallet, issuer)
    [news] = await wallet.catch_up()
    assert [card.copies for card in news.cards] == [4]


async def test_dropped(wallet: Wallet, issuer: Simulator) -> None:
    flow_id = await put_off(wallet, issuer)
    await wallet.drop(flow_id)
    assert await wallet.pending() == ()
    with pytest.raises(LocalFailure, match="issuance_not_found"):
        await wallet.resume(flow_id, WillingHolder())
    assert await wallet.catch_up() == ()


async def test_def_01_a_new_access_token_where_the_old_one_has_expired(
    wallet: Wallet, issuer: Simulator
) -> None:
    issuer.refreshes = True
    await put_off(wallet, issuer)
    issuer.expired = {"token-sentinel"}
    [news] = await wallet.catch_up()
    assert len(news.cards) == 1
    grants = [body for path, body in issuer.requests if path == "/token"]
    assert [b"grant_type=refresh_token" in one for one in grants] == [False, True]
    assert [one["event"] for one in issuer.notified] == ["credential_accepted"]


async def test_without_a_new_access_token_it_is_over(wallet: Wallet, issuer: Simulator) -> None:
    await put_off(wallet, issuer)
    issuer.expired = {"token-sentinel"}
    [news] = await wallet.catch_up()
    assert [one.error.peer_error for one in news.failures] == ["invalid_token"]
    assert await wallet.pending() == ()


async def test_the_wait_is_bounded(wallet: Wallet, issuer: Simulator) -> None:
    issuer.interval_s = 10**9
    await put_off(wallet, issuer)
    [pending] = await wallet.pending()
    assert pending.ask_again_at is not None
    assert pending.ask_again_at - datetime.now(UTC) <= timedelta(days=1)
