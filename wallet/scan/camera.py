"""Where frames come from (owner of OpenCV's capture): a camera, or a video file in its place."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from wallet.errors import LocalFailure

if TYPE_CHECKING:
    from wallet.scan.decode import Frame

# ruff: noqa: PLC0415 - OpenCV is loaded with the first frame

WIDTH: Final = 1_280
HEIGHT: Final = 720
"""At 640×480 an offer by value on a phone cannot be read."""


@dataclass(frozen=True)
class CameraSource:
    """Which camera.

    Attributes:
        device: The camera's number, or a video file that stands in for it, paced and repeated.
    """

    device: int | Path

    @classmethod
    def named(cls, name: str) -> Self:
        """The source of the setting `camera`: a number, or a file's path."""
        return cls(int(name) if name.isascii() and name.isdigit() else Path(name))


class Frames:
    """An open source. Reading blocks until the next frame; call it off the event loop."""

    def __init__(self, source: CameraSource) -> None:
        """Open the source. Raises `LocalFailure("camera_missing")`."""
        os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        import cv2

        self._cv2 = cv2
        self._file = isinstance(source.device, Path)
        if isinstance(source.device, Path):
            self._capture = cv2.VideoCapture(str(source.device), cv2.CAP_FFMPEG)
        else:
            self._capture = cv2.VideoCapture(source.device)
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, WIDTH)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT)
        if not self._capture.isOpened():
            self._capture.release()
            raise LocalFailure("camera_missing", f"camera {source.device}")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._period_s = 1 / rate if 1 <= rate <= 120 else 1 / 30
        self._due = time.monotonic()

    def read(self) -> "Frame":
        """The next frame, BGR. Raises `LocalFailure("camera_stopped")`."""
        good, frame = self._capture.read()
        if not good and self._file:
            self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, 0)
            good, frame = self._capture.read()
        if not good or frame is None:
            raise LocalFailure("camera_stopped")
        if self._file:  # a camera has a pace of its own
            self._due = max(self._due + self._period_s, time.monotonic() - self._period_s)
            time.sleep(max(0.0, self._due - time.monotonic()))
        return frame  # type: ignore[return-value]  # OpenCV's frames are of bytes

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()
