"""kill -9 after every event of a run: the wallet starts again, its store whole, nothing half.

The places to kill at are the run's own trace: every step's beginning, and the end of every request,
key operation and store operation between them.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.simulator import Simulator
from wallet.app import Wallet
from wallet.records import Card, Secret
from wallet.settings import load
from wallet.steps import Step

SCRIPT = """
import asyncio, json, os, signal, sys
from tests.support.holder import WillingHolder
from wallet.app import Wallet
from wallet.records import Secret
from wallet.settings import load
from wallet.trace import Trace

class Fuse(list):
    def append(self, event):
        super().append(event)
        if len(self) == int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    folder, anchor, offer = sys.argv[1:4]
    flags = {"data_folder": folder, "trust_anchor": [anchor], "loopback_development": True}
    settings = load(flags, {})
    async with Wallet(settings) as wallet:
        await wallet.open(Secret("correct horse"))
        trace = Trace(events=Fuse())
        await wallet.add(offer, WillingHolder(), trace)
        print(json.dumps([(event.kind, event.name) for event in trace.events]))

asyncio.run(main())
"""


def run(folder: Path, anchor: Path, offer: str, fuse: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(anchor), offer, str(fuse)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.timeout(600)
async def test_killed_after_every_event(tmp_path: Path, issuer: Simulator) -> None:
    folder, anchor = tmp_path / "wallet", tmp_path / "root.pem"
    anchor.write_bytes(issuer.authority.pem)
    wallet = Wallet(load({"data_folder": folder}, {}))
    await wallet.create(Secret("correct horse"))
    await wallet.close()

    whole = run(folder, anchor, issuer.offer(), fuse=0)
    assert whole.returncode == 0, whole.stderr
    events: list[list[str]] = json.loads(whole.stdout)
    assert [name for kind, name in events if kind == "step"] == list(Step)
    asked = [name.partition(issuer.url)[2] for kind, name in events if kind == "network"]
    assert asked == [path for path, _ in issuer.requests if path != "/authorize"]
    committed = [name for kind, name in events if kind == "store"]
    assert committed == ["holder key", "add"]
    assert events[-1] == ["store", "add"]  # the only one after the credential's commit

    before = await stored(wallet)
    assert len(before) == 1
    for fuse, event in enumerate(events, 1):
        killed = run(folder, anchor, issuer.offer(), fuse)
        assert killed.returncode == -9, (event, killed.stderr)
        after = await stored(wallet)
        assert after[-1] == before[0], event
        assert len(after) == (2 if fuse == len(events) else 1), event
        assert all(card.report.passed and card.claims for card in after), event
    again = run(folder, anchor, issuer.offer(), fuse=0)
    assert again.returncode == 0, again.stderr
    assert len(await stored(wallet)) == 3


async def stored(wallet: Wallet) -> tuple[Card, ...]:
    """What is in the store after a fresh start, newest first."""
    await wallet.open(Secret("correct horse"))
    async with wallet:
        return await wallet.cards()
