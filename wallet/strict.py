"""Strict readers for what peers send: JSON (RFC 8259) and base64url (RFC 7515, section 2).

Python's own readers take duplicate members, NaN, any depth and non-canonical base64; a wallet that
compares what it read with what was signed must not.
"""

import base64
import binascii
import json
from typing import Final

from wallet.records import Json, JsonObject

MAX_DEPTH: Final = 32
"""Arrays and objects within each other; real documents of this protocol stay below 12."""


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        message = "a member name occurs twice in one object"
        raise ValueError(message)
    return members


def _constant(name: str) -> Json:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        message = "a number is too large"
        raise ValueError(message)
    return value


def _depth(text: str) -> int:
    deepest = depth = 0
    quoted = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def json_value(data: bytes) -> Json:
    """Read one JSON text in UTF-8.

    Raises:
        ValueError: Not UTF-8, a byte order mark, not JSON, duplicate members, NaN or infinity,
            a lone surrogate, or deeper than `MAX_DEPTH`.
    """
    text = data.decode("utf-8", errors="strict")
    if (data.count(b"[") + data.count(b"{")) > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        message = f"nested deeper than {MAX_DEPTH}"
        raise ValueError(message)
    value: Json = json.loads(
        text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
    )
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8", errors="strict")
    return value


def json_object(data: bytes) -> JsonObject:
    """Read one JSON object; raises `ValueError` as `json_value`, or where it is no object."""
    value = json_value(data)
    if not isinstance(value, dict):
        message = "not a JSON object"
        raise ValueError(message)
    return value


def canonical_json(value: Json) -> bytes:
    """A JSON text as the JSON Canonicalization Scheme writes it (RFC 8785).

    For values whose member names are ASCII and whose numbers are integers: others it may order or
    write differently.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def base64url(text: str) -> bytes:
    """Decode base64url without padding, canonical form only.

    Raises:
        ValueError: Padding, another alphabet, or stray bits at the end.
    """
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", True)
    except (binascii.Error, UnicodeEncodeError) as error:
        message = "not base64url"
        raise ValueError(message) from error
    if base64url_encode(data) != text:
        message = "not canonical base64url"
        raise ValueError(message)
    return data


def base64url_encode(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
