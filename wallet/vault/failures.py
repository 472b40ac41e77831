"""Whatever goes wrong in the vault, as one of the wallet's own errors."""

import errno
from collections.abc import Callable, Mapping
from pathlib import PurePath
from traceback import extract_tb
from typing import Final, TypeVar

from wallet.errors import LocalFailure, WalletError

T = TypeVar("T")

_SQLITE: Final[Mapping[int, str]] = {
    3: "store_unwritable",  # SQLITE_PERM
    5: "store_in_use",  # SQLITE_BUSY: something other than a wallet holds the file
    6: "store_in_use",  # SQLITE_LOCKED
    8: "store_unwritable",  # SQLITE_READONLY
    10: "store_unwritable",  # SQLITE_IOERR
    11: "store_damaged",  # SQLITE_CORRUPT
    13: "store_unwritable",  # SQLITE_FULL
    14: "store_unwritable",  # SQLITE_CANTOPEN
    22: "store_unwritable",  # SQLITE_NOLFS
    24: "store_damaged",  # SQLITE_FORMAT
    26: "store_damaged",  # SQLITE_NOTADB: also what SQLCipher says of a page that is not authentic
}
"""Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that are nobody's bug."""

_SQLITE_UNREADABLE: Final = frozenset({522, 8202, 8458})
"""SQLITE_IOERR_SHORT_READ, _DATA and _CORRUPTFS: the file is at fault, not the permission."""


def guarded(work: Callable[[], T]) -> T:
    """Do `work`; no other error leaves than the wallet's own.

    The original error is not chained: its message or its attributes may quote what the vault
    holds. Its type, and where it was raised, stand in the detail.

    Raises:
        WalletError: `work`'s own, or the one that stands for what it raised.
    """
    try:
        return work()
    except WalletError:
        raise
    except Exception as error:  # noqa: BLE001 - this is the place where errors are translated
        failure = _failure(error)
    raise failure


def damaged(detail: str) -> LocalFailure:
    """The error for a store that is not what the wallet wrote; `detail` must hold no content."""
    return LocalFailure("store_damaged", detail)


def _failure(error: Exception) -> LocalFailure:
    sqlite_code = getattr(error, "sqlite_errorcode", None)
    if isinstance(sqlite_code, int):
        name = str(getattr(error, "sqlite_errorname", sqlite_code))
        if sqlite_code in _SQLITE_UNREADABLE:
            return damaged(name)
        if code := _SQLITE.get(sqlite_code & 0xFF):
            return LocalFailure(code, name)
        return LocalFailure("internal", f"{name} {_place(error)}")
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        return damaged("a file of the store is a folder")
    if isinstance(error, OSError):
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        return LocalFailure("store_unwritable", name)
    return LocalFailure("internal", f"{type(error).__name__} {_place(error)}")


def _place(error: Exception) -> str:
    frames = extract_tb(error.__traceback__)
    return f"at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
