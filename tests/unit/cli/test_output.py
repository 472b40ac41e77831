"""What the command line prints, for people and for scripts."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.records import record
from wallet.cli.output import (
    card_json,
    error_json,
    note,
    print_card,
    print_error,
    print_json,
    print_list,
)
from wallet.engine.cards import card_of
from wallet.errors import PeerRefused, VerificationFailed
from wallet.records import Card, Check, Image, Outcome, Report, Secret

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOSTILE = "a\x1b]0;title\x07\x9b2J\u202eb\r\nc\x7f"


def card(**changes: object) -> Card:
    return card_of(replace(record(), **changes), ["en"], NOW)  # type: ignore[arg-type]


def hostile() -> Card:
    """A card of an issuer that wants to talk to the terminal."""
    return card(
        credential_configuration_id=HOSTILE,
        configuration={"format": "dc+sd-jwt", "vct": HOSTILE},
        issuer_display=({"name": HOSTILE},),
        claims={HOSTILE: HOSTILE, "list": [HOSTILE], "object": {HOSTILE: {"a": HOSTILE}}},
        report=Report((Check("Type", Outcome.PASSED, HOSTILE, "rule"),)),
    )


def test_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    picture = "data:image/png;base64,AA=="
    print_card(
        card(
            claims={"given_name": "Zita", "portrait": picture, "address": {"country": "IT"}},
            images={picture: Image("image/png", b"12345")},
        )
    )
    assert capsys.readouterr().out.splitlines() == [
        "card  (valid)",
        "issued by Issuer, https://issuer.example",
        "Trusted: Verified, and trusted by Root.",
        "received 2026-01-02",
        "valid until 2027-01-01",
        "",
        "Given name: Zita",
        "Portrait: (picture, 5 bytes)",
        "Address:",
        "  Country: IT",
        "",
        "1. passed  Signature: ES256 [RFC 7515, section 5.2]",
        "",
        "dc+sd-jwt  urn:example:1  card  credential-0",
    ]


def test_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    print_list([card(), card(expires_at=None), card(expires_at=NOW)])
    assert capsys.readouterr().out.splitlines() == [
        "credential-0  card  Issuer  valid  until 2027-01-01",
        "credential-0  card  Issuer  valid",
        "credential-0  card  Issuer  expired  until 2026-06-01",
    ]
    print_list([])
    assert capsys.readouterr().out == ""


def test_no_issuer_talks_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_card(hostile())
    print_list([hostile()])
    print_json(card_json(hostile(), Secret("raw credential")))
    note(HOSTILE)
    report = Report((Check("Type", Outcome.FAILED, HOSTILE, HOSTILE),))
    for error in (
        VerificationFailed("vct_mismatch", HOSTILE, report=report),
        PeerRefused("token_refused", HOSTILE, peer_error=HOSTILE, url=HOSTILE),
    ):
        print_error(error)
        print_json(error_json(error))
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert all(line.isprintable() for line in text.split("\n"))


def test_json_keeps_what_the_issuer_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(card_json(hostile(), Secret("raw credential")))
    shown = json.loads(capsys.readouterr().out)
    assert shown["credential_configuration_id"] == HOSTILE
    assert shown["claims"][0]["path"] == [HOSTILE]
    assert shown["credential"] == "raw credential"


def test_an_error_tells_everything_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    error = PeerRefused(
        "token_refused", "HTTP 400", rule="RFC 6749", url="https://a.example", peer_error="no"
    )
    print_error(error)
    assert capsys.readouterr().err.splitlines() == [
        "wallet: The authorization server refused to let the wallet in.",
        "        Start again from the offer.",
        "  code: token_refused",
        "  detail: HTTP 400",
        "  rule: RFC 6749",
        "  url: https://a.example",
        "  peer error: no",
    ]
    assert error_json(error)["error"]["peer_error"] == "no"
