"""The values of elements as JSON (ISO/IEC 18013-5, section 7.2; RFC 8949, section 6.1)."""

import base64
from collections.abc import Mapping
from typing import Final

from openvc.cbor import CborTag

from wallet.credentials.mdoc.diagnostic import notation
from wallet.records import Json

DEPTH_LIMIT: Final = 16
"""Arrays and maps of one element within each other; driving privileges have four."""

EXACT: Final = 2**53
"""Integers from here on are no numbers that every reader of JSON takes alike (RFC 8259, 6)."""

_PICTURES: Final[Mapping[bytes, str]] = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\0\0\0\x0cjP  \r\n\x87\n": "image/jp2",
    b"\xff\x4f\xff\x51": "image/j2c",
}
"""Media types by how their files begin; a portrait is JPEG or JPEG 2000 (section 7.2.1)."""


def json_of(value: object, depth: int = 0) -> Json:
    """A decoded data item as JSON.

    Dates are the text in their tag, a byte string is a `data:` URI, and what JSON cannot hold is
    its diagnostic notation.

    Raises:
        ValueError: Nested deeper than `DEPTH_LIMIT`, or two keys of a map are the same text.
    """
    if depth > DEPTH_LIMIT:
        message = f"an element nested deeper than {DEPTH_LIMIT}"
        raise ValueError(message)
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -EXACT < value < EXACT else str(value)
        case bytes():
            return data_uri(value)
        case list():
            return [json_of(one, depth + 1) for one in value]
        case dict():
            members = {_name(key): json_of(one, depth + 1) for key, one in value.items()}
            if len(members) != len(value):
                message = "two keys of a map are the same text"
                raise ValueError(message)
            return members
        case CborTag():
            return json_of(value.value, depth + 1)
        case _:
            return notation(value)


def data_uri(data: bytes) -> str:
    """Bytes as a `data:` URI (RFC 2397), with the media type of a picture where they are one."""
    kinds = (kind for magic, kind in _PICTURES.items() if data.startswith(magic))
    kind = next(kinds, "application/octet-stream")
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _name(key: object) -> str:
    return key if isinstance(key, str) else notation(key)
