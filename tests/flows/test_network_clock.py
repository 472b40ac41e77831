"""A computer whose clock is wrong: a little does no harm, much is told before anything is lost."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.holder import WillingHolder
from tests.support.misbehaving import Answer, Caller, Fault, front
from tests.support.reference_servers import ReferenceServers, reference_servers
from tests.support.simulator import Simulator
from wallet.app import SystemClock, Wallet
from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.settings import load
from wallet.steps import Step

Off = Callable[[timedelta], None]
LITTLE = [timedelta(minutes=-10, seconds=5), timedelta(minutes=10, seconds=-5)]
MUCH = [timedelta(hours=-24), timedelta(hours=24), timedelta(minutes=-11), timedelta(days=9_000)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Off:
    """Sets the clock of the wallet wrong; the servers keep the right time."""

    def off(by: timedelta) -> None:
        monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + by)

    return off


def issued_at(issuer: Simulator) -> int:
    body = next(body for path, body in issuer.requests if path == "/credential")
    payload = json.loads(body)["proofs"]["jwt"][0].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return int(claims["iat"])


@pytest.mark.parametrize("by", LITTLE)
async def test_a_little(
    by: timedelta, wallet: Wallet, issuer: Simulator, holder: WillingHolder, clock: Off
) -> None:
    clock(by)
    await wallet.add(issuer.offer(), holder)
    assert len(await wallet.cards()) == 1
    assert abs(issued_at(issuer) - time.time()) < 60  # in the issuer's time, not in ours


@pytest.mark.parametrize("by", MUCH)
async def test_much_is_told_before_the_sign_in(
    by: timedelta, wallet: Wallet, issuer: Simulator, holder: WillingHolder, clock: Off
) -> None:
    clock(by)
    with pytest.raises(LocalFailure) as caught:
        await wallet.add(issuer.offer(), holder)
    error = caught.value
    assert (error.code, error.step) == ("clock_wrong", Step.AUTHORIZATION)
    assert error.url == f"{issuer.url}/par"
    assert ("behind" if by < timedelta() else "ahead of") in error.detail
    assert "/authorize" not in [path for path, _ in issuer.requests]
    assert await wallet.cards() == ()


async def test_much_is_told_by_the_nonce_where_nothing_was_pushed(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, clock: Off
) -> None:
    issuer.edits["server_metadata"] = lambda metadata: {
        **metadata,
        "pushed_authorization_request_endpoint": None,
    }
    clock(timedelta(hours=24))
    with pytest.raises(LocalFailure) as caught:
        await wallet.add(issuer.offer(), holder)
    assert (caught.value.code, caught.value.step) == ("clock_wrong", Step.CREDENTIAL)
    assert "/credential" not in [path for path, _ in issuer.requests]


def dated(date: str) -> Fault:
    def fault(caller: Caller, answer: Answer) -> None:
        caller.send(answer.header("Date", date).bytes())

    return fault


async def test_an_issued_credential_is_never_thrown_away_for_a_clock(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    """The servers of token and credential may have any `Date`: what they gave is there."""
    with front(behind=urlsplit(issuer.url).port) as server:
        issuer.url = f"http://127.0.0.1:{server.port}"
        for path in ("/token", "/credential"):
            server.faults[path] = dated("Sun, 06 Nov 1994 08:49:37 GMT")
        await wallet.add(issuer.offer(), holder)
    assert len(await wallet.cards()) == 1


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 06 Nov 1994 08:49:37 +0000"])
async def test_a_service_that_does_not_say_the_time(
    date: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    with front(behind=urlsplit(issuer.url).port) as server:
        issuer.url = f"http://127.0.0.1:{server.port}"
        server.faults |= {"/par": dated(date), "/nonce": dated(date)}
        await wallet.add(issuer.offer(), holder)
    assert abs(issued_at(issuer) - time.time()) < 60


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    with reference_servers(tmp_path_factory.mktemp("servers")) as both:
        yield both


@pytest.mark.parametrize("by", LITTLE)
async def test_an_issuer_that_takes_five_minutes_only(
    by: timedelta, servers: ReferenceServers, tmp_path: Path, clock: Off
) -> None:
    clock(by)
    flags: dict[str, Any] = {
        "data_folder": tmp_path / "wallet",
        "trust_anchor": [str(servers.ca_pem)],
        "loopback_development": True,
    }
    async with Wallet(load(flags, {})) as wallet:
        await wallet.create(Secret("correct horse"))
        await wallet.add(servers.offer(), WillingHolder(browser=servers.browser))
        assert len(await wallet.cards()) == 1
