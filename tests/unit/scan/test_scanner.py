"""Scanning live: a video file is the camera, and everything between it and the text is real."""

import asyncio
import gc
import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support.camera import Picture, code_png, write_camera_video
from wallet.errors import LocalFailure
from wallet.scan import CameraSource, scan, scanner
from wallet.scan.decode import LiveDecoder

OFFER = "openid-credential-offer://?credential_offer=" + "%7B%22credential_issuer%22" * 8
FOREIGN = "https://example.com/other"


def scan_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("wallet-scan-")]


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    assert scan_threads() == []


async def ignore(_jpeg: bytes) -> None:
    pass


def anything(_text: str) -> bool:
    return True


def nothing(_text: str) -> bool:
    return False


def write_stills(path: Path, texts: list[str], fps: int = 30) -> Path:
    """A video that holds one code a frame still before the lens."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (600, 600))
    for text in texts:
        code = cv2.imdecode(np.frombuffer(code_png(text, 6), np.uint8), cv2.IMREAD_COLOR)
        assert code is not None
        writer.write(cv2.resize(code, (600, 600), interpolation=cv2.INTER_NEAREST))
    writer.release()
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("camera") / "camera.avi"
    write_camera_video(code_png(OFFER), path, seed=1, frames=30)
    return path


@pytest.fixture
def still(tmp_path: Path) -> Path:
    return write_stills(tmp_path / "still.avi", [OFFER] * 4)


# The camera of the tests.


def test_the_same_seed_makes_the_same_video(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / f"{name}.avi"
        write_camera_video(code_png(FOREIGN), path, seed=seed, frames=12, size=(320, 240))
    a, b, c = ((tmp_path / f"{name}.avi").read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("seed", [2, 3])
def test_most_frames_of_a_moving_code_are_read(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "camera.avi"
    write_camera_video(code_png(OFFER), path, seed=seed, frames=46)
    capture, decoder = cv2.VideoCapture(str(path)), LiveDecoder()
    read = []
    while (frame := capture.read()[1]) is not None:
        read.append(decoder.texts(np.asarray(frame, np.uint8)) == (OFFER,))
    capture.release()
    assert len(read) == 46
    assert not any(read[:8])
    assert sum(read[16:]) >= 24


# What is found.


async def test_a_moving_code_is_read_while_frames_are_shown(video: Path) -> None:
    shown: list[bytes] = []

    async def show(jpeg: bytes) -> None:
        shown.append(jpeg)

    assert await scan(CameraSource(video), show, anything) == OFFER
    for jpeg in shown:
        picture = Image.open(io.BytesIO(jpeg))
        assert (picture.format, picture.size) == ("JPEG", (640, 360))
    capture = cv2.VideoCapture(str(video))
    first = cv2.resize(capture.read()[1], (640, 360), interpolation=cv2.INTER_AREA)
    capture.release()
    seen = cv2.imdecode(np.frombuffer(shown[0], np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    assert np.abs(seen.astype(int) - first.astype(int)).mean() < 6


async def test_a_foreign_code_is_told_once_and_passed_over(tmp_path: Path) -> None:
    path = write_stills(tmp_path / "two.avi", [FOREIGN] * 8 + [OFFER] * 8)
    seen: list[str] = []

    def accept(text: str) -> bool:
        seen.append(text)
        return text == OFFER

    assert await scan(CameraSource(path, repeat=False), ignore, accept) == OFFER
    assert seen == [FOREIGN, OFFER]


async def test_a_foreign_code_is_told_again_after_another(tmp_path: Path) -> None:
    path = write_stills(tmp_path / "three.avi", [FOREIGN] * 6 + ["other"] * 6 + [FOREIGN] * 6)
    seen: list[str] = []

    def accept(text: str) -> bool:
        seen.append(text)
        return len(seen) == 3

    assert await scan(CameraSource(path), ignore, accept) == FOREIGN
    assert seen == [FOREIGN, "other", FOREIGN]


async def test_a_video_file_begins_again_at_its_end(still: Path) -> None:
    enough, count = asyncio.Event(), 0

    async def show(_jpeg: bytes) -> None:
        nonlocal count
        count += 1
        if count == 10:
            enough.set()

    task = asyncio.create_task(scan(CameraSource(still), show, nothing))
    await enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# The loop stays free, and the screen may be slow.


async def test_frames_are_dropped_while_the_screen_is_busy(video: Path) -> None:
    shown: list[bytes] = []

    async def show(jpeg: bytes) -> None:
        shown.append(jpeg)
        await asyncio.Event().wait()

    assert await scan(CameraSource(video), show, anything) == OFFER
    assert len(shown) == 1


async def test_after_a_pause_the_newest_frame_is_shown(tmp_path: Path) -> None:
    """Frames are numbered by their grey; those that pass while `show` is busy are not made up for.

    The pause ends when the code is read; by then at most the frame before it is still on its way.
    """
    path = tmp_path / "greys.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 60, (320, 240))
    for number in range(40):
        writer.write(np.full((240, 320, 3), 40 + 5 * number, np.uint8))
    for _ in range(3):
        code = cv2.imdecode(np.frombuffer(code_png("end", 8), np.uint8), cv2.IMREAD_COLOR)
        assert code is not None
        writer.write(cv2.resize(code, (320, 240), interpolation=cv2.INTER_NEAREST))
    writer.release()
    ended = asyncio.Event()
    shown: list[int] = []

    async def show(jpeg: bytes) -> None:
        shown.append(int(np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"))[0, 0]))
        if len(shown) == 1:
            await ended.wait()

    def accept(_text: str) -> bool:
        ended.set()
        return False

    with pytest.raises(LocalFailure) as caught:
        await scan(CameraSource(path, repeat=False), show, accept)
    assert caught.value.code == "camera_stopped"
    assert len(shown) <= 5
    assert all(grey > 230 for grey in shown[1:])


async def test_capture_and_decode_run_on_threads_of_their_own(
    still: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, str] = {}
    really_decode, really_encode = LiveDecoder.texts, scanner._jpeg

    def decode(self: LiveDecoder, frame: Picture) -> tuple[str, ...]:
        names["decode"] = threading.current_thread().name
        return really_decode(self, frame)

    def encode(frame: Picture) -> bytes:
        names["encode"] = threading.current_thread().name
        return really_encode(frame)

    def accept(_text: str) -> bool:
        names["accept"] = threading.current_thread().name
        return True

    monkeypatch.setattr(LiveDecoder, "texts", decode)
    monkeypatch.setattr(scanner, "_jpeg", encode)
    await scan(CameraSource(still), ignore, accept)
    assert names == {
        "decode": "wallet-scan-decode",
        "encode": "wallet-scan-capture",
        "accept": threading.current_thread().name,
    }


# What goes wrong.


def fifo(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return str(folder / "pipe")


def empty(folder: Path) -> str:
    (folder / "empty.avi").touch()
    return str(folder / "empty.avi")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "name",
    ["97", "9" * 30, "-1", "", "no-such-file.avi", __file__, "\0", str, empty]
    + ([fifo] if hasattr(os, "mkfifo") else []),
)
async def test_no_camera(name: object, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    named = name(tmp_path) if callable(name) else str(name)
    with pytest.raises(LocalFailure) as caught:
        await scan(CameraSource.named(named), ignore, anything)
    assert caught.value.code == "camera_missing"
    assert capfd.readouterr() == ("", "")


async def test_a_camera_that_stops(still: Path) -> None:
    with pytest.raises(LocalFailure) as caught:
        await scan(CameraSource(still, repeat=False), ignore, nothing)
    assert caught.value.code == "camera_stopped"


async def test_an_error_on_a_thread_ends_the_scan(
    still: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_frame: Picture) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(scanner, "_jpeg", broken)
    with pytest.raises(LocalFailure) as caught:
        await scan(CameraSource(still), ignore, nothing)
    assert (caught.value.code, caught.value.detail) == ("internal", "scanner: MemoryError")


async def test_what_the_callers_functions_raise_comes_back_to_it(still: Path) -> None:
    async def broken_show(_jpeg: bytes) -> None:
        raise ZeroDivisionError

    def broken_accept(_text: str) -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await scan(CameraSource(still), broken_show, nothing)
    with pytest.raises(ZeroDivisionError):
        await scan(CameraSource(still), ignore, broken_accept)


# Stopping.


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_scan_releases_everything(
    video: Path, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    shown = asyncio.Event()

    async def stuck(_jpeg: bytes) -> None:
        shown.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(scan(CameraSource(video), stuck, nothing))
    await shown.wait()
    assert sorted(scan_threads()) == ["wallet-scan-capture", "wallet-scan-decode"]
    running = [t for t in threading.enumerate() if t.name.startswith("wallet-scan-")]
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    if times == 1:
        assert scan_threads() == []
    for thread in running:  # cancelled twice, nobody waits, but they end
        await asyncio.to_thread(thread.join, 5)
    gc.collect()
    assert caplog.records == []


async def test_a_scan_can_follow_a_scan(still: Path) -> None:
    for _ in range(3):
        assert await scan(CameraSource(still), ignore, anything) == OFFER
        assert scan_threads() == []


async def test_a_slow_video_does_not_hold_up_the_end(tmp_path: Path) -> None:
    path = write_stills(tmp_path / "slow.avi", [OFFER] * 3, fps=1)
    began = time.monotonic()
    assert await scan(CameraSource(path), ignore, anything) == OFFER
    assert time.monotonic() - began < 0.9


async def test_a_hanging_camera_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    driver_returns, released, opened = threading.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class HangingFrames:
        def __init__(self, _source: CameraSource, _stopped: threading.Event) -> None:
            loop.call_soon_threadsafe(opened.set)

        def read(self) -> Picture:
            driver_returns.wait()
            return np.zeros((9, 16, 3), np.uint8)

        def close(self) -> None:
            released.set()

    monkeypatch.setattr(scanner, "Frames", HangingFrames)
    monkeypatch.setattr(scanner, "JOIN_LIMIT_S", 0.05)
    task = asyncio.create_task(scan(CameraSource(0), ignore, nothing))
    await opened.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = [t for t in threading.enumerate() if t.name.startswith("wallet-scan-")]
    assert [t.name for t in left] == ["wallet-scan-capture"]
    driver_returns.set()
    await asyncio.to_thread(left[0].join, 5)
    assert released.is_set()
