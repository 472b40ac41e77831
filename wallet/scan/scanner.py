"""The live scanner: one thread captures, one decodes, and the newest frame wins."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from wallet.errors import LocalFailure
from wallet.scan.camera import CameraSource, Frames

if TYPE_CHECKING:
    from wallet.scan.decode import Frame

# ruff: noqa: PLC0415 - OpenCV is loaded with the first frame

PREVIEW_WIDTH: Final = 640
PREVIEW_QUALITY: Final = 75
SECOND_OPINION_EVERY: Final = 5
"""pyzbar is an order slower than zxing; it looks at every fifth frame that zxing cannot read."""


class _Slot:
    """Holds the newest frame for the decoder; an older one that was not taken is dropped."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._closed = False

    def put(self, frame: "Frame") -> None:
        with self._changed:
            self._frame = frame
            self._changed.notify()

    def take(self) -> "Frame | None":
        """Wait for a frame; None once the slot is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closed)
            frame, self._frame = self._frame, None
            return None if self._closed else frame

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()


async def scan(
    source: CameraSource,
    show: Callable[[bytes], Awaitable[None]],
    accept: Callable[[str], bool],
) -> str:
    """Scan until `accept` takes a text, and return it. Cancel the task to stop.

    Args:
        source: Which camera.
        show: Takes preview frames (JPEG, at most 640 pixels wide); while it is busy, frames are
            dropped.
        accept: Called on the event loop for a text that was not seen in the frame before.

    Raises:
        LocalFailure: `camera_missing`, `camera_stopped`.
    """
    run = _Scan(accept)
    threads = [
        threading.Thread(target=run.capture, args=(source,), name="wallet-scan-capture"),
        threading.Thread(target=run.decode, name="wallet-scan-decode"),
    ]
    shower = asyncio.create_task(run.show(show))
    for thread in threads:
        thread.start()
    try:
        return await run.found
    finally:
        shower.cancel()
        run.stop()
        for thread in threads:
            await asyncio.shield(asyncio.to_thread(thread.join))


class _Scan:
    """One scan: what its two threads and the event loop share."""

    def __init__(self, accept: Callable[[str], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self.found: asyncio.Future[str] = self._loop.create_future()
        self._previews: asyncio.Queue[bytes] = asyncio.Queue(1)
        self._frames = _Slot()
        self._stopped = threading.Event()
        self._accept = accept

    def stop(self) -> None:
        self._stopped.set()
        self._frames.close()

    async def show(self, show: Callable[[bytes], Awaitable[None]]) -> None:
        while True:
            await show(await self._previews.get())

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        """Call something on the event loop, unless that is closed already."""
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            self._stopped.set()

    # On the capture thread.

    def capture(self, source: CameraSource) -> None:
        try:
            frames = Frames(source)
        except LocalFailure as error:
            return self._tell(self._fail, error)
        try:
            while not self._stopped.is_set():
                frame = frames.read()
                self._frames.put(frame)
                self._tell(self._offer_preview, _preview(frame))
        except LocalFailure as error:
            self._tell(self._fail, error)
        finally:
            frames.close()

    # On the decode thread.

    def decode(self) -> None:
        from wallet.scan.decode import decode_frame, second_opinion

        unread = 0
        before: frozenset[str] = frozenset()
        while (frame := self._frames.take()) is not None:
            texts = decode_frame(frame)
            unread = 0 if texts else unread + 1
            if not texts and unread % SECOND_OPINION_EVERY == 0:
                texts = second_opinion(_grey(frame))
            for text in texts:
                if text not in before:
                    self._tell(self._offer_text, text)
            before = frozenset(texts) or before

    # On the event loop.

    def _offer_preview(self, jpeg: bytes) -> None:
        if self._previews.full():
            self._previews.get_nowait()
        self._previews.put_nowait(jpeg)

    def _offer_text(self, text: str) -> None:
        if not self.found.done() and self._accept(text):
            self.found.set_result(text)

    def _fail(self, error: LocalFailure) -> None:
        if not self.found.done():
            self.found.set_exception(error)


def _grey(frame: "Frame") -> "Frame":
    import cv2
    import numpy as np

    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)


def _preview(frame: "Frame") -> bytes:
    import cv2

    height, width = frame.shape[:2]
    if width > PREVIEW_WIDTH:
        size = (PREVIEW_WIDTH, height * PREVIEW_WIDTH // width)
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    else:
        small = frame
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])
    return jpeg.tobytes()
