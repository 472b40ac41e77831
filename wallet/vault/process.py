"""The vault's process: a `Vault` at the other end of a pipe. It ends when its parent does.

It is started by `wallet.vault.client`, isolated: no variable and no folder of the user decides what
code it loads.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import BinaryIO, Final, NoReturn

from wallet import memory
from wallet.errors import LocalFailure
from wallet.vault.os_keyring import keyring_usable
from wallet.vault.restoring import prepare, put_in_place
from wallet.vault.vault import Vault
from wallet.vault.wire import HEAD, METHODS, Answer, frame, length, message

OPENINGS: Final[Mapping[str, Callable[..., Awaitable[Vault]]]] = {
    "create": Vault.create,
    "open": Vault.open,
    "put_in_place": put_in_place,
}
BEFOREHAND: Final[Mapping[str, Callable[..., Awaitable[object]]]] = {
    "keyring_usable": keyring_usable,
    "prepare": prepare,
}
"""What needs no open vault."""
"""What gives an open vault, and what is told with it."""


def main() -> NoReturn:
    """Serve the parent, whose process id is the last argument, until it closes the pipe."""
    memory.conceal()
    memory.end_with(int(sys.argv[-1]))
    memory.keep_out_of_swap()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the parent
    reading = os.fdopen(_taken(sys.stdin.fileno(), os.O_RDONLY), "rb")
    writing = os.fdopen(_taken(sys.stdout.fileno(), os.O_WRONLY), "wb")
    asyncio.run(_serve(reading, writing))
    os._exit(0)  # a keyring that hangs must not keep it


def _taken(descriptor: int, mode: int) -> int:
    """Take over a standard stream, so that nothing else reads or writes the pipe."""
    private, nothing = os.dup(descriptor), os.open(os.devnull, mode)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    return private


async def _serve(reading: BinaryIO, writing: BinaryIO) -> None:
    loop = asyncio.get_running_loop()
    requests: asyncio.Queue[bytes | None] = asyncio.Queue()

    def put(request: bytes | None) -> None:
        loop.call_soon_threadsafe(requests.put_nowait, request)

    threading.Thread(target=_read, args=(reading, put), name="wallet-pipe", daemon=True).start()
    desk = Desk(writing)
    while (request := await requests.get()) is not None:
        desk.take(request)
    await desk.clear()


def _read(reading: BinaryIO, put: Callable[[bytes | None], None]) -> None:
    """Pass on what comes from the parent; None at its end."""
    while len(head := reading.read(HEAD.size)) == HEAD.size:
        wanted = length(head)
        if len(packed := reading.read(wanted)) < wanted:
            break
        put(packed)
    put(None)


class Desk:
    """Takes requests, has the vault do them, and answers."""

    def __init__(self, writing: BinaryIO) -> None:
        self._writing = writing
        self._vault: Vault | None = None
        self._work: dict[int, asyncio.Task[None]] = {}

    def take(self, request: bytes) -> None:
        """Begin what a request asks for, or cancel it."""
        number, method, *given = message(request)
        if method is not None:
            work = asyncio.create_task(self._do(number, method, *given))
            self._work[number] = work
            work.add_done_callback(partial(self._ended, number))
        elif number in self._work:
            self._work[number].cancel()

    def _ended(self, number: int, work: asyncio.Task[None]) -> None:
        del self._work[number]
        if work.cancelled():  # also one that had not begun
            self._answer(number, Answer.CANCELLED)

    async def clear(self) -> None:
        """Finish what was begun, and close the vault."""
        if self._work:
            await asyncio.wait(self._work.values())
        if self._vault is not None:
            await self._vault.close()

    async def _do(
        self, number: int, method: str, arguments: tuple[object, ...], keywords: dict[str, object]
    ) -> None:
        try:
            value = await self._done(method, arguments, keywords)
            if isinstance(value, tuple):
                for part in value:
                    self._answer(number, Answer.PART, part)
                self._answer(number, Answer.END)
            else:
                self._answer(number, Answer.VALUE, value)
        except LocalFailure as failure:
            self._answer(number, Answer.FAILURE, (failure.code, failure.detail))
        except Exception as error:  # noqa: BLE001 - what it says may quote what the vault holds
            self._answer(number, Answer.FAILURE, ("internal", type(error).__name__))

    async def _done(
        self, method: str, arguments: tuple[object, ...], keywords: dict[str, object]
    ) -> object:
        if method not in METHODS:
            raise LocalFailure("internal", "the vault does no such thing")
        if beforehand := BEFOREHAND.get(method):
            return await beforehand(*arguments, **keywords)
        if opening := OPENINGS.get(method):
            if self._vault is not None:
                raise LocalFailure("internal", "the vault is open already")
            self._vault = await opening(*arguments, **keywords)
            return None
        if self._vault is None:
            raise LocalFailure("store_locked")
        return await getattr(self._vault, method)(*arguments, **keywords)

    def _answer(self, number: int, kind: Answer, value: object = None) -> None:
        self._writing.write(frame(number, int(kind), value))
        self._writing.flush()
