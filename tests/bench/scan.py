"""From a QR code in front of the camera to the review of the offer."""

import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import zxingcpp
from playwright.sync_api import Browser

from tests.bench.chromium import MISSING, Paintings, chromium, served, tab
from tests.bench.rows import Baseline, Row, repeated, seconds
from tests.support.camera import code_png, write_camera_video
from tests.support.flet_browser import Window
from tests.support.reference_servers import reference_servers

QR_CODE = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)

CAMERA = "camera button → camera opened"
WHOLE = "QR frame → review, without the person's pause"
HOST = "  QR frame → the issuer's host shown"
REVIEW = "  host agreed to → review complete"


@dataclass(frozen=True)
class Scanned:
    """The moments of one scan, in seconds of the epoch.

    Attributes:
        button: The camera's button was clicked.
        frame: The wallet read the camera's first frame; 0 if nobody noted it.
        host: The issuer's host was shown.
        agreed: The person agreed that it may be contacted.
        review: The review was complete.
    """

    button: float
    frame: float
    host: float
    agreed: float
    review: float


def scan(runs: int) -> Iterator[Row]:
    """Scan with the window (`wallet --browser`), each time in a fresh process and browser tab.

    A video of 1280×720 stands in for the camera; its first frame already holds a code that can be
    read. This frame is there when the wallet first reads the file: the file system notes when. A
    screen is there when its picture, painted without a graphics processor, changes no more; clicks
    are timed by a clock in the page. Between the host and the review the person clicks once, and
    the time before that click is left out. Up to the review, the metadata of the issuer and the
    authorization server and three pictures are fetched from reference servers on this machine.
    """
    if MISSING:
        yield from (Row(name, missing=MISSING) for name in (CAMERA, WHOLE, HOST, REVIEW))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with reference_servers(folder / "servers") as servers, chromium() as browser:
            video = folder / "camera.avi"
            frame = _write_video(servers.offer(), video)
            passed = repeated(lambda: _scanned(browser, folder, video), runs)
            metadata = f"{servers.issuer_url}/.well-known/openid-credential-issuer"
            with httpx.Client(trust_env=False) as client:
                asked = repeated(lambda: seconds(lambda: client.get(metadata)), runs)
    decoded = repeated(
        lambda: seconds(lambda: zxingcpp.read_barcodes(frame, formats=QR_CODE)), runs
    )
    decode = Baseline("zxing-cpp decodes the frame", decoded)
    review = [one.review - one.agreed for one in passed]
    if all(one.frame for one in passed):
        host = [one.host - one.frame for one in passed]
        yield Row(CAMERA, [one.frame - one.button for one in passed])
        yield Row(WHOLE, [sum(both) for both in zip(host, review, strict=True)], decode)
        yield Row(HOST, host, decode)
    else:
        why = "this file system does not note when a file was read"
        yield from (Row(name, missing=why) for name in (CAMERA, WHOLE, HOST))
    yield Row(REVIEW, review, Baseline("httpx gets the issuer's metadata", asked))


def _write_video(offer: str, path: Path) -> cv2.typing.MatLike:
    """A camera's video from the first frame on that can be read; gives that frame."""
    whole = path.with_name("whole.avi")
    write_camera_video(code_png(offer), whole)
    capture = cv2.VideoCapture(str(whole))
    frames = (capture.read()[1] for _ in itertools.count())
    held = itertools.dropwhile(lambda one: not zxingcpp.read_barcodes(one, formats=QR_CODE), frames)
    first = next(held)
    size = (first.shape[1], first.shape[0])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, size)
    for frame in (first, *itertools.islice(held, 45)):
        writer.write(frame)
    writer.release()
    return first


def _scanned(browser: Browser, folder: Path, video: Path) -> Scanned:
    os.utime(video, (0, video.stat().st_mtime))
    with tempfile.TemporaryDirectory(dir=folder) as own:
        passphrase = Path(own, "passphrase")
        passphrase.write_text("correct horse")
        command = (
            *(sys.executable, "-m", "wallet", "--browser", "--browser-command", "true"),
            *("--data-folder", f"{own}/wallet", "--passphrase-file", str(passphrase)),
            *("--camera", str(video), "--loopback-development"),
        )
        with served(command) as url, tab(browser) as page:
            window = Window(page).open(url)
            window.tap("empty-add")
            window.see("add-camera")
            with Paintings(page).taken() as paintings:
                window.tap("add-camera")
                _, host = paintings.until_quiet("laid out contact-go")
                window.tap("contact-go")
                page.mouse.move(0, 0)  # a button under the mouse would change its colour
                _, review = paintings.until_quiet("laid out review-accept")
                button = paintings.moment("clicked add-camera")
                agreed = paintings.moment("clicked contact-go")
    return Scanned(button, video.stat().st_atime, host, agreed, review)
