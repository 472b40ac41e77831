"""How the command line prints what the wallet has: for people, or as JSON."""

import base64
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wallet.errors import LocalFailure, VerificationFailed, WalletError, printable
from wallet.records import (
    Card,
    Catalogue,
    Claim,
    Image,
    PendingIssuance,
    Protection,
    Received,
    Secret,
    Standing,
    StatusAnswer,
)
from wallet.report import LEVELS, REFUSED, Outcome, Report, Trust, told, told_of_refused
from wallet.settings import InForce, Origin
from wallet.trace import Trace

Printable = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def print_json(value: Printable) -> None:
    """Print `value` as JSON on standard output, in ASCII: safe for every terminal and pipe."""
    print(json.dumps(value, indent=2))


def line(text: str = "") -> None:
    """Print a line of output; nothing an issuer wrote reaches the terminal as a command."""
    print(printable(text))


def note(text: str) -> None:
    """Print a line for the person, apart from the output."""
    print(printable(text), file=sys.stderr, flush=True)


def _claims_json(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    return [
        {
            "path": list(claim.path),
            "label": claim.label,
            "value": _value_json(claim.value),
        }
        for claim in claims
    ]


def _value_json(value: str | Image | tuple[Claim, ...]) -> object:
    if isinstance(value, Image):
        data = base64.b64encode(value.data).decode("ascii")
        return f"data:{value.media_type};base64,{data}"
    return value if isinstance(value, str) else _claims_json(value)


def _report_json(report: Report) -> list[dict[str, str]]:
    return [
        {"check": c.name, "outcome": c.outcome, "reason": c.reason, "rule": c.rule}
        for c in report.checks
    ]


def summary_json(card: Card) -> dict[str, Any]:
    """A card without its claims."""
    return {
        "id": card.id,
        "name": card.look.name,
        "issuer": card.issuer.name,
        "credential_issuer": card.credential_issuer,
        "credential_configuration_id": card.credential_configuration_id,
        "format": card.format,
        "type": card.type,
        "trust": "refused" if card.refused else card.trust,
        "trusted_by": card.trusted_by,
        "refused": card.refused or None,
        "received_at": card.received_at.isoformat(),
        "expires_at": card.expires_at.isoformat() if card.expires_at else None,
        "expired": card.expired,
        "status": _answer_json(card.answer),
        "copies": card.copies,
    }


def _answer_json(answer: StatusAnswer | None) -> dict[str, str] | None:
    if answer is None:
        return None
    return {
        "standing": answer.standing,
        "asked_at": answer.asked_at.isoformat(),
        "ask_again_at": answer.ask_again_at.isoformat(),
        "reason": answer.reason,
    }


def card_json(card: Card, credential: Secret[str]) -> dict[str, Any]:
    """A card with everything there is to it, and the credential as it was received."""
    return {
        **summary_json(card),
        "claims": _claims_json(card.claims),
        "report": _report_json(card.report),
        "credential": credential.reveal(),
    }


def error_json(error: WalletError) -> dict[str, Any]:
    """An error, with its verification report where it has one."""
    report = {"report": _report_json(error.report)} if isinstance(error, VerificationFailed) else {}
    return {"error": {**error.as_dict(), **report}}


def print_error(error: WalletError) -> None:
    """An error for a person, on standard error."""
    note(f"wallet: {error.sentence}")
    note(f"        {error.advice}")
    for name, value in error.as_dict().items():
        if name not in ("message", "advice"):
            note(f"  {name.replace('_', ' ')}: {value}")
    if isinstance(error, VerificationFailed):
        for check in report_lines(error.report):
            note(f"  {check}")


def print_list(cards: Sequence[Card]) -> None:
    """The cards, a line each."""
    if not cards:
        note("There are no credentials in this wallet yet.")
    for card in cards:
        until = f"until {card.expires_at:%Y-%m-%d}" if card.expires_at else ""
        state = ", ".join(word for word in (_state(card), _doubt(card)) if word)
        line(f"{card.id}  {card.look.name}  {card.issuer.name}  {state}  {until}".rstrip())


def received_json(received: Received, credentials: Mapping[str, Secret[str]]) -> dict[str, Any]:
    """What became of an issuance; `credentials` are those of its cards, by their ids."""
    return {
        "credentials": [card_json(card, credentials[card.id]) for card in received.cards],
        "pending": pending_json(received.pending) if received.pending else None,
        "failed": [
            {"credential_configuration_id": one.credential_configuration_id} | error_json(one.error)
            for one in received.failures
        ],
    }


def print_received(received: Received) -> None:
    """What became of an issuance, for a person."""
    for number, card in enumerate(received.cards):
        if number:
            line()
        print_card(card)
    if received.pending is not None:
        note("The issuer needs time. `wallet pending --check` gets the rest when it is ready:")
        print_pending([received.pending])
    for one in received.failures:
        note(f"Not received: {one.credential_configuration_id}")
        print_error(one.error)


def catalogue_json(catalogue: Catalogue) -> dict[str, Any]:
    """What an issuer has to give."""
    return {
        "credential_issuer": catalogue.credential_issuer,
        "name": catalogue.issuer.name,
        "authorization_servers": list(catalogue.authorization_servers),
        **_obstacle(catalogue.obstacle),
        "credentials": [
            {
                "credential_configuration_id": one.credential_configuration_id,
                "format": one.format,
                "name": one.look.name,
                **_obstacle(one.obstacle),
            }
            for one in catalogue.entries
        ],
    }


def _obstacle(error: WalletError | None) -> dict[str, Any]:
    return {"possible": error is None, **(error_json(error) if error else {})}


def print_catalogue(catalogue: Catalogue) -> None:
    """What an issuer has to give, for a person."""
    line(f"{catalogue.issuer.name}, {catalogue.credential_issuer}")
    for server in catalogue.authorization_servers:
        line(f"authorization server {server}")
    if catalogue.obstacle is not None:
        line(f"without an offer nothing can be got here: {catalogue.obstacle.sentence}")
        line(f"  {catalogue.obstacle.detail}")
    for one in catalogue.entries:
        parts = (one.credential_configuration_id, one.format, one.look.name)
        line("  ".join(part for part in parts if part))
        if one.obstacle is not None:
            line(f"  cannot be got: {one.obstacle.sentence} ({one.obstacle.detail})")


def write_trace(trace: Trace, file: Path) -> None:
    """Write the events of a run, a JSON object each on a line. Raises `settings_invalid`."""
    try:
        with file.open("w", encoding="utf-8") as out:
            for event in trace.events:
                out.write(json.dumps(asdict(event)) + "\n")
    except OSError as error:
        raise LocalFailure("settings_invalid", f"--trace: {type(error).__name__}") from None


def pending_json(one: PendingIssuance) -> dict[str, Any]:
    """An issuance that is not over."""
    return {
        "id": one.id,
        "name": one.look.name,
        "issuer": one.issuer.name,
        "credential_issuer": one.credential_issuer,
        "began_at": one.began_at.isoformat() if one.began_at else None,
        "signs_in": one.signs_in,
        "has_come": one.has_come,
        "readable": one.readable,
        "ask_again_at": one.ask_again_at.isoformat() if one.ask_again_at else None,
    }


def print_pending(pending: Sequence[PendingIssuance]) -> None:
    """The issuances that are not over, a line each."""
    if not pending:
        note("No issuance was interrupted or put off.")
    for one in pending:
        began = f"began {one.began_at:%Y-%m-%d %H:%M}Z" if one.began_at else "cannot be read"
        following = "next: sign in" if one.signs_in else "next: go on without you"
        if one.has_come:
            following = "next: verify and keep what has come"
        if one.ask_again_at:
            following = f"put off by the issuer until {one.ask_again_at:%Y-%m-%d %H:%M:%S}Z"
        parts = (one.id, one.look.name, one.issuer.name, began, following if one.readable else "")
        line("  ".join(part for part in parts if part))


def print_protection(protection: Protection) -> None:
    """What opens the wallet."""
    ways = {"a passphrase": protection.passphrase, "this computer's keyring": protection.keyring}
    line(f"opened by {' together with '.join(way for way, used in ways.items() if used)}")
    confirmed = "confirmed" if protection.recovery_confirmed else "not confirmed"
    line(f"recovery code: {confirmed if protection.recovery else 'none'}")


def _state(card: Card) -> str:
    if card.refused:
        return "refused"
    if card.expired:
        return "expired"
    if card.answer and card.answer.standing in (Standing.REVOKED, Standing.SUSPENDED):
        return card.answer.standing
    return "valid"


def status_line(card: Card) -> str:
    """What was last heard of a credential's status; empty where nobody was asked."""
    if card.answer is None:
        return ""
    asked = f"{card.answer.standing}, asked {card.answer.asked_at:%Y-%m-%d %H:%M}Z"
    return f"{asked}: {card.answer.reason}" if card.answer.reason else asked


def print_card(card: Card) -> None:
    """A card with its claims and the report, for a person."""
    line(f"{card.look.name}  ({_state(card)})")
    line(f"issued by {card.issuer.name}, {card.credential_issuer}")
    line(trust_line(card))
    line(f"received {card.received_at:%Y-%m-%d}")
    if said := status_line(card):
        line(f"status: {said}")
    if card.expires_at:
        line(f"valid until {card.expires_at:%Y-%m-%d}")
    line()
    for claim in claim_lines(card.claims):
        line(claim)
    line()
    for check in report_lines(card.report):
        line(check)
    line()
    line(f"{card.format}  {card.type}  {card.credential_configuration_id}  {card.id}")


def _doubt(card: Card) -> str:
    trusted = card.refused or card.trust is Trust.ANCHORED
    return "" if trusted else LEVELS[card.trust].word.lower()


def trust_line(card: Card) -> str:
    """How much a card is believed, and why."""
    if card.refused:
        return f"{REFUSED.word}: {told_of_refused(card.report)}"
    return f"{LEVELS[card.trust].word}: {told(card.trust, card.trusted_by)}"


def claim_lines(claims: Sequence[Claim], indent: str = "") -> Iterator[str]:
    """Claims as indented lines."""
    for claim in claims:
        if isinstance(claim.value, str):
            yield f"{indent}{claim.label}: {claim.value}"
        elif isinstance(claim.value, Image):
            yield f"{indent}{claim.label}: (picture, {len(claim.value.data)} bytes)"
        else:
            yield f"{indent}{claim.label}:"
            yield from claim_lines(claim.value, indent + "  ")


def report_lines(report: Report) -> Iterator[str]:
    """The checks of a report as lines."""
    signs = {Outcome.PASSED: "passed ", Outcome.FAILED: "FAILED ", Outcome.SKIPPED: "skipped"}
    for number, check in enumerate(report.checks, 1):
        yield f"{number}. {signs[check.outcome]} {check.name}: {check.reason} [{check.rule}]"


def _shown(value: object) -> str | int | float | bool | list[str] | None:
    if isinstance(value, tuple):
        return [str(part) for part in value]
    return value if isinstance(value, bool | int | float | None) else str(value)


def print_settings(in_force: InForce, *, as_json: bool) -> None:
    """The settings in force and the origin of each."""
    rows = {
        name: (_shown(getattr(in_force.settings, name)), origin)
        for name, origin in in_force.origins.items()
    }
    if as_json:
        print_json(
            {
                "profile": in_force.profile,
                "settings_file": str(in_force.file),
                "settings": {
                    name: {"value": value, "from": _origin(origin)}
                    for name, (value, origin) in rows.items()
                },
            }
        )
        return
    line(f"profile {in_force.profile}, settings file {in_force.file}")
    width = max(len(name) for name in rows)
    for name, (value, origin) in rows.items():
        shown = json.dumps(value, ensure_ascii=False)
        line(f"{name:<{width}}  {shown}  ({_origin(origin)})")


def _origin(origin: Origin) -> str:
    return f"{origin.kind} {origin.name}".strip()
