"""The verification report: what was checked, what it came to, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Trust(StrEnum):
    """Why a credential that can be kept is believed; the best first.

    What is altered, wrongly bound, expired, revoked or broken has none: it is refused.
    """

    ANCHORED = "anchored"
    """Verified, and trusted by a named trust anchor."""
    DOMAIN = "domain"
    """Verified, and the issuer is known by its domain only."""
    UNKNOWN = "unknown"
    """Verified, and nothing tells who the issuer is."""
    UNVERIFIED = "unverified"
    """The issuer's keys could not be had now, so its signature was not checked."""


class Standing(StrEnum):
    """What the issuer says now of a credential that it gave."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """Nobody could tell: its status list could not be had, or not be believed."""


class Outcome(StrEnum):
    """What a check of a credential came to."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One numbered check of a verification report.

    Attributes:
        name: What was checked, for a person.
        outcome: What it came to.
        reason: Why, or what was found.
        rule: The rule with its source, e.g. "SD-JWT VC, section 3.5".
    """

    name: str
    outcome: Outcome
    reason: str
    rule: str


@dataclass(frozen=True)
class Report:
    """All checks of one verification, in the order they were made."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether something was checked and nothing failed."""
        return bool(self.checks) and all(c.outcome is not Outcome.FAILED for c in self.checks)


@dataclass(frozen=True)
class Level:
    """How much a credential is believed, in words for a person.

    Attributes:
        word: Short, for a badge or a heading.
        sentence: What it means; `{by}` stands for who it is believed by.
    """

    word: str
    sentence: str


LEVELS: Final[Mapping[Trust, Level]] = {
    Trust.ANCHORED: Level(
        "Trusted",
        "Verified, and trusted by {by}.",
    ),
    Trust.DOMAIN: Level(
        "Known by its address only",
        "Nobody altered it, and {by} signed it. Nobody you trust says who that is.",
    ),
    Trust.UNKNOWN: Level(
        "Unknown issuer",
        "Nobody altered it, but nothing shows who signed it. Anybody could have made it.",
    ),
    Trust.UNVERIFIED: Level(
        "Not verified yet",
        "Its issuer could not be asked for its keys, so its signature is not checked. "
        "Anybody could have made or altered it.",
    ),
}
REFUSED: Final = Level("Refused", "It was checked again, and is not as it should be: {by}.")


def told(trust: Trust, trusted_by: str) -> str:
    """The sentence for a level."""
    return LEVELS[trust].sentence.format(by=trusted_by)


def told_of_refused(report: Report) -> str:
    """The sentence for a credential that a later verification refused."""
    failed = (check for check in report.checks if check.outcome is Outcome.FAILED)
    return REFUSED.sentence.format(by="; ".join(f"{c.name}: {c.reason}" for c in failed))
