"""kill -9 in a run whose tokens are bound to a key and whose messages are encrypted."""

from pathlib import Path

import pytest

from tests.support.demanding import DemandingSimulator
from tests.support.killing import Killing
from tests.support.simulator import simulated


@pytest.mark.timeout(900)
async def test_killed_with_bound_tokens_and_encrypted_messages(tmp_path: Path) -> None:
    with simulated(DemandingSimulator) as issuer:
        issuer.client_id = "oid4vci-wallet"
        issuer.dpop = issuer.nonces = True
        issuer.encrypts = "A256GCM"
        killing = Killing(tmp_path, issuer)
        await killing.create()
        boundaries = list(killing.boundaries("authorization_code"))
        events = [one for one in boundaries if one.kind == "event"]
        chosen = [*events[::3], *(one for one in boundaries if one.kind == "answer")]
        assert len(chosen) >= 20
        burnt = [await killing.check(boundary) for boundary in chosen]
        assert sum(burnt) <= 3
