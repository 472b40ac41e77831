"""kill -9 at every boundary of a run: the wallet goes on, or says what is gone; nothing is lost."""

from pathlib import Path

import pytest

from tests.support.killing import Boundary, Killing
from tests.support.simulator import Simulator


@pytest.mark.timeout(900)
async def test_killed_at_every_boundary(tmp_path: Path, issuer: Simulator) -> None:
    killing = Killing(tmp_path, issuer)
    await killing.create()
    boundaries = list(killing.boundaries("authorization_code"))
    assert len(boundaries) >= 30
    burnt = [await killing.check(boundary) for boundary in boundaries]
    assert 1 <= sum(burnt) <= 3  # a code is good for once: between the answer and its commit


async def test_killed_while_it_goes_on(tmp_path: Path, issuer: Simulator) -> None:
    killing = Killing(tmp_path, issuer)
    await killing.create()
    asked = len(issuer.requests)
    killing.go("authorization_code", Boundary("answer", 5))  # the token endpoint has answered
    killing.go("resumption", Boundary("event", 2))
    killing.go("resumption", Boundary("answer", 1))
    assert await killing.recover() <= 1
    await killing.nothing_lost(Boundary("answer", 5), asked)
