"""`./run soak`: long trials, and a report of them in `tests/reports/soak.md`."""

import argparse
import asyncio
import collections
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.soak import power_cuts, store_kills
from tests.support.killing import FLOWS, Killing, suit
from tests.support.simulator import simulated_issuer
from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.vault import Vault
from wallet.vault.backup import read_backup

REPORT: Final = Path(__file__).parents[1] / "reports" / "soak.md"
FUZZ_RUNS: Final = 100_000


def fuzz(times: float) -> Iterator[str]:
    """Every reader of what others write, by coverage-guided fuzzing."""
    from tests.soak.fuzz import TARGETS

    runs = int(FUZZ_RUNS * times)
    for name in TARGETS:
        with tempfile.TemporaryDirectory() as corpus:
            begun = time.monotonic()
            command = [sys.executable, "-m", "tests.soak.fuzz", name, str(runs), corpus]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            took = time.monotonic() - begun
            if done.returncode != 0:
                sys.exit(f"soak: {name}: a finding\n{done.stderr[-3000:]}")
            yield f"fuzz {name}: {runs} inputs, 0 findings, {took:.0f} s"


def flows(times: float) -> Iterator[str]:
    """Every flow, killed at every boundary that it has."""

    async def kill_all(flow: str) -> tuple[int, int]:
        with tempfile.TemporaryDirectory() as folder, simulated_issuer() as issuer:
            suit(issuer, flow)
            killing = Killing(Path(folder), issuer)
            await killing.create(flow)
            boundaries = list(killing.boundaries(flow))
            burnt = [await killing.check(one, flow) for one in boundaries]
            return len(boundaries), sum(burnt)

    for flow in (name for name in FLOWS if name != "resumption"):
        for round_ in range(max(1, int(2 * times))):
            count, burnt = asyncio.run(kill_all(flow))
            yield (
                f"flow {flow}, round {round_ + 1}: {count} kills, 0 credentials, keys or "
                f"notifications lost, {burnt} times something good for once was used up"
            )


def store(times: float) -> Iterator[str]:
    """The vault, killed at any moment of what it does."""
    kills = max(1, int(1000 * times))
    under_way: collections.Counter[str] = collections.Counter()
    acknowledged = 0
    for seed in range(kills):
        with tempfile.TemporaryDirectory() as folder:
            operation, done = asyncio.run(store_kills.one_kill(Path(folder) / "vault", seed))
            under_way[operation] += 1
            acknowledged += done
    shown = ", ".join(f"{name} {count}" for name, count in under_way.most_common())
    yield (
        f"store: {kills} kills, {acknowledged} acknowledged operations, 0 lost; under way: {shown}"
    )


def power(times: float) -> Iterator[str]:
    """The power cut while the vault is at work."""
    seeds = max(1, int(20 * times))
    count = sum(power_cuts.cuts(seed, operations=25, every=11) for seed in range(seeds))
    yield (
        f"power: {count} cuts in {seeds} runs, each with nothing, everything, any part and any "
        "sectors of what was not synchronised yet: 0 acknowledged operations lost"
    )


def backup(times: float) -> Iterator[str]:
    """Every byte of a small backup flipped (each one costs a whole key derivation)."""

    async def made(folder: Path) -> Path:
        vault = await Vault.create(folder / "vault", Secret("correct horse"))
        await vault.backup(folder / "backup.age", store_kills.BACKUP)
        await vault.close()
        return folder / "backup.age"

    with tempfile.TemporaryDirectory() as name:
        path = asyncio.run(made(Path(name)))
        whole = path.read_bytes()
        step = max(1, int(1 / max(times, 0.01)))
        places = range(0, len(whole), step)
        for at in places:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            try:
                read_backup(path, store_kills.BACKUP)
            except LocalFailure:
                continue
            sys.exit(f"soak: byte {at} of a backup was flipped unnoticed")
        yield f"backup: {len(places)} of {len(whole)} bytes flipped, each refused"


PARTS: Final[Mapping[str, Callable[[float], Iterator[str]]]] = {
    "fuzz": fuzz,
    "flows": flows,
    "store": store,
    "power": power,
    "backup": backup,
}


def main() -> None:
    """Go through the parts, and write down what they came to."""
    parser = argparse.ArgumentParser(
        prog="./run soak",
        description="Long trials: fuzzing, kills at every boundary of a flow and at any moment of "
        "the store, power cuts, every byte of a backup. They end at the first loss. The report is "
        "kept.",
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="just this part")
    parser.add_argument(
        "--times", type=float, default=1.0, help="how much of each: 0.1 for a tenth (default: 1)"
    )
    given = parser.parse_args()
    for name, part in PARTS.items():
        if not given.only or name in given.only:
            begun, lines = time.monotonic(), []
            for line in part(given.times):
                print(line, flush=True)
                lines.append(line)
            _write(name, lines, time.monotonic() - begun)


def _write(part: str, lines: list[str], took_s: float) -> None:
    """Put the part's lines into the report, in place of older ones."""
    text = REPORT.read_text() if REPORT.exists() else ""
    sections = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    sections[part] = (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {took_s:.0f} s.\n\n"
        + "".join(f"- {line}\n" for line in lines)
        + "\n"
    )
    REPORT.parent.mkdir(exist_ok=True)
    parts = (f"## {name}\n\n{sections[name]}" for name in PARTS if name in sections)
    REPORT.write_text("# The last soak of each part\n\n" + "".join(parts).rstrip() + "\n")


if __name__ == "__main__":
    main()
