"""kill -9 at every boundary of a flow, and what must be true afterwards.

The boundaries are found by going the flow once: after each event of its trace, and, for each
request that it sends, when the issuer has acted and the answer never arrives. A new flow joins by a
line in `FLOWS`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tests.support.holder import WillingHolder
from tests.support.issuer_keys import by_domain
from tests.support.simulator import Simulator
from wallet.app import Wallet
from wallet.errors import PeerRefused
from wallet.records import Secret
from wallet.report import Trust
from wallet.settings import load

PASSPHRASE: Final = "correct horse"

ADD: Final = "await wallet.add(given, WillingHolder(), trace)"

HOLDER: Final = "WillingHolder(keeps=tuple(Trust))"

FLOWS: Final[Mapping[str, str]] = {
    "authorization_code": ADD,
    "pre_authorized_code": ADD,
    "several": ADD,
    "batch": ADD,
    "judged": ADD.replace("WillingHolder()", HOLDER),
    "deferred": f"""
    {ADD}
    await wallet.resume((await wallet.pending())[0].id, WillingHolder(), trace)
    """,
    "refresh": "await wallet.refresh(given, WillingHolder(), trace)",
    "resumption": """
    pending = await wallet.pending()
    await wallet.resume(pending[0].id, WillingHolder(), trace)
    """,
}
"""Each flow as the lines that go it; `given` is its offer, or the credential it is about."""

SCRIPT: Final = """
import asyncio, os, signal, sys
from tests.support.holder import WillingHolder
from wallet.app import Wallet
from wallet.records import Secret
from wallet.report import Trust
from wallet.settings import load
from wallet.trace import Trace

folder, anchor, given, batch, fuse = sys.argv[1:]

class Fuse(list):
    def append(self, event):
        super().append(event)
        if len(self) == int(fuse):
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    flags = {{"data_folder": folder, "trust_anchor": [anchor], "batch": batch,
             "loopback_development": True}}
    async with Wallet(load(flags, {{}})) as wallet:
        await wallet.open(Secret({passphrase!r}))
        trace = Trace(events=Fuse())
        {lines}
        print(len(trace.events))

