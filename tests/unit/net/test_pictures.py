"""Pictures of a stranger: what is kept, what is refused, and what they may cost."""

import base64
import io
import os
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import PngImagePlugin

from tests.support.misbehaving import Answer, Caller, front
from wallet.net import picture_reader, pictures
from wallet.net.http import GuardedHttp
from wallet.net.pictures import PICTURE_LIMIT_BYTES, SIDE_LIMIT, data_uri_bytes, safe_picture

RED = (255, 0, 0)


def encoded(picture: Pillow.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def drawn(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Pillow.Image:
    return Pillow.new("RGB", size, RED).convert(mode)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of whatever size it claims, grey, 1 bit deep."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        data += struct.pack(">I", len(content)) + name + content
        data += struct.pack(">I", zlib.crc32(name + content))
    return data


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "I;16", "CMYK"])
async def test_pictures_without_transparency_become_jpeg(mode: str) -> None:
    source = Pillow.new(mode, (60, 40)) if mode == "I;16" else drawn(mode)
    picture = await safe_picture(encoded(source, "JPEG" if mode == "CMYK" else "PNG"))
    assert picture is not None
    assert picture.media_type == "image/jpeg"
    with Pillow.open(io.BytesIO(picture.data)) as read:
        assert (read.format, read.size, read.mode) == ("JPEG", (60, 40), "RGB")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
async def test_pictures_with_transparency_become_png(mode: str) -> None:
    options = {"transparency": 0} if mode == "P" else {}
    picture = await safe_picture(encoded(drawn(mode), "PNG", **options))
    assert picture is not None
    assert picture.media_type == "image/png"
    with Pillow.open(io.BytesIO(picture.data)) as read:
        assert (read.format, read.mode) == ("PNG", "RGBA")


