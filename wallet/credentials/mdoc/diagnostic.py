"""CBOR as people read it: diagnostic notation (RFC 8949, section 8; RFC 8610, appendix G)."""

import json
from collections.abc import Iterator
from typing import Final

from openvc.cbor import TAG_ENCODED_CBOR, CborError, CborTag, decode

LIMIT: Final = 100_000
"""Characters; a mobile document without its pictures stays below 20,000."""

BYTES_LIMIT: Final = 64
"""How much of a byte string is shown: all of a digest, the beginning of a picture."""

EMBEDDED_LIMIT: Final = 4
"""CBOR in byte strings in CBOR; a mobile document has it once, its session transcript twice."""


def diagnostic(encoded: bytes, limit: int = LIMIT) -> str:
    """One CBOR data item in diagnostic notation, on one line, with embedded CBOR as CBOR.

    What is longer than `limit`, or a byte string longer than `BYTES_LIMIT`, ends in an ellipsis.

    Raises:
        ValueError: Not CBOR as mobile documents use it.
    """
    try:
        return notation(decode(encoded), limit)
    except CborError as error:
        raise ValueError(str(error)[:200]) from None


def notation(value: object, limit: int = LIMIT) -> str:
    """A decoded data item in diagnostic notation, as above."""
    text: list[str] = []
    left = limit
    for part in _parts(value):
        if len(part) > left:
            return "".join([*text, part[:left], "…"])
        text.append(part)
        left -= len(part)
    return "".join(text)


def _parts(value: object, embedded: int = 0) -> Iterator[str]:
    match value:
        case None:
            yield "null"
        case bool():
            yield "true" if value else "false"
        case str():
            yield json.dumps(value, ensure_ascii=False)
        case bytes():
            yield f"h'{value[:BYTES_LIMIT].hex()}{'…' if len(value) > BYTES_LIMIT else ''}'"
        case list():
            yield "["
            for place, one in enumerate(value):
                yield ", " if place else ""
                yield from _parts(one, embedded)
            yield "]"
        case dict():
            yield "{"
            for place, (key, one) in enumerate(value.items()):
                yield ", " if place else ""
                yield from _parts(key, embedded)
                yield ": "
                yield from _parts(one, embedded)
            yield "}"
        case CborTag():
            yield f"{value.tag}("
            if value.tag == TAG_ENCODED_CBOR and embedded < EMBEDDED_LIMIT:
                yield from _embedded(value, embedded + 1)
            else:
                yield from _parts(value.value, embedded)
            yield ")"
        case _:
            yield str(value)


def _embedded(tag: CborTag, embedded: int) -> Iterator[str]:
    try:
        inside = decode(tag.value)
    except CborError:
        yield from _parts(tag.value, embedded)
        return
    yield "<<"
    yield from _parts(inside, embedded)
    yield ">>"
