"""Power cuts while the vault is at work: what the disk may hold then, and what must be in it.

The child of `store_kills` is watched by strace. Its system calls are played on the model of a disk
that promises no more than POSIX does: data is there after an fsync of its file, a name after an
fsync of its folder; of everything later any part may be there, also some sectors of one write.
"""

import asyncio
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from tests.soak.store_kills import must_hold, plan
from tests.support.processes import children
from wallet.records import Secret
from wallet.vault import Vault

SECTOR: Final = 512
CALLS: Final = "openat,close,write,pwrite64,lseek,ftruncate,fsync,fdatasync,rename,unlink"
LINE: Final = re.compile(r"(?P<pid>\d+) +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
UNFINISHED: Final = re.compile(r"(?P<pid>\d+) +(?P<begun>\w+\(.*) <unfinished \.\.\.>")
RESUMED: Final = re.compile(r"(?P<pid>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)")
ARGUMENT: Final = re.compile(r'(?:"(?P<text>(?:\\x[0-9a-f]{2})*)"|(?P<plain>[^,"]+))(?:, |$)')


class Left(Enum):
    """How much of what was not yet synchronised is on the disk."""

    NOTHING = "nothing"
    ALL = "everything"
    SOME = "any part"
    TORN = "any sectors"


@dataclass(eq=False)
class File:
    """An inode, and what it held at the beginning."""

    content: bytes = b""


@dataclass
class Change:
    """One change of the disk, in the order in which they were made.

    Attributes:
        where: The file, or the folder whose names change.
        what: Offset and bytes; or the new size; or names, with what they stand for from then on.
        durable: The number of the change by which it had become durable.
    """

    where: File | str
    what: tuple[int, bytes] | int | dict[str, File | None]
    durable: int | None = None


@dataclass
class Disk:
    """A folder, and all that happens to it."""

    names: dict[str, File]
    changes: list[Change] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    """After how many changes each operation was acknowledged."""

    @classmethod
    def of(cls, root: Path) -> "Disk":
        """The disk as it is now, all of it durable."""
        return cls({str(one): File(one.read_bytes()) for one in root.rglob("*") if one.is_file()})

    def after(self, count: int, left: Left, chance: random.Random) -> dict[str, bytes]:
        """The files after `count` changes and a power cut."""
        names: dict[str, File | None] = dict(self.names)
        contents: dict[File, bytearray] = {}
        for change in self.changes[:count]:
            durable = change.durable is not None and change.durable <= count
            if not durable and left is Left.NOTHING:
                continue
            if not durable and left in (Left.SOME, Left.TORN) and chance.random() < 0.5:
                continue
            if isinstance(change.what, dict):
                names.update(change.what)
                continue
            assert isinstance(change.where, File)
            content = contents.setdefault(change.where, bytearray(change.where.content))
            if isinstance(change.what, int):
                del content[change.what :]
                content.extend(bytes(change.what - len(content)))
                continue
            offset, data = change.what
            content.extend(bytes(max(0, offset + len(data) - len(content))))
            for at in range(0, len(data), SECTOR):
                if durable or left is not Left.TORN or chance.random() < 0.5:
                    sector = data[at : at + SECTOR]
                    content[offset + at : offset + at + len(sector)] = sector
        return {
            name: bytes(contents.get(file, file.content))
            for name, file in names.items()
            if file is not None
        }


@dataclass
class Player:
    """Plays system calls on a disk."""

    disk: Disk
    root: str
    now: dict[str, File] = field(init=False)
    sizes: dict[int, int] = field(init=False)
    open: dict[str, tuple[File | str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = dict(self.disk.names)
        self.sizes = {id(file): len(file.content) for file in self.now.values()}

    def call(self, name: str, given: list[bytes | str], result: int) -> None:
        """One system call that succeeded."""
        match name, given:
            case "openat", [_, bytes(path), str(flags), *_]:
                self.opened(path.decode(), flags, result)
            case "write", ["1", bytes(text), _]:
                self.disk.acknowledged += [len(self.disk.changes)] * text.count(b"done")
            case "rename", [bytes(old), bytes(new)] if self.ours(new.decode()):
                names = {new.decode(): self.now[old.decode()], old.decode(): None}
                self.named(names, new.decode())
            case "unlink", [bytes(path)] if self.ours(path.decode()):
                self.named({path.decode(): None}, path.decode())
            case _, [str(fd), *more] if fd in self.open:
                self.on_open(name, fd, more, result)

    def on_open(self, name: str, fd: str, given: list[bytes | str], result: int) -> None:
        """One system call on an open file, or folder."""
        where, at = self.open[fd]
        match name, given:
            case "close", _:
                del self.open[fd]
            case "write", [bytes(data), _]:
                self.written(where, at, data[:result])
                self.open[fd] = (where, at + result)
            case "pwrite64", [bytes(data), _, str(offset)]:
                self.written(where, int(offset), data[:result])
            case "lseek", _:
                self.open[fd] = (where, result)
            case "ftruncate", [str(size)]:
                self.resized(where, int(size))
            case "fsync" | "fdatasync", _:
                self.synchronised(where)

    def ours(self, path: str) -> bool:
        return path.startswith(self.root + "/")

    def opened(self, path: str, flags: str, fd: int) -> None:
        self.open.pop(str(fd), None)
        if not self.ours(path):
            return
        if path not in self.now and "O_CREAT" not in flags:
            self.open[str(fd)] = (path, 0)  # what exists and is no file is a folder
            return
        if path not in self.now:
            self.named({path: File()}, path)
        file = self.now[path]
        if "O_TRUNC" in flags and self.sizes.get(id(file)):
            self.resized(file, 0)
        self.open[str(fd)] = (file, 0)

    def named(self, names: dict[str, File | None], path: str) -> None:
        self.disk.changes.append(Change(str(Path(path).parent), names))
        for name, file in names.items():
            if file is None:
                del self.now[name]
            else:
                self.now[name] = file

    def written(self, file: File | str, at: int, data: bytes) -> None:
        self.disk.changes.append(Change(file, (at, data)))
        self.sizes[id(file)] = max(self.sizes.get(id(file), 0), at + len(data))

    def resized(self, file: File | str, size: int) -> None:
        self.disk.changes.append(Change(file, size))
        self.sizes[id(file)] = size

    def synchronised(self, where: File | str) -> None:
        for change in self.disk.changes:
            if change.durable is None and change.where == where:
                change.durable = len(self.disk.changes)


def calls(lines: Iterator[str]) -> Iterator[tuple[str, list[bytes | str], int]]:
    """The successful system calls of a trace, in the order in which they ended."""
    begun: dict[str, str] = {}
    for line in lines:
        whole = line
        if unfinished := UNFINISHED.match(line):
            begun[unfinished["pid"]] = unfinished["begun"]
            continue
        if resumed := RESUMED.match(line):
            whole = f"{resumed['pid']} {begun.pop(resumed['pid'])}{resumed['rest']}"
        found = LINE.match(whole)
        if found and int(found["result"]) >= 0:
            yield found["call"], list(_arguments(found["arguments"])), int(found["result"])


def _arguments(text: str) -> Iterator[bytes | str]:
    for one in ARGUMENT.finditer(text):
        plain = one["plain"]
        yield bytes.fromhex(one["text"].replace("\\x", "")) if plain is None else plain


async def watched(folder: Path, seed: int, operations: int) -> Disk:
    """What happens on the disk in the first operations of a seed."""
    vault = await Vault.create(folder / "vault", Secret("correct horse"), derivation_ms=0)
    await vault.close()
    disk, trace = Disk.of(folder), folder.with_suffix(".trace")
    command = (
        *("strace", "-f", "-qq", "-xx", "-s", "1048576", "-o", str(trace), "-e", f"trace={CALLS}"),
        *(sys.executable, "-m", "tests.soak.store_kills", str(folder / "vault"), str(seed)),
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(operations + 1):  # "ready" comes first
            assert process.stdout.readline()
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
    player = Player(disk, str(folder))
    with trace.open() as lines:
        for name, given, result in calls(iter(lines)):
            player.call(name, given, result)
    return disk


async def cut(disk: Disk, folder: Path, seed: int, count: int, left: Left) -> None:
    """Cut the power after `count` changes: what was acknowledged must be in what is left."""
    there = Path(f"{folder}-{count}-{left.name}")
    for name, content in disk.after(count, left, random.Random(f"{seed} {count}")).items():
        path = there / Path(name).relative_to(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    done = sum(after <= count for after in disk.acknowledged)
    operation, before, after = next(itertools.islice(plan(seed), done, None))
    await must_hold(there / "vault", (seed, operation, count, left), before, after)


def cuts(seed: int, operations: int, every: int) -> int:
    """Cut the power after every so many changes of a seed's first operations, in each way.

    Raises:
        AssertionError: Something acknowledged was lost, or changed.
    """
    if not shutil.which("strace"):
        sys.exit("soak: needs the package strace")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "disk"
        folder.mkdir()
        disk = asyncio.run(watched(folder, seed, operations))
        points = [
            (count, left)
            for count in range(seed % every, len(disk.changes) + 1, every)
            for left in Left
        ]
        for count, left in points:
            asyncio.run(cut(disk, folder, seed, count, left))
        return len(points)
