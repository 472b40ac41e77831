"""QR codes in pictures (owner of zxing-cpp and pyzbar): zxing first, pyzbar as second opinion."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wallet.errors import LocalFailure

if TYPE_CHECKING:
    import numpy as np

    Frame: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]

# ruff: noqa: PLC0415 - the decoders and OpenCV are loaded with the first picture

TEXT_LIMIT_BYTES: Final = 8_192
"""A QR code holds at most 7,089 digits or 2,953 bytes."""

SMALLEST_SIDE: Final = 21
"""The smallest QR code has 21 modules a side."""

SECOND_OPINION_EVERY: Final = 5
"""pyzbar takes five times as long as zxing; it looks at every fifth frame that zxing cannot read,
so that the newest frame rarely waits for it."""


def decode_frame(frame: "Frame") -> tuple[str, ...]:
    """The texts of every QR code in a frame, by zxing; about 6 ms at 720p.

    Args:
        frame: Grey, or BGR. The codes may be turned, tilted or inverted.
    """
    import zxingcpp

    # `Plain`: the default spells control characters out ("<TAB>"), which is not what was encoded.
    found = zxingcpp.read_barcodes(
        frame,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        text_mode=zxingcpp.TextMode.Plain,
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
    """What pyzbar reads; nothing where its library is missing. About 30 ms at 720p.

    zbar guesses the character set and takes UTF-8 for Shift JIS, so only ASCII is believed, which
    every offer link is. Only its QR decoder is on: the warnings that zbar prints come from others.
    """
    if not zbar_present():
        return ()
    from pyzbar import pyzbar

    found = pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return _texts(code.data.decode("ascii") for code in found if code.data.isascii())


class LiveDecoder:
    """Reads one camera frame after another. Belongs to one thread."""

    def __init__(self) -> None:
        self._unread = 0

    def texts(self, frame: "Frame") -> tuple[str, ...]:
        """The texts of every QR code in a BGR frame, by zxing or, now and then, by pyzbar."""
        texts = decode_frame(frame)
        self._unread = 0 if texts else self._unread + 1
        if texts or self._unread % SECOND_OPINION_EVERY:
            return texts
        import cv2
        import numpy as np

        return second_opinion(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8))


def decode_still(data: bytes) -> tuple[str, ...]:
    """The texts of every QR code in a picture file. Blocking.

    Costs some ten milliseconds for a screenshot and seconds for the largest picture without a code.

    Raises:
        LocalFailure: `image_unreadable`, `image_too_large`, `code_not_found`.
    """
    from wallet.scan.picture import read_grey

    grey = read_grey(data)
    if min(grey.shape) < SMALLEST_SIDE:
        raise LocalFailure("code_not_found", "smaller than any QR code")
    # Of several codes each may be readable in another variant only.
    texts = _texts(text for variant in _variants(grey) for text in decode_frame(variant))
    if texts:
        return texts
    for variant in _variants(grey):
        if texts := second_opinion(variant):
            return texts
    raise LocalFailure("code_not_found")


def _texts(found: Iterable[str]) -> tuple[str, ...]:
    """What was read, each once, without what cannot be the text of a QR code."""
    return tuple(dict.fromkeys(text for text in found if text and _plausible(text)))


def _plausible(text: str) -> bool:
    try:
        return len(text.encode()) <= TEXT_LIMIT_BYTES
    except UnicodeEncodeError:
        return False


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
