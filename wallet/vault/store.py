"""The encrypted database (owner of `sqlcipher3`): SQLCipher with a raw random key.

A plain SQLite would take the key pragma without a word and store everything in clear, so every
opening checks that SQLCipher is at work, and that the file does not look like a plain one.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

from wallet.errors import LocalFailure

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

    Every method raises `LocalFailure`: `store_damaged`, `store_unwritable`.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        """Open the database at `path`, making it where there is none; `key` are 32 bytes."""
        from sqlcipher3 import dbapi2  # noqa: PLC0415 - loaded with the first store

        self._dbapi = dbapi2
        self._path = path
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            self._db = dbapi2.connect(str(path), isolation_level=None, check_same_thread=True)
        except dbapi2.Error as error:
            raise self._failure(error) from None
        try:
            self._prepare(key)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, key: bytes) -> None:
        if not self.rows("PRAGMA cipher_version"):
            raise LocalFailure("store_damaged", "SQLCipher is missing: nothing would be encrypted")
        self._db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        for pragma in (
            "temp_store = MEMORY",
            "journal_mode = DELETE",
            "synchronous = EXTRA",
            "secure_delete = ON",
            "foreign_keys = ON",
            *(("fullfsync = ON",) if sys.platform == "darwin" else ()),
        ):
            self.rows(f"PRAGMA {pragma}")
        version = self.rows("PRAGMA user_version")[0][0]
        if version == 0 and not self.rows("SELECT name FROM sqlite_master"):
            # executescript would commit by itself: the schema comes whole or not at all
            steps = (statement for statement in SCHEMA.split(";") if statement.strip())
            self.write(*((s, ()) for s in steps), (f"PRAGMA user_version = {SCHEMA_VERSION}", ()))
        elif version != SCHEMA_VERSION:
            raise LocalFailure("store_damaged", f"the store's version {version} is unknown")
        if self.rows("PRAGMA cipher_integrity_check") or self.rows("PRAGMA cipher_status") != [
            ("1",)
        ]:
            raise LocalFailure("store_damaged", "the integrity check failed")
        with self._path.open("rb") as file:
            if file.read(len(PLAIN_MAGIC)) == PLAIN_MAGIC:
                raise LocalFailure("store_damaged", "the store is not encrypted")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        try:
            return list(self._db.execute(statement, values).fetchall())
        except self._dbapi.Error as error:
            raise self._failure(error) from None

    def write(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        """Run statements in one transaction: all of them, durably, or none."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in statements:
                    self._db.execute(statement, values)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except self._dbapi.Error as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> LocalFailure:
        """What an error of the database means; its words hold no data of ours."""
        text = str(error)
        unwritable = ("readonly", "disk is full", "unable to open", "disk I/O")
        code = "store_unwritable" if any(one in text for one in unwritable) else "store_damaged"
        return LocalFailure(code, text[:200])
