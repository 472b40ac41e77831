"""A camera for tests: a QR picture held over a desk in front of an ordinary lens, as a video."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import segno

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating[Any]]

EMPTY_FRAMES = 8
"""At first there is only the desk …"""
ENTERING_FRAMES = 8
"""… then the code comes in from the right, partly outside the view."""


def code_png(
    text: str | bytes, scale: int = 8, *, dark: str = "black", light: str | None = "white"
) -> bytes:
    """A QR code (error correction M) as a PNG file; `scale` is in pixels a module."""
    out = io.BytesIO()
    code = segno.make_qr(text, error="m", boost_error=False)
    code.save(out, kind="png", scale=scale, dark=dark, light=light)
    return out.getvalue()


def write_camera_video(
    png: bytes,
    path: Path,
    *,
    seed: int = 1,
    frames: int = 90,
    size: tuple[int, int] = (1280, 720),
    fps: int = 15,
) -> None:
    """Write an MJPG .avi in which a hand holds the code in front of a camera.

    The code enters the view and is then moved, turned, tilted and brought nearer and farther, with
    blur, noise and uneven light. The same arguments make the same frames.

    Args:
        png: The picture of the code, in any format that OpenCV reads.
        path: The file to write.
        seed: Of all chance.
        frames: How many to write; the code is wholly in view from the seventeenth at the latest.
        size: Width and height in pixels.
        fps: Frames a second.
    """
    chance = np.random.default_rng(seed)
    code = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert code is not None, "not a picture"
    desk, light, noise = _desk(chance, size), _light(size), _noise(chance, size)
    phases = chance.uniform(0, 2 * np.pi, 6)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    assert writer.isOpened(), f"cannot write {path}"
    for number in range(frames):
        frame = desk
        if number >= EMPTY_FRAMES:
            frame = _held(code, _corners(number, phases, size), desk)
            blur = 0.7 + 0.5 * float(np.sin(number / 6 + phases[5]) ** 2)
            frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), blur), np.uint8)
        down, right = chance.integers(0, NOISE_MARGIN, 2)
        grain = noise[down : down + size[1], right : right + size[0], None]
        writer.write(np.clip(frame * light + grain, 0, 255).astype(np.uint8))
    writer.release()


NOISE_MARGIN = 64
"""One field of noise, shifted by chance from frame to frame, is much cheaper than new ones."""


def _corners(number: int, phases: Floats, size: tuple[int, int]) -> Floats:
    """Where the picture's corners are in frame `number`: 4 × (x, y)."""
    width, height = size
    turn, near, tilt_x, tilt_y, sway = (np.sin(number / 11 + phase) for phase in phases[:5])
    half = height * (0.30 + 0.04 * near)
    corners = half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    angle = np.deg2rad(22 * turn)
    cosine, sine = np.cos(angle), np.sin(angle)
    corners = corners @ np.array([[cosine, sine], [-sine, cosine]])
    depth = 1 + 0.12 * (tilt_x * corners[:, :1] + tilt_y * corners[:, 1:]) / half
    entered = min(1.0, (number - EMPTY_FRAMES) / ENTERING_FRAMES)
    middle = [width * (1.1 - 0.6 * entered) + 0.04 * width * sway * entered, height * 0.5]
    return np.asarray(corners / depth + middle)


def _held(code: cv2.typing.MatLike, corners: Floats, desk: Picture) -> Picture:
    high, wide = code.shape[:2]
    flat = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    view = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    size = (desk.shape[1], desk.shape[0])
    frame = cv2.warpPerspective(
        code, view, size, desk.copy(), cv2.INTER_AREA, cv2.BORDER_TRANSPARENT
    )
    return np.asarray(frame, np.uint8)


def _desk(chance: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Blotches of brown with a grain."""
    blotches = chance.integers(110, 170, (9, 16), dtype=np.uint8)
    desk = cv2.resize(blotches, size, interpolation=cv2.INTER_CUBIC).astype(np.float64)
    desk += chance.normal(0, 9, (size[1], 1))
    brown = np.array([0.5, 0.75, 1.0])
    return np.asarray(np.clip(desk[:, :, None] * brown, 0, 255), np.uint8)


def _light(size: tuple[int, int]) -> Floats:
    """Brighter to the right and to the bottom, 0.55 to 1.1."""
    across, down = np.linspace(0.65, 1.0, size[0]), np.linspace(0.85, 1.1, size[1])
    return np.asarray(across[None, :, None] * down[:, None, None], np.float32)


def _noise(chance: np.random.Generator, size: tuple[int, int]) -> Floats:
    shape = (size[1] + NOISE_MARGIN, size[0] + NOISE_MARGIN)
    return np.asarray(chance.normal(0, 7, shape), np.float32)
