"""The one thread on which the vault blocks: SQLite, Argon2id, signatures, files."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from wallet.errors import LocalFailure
from wallet.vault.failures import guarded

T = TypeVar("T")


class Worker:
    """Runs one piece of work after the other, off the event loop."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = ThreadPoolExecutor(1, "wallet-vault")

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` on the thread.

        A cancelled caller waits until the work is over, because it cannot be interrupted and must
        not go on behind the caller's back; then it is cancelled.

        Raises:
            WalletError: No other kind of error comes out of the work.
            LocalFailure: `passphrase_needed` after `stop`: the store is closed.
        """
        if self._executor is None:
            raise LocalFailure("passphrase_needed", "the store is closed")
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._executor, guarded, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    @property
    def stopped(self) -> bool:
        """Whether the thread takes no more work."""
        return self._executor is None

    def stop(self) -> None:
        """Let the thread end after the work it has; doing it twice is harmless."""
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None
