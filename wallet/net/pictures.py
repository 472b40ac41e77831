"""Pictures of a peer (owner of Pillow): checked by content, bounded, re-encoded."""

import base64
import binascii
import io
import warnings
from typing import Final
from urllib.parse import unquote_to_bytes

from wallet.records import Image

PICTURE_LIMIT_BYTES: Final = 512_000
PIXELS_LIMIT: Final = 4_000_000
SIDE_LIMIT: Final = 1_024
"""Longest side after re-encoding; a card is drawn smaller than that."""

_MAGIC: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


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


def safe_picture(data: bytes) -> Image | None:
    """A PNG or JPEG, decoded and encoded again; None for anything else or anything too large.

    What was hidden in the file besides pixels does not survive.
    """
    from PIL import Image as Pillow  # noqa: PLC0415 - loaded when the first picture comes

    if len(data) > PICTURE_LIMIT_BYTES or not data.startswith(_MAGIC):
        return None
    out = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            with Pillow.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
                if picture.width * picture.height > PIXELS_LIMIT:
                    return None
                alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
                pixels = picture.convert("RGBA" if alpha else "RGB")
        pixels.thumbnail((SIDE_LIMIT, SIDE_LIMIT))
        if alpha:
            pixels.save(out, "PNG")
        else:
            pixels.save(out, "JPEG", quality=90)
    except (
        OSError,
        ValueError,
        SyntaxError,
        Pillow.DecompressionBombWarning,
        Pillow.DecompressionBombError,
    ):
        return None
    return Image("image/png" if alpha else "image/jpeg", out.getvalue())
