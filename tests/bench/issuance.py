"""From the browser's return to the stored credential, split by what the wallet does."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlcipher3 import dbapi2

from tests.bench.rows import Row, timed
from tests.support.holder import WillingHolder
from tests.support.reference_servers import ReferenceServers, reference_servers
from wallet.app import Wallet
from wallet.records import Secret
from wallet.settings import load
from wallet.steps import Step
from wallet.trace import Kind, Trace

PARTS: tuple[Kind, ...] = ("network", "crypto", "store")


def issuance(runs: int) -> Iterator[Row]:
    """The wallet's engine and store against both reference servers as processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with reference_servers(folder / "servers") as servers:
            traces = asyncio.run(_issued(folder, servers, runs))
            url = f"{servers.issuer_url}/.well-known/openid-credential-issuer"
            with httpx.Client(trust_env=False) as client:
                asked = timed(lambda: client.get(url), runs)
        inserted = _inserted(folder / "bare.db", runs)
    bare = {
        "network": ("one GET on loopback", asked),
        "crypto": ("one ES256 signature, made and verified", timed(_signed, runs)),
        "store": ("one insert into SQLCipher, DELETE and EXTRA", inserted),
    }
    spent = [_spent(trace) for trace in traces]
    yield Row("browser's return → credential stored", tuple(sum(one.values()) for one in spent))
    for part in PARTS:
        yield Row(f"  of it {part}", tuple(one[part] for one in spent), *bare[part])
    yield Row("  of it the rest", tuple(one["rest"] for one in spent))


async def _issued(folder: Path, servers: ReferenceServers, runs: int) -> list[Trace]:
    flags = {
        "data_folder": folder / "wallet",
        "trust_anchor": [str(servers.ca_pem)],
        "loopback_development": True,
    }
    traces = [Trace() for _ in range(runs + 1)]
    async with Wallet(load(flags, {})) as wallet:
        await wallet.create(Secret("correct horse"))
        for trace in traces:
            await wallet.add(servers.offer(), WillingHolder(browser=servers.browser), trace)
    return traces[1:]  # the first one loads the modules


def _spent(trace: Trace) -> dict[str, float]:
    """Seconds by kind, from the token step to the end of the run."""
    begun = next(e.started_s for e in trace.events if e.kind == "step" and e.name == Step.TOKEN)
    after = [event for event in trace.events if event.started_s >= begun]
    spent: dict[str, float] = {
        part: sum(e.took_s for e in after if e.kind == part) for part in PARTS
    }
    whole = max(event.started_s + event.took_s for event in after) - begun
    return spent | {"rest": whole - sum(spent.values())}


def _signed() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"message", ec.ECDSA(SHA256()))
    key.public_key().verify(signature, b"message", ec.ECDSA(SHA256()))


def _inserted(path: Path, runs: int) -> tuple[float, ...]:
    database = dbapi2.connect(str(path), isolation_level=None)
    database.execute(f"PRAGMA key = \"x'{'11' * 32}'\"")
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute("PRAGMA synchronous = EXTRA")
    database.execute("CREATE TABLE record (content BLOB)")
    insert = "INSERT INTO record VALUES (randomblob(4096))"
    try:
        return timed(lambda: database.execute(insert), runs)
    finally:
        database.close()
