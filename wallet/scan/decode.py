"""QR codes in pictures (owner of zxing-cpp and pyzbar): zxing first, pyzbar as second opinion."""

import io
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wallet.errors import LocalFailure

if TYPE_CHECKING:
    import numpy as np

    Frame: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]

# ruff: noqa: PLC0415 - the decoders and OpenCV are loaded with the first picture

FILE_LIMIT_BYTES: Final = 20_000_000
PIXELS_LIMIT: Final = 50_000_000
TEXT_LIMIT_BYTES: Final = 8_192
"""A QR code holds at most 2,953 bytes."""

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def _texts(found: Iterable[str]) -> tuple[str, ...]:
    """What was read, each once, without what cannot be text of a QR code."""
    return tuple(
        dict.fromkeys(
            text
            for text in found
            if text and len(text.encode("utf-8", "replace")) <= TEXT_LIMIT_BYTES
        )
    )


def decode_frame(frame: "Frame") -> tuple[str, ...]:
    """The texts of every QR code in a camera frame, by zxing; a few milliseconds at 720p."""
    import zxingcpp

    found = zxingcpp.read_barcodes(
        frame, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    return _texts(code.text for code in found if code.valid)


@cache
def zbar_present() -> bool:
    """Whether pyzbar finds its library (Debian's libzbar0)."""
    try:
        from pyzbar import pyzbar  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


def second_opinion(grey: "Frame") -> tuple[str, ...]:
    """What pyzbar reads; nothing where its library is missing. Some ten milliseconds at 720p."""
    if not zbar_present():
        return ()
    from pyzbar import pyzbar

    found = pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return _texts(code.data.decode("utf-8", "replace") for code in found)


def decode_still(data: bytes) -> tuple[str, ...]:
    """The texts of every QR code in a picture file. Blocking; up to seconds for a hard picture.

    Raises:
        LocalFailure: `image_unreadable`, `image_too_large`, `code_not_found`.
    """
    grey = _grey(data)
    for variant in _variants(grey):
        texts = decode_frame(variant) or second_opinion(variant)
        if texts:
            return texts
    raise LocalFailure("code_not_found")


def _grey(data: bytes) -> "Frame":
    import numpy as np
    from PIL import Image

    if len(data) > FILE_LIMIT_BYTES:
        raise LocalFailure("image_too_large", f"more than {FILE_LIMIT_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > PIXELS_LIMIT:
                    raise LocalFailure(
                        "image_too_large", f"{picture.width} × {picture.height} pixels"
                    )
                flat = picture.convert("RGBA")
                ground = Image.new("RGBA", flat.size, "white")
                return np.asarray(Image.alpha_composite(ground, flat).convert("L"))
    except Image.DecompressionBombError:
        raise LocalFailure("image_too_large", "too many pixels") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise LocalFailure("image_unreadable", type(error).__name__) from None


def _variants(grey: "Frame") -> Iterator["Frame"]:
    """The picture as it is, then as a decoder may like it better."""
    import cv2
    import numpy as np

    def scaled(factor: float) -> "Frame":
        how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
        return np.asarray(cv2.resize(grey, None, fx=factor, fy=factor, interpolation=how), np.uint8)

    yield grey
    longest = max(grey.shape)
    if longest <= 1_500:
        yield scaled(2.0)
    if longest >= 600:
        yield scaled(0.5)
    blurred = cv2.GaussianBlur(grey, (5, 5), 0)
    yield np.asarray(blurred, np.uint8)
    kind = cv2.THRESH_BINARY
    adaptive = cv2.adaptiveThreshold(blurred, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, kind, 51, 5)
    yield np.asarray(adaptive, np.uint8)
