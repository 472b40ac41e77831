"""`./run bench`: measure, and print a table."""

import argparse
import inspect
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench.credentials import credentials
from tests.bench.issuance import issuance
from tests.bench.rows import Row
from tests.bench.scan import scan
from tests.bench.start import start
from tests.bench.store import store

MEASUREMENTS: Final[Mapping[str, Callable[[int], Iterator[Row]]]] = {
    "start": start,
    "scan": scan,
    "credentials": credentials,
    "issuance": issuance,
    "store": store,
}
"""What can be measured. The documentation of each says from where to where, and is the help."""

BUILD: Final = Path(__file__).parents[2] / "build"

ABOUT: Final = """\
Measure the wallet, next to something bare measured in the same run. Nothing is asserted.

Times are in milliseconds: the median, the least and the most of several runs, after one that does
not count. Other work on the machine shows in all of them: believe the ratio before the time."""


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description=ABOUT,
        epilog="\n\n".join(f"{name}: {inspect.getdoc(one)}" for name, one in MEASUREMENTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="how many (default: 5)")
    parser.add_argument(
        "--only", choices=MEASUREMENTS, action="append", help="just this; may be given repeatedly"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with every single time")
    given = parser.parse_args()
    if given.runs < 1:
        parser.error("--runs must be at least 1")
    BUILD.mkdir(exist_ok=True)
    tempfile.tempdir = str(BUILD)  # a disk: elsewhere a store may lie in memory, and cost nothing
    busy = os.getloadavg()[0]
    rows: list[Row] = []
    for name, measure in MEASUREMENTS.items():
        if not given.only or name in given.only:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            rows += measure(given.runs)
    if given.json:
        machine = {"cores": os.cpu_count(), "load_before": busy, "python": sys.version.split()[0]}
        machine |= {"system": platform.system(), "processor": platform.machine()}
        print(json.dumps({"machine": machine, "rows": [row.as_dict() for row in rows]}, indent=2))
        return
    print_table(rows)
    print(
        f"\n{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), "
        f"load {busy:.1f} before; Python {platform.python_version()}; runs: {given.runs}"
    )


def print_table(rows: Sequence[Row]) -> None:
    """One line a row, in milliseconds."""
    wide = max(len(row.name) for row in rows)
    print(f"{'milliseconds':{wide}}{'median':>9}  {'min–max':<17}{'ratio':>7}  of baseline")
    for row in rows:
        if not row.times_s:
            print(f"{row.name:{wide}}        –  missing: {row.missing}")
            continue
        spread = f"{min(row.times_s) * 1000:.1f}–{max(row.times_s) * 1000:.1f}"
        line = f"{row.name:{wide}}{row.median_s * 1000:>9.1f}  {spread:<17}"
        if row.baseline:
            bare = f"{row.baseline.median_s * 1000:>8.2f}  {row.baseline.name}"
            line += f"{row.median_s / row.baseline.median_s:>6.1f}×{bare}"
        print(line.rstrip())


if __name__ == "__main__":
    main()
