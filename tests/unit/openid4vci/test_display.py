"""Issuers' words in the holder's language, made harmless (OpenID4VCI 1.0, section 12.2.4)."""

import pytest

from wallet.openid4vci.display import (
    chosen,
    label_from_path,
    label_of,
    look_of,
    picture_uris,
    plain,
)
from wallet.openid4vci.issuer_metadata import ClaimDescription, Display, Picture
from wallet.records import Image

IN_MANY = [
    Display(name="Ausweis", locale="de-CH"),
    Display(name="Card", locale="en"),
    Display(name="Carta", locale="it"),
    Display(name="Kaart"),
]


@pytest.mark.parametrize(
    ("languages", "name"),
    [
        (["en"], "Card"),
        (["en-GB"], "Card"),
        (["EN"], "Card"),
        (["de-CH-1996"], "Ausweis"),
        (["de"], "Ausweis"),
        (["de-DE"], "Ausweis"),
        (["fr", "it-IT", "en"], "Carta"),
        (["fr"], "Kaart"),
        ([], "Kaart"),
    ],
)
def test_meta_06_the_holders_language(languages: list[str], name: str) -> None:
    assert chosen(IN_MANY, languages).name == name


def test_meta_06_the_first_where_no_entry_is_without_language() -> None:
    assert chosen(IN_MANY[:3], ["fr"]).name == "Ausweis"
    assert chosen([], ["fr"]) == Display()
    assert (
        chosen([Display(name="1", locale="en"), Display(name="2", locale="en")], ["en"]).name == "1"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  a\tb\nc  ", "a b c"),
        ("Bank\u202egpj.exe", "Bankgpj.exe"),
        ("\x1b[31mred\x07", "[31mred"),
        ("\u200bnothing\ufeff", "nothing"),
        ("Ｂａｎｋ", "Bank"),
        ("x" * 200, "x" * 120),
        (None, ""),
        ("\x00", ""),
    ],
)
def test_an_issuers_words_are_one_harmless_line(text: str | None, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("color", "kept"),
    [
        ("#12107C", "#12107c"),
        ("white", "#ffffff"),
        ("BLACK", "#000000"),
        ("red", ""),
        ("#fff", ""),
        ("#12107c; background: url(x)", ""),
        (None, ""),
    ],
)
def test_colours(color: str | None, kept: str) -> None:
    look = look_of([Display(background_color=color, text_color=color)], [], "x", {})
    assert (look.background_color, look.text_color) == (kept, kept)


def test_a_subject_without_name_goes_by_its_identifier_made_harmless() -> None:
    assert look_of([Display(name=" \u202e ")], [], "card\x1b[2J", {}).name == "card[2J"


def test_pictures_of_the_chosen_language_only() -> None:
    logo = Picture(uri="https://issuer.example/en.png")
    display = [
        Display(locale="en", logo=logo, background_image=Picture(uri="data:image/png;base64,")),
        Display(locale="de", logo=Picture(uri="https://tracker.example/de.png")),
        Display(locale="fr", logo=logo, background_image=logo),
        Display(locale="it", logo=Picture()),
    ]
    assert picture_uris(display, ["en"]) == (logo.uri, "data:image/png;base64,")
    assert picture_uris(display, ["fr"]) == (logo.uri,)
    assert picture_uris(display, ["it"]) == ()
    image = Image("image/png", b"")
    assert look_of(display, ["en"], "x", {"https://issuer.example/en.png": image}).logo is image


def test_labels_of_claims() -> None:
    described = ClaimDescription(
        path=["family_name"], display=[Display(name="Surname", locale="en")]
    )
    assert label_of(described, ["de", "en"]) == "Surname"
    assert label_of(ClaimDescription(path=["family_name"]), ["en"]) == "Family name"
    assert label_from_path(["degrees", None, "type"]) == "Type"
    assert label_from_path(["degrees", 0]) == "Degrees"
    assert label_from_path([None]) == ""
