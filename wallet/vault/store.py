"""The encrypted database (owner of `sqlcipher3`): SQLCipher with a raw random key.

A plain SQLite would take the key pragma without a word and store everything in clear, so every
opening checks that SQLCipher is at work, and that the file does not look like a plain one.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final, Self

from wallet.errors import LocalFailure
from wallet.vault.failures import damaged

SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE holder_key (
    id TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    private_key BLOB NOT NULL
) STRICT;
CREATE TABLE credential (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    key_id TEXT REFERENCES holder_key (id),
    document BLOB NOT NULL
) STRICT;
"""
PLAIN_MAGIC: Final = b"SQLite format 3\0"


class Store:
    """One open database. Not thread-safe: the vault calls it from one thread only.

    Its methods raise `LocalFailure` and the errors of SQLite and the system; `Worker` translates.
    """

    def __init__(self, database: Any) -> None:  # noqa: ANN401 - sqlcipher3 has no types
        self._db = database

    @classmethod
    def open(cls, path: Path, key: bytearray) -> Self:
        """Open the database at `path`, which `create` made; `key` are 32 bytes.

        An empty file is damage here: SQLite would take it as a new database, and the holder would
        find an empty wallet.
        """
        store = cls(_connected(path, key))
        try:
            store._check(path)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def create(cls, path: Path, key: bytearray) -> None:
        """Make an empty database in a new file at `path`, durably."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        store = cls(_connected(path, key, new=True))
        try:
            # executescript would commit by itself: the schema comes whole or not at all
            steps = (statement for statement in SCHEMA.split(";") if statement.strip())
            store.write(*((s, ()) for s in steps), (f"PRAGMA user_version = {SCHEMA_VERSION}", ()))
        finally:
            store.close()
        _refuse_plain(path)

    def _check(self, path: Path) -> None:
        # First of all a read: it rolls back what a killed process left, and needs the right key.
        version = self.rows("PRAGMA user_version")[0][0]
        if version > SCHEMA_VERSION:
            raise damaged(f"the store was made by a newer wallet (version {version})")
        if version != SCHEMA_VERSION:
            raise damaged(f"the store's version {version} is unknown")
        if self.rows("PRAGMA cipher_integrity_check"):
            raise damaged("the integrity check failed")
        _refuse_plain(path)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        return list(self._db.execute(statement, values).fetchall())

    def write(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        """Run statements in one transaction: all of them, durably, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                self._db.execute(statement, values)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _connected(path: Path, key: bytearray, *, new: bool = False) -> Any:  # noqa: ANN401 - untyped
    from sqlcipher3 import dbapi2  # noqa: PLC0415 - loaded with the first store

    if not new:
        _refuse_plain(path)
    # `rw` never makes a file; without a cache no statement keeps the key's text alive.
    db = dbapi2.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, cached_statements=0
    )
    try:
        if not db.execute("PRAGMA cipher_version").fetchone():
            raise LocalFailure("internal", "SQLCipher is missing: nothing would be encrypted")
        db.execute("PRAGMA cipher_log_level = NONE")  # else it writes on stderr
        db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        for pragma in (
            "cipher_compatibility = 4",
            "cipher_memory_security = OFF",
            "temp_store = MEMORY",
            "journal_mode = DELETE",
            "synchronous = EXTRA",
            "secure_delete = ON",
            "foreign_keys = ON",
            *(("fullfsync = ON",) if sys.platform == "darwin" else ()),
        ):
            db.execute(f"PRAGMA {pragma}").fetchall()
        if db.execute("PRAGMA cipher_status").fetchone() != ("1",):
            raise LocalFailure("internal", "the store would not be encrypted")
    except BaseException:
        db.close()
        raise
    return db


def _refuse_plain(path: Path) -> None:
    with path.open("rb") as file:
        magic = file.read(len(PLAIN_MAGIC))
    if len(magic) < len(PLAIN_MAGIC):
        raise damaged("the database is empty")
    if magic == PLAIN_MAGIC:
        raise damaged("the store is not encrypted")
