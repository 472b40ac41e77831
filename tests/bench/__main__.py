"""`./run bench`: measure, and print a table."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tests.bench.issuance import issuance
from tests.bench.rows import Row
from tests.bench.scan import scan
from tests.bench.start import start
from tests.bench.store import store

MEASUREMENTS: Final[Mapping[str, Callable[[int], Iterator[Row]]]] = {
    "start": start,
    "scan": scan,
    "issuance": issuance,
    "store": store,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Measure the wallet: the median of several runs, next to something bare "
        "in the same run. Nothing is asserted.",
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement (default: 5)")
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="just this one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    if given.runs < 1:
        parser.error("--runs must be at least 1")
    machine = {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    rows: list[Row] = []
    for name, measure in MEASUREMENTS.items():
        if given.only and name not in given.only:
            continue
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += measure(given.runs)
    if given.json:
        print(json.dumps({"machine": machine, "rows": [row.as_dict() for row in rows]}, indent=2))
        return
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(f"{'milliseconds':<56}{'median':>10}{'min':>10}{'max':>10}   next to it")
    for row in rows:
        shown = row.as_dict()
        beside = f"{shown['bare_median_ms']:>9}  {row.bare}" if row.bare_times_s else ""
        print(
            f"{row.name:<56}{shown['median_ms']:>10}{shown['min_ms']:>10}{shown['max_ms']:>10}   "
            f"{beside}"
        )


if __name__ == "__main__":
    main()
