"""One process at a time (owner of `filelock`)."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from wallet.errors import LocalFailure

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK: Final = "wallet.lock"


def locked(folder: Path, *, make: bool) -> "BaseFileLock":
    """The lock of a vault's folder, taken; the folder is made first where `make` says so.

    Raises:
        LocalFailure: `store_in_use`.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - loaded with the first vault

    if make:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    # A soft lock would outlive a killed process; without a real one the wallet stays shut.
    lock = FileLock(folder / LOCK, mode=0o600, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise LocalFailure("store_in_use") from None
    return lock
