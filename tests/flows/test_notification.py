"""The issuer is told what was stored; whatever it answers, the credential stays."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.support.holder import WillingHolder
from tests.support.simulator import Simulator
from wallet.app import Wallet
from wallet.errors import VerificationFailed
from wallet.steps import Step


@pytest.mark.parametrize(("status", "again"), [(400, 0), (404, 0), (500, 1), (204, 0)])
async def test_not_02_the_credential_stays(
    status: int, again: int, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def answer(_request: Request) -> Response:
        return Response(status_code=status)

    issuer.answers["/notification"] = answer
    (card,) = (await wallet.add(issuer.offer(), holder)).cards
    assert [one.id for one in await wallet.cards()] == [card.id]
    assert await wallet.pending() == ()  # nothing for the holder to do
    del issuer.answers["/notification"]
    await wallet.catch_up()
    assert len(issuer.notified) == again
    await wallet.catch_up()
    assert len(issuer.notified) == again


async def test_not_01_stopped_by_the_holder(wallet: Wallet, issuer: Simulator) -> None:
    class Stopper(WillingHolder):
        def entered(self, step: Step) -> None:
            super().entered(step)
            if step is Step.VERIFICATION:
                run.cancel()

    run = asyncio.create_task(wallet.add(issuer.offer(), Stopper()))
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await wallet.cards() == ()
    assert await wallet.pending() == ()  # nothing for the holder to do
    await wallet.catch_up()
    notified = {"notification_id": "notification-1", "event": "credential_deleted"}
    assert issuer.notified == [notified]
    assert await wallet._opened().flows() == ()


@pytest.mark.parametrize("event", ["credential_failure", "credential_accepted"])
async def test_not_01_told_later(
    event: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def boom(_request: Request) -> Response:
        return Response(status_code=502)

    issuer.answers["/notification"] = boom
    if event == "credential_failure":
        issuer.edits["payload"] = lambda p: {**p, "exp": 1}
        with pytest.raises(VerificationFailed):
            await wallet.add(issuer.offer(), holder)
    else:
        await wallet.add(issuer.offer(), holder)
    assert await wallet.pending() == ()
    assert await wallet.catch_up() == ()
    issuer.answers.clear()
    assert await wallet.catch_up() == ()
    assert [one["event"] for one in issuer.notified] == [event]
    assert await wallet._opened().flows() == ()


async def test_not_01_told_later_with_a_new_access_token(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def boom(_request: Request) -> Response:
        return Response(status_code=502)

    issuer.refreshes = True
    issuer.answers["/notification"] = boom
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    issuer.answers.clear()
    issuer.expired = {"token-sentinel"}
    assert await wallet.catch_up() == ()
    assert [one["event"] for one in issuer.notified] == ["credential_accepted"]
    assert [one.id for one in await wallet.cards()] == [card.id]
    assert await wallet.refreshable() == {card.id}
    tokens = [path for path, _ in issuer.requests].count("/token")
    assert await wallet.catch_up() == ()
    assert [path for path, _ in issuer.requests].count("/token") == tokens


@pytest.mark.parametrize("refreshes", [True, False])
async def test_not_02_a_token_that_is_never_good_ends_it(
    refreshes: bool, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    """One refresh, and then the issuer is not asked again; the credential stays."""

    async def refuse(_request: Request) -> Response:
        challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
        return Response(status_code=401, headers=challenge)

    issuer.refreshes = refreshes
    issuer.answers["/notification"] = refuse
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    assert [one.id for one in await wallet.cards()] == [card.id]
    asked = len(issuer.requests)
    assert await wallet.catch_up() == ()
    assert len(issuer.requests) == asked
    assert [path for path, _ in issuer.requests].count("/notification") == 1 + refreshes


async def test_not_01_told_when_the_server_is_there_again(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def boom(_request: Request) -> Response:
        return Response(status_code=502)

    issuer.refreshes = True
    issuer.answers["/notification"] = boom
    await wallet.add(issuer.offer(), holder)
    issuer.answers = {"/token": boom}
    issuer.expired = {"token-sentinel"}
    assert await wallet.catch_up() == ()
    assert issuer.notified == []
    issuer.answers.clear()
    assert await wallet.catch_up() == ()
    assert [one["event"] for one in issuer.notified] == ["credential_accepted"]
