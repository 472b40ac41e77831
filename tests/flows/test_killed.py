"""kill -9 after every event of a run: the wallet starts again, its store whole, nothing half."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.simulator import Simulator
from wallet.app import Wallet
from wallet.records import Secret
from wallet.settings import load

SCRIPT = """
import asyncio, os, signal, sys
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
    settings = load({"data_folder": folder, "trust_anchor": [anchor]}, {})
    async with Wallet(settings) as wallet:
        await wallet.open(Secret("correct horse"))
        trace = Trace(events=Fuse())
        await wallet.add(offer, WillingHolder(), trace)
        print(len(trace.events))

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
    events = int(whole.stdout)
    assert events >= 18  # eight steps, seven requests, and the work between them
    stored = 1
    for fuse in range(1, events + 1):
        killed = run(folder, anchor, issuer.offer(), fuse)
        assert killed.returncode == -9, (fuse, killed.stderr)
        await wallet.open(Secret("correct horse"))
        cards = await wallet.cards()
        await wallet.close()
        stored += fuse == events  # the last event is the one after the commit
        assert len(cards) == stored, fuse
        assert all(card.report.passed and card.claims for card in cards)
    again = run(folder, anchor, issuer.offer(), fuse=0)
    assert again.returncode == 0, again.stderr
