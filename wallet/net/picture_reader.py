"""A program of its own (owner of Pillow): one picture in, the same pixels newly encoded out.

Pillow's decoders are C, and the bytes are a stranger's: what they break is this process, which
holds nothing and ends within its limits. It is run by its path with `python -I`, and imports
nothing of the wallet. Measured: 60 to 90 ms and 16 MB a picture.

Usage: picture_reader.py PIXELS SIDE < picture > picture
"""

import io
import sys
import warnings
from contextlib import suppress

from PIL import Image, JpegImagePlugin, PngImagePlugin  # noqa: F401 - all files before the limits

MEMORY_BYTES = 256_000_000
CPU_S = 2


def confine() -> None:
    """Give up what decoding does not need, as far as the system can (Windows: not at all)."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS has no limit on address space
            resource.setrlimit(kind, (limit, limit))


def read(data: bytes, pixels_limit: int, side_limit: int) -> bytes:
    """The picture in `data`, encoded again: PNG where it has transparency, JPEG otherwise.

    Raises:
        Exception: Whatever the bytes provoke.
    """
    out = io.BytesIO()
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
        if picture.width * picture.height > pixels_limit:
            raise ValueError(picture.size)
        alpha = picture.has_transparency_data
        mode = "RGBA" if alpha else "RGB"
        pixels = picture if picture.mode == mode else picture.convert(mode)
        pixels.thumbnail((side_limit, side_limit))
        pixels.info.clear()  # comments and colour profiles are not pixels
        if alpha:
            pixels.save(out, "PNG")
        else:
            pixels.save(out, "JPEG", quality=90)
    return out.getvalue()


if __name__ == "__main__":
    confine()
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    pixels_limit, side_limit = map(int, sys.argv[1:])
    sys.stdout.buffer.write(read(sys.stdin.buffer.read(), pixels_limit, side_limit))
