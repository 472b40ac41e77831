"""What a measurement gives: times of the wallet next to times of something bare, in one run."""

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: What was measured, from where to where.
        times_s: One for each run.
        bare: What stands beside it.
        bare_times_s: Measured in the same run; empty where nothing bare compares.
    """

    name: str
    times_s: tuple[float, ...]
    bare: str = ""
    bare_times_s: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The row as JSON members, in milliseconds."""
        return {
            "name": self.name,
            "median_ms": round(statistics.median(self.times_s) * 1000, 3),
            "min_ms": round(min(self.times_s) * 1000, 3),
            "max_ms": round(max(self.times_s) * 1000, 3),
            "runs": len(self.times_s),
            "bare": self.bare,
            "bare_median_ms": round(statistics.median(self.bare_times_s) * 1000, 3)
            if self.bare_times_s
            else None,
        }


def timed(
    work: Callable[[], object],
    runs: int,
    prepare: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> tuple[float, ...]:
    """How long `work` takes, each time within a fresh `prepare`."""
    times = []
    for _ in range(runs):
        with prepare():
            begun = time.perf_counter()
            work()
            times.append(time.perf_counter() - begun)
    return tuple(times)
