"""What a format must do, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wallet.credentials.claims_path import has_claim
from wallet.errors import VerificationFailed
from wallet.records import JsonObject, Secret
from wallet.report import Check, Outcome, Report, Trust
from wallet.trust.issuer import Issuer, Signer


@dataclass(frozen=True)
class Expected:
    """What the wallet asked for.

    Attributes:
        configuration: The credential configuration of the issuer's metadata: it names the type
            in the words of the format (Appendix A).
        holder_jwks: Public keys of the key proofs, one of which it must be bound to; empty for a
            credential without key binding.
        mandatory: Claims path pointers that the issuer promised (Appendix B.2).
        now: Aware, UTC.
        typ: What the credential may call itself in its header.
        type_claims: Claims that tell the type; the first that is there counts.
    """

    configuration: JsonObject = field(repr=False)
    holder_jwks: tuple[Mapping[str, str], ...]
    mandatory: tuple[tuple[str | int | None, ...], ...]
    now: datetime
    typ: tuple[str, ...] = ("dc+sd-jwt",)
    type_claims: tuple[str, ...] = ("vct",)


@dataclass(frozen=True)
class VerifiedCredential:
    """A credential that passed every check.

    Attributes:
        credential: Exactly as received; one that is a JSON object as its text.
        type: Its `vct`, `doctype` or most special type; empty where it has none.
        claims: The processed claims without the technical ones, as one tree. What is binary is a
            `data:` URI, what is a date is its ISO 8601 text.
        bound_to: The one of `Expected.holder_jwks` it is bound to; None without key binding.
        trust: Why it is believed.
        trusted_by: Name of the trust anchor, the domain or the DID its issuer is known by.
        expires_at: Aware, UTC, or None.
        status: Its reference to a status list, as it stands in the credential; {} without one.
        report: All checks, none failed.
    """

    credential: Secret[str]
    type: str
    claims: JsonObject = field(repr=False)
    bound_to: Mapping[str, str] | None
    trust: Trust
    trusted_by: str
    expires_at: datetime | None
    status: JsonObject
    report: Report


class Format(Protocol):
    """One Credential Format (OpenID4VCI 1.0, Appendix A).

    Both are called with what a stranger sent, outside the event loop, and raise
    `VerificationFailed` and nothing else.
    """

    def signer(self, credential: Secret[str], expected: Expected) -> Signer:
        """What the credential says of who signed it, once its form has been found right."""

    def verify(
        self, credential: Secret[str], issuer: Issuer, expected: Expected
    ) -> VerifiedCredential:
        """Verify it as its holder must at issuance.

        Where `issuer.keys` is empty the signature is not checked and the report says so; all else
        is. Everything wrong is in the report; the first failed check decides the code.
        """


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


def check_promised(claims: JsonObject, expected: Expected, findings: Findings) -> None:
    """What the issuer's metadata calls mandatory must be there."""
    name, rule = "Promised claims", "OpenID4VCI 1.0, appendix B.2"
    if not expected.mandatory:
        findings.skipped(name, "the issuer promises none", rule)
        return
    missing = [path for path in expected.mandatory if not has_claim(claims, path)]
    if missing:
        findings.failed("claims_missing", name, f"{len(missing)} missing", rule)
    else:
        findings.passed(name, f"all {len(expected.mandatory)} are there", rule)
