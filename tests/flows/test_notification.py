"""The issuer is told what was stored; whatever it answers, the credential stays."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.support.holder import WillingHolder
from tests.support.simulator import Simulator
from wallet.app import Wallet


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
