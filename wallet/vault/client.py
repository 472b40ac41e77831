"""The vault as the wallet uses it: in a process of its own, so that ending it locks the wallet."""

import asyncio
import itertools
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

from wallet.errors import MEANINGS, LocalFailure
from wallet.records import CredentialRecord, Secret
from wallet.vault.document import record_of
from wallet.vault.slots import CALIBRATED_MS
from wallet.vault.vault import Vault
from wallet.vault.wire import CLOSING_S, HEAD, METHODS, Answer, frame, length, message

P = ParamSpec("P")
T = TypeVar("T")

READ_BYTES: Final = 1024 * 1024

BOOT: Final = """
import sys
sys.path.insert(0, sys.argv[1])
from wallet.vault.process import main
main()
"""
"""The isolated interpreter knows its own folders; that of this package need not be one of them."""


@dataclass
class _Waiting:
    """A request whose answer has not come, or not wholly."""

    answer: "asyncio.Future[object]"
    parts: list[object] = field(default_factory=list)


class Child:
    """The process and the pipe to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count()
        self._waiting: dict[int, _Waiting] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls) -> Self:
        """Start the process; it has nothing open yet. Raises `LocalFailure("vault_stopped")`."""
        folder = Path(__file__).parents[2]
        command = (sys.executable, "-I", "-c", BOOT, str(folder), str(os.getpid()))
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # a traceback may quote anything
                limit=READ_BYTES,
            )
        except OSError as error:
            raise LocalFailure("vault_stopped", f"it did not start: {error.strerror}") from None
        return cls(process)

    @property
    def ended(self) -> "asyncio.Task[None]":
        """Done when the process has ended."""
        return self._reading

    async def ask(self, method: str, *arguments: object, **keywords: object) -> Any:  # noqa: ANN401
        """Have the vault do something.

        A cancelled caller waits until it is over, as with `Vault` itself.

        Raises:
            LocalFailure: The vault's own; `vault_stopped` if the process ended or had to be ended
                because no answer came in time.
        """
        if self._reading.done():
            raise self._stopped()
        number, patience_s = next(self._numbers), METHODS[method]
        waiting = _Waiting(asyncio.get_running_loop().create_future())
        request = frame(number, method, arguments, keywords)
        self._waiting[number] = waiting
        try:
            self._send(request)
            async with asyncio.timeout(patience_s):
                return await asyncio.shield(waiting.answer)
        except TimeoutError:
            self._process.kill()
            raise LocalFailure("vault_stopped", f"no answer in {patience_s:g} s") from None
        except asyncio.CancelledError:
            self._send(frame(number, None))
            _, late = await asyncio.wait([waiting.answer], timeout=patience_s)
            if late:
                self._process.kill()
            raise
        finally:
            del self._waiting[number]
            if not waiting.answer.cancel() and not waiting.answer.cancelled():
                waiting.answer.exception()  # seen, even where nobody waits any more

    def _send(self, request: bytes) -> None:
        assert self._process.stdin  # noqa: S101 - it was started with one
        self._process.stdin.write(request)

    async def _read(self) -> None:
        assert self._process.stdout  # noqa: S101
        try:
            while True:
                head = await self._process.stdout.readexactly(HEAD.size)
                packed = await self._process.stdout.readexactly(length(head))
                self._take(*message(packed))
        except asyncio.IncompleteReadError:
            pass  # the process has ended
        except asyncio.CancelledError:  # the program ends: nobody reads any more
            with suppress(ProcessLookupError):
                self._process.kill()
            self._disappoint()
            raise
        except Exception:  # noqa: BLE001 - it must not go on with half an answer
            with suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        self._disappoint()

    def _disappoint(self) -> None:
        """Tell whoever still waits that no answer will come."""
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(self._stopped())

    def _take(self, number: int, kind: int, value: Any) -> None:  # noqa: ANN401 - as it came
        waiting = self._waiting.get(number)
        if waiting is None or waiting.answer.done():
            return
        match Answer(kind):
            case Answer.PART:
                waiting.parts.append(value)
            case Answer.END:
                waiting.answer.set_result(tuple(waiting.parts))
            case Answer.VALUE:
                waiting.answer.set_result(value)
            case Answer.FAILURE:
                waiting.answer.set_exception(_failure(*value))
            case Answer.CANCELLED:
                waiting.answer.cancel()

    def _stopped(self) -> LocalFailure:
        code = self._process.returncode
        return LocalFailure("vault_stopped", "" if code is None else f"exit code {code}")

    async def end(self) -> None:
        """Let the process end, and see that it does."""
        assert self._process.stdin  # noqa: S101
        self._process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                await asyncio.shield(self._reading)
            return
        self._process.kill()
        await self._reading


def _failure(code: str, detail: str) -> LocalFailure:
    if code not in MEANINGS or MEANINGS[code].fault is not LocalFailure:
        return LocalFailure("internal", "the vault failed in a way of its own")
    return LocalFailure(code, detail)


def _remote(
    method: Callable[Concatenate[Vault, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["VaultProcess", P], Coroutine[Any, Any, T]]:
    """A method of `Vault`, done in its process."""

    @wraps(method)
    async def ask(self: "VaultProcess", /, *args: P.args, **kwargs: P.kwargs) -> T:
        answer: T = await self.ask(method.__name__, *args, **kwargs)
        return answer

    return ask


class VaultProcess:
    """An open `Vault` in a process of its own; see there. Closing it ends the process."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._closed = False

    door = Vault.door

    @staticmethod
    async def keyring_usable() -> bool:
        """See `wallet.vault.os_keyring.keyring_usable`."""
        child = await Child.start()
        try:
            return bool(await child.ask("keyring_usable"))
        finally:
            await child.end()

    @classmethod
    async def create(
        cls,
        folder: Path,
        passphrase: Secret[str] | None,
        *,
        derivation_ms: int = CALIBRATED_MS,
    ) -> Self:
        """See `Vault.create`."""
        given = (folder, passphrase)
        return await cls._opened("create", *given, derivation_ms=derivation_ms)

    @classmethod
    async def open(
        cls,
        folder: Path,
        passphrase: Secret[str] | None = None,
        *,
        recovery_code: Secret[str] | None = None,
    ) -> Self:
        """See `Vault.open`."""
        given = (folder, passphrase)
        return await cls._opened("open", *given, recovery_code=recovery_code)

    @classmethod
    async def restore(
        cls,
        folder: Path,
        path: Path,
        passphrase: Secret[str],
        protection: Secret[str] | None,
        *,
        release: Callable[[], Coroutine[Any, Any, None]],
        replace_present: bool = False,
        derivation_ms: int = CALIBRATED_MS,
    ) -> tuple[Self, str]:
        """Open a vault made from a backup, and give the settings in it.

        See `wallet.vault.restoring`; `release` closes the present vault when the new one is whole.
        """
        child = await Child.start()
        try:
            name, settings = await child.ask(
                "prepare",
                folder,
                path,
                passphrase,
                protection,
                replace_present=replace_present,
                derivation_ms=derivation_ms,
            )
            await release()
            await child.ask("put_in_place", folder, name, protection)
        except BaseException:
            await child.end()
            raise
        return cls(child), settings

    @classmethod
    async def _opened(cls, method: str, *arguments: object, **keywords: object) -> Self:
        child = await Child.start()
        try:
            await child.ask(method, *arguments, **keywords)
        except BaseException:
            await child.end()
            raise
        return cls(child)

    async def ask(self, method: str, *arguments: object, **keywords: object) -> Any:  # noqa: ANN401
        """Have the vault do something; see `Child.ask`. Raises `store_locked` once closed."""
        if self._closed:
            raise LocalFailure("store_locked")
        return await self._child.ask(method, *arguments, **keywords)

    async def ended(self) -> None:
        """Wait until the process has ended."""
        await asyncio.shield(self._child.ended)

    async def close(self) -> None:
        """Close the vault and end its process; doing it twice is harmless."""
        if self._closed:
            return
        self._closed = True
        try:
            with suppress(LocalFailure):  # it ended by itself, or was ended
                await self._child.ask("close")
        finally:
            await self._child.end()

    protection = _remote(Vault.protection)
    protect = _remote(Vault.protect)
    check_passphrase = _remote(Vault.check_passphrase)
    new_recovery_code = _remote(Vault.new_recovery_code)
    confirm_recovery = _remote(Vault.confirm_recovery)
    rotate = _remote(Vault.rotate)
    add = _remote(Vault.add)

    documents = _remote(Vault.documents)

    async def all(self) -> tuple[CredentialRecord, ...]:
        """See `Vault.all`. The documents cross as they are, and are read on this side only."""
        documents = await self.documents()
        return await asyncio.to_thread(lambda: tuple(map(record_of, documents)))

    get = _remote(Vault.get)
    hear = _remote(Vault.hear)
    judged = _remote(Vault.judged)
    remove = _remote(Vault.remove)
    anchors = _remote(Vault.anchors)
    trust = _remote(Vault.trust)
    distrust = _remote(Vault.distrust)
    create_key = _remote(Vault.create_key)
    sign = _remote(Vault.sign)
    public_key = _remote(Vault.public_key)
    save = _remote(Vault.save)
    keep = _remote(Vault.keep)
    flows = _remote(Vault.flows)
    end = _remote(Vault.end)
    backup = _remote(Vault.backup)
    export_credential = _remote(Vault.export_credential)
    import_credentials = _remote(Vault.import_credentials)
