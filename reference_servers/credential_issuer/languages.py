"""Metadata in one language (OpenID4VCI 1.0, section 12.2.2; RFC 9110, section 12.5.4)."""

import re
from collections.abc import Sequence
from typing import Any


def language(accept: str, locales: Sequence[str]) -> str | None:
    """The locale that an `Accept-Language` header prefers, by lookup (RFC 4647, section 3.4).

    Returns:
        None where it prefers none of them.
    """
    ranges = []
    for part in accept.lower().split(","):
        name, _, parameters = part.partition(";")
        given = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", parameters)
        ranges.append((float(given[1]) if given else 1.0, name.strip()))
    for weight, name in sorted(ranges, key=lambda one: -one[0]):
        subtags = name.split("-") if weight > 0 else []
        for length in range(len(subtags), 0, -1):
            for locale in locales:
                if locale.lower() == "-".join(subtags[:length]):
                    return locale
    return None


def in_language(document: Any, locale: str) -> Any:  # noqa: ANN401 - any JSON
    """A document with only this locale's elements in each `display` that has it."""
    if isinstance(document, list):
        return [in_language(one, locale) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        name: (_spoken(value, locale) or value)
        if name == "display" and isinstance(value, list)
        else in_language(value, locale)
        for name, value in document.items()
    }


def _spoken(display: Sequence[object], locale: str) -> Sequence[object]:
    return [one for one in display if isinstance(one, dict) and one.get("locale") == locale]
