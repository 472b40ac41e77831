"""A record as a person sees it: the issuer's words and order, whatever the claims are."""

from typing import Any

import pytest

from wallet.engine.cards import claims_of
from wallet.openid4vci.issuer_metadata import CredentialMetadata
from wallet.records import Claim, Image, Json

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
