"""What a format must do, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wallet.errors import VerificationFailed
from wallet.records import JsonObject, Secret
from wallet.report import Check, Outcome, Report
from wallet.trust.anchors import Anchors


@dataclass(frozen=True)
class Expected:
    """What the wallet asked for.

    Attributes:
        type: `vct` or `doctype` of the configuration; None where it names none.
        holder_jwks: Public keys of the key proofs, one of which it must be bound to; empty for a
            credential without key binding.
        mandatory: Claims path pointers that the issuer promised (Appendix B.2).
        anchors: Whom the holder trusts.
        now: Aware, UTC.
    """

    type: str | None
    holder_jwks: tuple[Mapping[str, str], ...]
    mandatory: tuple[tuple[str | int | None, ...], ...]
    anchors: Anchors
    now: datetime


@dataclass(frozen=True)
class VerifiedCredential:
    """A credential that passed every check.

    Attributes:
        credential: Exactly as received.
        type: Its `vct` or `doctype`.
        claims: The processed claims without the technical ones.
        bound_to: The one of `Expected.holder_jwks` it is bound to; None without key binding.
        trusted_by: Name of the trust anchor.
        expires_at: Aware, UTC, or None.
        report: All checks, none failed.
    """

    credential: Secret[str]
    type: str
    claims: JsonObject = field(repr=False)
    bound_to: Mapping[str, str] | None
    trusted_by: str
    expires_at: datetime | None
    report: Report


class Format(Protocol):
    """One Credential Format (OpenID4VCI 1.0, Appendix A)."""

    def __call__(self, credential: Secret[str], expected: Expected) -> VerifiedCredential:
        """Verify what an issuer sent. Raises `VerificationFailed`; nothing else."""


@dataclass
class Findings:
    """The checks of one verification while they are being made.

    The first failed check decides the error's code; later checks are still made where they can be,
    so that the report tells everything that is wrong.
    """

    checks: list[Check] = field(default_factory=list)
    first_failure: tuple[str, str, str] | None = None

    def passed(self, name: str, reason: str, rule: str) -> None:
        """Record a check that passed."""
        self.checks.append(Check(name, Outcome.PASSED, reason, rule))

    def skipped(self, name: str, reason: str, rule: str) -> None:
        """Record a check that could not or need not be made."""
        self.checks.append(Check(name, Outcome.SKIPPED, reason, rule))

    def failed(self, code: str, name: str, reason: str, rule: str) -> None:
        """Record a check that failed; `code` is that of `wallet.errors`."""
        self.checks.append(Check(name, Outcome.FAILED, reason, rule))
        self.first_failure = self.first_failure or (code, f"{name}: {reason}", rule)

    def report(self) -> Report:
        """The report, if nothing failed.

        Raises:
            VerificationFailed: Something did; carries the report.
        """
        report = Report(tuple(self.checks))
        if self.first_failure is not None:
            code, detail, rule = self.first_failure
            raise VerificationFailed(code, detail, report=report, rule=rule)
        return report

    def stop(self, code: str, name: str, reason: str, rule: str) -> VerificationFailed:
        """Record a failure after which nothing more can be checked; raise what is returned."""
        self.failed(code, name, reason, rule)
        try:
            self.report()
        except VerificationFailed as failure:
            return failure
        raise AssertionError
