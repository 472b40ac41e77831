"""Where frames come from (owner of OpenCV's capture): a camera, or a video file in its place."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from wallet.errors import LocalFailure

if TYPE_CHECKING:
    import cv2

    from wallet.scan.decode import Frame

# ruff: noqa: PLC0415 - OpenCV is loaded with the first frame

WIDTH: Final = 1_280
HEIGHT: Final = 720
"""At 640×480 an offer by value on a phone cannot be read."""


@dataclass(frozen=True)
class CameraSource:
    """Which camera.

    Attributes:
        device: The camera's number, or a video file that stands in for it, at its own pace.
        repeat: Whether a video file starts again at its end, or stops as an unplugged camera does.
    """

    device: int | Path
    repeat: bool = True

    @classmethod
    def named(cls, name: str) -> Self:
        """The source of the setting `camera`: a number, or a file's path."""
        return cls(int(name) if name.isascii() and name.isdigit() else Path(name))


class Frames:
    """An open source. Opening and reading block: use one thread, and not the event loop's.

    Args:
        source: Which camera.
        stopped: Ends the wait for a video file's next frame.

    Raises:
        LocalFailure: `camera_missing`.
    """

    def __init__(self, source: CameraSource, stopped: threading.Event) -> None:
        self._capture = _opened(source.device)
        import cv2

        self._file = isinstance(source.device, Path)
        self._repeat = source.repeat
        self._stopped = stopped
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._period_s = 1 / rate if 1 <= rate <= 120 else 1 / 30
        self._due = time.monotonic()

    def read(self) -> "Frame":
        """The next frame, BGR. Raises `LocalFailure("camera_stopped")`."""
        if self._file:  # a camera has a pace of its own
            self._stopped.wait(max(0.0, self._due - time.monotonic()))
            self._due = max(self._due, time.monotonic() - self._period_s) + self._period_s
        good, frame = self._capture.read()
        if not good and self._file and self._repeat:
            import cv2

            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            good, frame = self._capture.read()
        if not good or frame is None:
            raise LocalFailure("camera_stopped")
        return frame  # type: ignore[return-value]  # OpenCV's frames are of bytes

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


def _opened(device: int | Path) -> "cv2.VideoCapture":
    # Read when a device or file is opened. An unplugged camera is noticed after 3 s, not 10.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    missing = LocalFailure("camera_missing", f"camera {device}")
    try:
        import cv2
    except ImportError as error:
        raise LocalFailure("camera_missing", f"OpenCV cannot be loaded: {error}") from None
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        if isinstance(device, int):
            capture = cv2.VideoCapture(device)
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, WIDTH)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT)
        elif device.is_file():  # opening a pipe would wait for its other end
            capture = cv2.VideoCapture(str(device), cv2.CAP_FFMPEG)
        else:
            raise missing
    except (cv2.error, OSError, ValueError):
        raise missing from None
    if not capture.isOpened():
        capture.release()
        raise missing
    return capture
