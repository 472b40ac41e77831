"""Putting a restored vault in the place of the present one: after a kill there is one or the other.

Nothing is deleted: what was there is set aside in a folder of its own.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from wallet.strict import json_object
from wallet.vault.access import TRIES
from wallet.vault.failures import damaged
from wallet.vault.locking import locked
from wallet.vault.renewal import DATABASE, KEYS, UNFINISHED
from wallet.vault.slots import copy_of, replace_file, sync_folder

MARKER: Final = "wallet.restoring"
_FILES: Final = (
    f"{DATABASE}-journal",
    UNFINISHED,
    f"{UNFINISHED}-journal",
    TRIES,
    DATABASE,
    KEYS,
    copy_of(Path(KEYS)).name,
)


def take_over(folder: Path, fresh: Path, aside: Path) -> None:
    """Set aside the vault in `folder`, and let the one in `fresh` take its place."""
    names = {"fresh": fresh.name, "aside": aside.name}
    replace_file(folder / MARKER, json.dumps(names).encode())
    finish(folder)


def settle(folder: Path) -> None:
    """Finish a restoration that was interrupted, where no other process is at it.

    Raises:
        LocalFailure: `store_in_use`, `store_damaged`.
    """
    if (folder / MARKER).exists():
        lock = locked(folder, make=False)
        try:
            finish(folder)
        finally:
            lock.release()


def finish(folder: Path) -> None:
    """Move what a restoration has to move; nothing where there is none. Holds the folder's lock.

    Raises:
        LocalFailure: `store_damaged`.
    """
    try:
        names = json_object((folder / MARKER).read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        raise damaged(f"{MARKER} cannot be read") from None
    fresh, aside = (folder / Path(str(names.get(one))).name for one in ("fresh", "aside"))
    aside.mkdir(mode=0o700, exist_ok=True)
    for name in _FILES:
        old, new = folder / name, fresh / name
        # Where the new one is no longer there, it is in its place already, or there was none.
        if old.exists() and (new.exists() or name not in (DATABASE, KEYS, _FILES[-1])):
            old.rename(aside / name)
        if new.exists():
            new.rename(old)
    sync_folder(aside)
    sync_folder(folder)
    for leftover in fresh.glob("wallet.*"):
        leftover.unlink()
    with suppress(OSError):
        fresh.rmdir()
    (folder / MARKER).unlink()
    sync_folder(folder)
