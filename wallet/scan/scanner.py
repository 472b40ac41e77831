"""The live scanner: one thread captures, one decodes, and the newest frame wins."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from wallet.errors import LocalFailure
from wallet.scan.camera import CameraSource, Frames

if TYPE_CHECKING:
    from wallet.scan.decode import Frame

# ruff: noqa: PLC0415 - OpenCV and the decoders are loaded with the first frame

PREVIEW_WIDTH: Final = 640
PREVIEW_QUALITY: Final = 75

JOIN_LIMIT_S: Final = 2.0
"""A camera's driver can hang, and nothing interrupts it: its thread is then left behind, to release
the camera whenever the driver returns."""


async def scan(
    source: CameraSource,
    show: Callable[[bytes], Awaitable[None]],
    accept: Callable[[str], bool],
) -> str:
    """Scan until `accept` takes a text, and return it. Cancel the task to stop.

    On return, however it comes, the camera is released and both threads have ended (but see
    `JOIN_LIMIT_S`).

    Args:
        source: Which camera.
        show: Takes preview frames (JPEG, at most 640 pixels wide); while it is busy, frames are
            dropped.
        accept: Called on the event loop for a text that was not seen in the frame before.

    Raises:
        LocalFailure: `camera_missing`, `camera_stopped`.
        Exception: Whatever `show` or `accept` raises ends the scan.
    """
    run = _Scan(accept)
    threads = [
        threading.Thread(
            target=run.capture, args=(source,), name="wallet-scan-capture", daemon=True
        ),
        threading.Thread(target=run.decode, name="wallet-scan-decode", daemon=True),
    ]
    for thread in threads:
        thread.start()
    shower = asyncio.create_task(run.show(show))
    try:
        return await run.found
    finally:
        shower.cancel()
        run.stop()
        # Shielded: a second cancellation must not leave a `join` that nobody awaits.
        await asyncio.shield(asyncio.to_thread(_join, threads))


class _Scan:
    """One scan: what its two threads and the event loop share."""

    def __init__(self, accept: Callable[[str], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self.found: asyncio.Future[str] = self._loop.create_future()
        self._preview = b""
        self._preview_changed = asyncio.Event()
        self._frames = _Slot()
        self._stopped = threading.Event()
        self._accept = accept

    def stop(self) -> None:
        self._stopped.set()
        self._frames.close()

    # On the capture thread.

    def capture(self, source: CameraSource) -> None:
        with self._failures_told(), closing(Frames(source, self._stopped)) as frames:
            while not self._stopped.is_set():
                frame = frames.read()
                self._frames.put(frame)
                self._preview = _jpeg(frame)
                self._tell(self._preview_changed.set)

    # On the decode thread.

    def decode(self) -> None:
        from wallet.scan.decode import LiveDecoder

        decoder = LiveDecoder()
        before: frozenset[str] = frozenset()
        with self._failures_told():
            while (frame := self._frames.take()) is not None:
                texts = decoder.texts(frame)
                for text in texts:
                    if text not in before:
                        self._tell(self._offer_text, text)
                before = frozenset(texts) or before

    # On either thread.

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """End the scan with the thread: nobody else would notice that it died."""
        try:
            yield
        except LocalFailure as error:
            self._tell(self._fail, error)
        except Exception as error:  # noqa: BLE001
            self._tell(self._fail, LocalFailure("internal", f"scanner: {type(error).__name__}"))

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        """Call something on the event loop, unless that is closed already."""
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            self.stop()

    # On the event loop.

    async def show(self, show: Callable[[bytes], Awaitable[None]]) -> None:
        try:
            while True:
                await self._preview_changed.wait()
                self._preview_changed.clear()
                await show(self._preview)
        except Exception as error:  # noqa: BLE001 - the caller's own, handed back to it
            self._fail(error)

    def _offer_text(self, text: str) -> None:
        if self.found.done():
            return
        try:
            if self._accept(text):
                self.found.set_result(text)
        except Exception as error:  # noqa: BLE001 - the caller's own, handed back to it
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self.found.done():
            self.found.set_exception(error)


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


def _join(threads: list[threading.Thread]) -> None:
    until = time.monotonic() + JOIN_LIMIT_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def _jpeg(frame: "Frame") -> bytes:
    """The preview of a frame; about 1 ms at 720p."""
    import cv2

    height, width = frame.shape[:2]
    small: cv2.typing.MatLike = frame
    if width > PREVIEW_WIDTH:
        size = (PREVIEW_WIDTH, max(1, height * PREVIEW_WIDTH // width))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])
    return jpeg.tobytes()
