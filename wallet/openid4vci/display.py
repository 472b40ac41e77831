"""`display` arrays in the holder's language (OpenID4VCI 1.0, section 12.2.4; RFC 4647)."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from wallet.openid4vci.issuer_metadata import ClaimDescription, Display
from wallet.records import Image, Look

_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_NAMED_COLORS: Final = {"white": "#ffffff", "black": "#000000"}


def chosen(display: Sequence[Display], languages: Sequence[str]) -> Display:
    """The entry in the holder's language (RFC 4647, section 3.4).

    Otherwise one without a `locale`, then the first; an empty one where there is none.
    """
    by_locale = {(entry.locale or "").lower(): entry for entry in reversed(display)}
    for language in languages:
        tag = language.lower()
        while tag:
            if tag in by_locale:
                return by_locale[tag]
            tag = tag.rpartition("-")[0]
        narrower = [
            entry
            for locale, entry in by_locale.items()
            if locale.partition("-")[0] == language.lower().partition("-")[0]
        ]
        if narrower:
            return narrower[-1]
    if "" in by_locale:
        return by_locale[""]
    return display[0] if display else Display()


def one_line(text: str, limit: int) -> str:
    """Text as it is, without control and direction characters, on one line, bounded."""
    if text.isprintable():
        return " ".join(text.split())[:limit]
    kept = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    return " ".join(kept.split())[:limit]


def plain(text: str | None, limit: int = 120) -> str:
    """An issuer's name for something: one line, look-alike forms of letters unified (NFKC)."""
    return one_line(unicodedata.normalize("NFKC", text or ""), limit)


def _color(value: str | None) -> str:
    named = _NAMED_COLORS.get((value or "").lower(), value or "")
    return named.lower() if _COLOR.fullmatch(named) else ""


def look_of(
    display: Sequence[Display],
    languages: Sequence[str],
    fallback: str,
    images: Mapping[str, Image],
) -> Look:
    """How a `display` array presents its subject; `fallback` where it has no name."""
    entry = chosen(display, languages)
    logo = entry.logo.uri if entry.logo else None
    background = entry.background_image.uri if entry.background_image else None
    return Look(
        name=plain(entry.name) or plain(fallback),
        description=plain(entry.description, 300),
        background_color=_color(entry.background_color),
        text_color=_color(entry.text_color),
        logo=images.get(logo or ""),
        background=images.get(background or ""),
    )


def picture_uris(display: Sequence[Display], languages: Sequence[str]) -> tuple[str, ...]:
    """The pictures `look_of` shows, each once."""
    entry = chosen(display, languages)
    pictures = (entry.logo, entry.background_image)
    return tuple(dict.fromkeys(picture.uri for picture in pictures if picture and picture.uri))


def label_of(description: ClaimDescription, languages: Sequence[str]) -> str:
    """The issuer's name for a claim, or one made from its path."""
    name = plain(chosen(description.display, languages).name)
    return name or label_from_path(description.path)


def label_from_path(path: Sequence[str | int | None]) -> str:
    """A readable name for a claim nobody named: its last key, words apart."""
    keys = [part for part in path if isinstance(part, str)]
    words = plain((keys or [""])[-1].replace("_", " "))
    return words[:1].upper() + words[1:]
