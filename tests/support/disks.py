"""A small disk, and filling it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    """A file system of a size at a new folder; skips the test without the right to mount."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT TESTED HERE: a full disk needs the right to mount a small file system")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def fill(disk: Path) -> None:
    """Leave no block free."""
    with suppress(OSError), (disk / "filler").open("wb", 0) as filler:
        while True:
            filler.write(bytes(4096))
