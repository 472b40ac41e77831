"""From light to text: stills, videos, foreign codes, missing cameras, cancelled scans."""

import asyncio
import io
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.camera import write_camera_video
from wallet.errors import LocalFailure
from wallet.scan import CameraSource, decode_still, scan
from wallet.scan.decode import second_opinion, zbar_present

OFFER = "openid-credential-offer://?credential_offer=" + "%7B%22credential_issuer%22" * 8


def code_png(text: str, scale: int = 8, *, dark: str = "black", light: str = "white") -> bytes:
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="png", scale=scale, dark=dark, light=light)
    return out.getvalue()


def png_of(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


async def ignore(_jpeg: bytes) -> None:
    pass


@pytest.mark.parametrize("angle", [0, 17, 90, 180])
def test_turned(angle: int) -> None:
    picture = Image.open(io.BytesIO(code_png(OFFER))).convert("RGB")
    turned = picture.rotate(angle, expand=True, fillcolor="white")
    assert decode_still(png_of(turned)) == (OFFER,)


def test_inverted_tiny_and_transparent() -> None:
    assert decode_still(code_png(OFFER, dark="white", light="black")) == (OFFER,)
    assert decode_still(code_png(OFFER, scale=2)) == (OFFER,)
    out = io.BytesIO()
    segno.make_qr(OFFER).save(out, kind="png", scale=6, light=None)
    assert decode_still(out.getvalue()) == (OFFER,)


def test_every_code_of_a_screenshot() -> None:
    screen = Image.new("RGB", (1920, 1080), "#334455")
    for at, text in ((100, OFFER), (1000, "https://example.com/other")):
        screen.paste(Image.open(io.BytesIO(code_png(text, 5))).convert("RGB"), (at, 200))
    assert set(decode_still(png_of(screen))) == {OFFER, "https://example.com/other"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image_unreadable"),
        (b"hello", "image_unreadable"),
        (code_png(OFFER)[:200], "image_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_unreadable"),
        (png_of(Image.new("1", (12_000, 12_000))), "image_too_large"),
        (b"\x89PNG" + bytes(20_000_001), "image_too_large"),
        (png_of(Image.new("RGB", (300, 300), "white")), "code_not_found"),
    ],
    ids=["empty", "text", "truncated", "svg", "bomb", "huge file", "blank"],
)
def test_pictures_that_do_not_help(data: bytes, code: str) -> None:
    with pytest.raises(LocalFailure) as caught:
        decode_still(data)
    assert caught.value.code == code


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"])
)
def test_any_bytes_end_in_our_own_error(data: bytes, magic: bytes) -> None:
    with pytest.raises(LocalFailure):
        decode_still(magic + data)


def test_the_second_opinion_reads_too() -> None:
    if not zbar_present():
        pytest.skip("needs the package libzbar0")
    grey = np.asarray(Image.open(io.BytesIO(code_png(OFFER))).convert("L"))
    assert second_opinion(grey) == (OFFER,)


def test_without_libzbar_zxing_is_enough(tmp_path: Path) -> None:
    picture = tmp_path / "code.png"
    picture.write_bytes(code_png(OFFER))
    script = (
        "import ctypes.util, sys; ctypes.util.find_library = lambda name: None\n"
        "from pathlib import Path\n"
        "from wallet.scan.decode import decode_still, zbar_present\n"
        "print(zbar_present(), decode_still(Path(sys.argv[1]).read_bytes())[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, picture], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"False {OFFER}\n"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("camera") / "camera.avi"
    write_camera_video(code_png(OFFER), path)
    return path


async def test_a_moving_code_is_read_while_frames_are_shown(video: Path) -> None:
    shown: list[bytes] = []
    threads: set[str] = set()

    async def show(jpeg: bytes) -> None:
        shown.append(jpeg)
        threads.update(thread.name for thread in threading.enumerate())

    assert await scan(CameraSource(video), show, lambda _text: True) == OFFER
    picture = Image.open(io.BytesIO(shown[0]))
    assert (picture.format, picture.size) == ("JPEG", (640, 360))
    assert {"wallet-scan-capture", "wallet-scan-decode"} <= threads
    assert not [t for t in threading.enumerate() if t.name.startswith("wallet-scan")]


async def test_frames_are_dropped_while_the_screen_is_busy(video: Path) -> None:
    never = asyncio.Event()
    shown: list[bytes] = []

    async def show(jpeg: bytes) -> None:
        shown.append(jpeg)
        await never.wait()

    assert await scan(CameraSource(video), show, lambda _text: True) == OFFER
    assert len(shown) == 1


async def test_a_foreign_code_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "two.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (600, 600))
    for text in ["https://example.com"] * 8 + [OFFER] * 8:
        code = cv2.imdecode(np.frombuffer(code_png(text, 6), np.uint8), cv2.IMREAD_COLOR)
        assert code is not None
        writer.write(cv2.resize(code, (600, 600), interpolation=cv2.INTER_NEAREST))
    writer.release()
    seen: list[str] = []

    def accept(text: str) -> bool:
        seen.append(text)
        return text == OFFER

    assert await scan(CameraSource(path), ignore, accept) == OFFER
    assert seen[-1] == OFFER
    assert seen.count("https://example.com") == 1


@pytest.mark.parametrize("name", ["97", "no-such-file.avi", __file__])
async def test_no_camera(name: str) -> None:
    with pytest.raises(LocalFailure) as caught:
        await scan(CameraSource.named(name), ignore, lambda _text: True)
    assert caught.value.code == "camera_missing"


async def test_a_cancelled_scan_releases_everything(video: Path) -> None:
    started = asyncio.Event()

    async def show(_jpeg: bytes) -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(scan(CameraSource(video), show, lambda _text: False))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [t for t in threading.enumerate() if t.name.startswith("wallet-scan")]


def test_importing_the_scanner_loads_no_decoder() -> None:
    script = "import sys, wallet.scan; print({'cv2', 'zxingcpp', 'numpy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