async def test_large_pictures_are_made_smaller() -> None:
    picture = await safe_picture(encoded(drawn(size=(2_000, 1_000)), "PNG"))
    assert picture is not None
    with Pillow.open(io.BytesIO(picture.data)) as read:
        assert read.size == (SIDE_LIMIT, SIDE_LIMIT // 2)


async def test_nothing_but_pixels_survives() -> None:
    sentinel = b"SENTINEL" * 10
    exif = Pillow.Exif()
    exif[0x010E] = sentinel.decode()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", sentinel.decode())
    for source in (
        encoded(drawn(), "JPEG", comment=sentinel, icc_profile=sentinel, exif=exif) + sentinel,
        encoded(drawn(), "PNG", pnginfo=text, icc_profile=sentinel, exif=exif) + sentinel,
        encoded(drawn("RGBA"), "PNG", pnginfo=text, icc_profile=sentinel, exif=exif),
    ):
        assert b"SENTINEL" in source or b"iCCP" in source
        picture = await safe_picture(source)
        assert picture is not None
        assert b"SENTINEL" not in picture.data
        with Pillow.open(io.BytesIO(picture.data)) as read:
            assert not {"icc_profile", "comment", "exif", "Comment"} & set(read.info)


GOOD = encoded(drawn(), "PNG")
ZEROS = b"k\x00\x00" + zlib.compress(b"\x00" * 200_000_000)
ROWS = (b"IDAT", zlib.compress(b"\x00" * 99))
BAD: dict[str, bytes] = {
    "nothing": b"",
    "text": b"hello",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "GIF": encoded(drawn(), "GIF"),
    "WebP": encoded(drawn(), "WEBP"),
    "TIFF": encoded(drawn(), "TIFF"),
    "PNG in name only": b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
    "half a PNG": GOOD[: len(GOOD) // 2],
    "half a JPEG": encoded(drawn(size=(600, 400)), "JPEG")[:400],
    "no pixels": png(0, 0),
    "too many bytes": GOOD + b"\x00" * PICTURE_LIMIT_BYTES,
    "144 million pixels": encoded(Pillow.new("1", (12_000, 12_000)), "PNG"),
    "4 billion pixels": png(2**31 - 1, 2**31 - 1, ROWS),
    "one row too many": encoded(Pillow.new("1", (2_000, 2_001)), "PNG"),
    "a text of 200 MB": png(8, 8, (b"zTXt", ZEROS), ROWS),
    "a colour profile of 200 MB": png(8, 8, (b"iCCP", ZEROS)),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_picture(name: str) -> None:
    began = time.monotonic()
    assert await safe_picture(BAD[name]) is None
    assert time.monotonic() - began < 5


READER = Path(picture_reader.__file__)


MEASURE = """
import resource, subprocess, sys
with open(sys.argv[1], "rb") as picture:
    null = subprocess.DEVNULL
    subprocess.run([sys.executable, "-I", *sys.argv[2:]], stdin=picture, stdout=null, stderr=null)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime)
"""


def python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def cost(data: bytes, tmp_path: Path) -> tuple[int, float]:
    """Peak memory in bytes and seconds of CPU of the reader for `data`."""
    file = tmp_path / "picture"
    file.write_bytes(data)
    done = python(MEASURE, str(file), str(READER), str(pictures.PIXELS_LIMIT), str(SIDE_LIMIT))
    memory, seconds = done.stdout.split()
    return int(memory), float(seconds)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BAD["144 million pixels"],
        lambda: BAD["4 billion pixels"],
        lambda: BAD["a text of 200 MB"],
        lambda: BAD["a colour profile of 200 MB"],
        lambda: encoded(Pillow.new("RGBA", (2_000, 2_000)), "PNG"),
        lambda: encoded(Pillow.new("I;16", (2_000, 2_000)), "PNG"),
        lambda: encoded(drawn(size=(2_000, 2_000)), "JPEG", progressive=True),
    ],
)
def test_what_a_picture_costs(make: Callable[[], bytes], tmp_path: Path) -> None:
    nothing, _ = cost(b"", tmp_path)
    memory, seconds = cost(make(), tmp_path)
    assert memory - nothing < 50_000_000
    assert seconds < 2


def test_the_reader_gives_up_what_it_does_not_need() -> None:
    done = python(
        "import resource, runpy, sys\n"
        "runpy.run_path(sys.argv[1])['confine']()\n"
        "kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)\n"
        "print(*(resource.getrlimit(kind)[1] for kind in kinds))\n"
        "bytearray(400_000_000)",
        str(READER),
    )
    assert done.stdout.split() == ["256000000", "2", "0"]
    assert "MemoryError" in done.stderr


def test_the_reader_loads_nothing_of_the_wallet() -> None:
    script = "import runpy, sys; runpy.run_path(sys.argv[1]); print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in python(script, str(READER)).stdout.split()}
    assert "PIL" in loaded
    assert not loaded & {"wallet", "httpx", "asyncio"}


async def test_a_reader_that_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of the reader, a program that neither reads nor ends; its pid says if it is gone."""
    program = tmp_path / "hangs.py"
    program.write_text(
        "import os, pathlib, time\n"
        "pathlib.Path(__file__).with_name('pid').write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    monkeypatch.setattr(pictures, "_READER", program)
    monkeypatch.setattr(pictures, "READER_TIMEOUT_S", 1.0)
    assert await safe_picture(GOOD) is None
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    "program", ["import os; os.abort()", "print('hello')", "import sys; sys.exit(1)", "1/0"]
)
async def test_a_reader_that_breaks_gives_no_picture(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "breaks.py"
    file.write_text(program)
    monkeypatch.setattr(pictures, "_READER", file)
    assert await safe_picture(GOOD) is None


@pytest.mark.parametrize(
    ("uri", "data"),
    [
        ("data:image/png;base64," + base64.b64encode(GOOD).decode(), GOOD),
        ("data:,a%20b", b"a b"),
        ("data:text/plain", None),
        ("data:image/png;base64,!!!", None),
        ("data:," + "a" * 2 * PICTURE_LIMIT_BYTES + "a", None),
    ],
)
def test_data_uris(uri: str, data: bytes | None) -> None:
    assert data_uri_bytes(uri) == data


async def test_a_picture_by_url(client: Callable[..., GuardedHttp]) -> None:
    def send(caller: Caller, answer: Answer) -> None:
        head = answer.header("Content-Type", "text/html").head(length=len(GOOD))
        caller.send(head + GOOD)

    with front() as server:
        url = f"http://127.0.0.1:{server.port}/logo.png"
        assert await client(loopback=True).image(url) is None  # JSON
        server.faults["/logo.png"] = send  # by its first bytes, whatever the server calls it
        picture = await client(loopback=True).image(url)
        assert picture is not None
        assert await client().image(url) is None  # an address that is not public
        assert await client(loopback=True).image(f"http://127.0.0.1:{server.port}/none") is None
    assert await client(loopback=True).image("ftp://127.0.0.1/logo.png") is None
