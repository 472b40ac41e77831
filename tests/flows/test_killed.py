"""kill -9 at every boundary of a run: the wallet goes on, or says what is gone; nothing is lost."""

from pathlib import Path

import pytest

from tests.support.killing import Boundary, Killing, suit
from tests.support.simulator import Simulator

SINGLE_USE = {
    "authorization_code": (1, 3),
    "pre_authorized_code": (1, 2),
    "several": (1, 3),
    "batch": (1, 3),
    "judged": (1, 3),
    "deferred": (1, 3),
    "refresh": (1, 2),
}
"""By flow, how many kills may cost what is good for once: between an answer and its commit."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("flow", SINGLE_USE)
async def test_killed_at_every_boundary(flow: str, tmp_path: Path, issuer: Simulator) -> None:
    suit(issuer, flow)
    killing = Killing(tmp_path, issuer)
    await killing.create(flow)
    boundaries = list(killing.boundaries(flow))
    assert len(boundaries) >= (20 if flow == "refresh" else 25)
    burnt = [await killing.check(boundary, flow) for boundary in boundaries]
    least, most = SINGLE_USE[flow]
    assert least <= sum(burnt) <= most


async def test_killed_while_it_goes_on(tmp_path: Path, issuer: Simulator) -> None:
    killing = Killing(tmp_path, issuer)
    await killing.create()
    asked = len(issuer.requests)
    killing.go("authorization_code", Boundary("answer", 5))  # the token endpoint has answered
    killing.go("resumption", Boundary("event", 2))
    killing.go("resumption", Boundary("answer", 1))
    async with killing.opened():
        assert await killing.recover() <= 1
        await killing.nothing_lost(Boundary("answer", 5), asked)
