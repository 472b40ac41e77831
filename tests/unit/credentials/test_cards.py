"""A record as a person sees it: the issuer's words and order, whatever the claims are."""

from datetime import UTC, datetime
from typing import Any

import pytest

from wallet.engine.cards import card_of, claims_of
from wallet.openid4vci.issuer_metadata import CredentialMetadata
from wallet.records import (
    Card,
    Check,
    Claim,
    Copy,
    CredentialRecord,
    Image,
    Json,
    Outcome,
    Report,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PICTURE = Image("image/png", b"x")


def tree(claims: tuple[Claim, ...]) -> list[Any]:
    return [
        (claim.label, tree(claim.value) if isinstance(claim.value, tuple) else claim.value)
        for claim in claims
    ]


def shown(claims: dict[str, Json], *described: list[str | int | None], **labels: str) -> list[Any]:
    descriptions = [
        {"path": path, "display": [{"name": labels[str(path[-1])]}] if path[-1] in labels else []}
        for path in described
    ]
    metadata = CredentialMetadata.model_validate({"claims": descriptions})
    return tree(claims_of(claims, metadata, ["en"], {"data:image/png;base64,AA": PICTURE}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "Yes"),
        (False, "No"),
        (None, ""),
        (42, "42"),
        (2.5, "2.5"),
        ("a\nb", "a b"),
        (["DE", "IT"], "DE, IT"),
        ([], ""),
        ({}, []),
        ("data:image/png;base64,AA", PICTURE),
        (["data:image/png;base64,AA"], [("1", PICTURE)]),
        ("data:text/html,<script>", "A file that cannot be shown"),
        ([[1, 2], [3]], [("1", "1, 2"), ("2", "3")]),
        ([{"a": 1}, "b"], [("1", [("A", "1")]), ("2", "b")]),
        ("x" * 5_000, "x" * 4_000),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_values(value: Json, text: Any) -> None:
    assert shown({"claim": value}) == [("Claim", text)]


def test_clm_03_the_order_and_names_of_the_issuer() -> None:
    address = {"city": "B", "street": "C"}
    claims: dict[str, Json] = {"extra": 1, "first_name": "A", "address": address, "age": 2}
    assert shown(
        claims, ["address", "street"], ["age"], ["first_name"], ["address", "city"],
        street="Road", first_name="Name",
    ) == [
        ("Address", [("Road", "C"), ("City", "B")]),
        ("Age", "2"),
        ("Name", "A"),
        ("Extra", "1"),
    ]  # fmt: skip


def test_clm_03_also_within_arrays() -> None:
    claims: dict[str, Json] = {
        "degrees": [{"type": "BSc", "university": "U"}, {"university": "V", "type": "MSc"}],
    }
    described: list[list[str | int | None]] = [
        ["degrees"], ["degrees", None, "university"], ["degrees", None, "type"],
    ]  # fmt: skip
    assert shown(claims, *described, university="School", degrees="Titles") == [
        (
            "Titles",
            [
                ("1", [("School", "U"), ("Type", "BSc")]),
                ("2", [("School", "V"), ("Type", "MSc")]),
            ],
        )
    ]


@pytest.mark.timeout(20)
def test_thousands_of_descriptions_stop_nobody() -> None:
    names = [f"claim_{number}" for number in range(20_000)]
    described: list[list[str | int | None]] = [[name] for name in reversed(names)]
    claims: dict[str, Json] = dict.fromkeys(names[:2_000], 1)
    assert [label for label, _ in shown(claims, *described)][:2] == ["Claim 1999", "Claim 1998"]


MDOC: dict[str, Any] = {
    "org.iso.18013.5.1": {
        "given_name": "A",
        "age": 2,
        "driving_privileges": [{"vehicle_category_code": "B", "issue_date": "2010-01-01"}],
        "family_name": "B",
    },
    "org.iso.18013.5.1.XX": {"sex": 1},
}
DESCRIBED = [
    {"path": ["org.iso.18013.5.1", "family_name"], "display": [{"name": "Surname"}]},
    {"path": ["org.iso.18013.5.1", "driving_privileges", None, "issue_date"],
     "display": [{"name": "Since"}]},
    {"path": ["org.iso.18013.5.1", "age"]},
]  # fmt: skip


def card(format_: str, claims: dict[str, Json]) -> Card:
    configuration: dict[str, Any] = {
        "format": format_,
        "doctype": "org.iso.18013.5.1.mDL",
        "credential_metadata": {"claims": DESCRIBED},
    }
    record = CredentialRecord(
        id="1",
        format=format_,
        copies=(Copy("c", "k"),),
        credential_issuer="https://issuer.example",
        credential_configuration_id="card",
        configuration=configuration,
        issuer_display=[],
        claims=claims,
        images={},
        trusted_by="Root",
        received_at=NOW,
        expires_at=None,
        report=Report((Check("Form", Outcome.PASSED, "", ""),)),
    )
    return card_of(record, ["en"], NOW)


def test_fmt_02_elements_of_a_mobile_document_stand_without_their_namespaces() -> None:
    shown_card = card("mso_mdoc", MDOC)
    assert shown_card.type == "org.iso.18013.5.1.mDL"
    assert tree(shown_card.claims) == [
        ("Surname", "B"),
        ("Driving privileges", [("1", [("Since", "2010-01-01"), ("Vehicle category code", "B")])]),
        ("Age", "2"),
        ("Given name", "A"),
        ("Sex", "1"),
    ]
    assert shown_card.claims[0].path == ("org.iso.18013.5.1", "family_name")


def test_fmt_02_a_record_without_namespaces_is_shown_as_it_is() -> None:
    assert tree(card("mso_mdoc", {"a": "b"}).claims) == [("A", "b")]
    assert tree(card("other", {"a": {"b": "c"}}).claims) == [("A", [("B", "c")])]
