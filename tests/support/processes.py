"""What is in the memory of processes, read as root does: /proc/PID/mem."""

import os
import select
from collections.abc import Iterator, Mapping
from pathlib import Path

SLICE = 16
"""A copy counts as soon as this many bytes in a row are there."""
SLICES = 5
"""So many places of a secret are looked for."""


def slices(secret: bytes) -> set[bytes]:
    """Parts of a secret from all over it: a copy that was partly overwritten is found too."""
    last = max(len(secret) - SLICE, 0)
    return {secret[at : at + SLICE] for at in {last * n // (SLICES - 1) for n in range(SLICES)}}


def regions(pid: int) -> Iterator[tuple[str, bytes]]:
    """Every readable part of a process's memory, with its line of /proc/PID/maps."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, permissions, *_ = line.split()
            if not permissions.startswith("r") or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                yield line, os.pread(memory.fileno(), end - start, start)
            except OSError:  # a page of a device, or one that is gone meanwhile
                continue


def copies(pid: int, secrets: Mapping[str, bytes]) -> dict[str, int]:
    """How many copies of each secret, or of a part of it, a process holds."""
    found = dict.fromkeys(secrets, 0)
    for _, content in regions(pid):
        for name, secret in secrets.items():
            found[name] += max(map(content.count, slices(secret)))
    return found


def children(pid: int) -> Iterator[int]:
    """The processes that a process has started and that still run."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def vaults() -> list[int]:
    """The vaults among the processes that this one has started."""
    return [
        pid
        for pid in children(os.getpid())
        if b"wallet.vault.process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def descendants(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for child in children(pid):
        yield from descendants(child)


def wait_for_end(pid: int, within_s: float = 10) -> None:
    """Return when a process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], within_s)
    os.close(descriptor)
    assert ended, f"process {pid} goes on"
