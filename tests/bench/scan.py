"""From a QR code in front of the camera to the review of the offer."""

import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import zxingcpp
from playwright.sync_api import sync_playwright

from tests.bench.rows import Row, timed
from tests.e2e.conftest import OPENER, Desk
from tests.support.camera import code_png, write_camera_video
from tests.support.flet_browser import ARGUMENTS, CHROMIUM
from tests.support.reference_servers import ReferenceServers, free_port, reference_servers

IN_VIEW = 17
"""From this frame of the video on the code is wholly in view (`tests.support.camera`)."""


def scan(runs: int) -> Iterator[Row]:
    """The window scans a video in which the code is in view from the first frame on."""
    if not CHROMIUM:
        print("scanning: not measured, since there is no chromium", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with reference_servers(folder / "servers") as servers:
            video = folder / "camera.avi"
            frames = _write_video(servers.offer(), video)
            shown = [_shown(folder / str(run), servers, video) for run in range(runs)]
            metadata = f"{servers.issuer_url}/.well-known/openid-credential-issuer"
            with httpx.Client(trust_env=False) as client:
                asked = timed(lambda: client.get(metadata), runs)
    decoded = timed(lambda: zxingcpp.read_barcodes(frames[0]), runs)
    host, review = (tuple(one[at] for one in shown) for at in (0, 1))
    yield Row("camera switched on → the window shows the offer's host", host,
              "one frame decoded by zxing-cpp", decoded)  # fmt: skip
    yield Row("host agreed → the review is shown", review, "one GET of the metadata", asked)


def _write_video(offer: str, path: Path) -> list[cv2.typing.MatLike]:
    """A video without the frames before the code is in view; gives its frames."""
    whole = path.with_name("whole.avi")
    write_camera_video(code_png(offer), whole)
    capture = cv2.VideoCapture(str(whole))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    frames = frames[IN_VIEW:]
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return frames


def _shown(folder: Path, servers: ReferenceServers, video: Path) -> tuple[float, float]:
    """Seconds from the camera button to the host, and from the host to the review."""
    folder.mkdir()
    (folder / "passphrase").write_text("correct horse")
    port, opener = free_port(), folder / "open.py"
    opener.write_text(OPENER.format(port=port))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            str(folder / "chromium"),
            executable_path=CHROMIUM,
            args=[*ARGUMENTS, f"--remote-debugging-port={port}"],
        )
        desk = Desk(folder, servers, browser, shlex.join([sys.executable, str(opener)]))
        try:
            given = ("--camera", str(video), "--passphrase-file", str(folder / "passphrase"))
            window = desk.start_wallet(*given)
            window.tap("empty-add")
            window.see("add-camera")
            begun = time.perf_counter()
            window.tap("add-camera")
            window.see("contact-go")
            host = time.perf_counter()
            window.tap("contact-go")
            window.see("review-accept")
            return host - begun, time.perf_counter() - host
        finally:
            if desk.process:
                desk.process.kill()
                desk.process.wait()
            browser.close()
