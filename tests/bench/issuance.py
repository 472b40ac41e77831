"""From the browser's return to the stored credential, split by what the wallet does."""

import asyncio
import http.client
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlcipher3 import dbapi2

from tests.bench.rows import Baseline, Row, repeated, seconds
from tests.support.holder import WillingHolder
from tests.support.reference_servers import ReferenceServers, reference_servers
from wallet.app import Wallet
from wallet.records import Secret
from wallet.settings import load
from wallet.trace import Event, Kind, Trace

RECORD_BYTES = 100_000
"""What the demo's person ID takes in the store, with its portrait."""

KINDS: tuple[tuple[Kind, str], ...] = (
    ("network", "  waiting for answers, {} requests"),
    ("crypto", "  cryptography, {} operations"),
    ("store", "  store, {} commits"),
)


@dataclass(frozen=True)
class Issued:
    """One issuance, from the redirect on.

    Attributes:
        took_s: From the redirect's arrival to the committed record.
        events: What the wallet traced in this time; no two at once.
    """

    took_s: float
    events: tuple[Event, ...]

    def of(self, kind: Kind) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def spent_s(self, kind: Kind) -> float:
        return sum(event.took_s for event in self.of(kind))


def issuance(runs: int) -> Iterator[Row]:
    """Receive the demo's person ID with the wallet's engine and store, without a window.

    From the moment the browser connects to the wallet's loopback redirect, to the end of the commit
    that stores the verified credential. The parts are the wallet's own trace. Waiting for answers
    holds the work of the two reference servers, processes on this machine that sign tokens and
    credentials meanwhile. The first issuance of a process also loads what it needs: it has a row of
    its own, and is measured once.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with reference_servers(folder / "servers") as servers:
            first, *issued = asyncio.run(_issued(folder, servers, runs))
            url = f"{servers.issuer_url}/.well-known/openid-credential-issuer"
            with httpx.Client(trust_env=False) as client:
                asked = repeated(lambda: seconds(lambda: client.get(url)), runs)
        inserted = _inserted(folder / "bare.db", runs)
    baselines: dict[Kind, Baseline] = {
        "network": Baseline("httpx gets the issuer's metadata", asked),
        "crypto": Baseline("one ES256 signature made, verified", _signed(runs)),
        "store": Baseline("one SQLCipher insert, DELETE+EXTRA", inserted),
    }
    yield Row("browser's return → credential stored", [one.took_s for one in issued])
    for kind, text in KINDS:
        spent = [one.spent_s(kind) for one in issued]
        yield Row(text.format(len(issued[0].of(kind))), spent, baselines[kind])
    rest = [one.took_s - sum(one.spent_s(kind) for kind, _ in KINDS) for one in issued]
    yield Row("  the rest", rest)
    yield Row("the same, first of its process, once", [first.took_s])


async def _issued(folder: Path, servers: ReferenceServers, runs: int) -> list[Issued]:
    flags = {
        "data_folder": folder / "wallet",
        "trust_anchor": [str(servers.ca_pem)],
        "loopback_development": True,
    }
    async with Wallet(load(flags, {})) as wallet:
        await wallet.create(Secret("correct horse"))
        return [await _one(wallet, servers) for _ in range(runs + 1)]


async def _one(wallet: Wallet, servers: ReferenceServers) -> Issued:
    returned_at: list[float] = []

    def browse(url: str) -> None:
        back = urlsplit(servers.sign_in(url))
        connection = http.client.HTTPConnection(back.netloc)
        returned_at.append(perf_counter() - began)
        connection.request("GET", f"{back.path}?{back.query}")
        connection.getresponse().read()
        connection.close()

    offer = servers.offer()
    began, trace = perf_counter(), Trace()
    await wallet.add(offer, WillingHolder(browser=browse), trace)
    (returned,) = returned_at
    events = tuple(event for event in trace.events if event.started_s >= returned)
    stored = events[-1]
    assert (stored.kind, stored.name) == ("store", "add")
    return Issued(stored.started_s + stored.took_s - returned, events)


def _signed(runs: int) -> list[float]:
    key, message = ec.generate_private_key(ec.SECP256R1()), b"a" * 400

    def sign_and_verify() -> None:
        signature = key.sign(message, ec.ECDSA(SHA256()))
        key.public_key().verify(signature, message, ec.ECDSA(SHA256()))

    return repeated(lambda: seconds(sign_and_verify), runs)


def _inserted(path: Path, runs: int) -> list[float]:
    database = dbapi2.connect(str(path), isolation_level=None)
    for statement in (
        f"PRAGMA key = \"x'{'11' * 32}'\"",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = EXTRA",
        "CREATE TABLE record (content BLOB)",
    ):
        database.execute(statement).fetchall()
    insert = f"INSERT INTO record VALUES (randomblob({RECORD_BYTES}))"
    try:
        return repeated(lambda: seconds(lambda: database.execute(insert)), runs)
    finally:
        database.close()
