"""What happened in one run, as data: appended to, never changed.

Nothing secret is recorded: of a request only its method, its URL without query, its status.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

from wallet.steps import Step

Kind = Literal["step", "network", "crypto", "store", "tolerated"]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: What it was: a step begun, work of one kind, or something that was tolerated.
        name: The step, or "GET https://issuer.example/…", or the operation, or the rule.
        started_s: Seconds since the run began.
        took_s: Seconds it took; 0 for the beginning of a step.
        outcome: "200", "ok", or the error's type.
    """

    kind: Kind
    name: str
    started_s: float
    took_s: float = 0.0
    outcome: str = "ok"


@dataclass
class Trace:
    """The events of one run, in the order they ended."""

    events: list[Event] = field(default_factory=list)
    _began: float = field(default_factory=perf_counter)

    def step(self, step: Step) -> None:
        """Record that a step has begun."""
        self.events.append(Event("step", step, perf_counter() - self._began))

    @property
    def tolerated(self) -> tuple[str, ...]:
        """What was tolerated so far."""
        return tuple(event.name for event in self.events if event.kind == "tolerated")

    def tolerate(self, names: Iterable[str]) -> None:
        """Record what was tolerated, each once."""
        for name in names:
            if name not in self.tolerated:
                self.events.append(Event("tolerated", name, perf_counter() - self._began))

    @contextmanager
    def span(self, kind: Kind, name: str) -> Iterator[list[str]]:
        """Record a piece of work; put its outcome into the list, "ok" otherwise."""
        started = perf_counter()
        outcome: list[str] = []
        try:
            yield outcome
        except BaseException as error:
            outcome.append(type(error).__name__)
            raise
        finally:
            ended = perf_counter()
            self.events.append(
                Event(
                    kind,
                    name,
                    started - self._began,
                    ended - started,
                    outcome[0] if outcome else "ok",
                )
            )
