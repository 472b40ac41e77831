"""Picture files of unknown origin: checked by kind and size before a pixel is decoded."""

import io
from typing import TYPE_CHECKING, Final

from wallet.errors import LocalFailure

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from wallet.scan.decode import Frame

# ruff: noqa: PLC0415 - Pillow and NumPy are loaded with the first picture

FILE_LIMIT_BYTES: Final = 20_000_000
PIXELS_LIMIT: Final = 50_000_000
SIDE_LIMIT_PIXELS: Final = 65_535
"""zxing-cpp takes no longer side."""


def read_grey(data: bytes) -> "Frame":
    """The pixels of a PNG, JPEG, WebP, GIF (first frame) or BMP file, as seen on white paper.

    Raises:
        LocalFailure: `image_unreadable`, `image_too_large`.
    """
    if len(data) > FILE_LIMIT_BYTES:
        raise LocalFailure("image_too_large", f"more than {FILE_LIMIT_BYTES} bytes")
    try:
        with _opened(data) as picture:
            width, height = picture.size
            if width * height > PIXELS_LIMIT or max(width, height) > SIDE_LIMIT_PIXELS:
                raise LocalFailure("image_too_large", f"{width} × {height} pixels")
            return _grey(picture)
    except LocalFailure:
        raise
    except Exception as error:  # noqa: BLE001 - Pillow's readers raise whatever the bytes provoke
        bomb = type(error).__name__.startswith("DecompressionBomb")
        code = "image_too_large" if bomb else "image_unreadable"
        raise LocalFailure(code, type(error).__name__) from None


def _opened(data: bytes) -> "ImageFile":
    """Read the header only, by the one reader that the first bytes name.

    `PIL.Image.open` would also warn about sizes, through process-wide filters; ours are refused.
    """
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.GifImagePlugin import GifImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    file = io.BytesIO(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImageFile(file)
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImageFile(file)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImageFile(file)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GifImageFile(file)
    if data.startswith(b"BM"):
        return BmpImageFile(file)
    raise LocalFailure("image_unreadable", "not a PNG, JPEG, WebP, GIF or BMP file")


def _grey(picture: "ImageFile") -> "Frame":
    import numpy as np
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits; Pillow would clip them to 8, not scale them
        return (np.asarray(picture) >> 8).astype(np.uint8)
    if picture.has_transparency_data:
        flat = picture.convert("RGBA")
        paper = Image.new("RGBA", flat.size, "white")
        return np.asarray(Image.alpha_composite(paper, flat).convert("L"))
    return np.asarray(picture.convert("L"))
