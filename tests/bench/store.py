"""The vault with few and with many credentials."""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.rows import Baseline, Row
from tests.support.records import record
from wallet.engine.cards import card_of
from wallet.records import Copy, Secret
from wallet.vault import Vault, VaultProcess, os_keyring
from wallet.vault.document import document_of
from wallet.vault.restoring import prepare, put_in_place
from wallet.vault.store import Put

SIZES = (10, 1_000, 10_000)
CARD = replace(record(), copies=(Copy("x" * 4_000, ""),))
PASSPHRASE, BACKUP = Secret("correct horse"), Secret("backup horse")


class AtOnce:
    """A keyring that answers at once: what it costs itself is not the vault's."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def set_password(self, service: str, _user: str, text: str) -> None:
        self.entries[service] = text

    def get_password(self, service: str, _user: str) -> str | None:
        return self.entries.get(service)

    def delete_password(self, service: str, _user: str) -> None:
        del self.entries[service]


def store(runs: int) -> Iterator[Row]:
    """Unlock, list, put, backup and restore, each with its full check."""
    keyring, kept = AtOnce(), os_keyring._backends
    os_keyring._backends = lambda: [keyring]
    try:
        for size in SIZES:
            with tempfile.TemporaryDirectory() as folder:
                yield from asyncio.run(_measured(Path(folder), size, runs))
    finally:
        os_keyring._backends = kept
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            yield asyncio.run(_as_cards(Path(folder) / "vault", size, runs))


async def _measured(folder: Path, size: int, runs: int) -> list[Row]:
    times: dict[str, list[float]] = {}

    async def timed(name: str, work: Any) -> Any:
        begun = time.perf_counter()
        result = await work
        times.setdefault(name, []).append(time.perf_counter() - begun)
        return result

    home, file = folder / "vault", folder / "backup.age"
    vault = await Vault.create(home, None)
    puts = _puts(size)
    await vault.fill(puts, 1)
    await vault.close()
    for _ in range(runs):
        vault = await timed("unlock by keyring", Vault.open(home))
        await timed("list", vault.all())
        for number in range(20):
            one = replace(CARD, id=f"p{number}-{len(times['list'])}")
            await timed("one durable put", vault.add(one))
        await vault.close()
    vault = await Vault.open(home)
    resident = _resident_mb()
    await timed("backup, read back", vault.backup(file, BACKUP))
    await vault.protect(PASSPHRASE)
    await vault.close()
    for _ in range(runs):
        vault = await timed("unlock by passphrase", Vault.open(home, PASSPHRASE))
        await vault.close()
    restored = await timed("restore", _restored(folder / "restored", file))
    await restored.close()
    listed, inserted = _plain(folder / "plain.db", [one.content for one in puts])
    beside = {
        "list": Baseline("a plain SQLite reads as many rows", listed),
        "one durable put": Baseline("a plain SQLite inserts, DELETE and EXTRA", inserted),
    }
    rows = [
        Row(f"{size} credentials: {name}", values, beside.get(name))
        for name, values in times.items()
    ]
    return [*rows, Row(f"{size} credentials: memory, MB", (resident / 1000,))]


async def _as_cards(folder: Path, size: int, runs: int) -> Row:
    """What a face does to show the list: out of the vault's process, and read as cards."""
    vault = await Vault.create(folder, PASSPHRASE, derivation_ms=0)
    await vault.fill(_puts(size), 1)
    await vault.close()
    process = await VaultProcess.open(folder, PASSPHRASE)
    times = []
    for _ in range(runs):
        begun, now = time.perf_counter(), datetime.now(UTC)
        assert all(card_of(one, ["en"], now).claims for one in await process.all())
        times.append(time.perf_counter() - begun)
    await process.close()
    return Row(f"{size} credentials: list, across to the window, as cards", tuple(times))


def _puts(size: int) -> list[Put]:
    return [Put("credential", f"c{n}", document_of(replace(CARD, id=f"c{n}"))) for n in range(size)]


async def _restored(folder: Path, file: Path) -> Vault:
    name, _ = await prepare(folder, file, BACKUP, None)
    return await put_in_place(folder, name, None)


def _plain(path: Path, contents: list[bytes]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute("PRAGMA synchronous = EXTRA")
    database.execute("CREATE TABLE record (content BLOB)")
    database.execute("BEGIN")
    database.executemany("INSERT INTO record VALUES (?)", [(one,) for one in contents])
    database.execute("COMMIT")
    begun = time.perf_counter()
    database.execute("SELECT content FROM record").fetchall()
    listed = time.perf_counter() - begun
    inserted = []
    for _ in range(20):
        begun = time.perf_counter()
        database.execute("INSERT INTO record VALUES (?)", (contents[0],))
        inserted.append(time.perf_counter() - begun)
    database.close()
    return (listed,), tuple(inserted)


def _resident_mb() -> float:
    if sys.platform != "linux":
        return 0.0
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
