"""Pictures of a peer: checked by content, bounded, and encoded again by a process of its own."""

import asyncio
import base64
import binascii
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from wallet.records import Image

PICTURE_LIMIT_BYTES: Final = 512_000
PIXELS_LIMIT: Final = 4_000_000
SIDE_LIMIT: Final = 1_024
"""Longest side after re-encoding; a card is drawn smaller than that."""

READER_TIMEOUT_S: Final = 5.0

_READER: Final = Path(__file__).with_name("picture_reader.py")
_MEDIA_TYPES: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def data_uri_bytes(uri: str) -> bytes | None:
    """The content of a `data:` URI (RFC 2397); None if it is none or too large."""
    head, comma, content = uri.removeprefix("data:").partition(",")
    if not comma or len(content) > 2 * PICTURE_LIMIT_BYTES:
        return None
    raw = unquote_to_bytes(content)
    if not head.endswith(";base64"):
        return raw
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error:
        return None


async def safe_picture(data: bytes) -> Image | None:
    """A PNG or JPEG, decoded and encoded again; None for anything else or anything too large.

    What was hidden in the file besides pixels does not survive. What the file does to its decoder
    ends with that process.
    """
    if len(data) > PICTURE_LIMIT_BYTES or not data.startswith(tuple(_MEDIA_TYPES)):
        return None
    out = await asyncio.to_thread(_read, data)
    kinds = (kind for magic, kind in _MEDIA_TYPES.items() if out.startswith(magic))
    return next((Image(kind, out) for kind in kinds), None)


def _read(data: bytes) -> bytes:
    limits = map(str, (PIXELS_LIMIT, SIDE_LIMIT))
    try:
        done = subprocess.run(  # noqa: S603 - a program of our own
            [sys.executable, "-I", _READER, *limits],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=READER_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
