"""What a measurement gives: times of the wallet next to times of something bare, in one run."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Baseline:
    """Something bare that the wallet cannot be faster than, or is well compared with."""

    name: str
    times_s: Sequence[float]

    @property
    def median_s(self) -> float:
        return statistics.median(self.times_s)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: What was measured, from where to where.
        times_s: One for each run; none where it could not be measured.
        baseline: What stands beside it, if anything compares.
        missing: Why it could not be measured.
    """

    name: str
    times_s: Sequence[float] = ()
    baseline: Baseline | None = None
    missing: str = ""

    @property
    def median_s(self) -> float:
        return statistics.median(self.times_s)

    def as_dict(self) -> dict[str, object]:
        """The row as JSON members, in milliseconds."""
        if not self.times_s:
            return {"name": self.name.strip(), "missing": self.missing}
        members: dict[str, object] = {
            "name": self.name.strip(),
            "median_ms": milliseconds(self.median_s),
            "times_ms": [milliseconds(one) for one in self.times_s],
        }
        if self.baseline:
            members["baseline"] = {
                "name": self.baseline.name,
                "median_ms": milliseconds(self.baseline.median_s),
                "times_ms": [milliseconds(one) for one in self.baseline.times_s],
            }
            members["ratio"] = round(self.median_s / self.baseline.median_s, 2)
        return members


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def repeated(measure: Callable[[], T], runs: int) -> list[T]:
    """What `measure` gives in each run, after one that does not count: it fills the caches."""
    measure()
    return [measure() for _ in range(runs)]


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
