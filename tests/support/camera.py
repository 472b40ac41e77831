"""A camera for tests: a QR picture in front of a moving, noisy, unevenly lit lens, as a video."""

from pathlib import Path

import cv2
import numpy as np


def write_camera_video(
    png: bytes, path: Path, *, seed: int = 1, frames: int = 60, fps: int = 15
) -> None:
    """Write a video in which the code comes into view, turned, tilted, scaled and blurred."""
    random = np.random.default_rng(seed)
    code = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert code is not None
    width, height = 1280, 720
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (width, height))
    assert writer.isOpened()
    desk = cv2.resize(
        random.integers(90, 150, (9, 16, 3), dtype=np.uint8), (width, height), None, 0, 0,
        cv2.INTER_CUBIC,
    )  # fmt: skip
    light = np.linspace(0.6, 1.1, width)[None, :, None]
    for number in range(frames):
        seen = number / max(frames - 1, 1)
        size = 430 + 90 * np.sin(4 * seen)
        angle = np.deg2rad(25 * np.sin(5 * seen + seed))
        middle = np.array([width * min(1.25 - 1.6 * seen, 1.25), height * (0.5 + 0.05 * seen)])
        middle[0] = max(middle[0], width * 0.45)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size / 2
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        tilt = 1 + 0.08 * np.array([[1], [-1], [-1], [1]]) * np.sin(3 * seen)
        target = (corners * tilt @ turn.T + middle).astype(np.float32)
        h, w = code.shape[:2]
        source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
        map_ = cv2.getPerspectiveTransform(source, target)
        frame = cv2.warpPerspective(
            code, map_, (width, height), desk.copy(), cv2.INTER_AREA, cv2.BORDER_TRANSPARENT
        )
        frame = cv2.GaussianBlur(frame, (3, 3), 0.8)
        noise = random.normal(0, 7, frame.shape)
        writer.write(np.clip(frame * light + noise, 0, 255).astype(np.uint8))
    writer.release()