asyncio.run(main())
"""


def suit(issuer: Simulator, flow: str) -> None:
    """Let the issuer do what a flow is about."""
    issuer.refreshes = flow == "refresh"
    issuer.deferrals = 1 if flow == "deferred" else 0
    issuer.batch_size = 3 if flow == "batch" else 0
    issuer.names = ["card", "badge"] if flow == "several" else ["card"]
    if flow == "judged":
        by_domain(issuer)


@dataclass(frozen=True)
class Boundary:
    """Where a run is killed: after its nth event, or inside its nth request."""

    kind: Literal["event", "answer"]
    number: int


@dataclass
class Killing:
    """A wallet that is killed again and again, and the issuer it deals with."""

    folder: Path
    issuer: Simulator
    stored: int = field(default=0)
    card_id: str = ""

    def __post_init__(self) -> None:
        self._anchor = self.folder / "root.pem"
        self._anchor.write_bytes(self.issuer.authority.pem)
        flags = {
            "data_folder": self.folder / "wallet",
            "trust_anchor": [str(self._anchor)],
            "key_derivation_ms": "0",
            "loopback_development": True,
            "batch": str(self.issuer.batch_size or 1),
        }
        self.wallet = Wallet(load(flags, {}))

    async def create(self, flow: str = "authorization_code") -> None:
        """Make the wallet, with what the flow needs."""
        await self.wallet.create(Secret(PASSPHRASE))
        await self.wallet.close()
        if flow == "refresh":
            await self.stored_anew()

    def go(self, flow: str, boundary: Boundary | None = None) -> tuple[int, int]:
        """Go a flow in a process of its own, killed at `boundary`.

        Returns:
            How many events and how many requests it had; (0, 0) for one that was killed.
        """
        fuse = boundary.number if boundary and boundary.kind == "event" else 0
        lines = FLOWS[flow].strip().replace("\n    ", "\n        ")
        script = SCRIPT.format(lines=lines, passphrase=PASSPHRASE)
        folder, batch = str(self.folder / "wallet"), str(self.issuer.batch_size or 1)
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                script,
                folder,
                str(self._anchor),
                self._given(flow),
                batch,
                str(fuse),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        requests = 0

        def answered(_path: str) -> None:
            nonlocal requests
            requests += 1
            if boundary and boundary.kind == "answer" and requests == boundary.number:
                os.kill(process.pid, signal.SIGKILL)

        self.issuer.answered = answered
        out, told = process.communicate(timeout=60)
        self.issuer.answered = lambda _path: None
        if boundary is None:
            assert process.returncode == 0, told
            return int(out), requests
        assert process.returncode == -signal.SIGKILL, (boundary, process.returncode, told)
        return 0, 0

    def _given(self, flow: str) -> str:
        if flow == "refresh":
            return self.card_id
        if flow == "pre_authorized_code":
            return self.issuer.pre_authorized_offer()
        return self.issuer.offer()

    def boundaries(self, flow: str) -> Iterator[Boundary]:
        """Every boundary of a flow, found by going it once to its end."""
        events, requests = self.go(flow)
        self.stored += 0 if flow == "refresh" else len(self.issuer.names)
        assert events
        assert requests
        for number in range(1, events + 1):
            yield Boundary("event", number)
        for number in range(1, requests + 1):
            yield Boundary("answer", number)

    async def recover(self) -> int:
        """Go on with what was interrupted, in the wallet that was opened after a kill.

        Returns:
            How much the interruption cost: sign-ins and offers whose codes were burnt, and refresh
            tokens that were exchanged.
        """
        burnt = 0
        holder = WillingHolder(keeps=tuple(Trust))
        for one in await self.wallet.pending():
            try:
                await self.wallet.resume(one.id, holder)
            except PeerRefused as error:
                burnt += 1
                if error.code == "code_used_up":
                    await self.wallet.resume(one.id, holder)
                elif error.code != "offer_used_up" and error.peer_error != "invalid_grant":
                    raise
        while await self.wallet.catch_up():
            pass
        assert await self.wallet.pending() == ()
        return burnt

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The wallet, open."""
        await self.wallet.open(Secret(PASSPHRASE))
        try:
            yield
        finally:
            await self.wallet.close()

    async def stored_anew(self) -> None:
        """Store a credential that can be refreshed."""
        async with self.opened():
            [card] = (await self.wallet.add(self.issuer.offer(), WillingHolder())).cards
        self.card_id, self.stored = card.id, self.stored + 1

    async def check(self, boundary: Boundary, flow: str = "authorization_code") -> int:
        """Kill, recover, and see that no credential, key or notification was lost.

        Returns:
            What the kill cost, as `recover`.
        """
        if flow == "refresh":
            await self.stored_anew()
        asked = len(self.issuer.requests)
        for seen in (self.issuer.bound, self.issuer.credentials, self.issuer.notified):
            seen.clear()
        self.go(flow, boundary)
        async with self.opened():
            burnt = await self.recover()
            assert burnt <= 1, boundary
            await self.nothing_lost(boundary, asked, flow, burnt)
        return burnt

    async def nothing_lost(
        self, boundary: Boundary, asked: int, flow: str = "authorization_code", burnt: int = 0
    ) -> None:
        """What must be true of the wallet and the issuer after a recovery.

        Args:
            boundary: Where the run was killed.
            asked: How many requests the issuer had had before.
            flow: What was killed.
            burnt: What `recover` gave.
        """
        cards = await self.wallet.cards()
        records = await self.wallet._opened().all()
        for record in records:
            for key_id in record.key_ids:
                assert await self.wallet._opened().sign(key_id, b"message"), boundary
        assert all(card.report.passed and card.claims for card in cards)
        paths = [path for path, _ in self.issuer.requests[asked:]]
        gained = len(cards) - self.stored
        self.stored = len(cards)
        new = set(self.issuer.credentials) & {
            copy.credential for record in records for copy in record.copies
        }
        if flow == "refresh":
            assert gained == 0, boundary
            assert self.card_id in [card.id for card in cards], boundary
            renewed = "/credential" in paths
        else:
            wanted = len(self.issuer.names)
            begun = "/par" in paths or ("/token" in paths and not burnt)
            assert gained == (wanted if begun or gained else 0), boundary
            renewed = gained > 0
        # Whatever the issuer issued is here, under the key it was issued for, and it knows.
        assert len({key["x"] for key in self.issuer.bound}) == len(new), boundary
        assert bool(new) == renewed, boundary
        heard = {one["event"] for one in self.issuer.notified}
        assert heard == ({"credential_accepted"} if new else set()), boundary
