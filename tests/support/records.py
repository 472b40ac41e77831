"""A record to keep."""

from dataclasses import replace
from datetime import UTC, datetime

from wallet.records import Check, Copy, CredentialRecord, Image, Outcome, Report

REPORT = Report((Check("Signature", Outcome.PASSED, "ES256", "RFC 7515, section 5.2"),))


def record(number: int = 0, key_id: str = "") -> CredentialRecord:
    return CredentialRecord(
        id=f"credential-{number}",
        format="dc+sd-jwt",
        copies=(Copy(f"sentinel-raw-credential-{number}", key_id),),
        credential_issuer="https://issuer.example",
        credential_configuration_id="card",
        configuration={"format": "dc+sd-jwt", "vct": "urn:example:1"},
        issuer_display=({"name": "Issuer"},),
        claims={"given_name": "sentinel-Zita", "address": {"country": "IT"}, "n": [1, None, 2.5]},
        images={"https://issuer.example/logo": Image("image/png", b"\x89PNG")},
        trusted_by="Root",
        received_at=datetime(2026, 1, 2, 3, 4, 5, 678, UTC),
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        report=REPORT,
    )


def keyless(one: CredentialRecord) -> CredentialRecord:
    """The record without the names of its keys."""
    return replace(one, copies=tuple(replace(copy, key_id="") for copy in one.copies))
