"""The verification report: what was checked, what it came to, and why."""

from dataclasses import dataclass
from enum import StrEnum


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
