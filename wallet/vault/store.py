"""The encrypted database (owner of `sqlcipher3`): sealed records in SQLCipher with a raw key.

A plain SQLite would take the key pragma without a word and store everything in clear, so every
opening checks that SQLCipher is at work, and that the file does not look like a plain one.
"""

import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

from wallet.errors import LocalFailure
from wallet.vault.failures import damaged
from wallet.vault.sealing import Manifest, Name, Sealer
from wallet.vault.slots import derived, overwrite

SCHEMA_VERSION: Final = 2
SCHEMA: Final = """
CREATE TABLE record (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    keys TEXT NOT NULL,
    tag BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX record_sequence ON record (kind, sequence);
CREATE TABLE manifest (id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL) STRICT;
"""
_INDEXES: Final = {"record_sequence": "sequence", "sqlite_autoindex_record_1": "id"}
_ENTRIES: Final = """
SELECT (SELECT count(*) FROM record INDEXED BY {index}), (
    SELECT count(*) FROM record AS one NOT INDEXED WHERE EXISTS (
        SELECT 1 FROM record AS entry INDEXED BY {index}
        WHERE entry.kind = one.kind AND entry.{column} = one.{column} AND entry.rowid = one.rowid
    )
)
"""
"""How many entries an index has, and how many rows have theirs: an old page of an index that is put
back would hide records. `integrity_check` finds that too, but takes twice as long as all the rest.
"""
PLAIN_MAGIC: Final = b"SQLite format 3\0"
HOLDER_KEY: Final = "holder_key"
TRUST_ANCHOR: Final = "trust_anchor"


@dataclass(frozen=True)
class Put:
    """Write a record, in place of an older one of its name.

    Attributes:
        kind: See `Name`.
        id: See `Name`.
        content: What is sealed.
        keys: The holder keys it names; they must be there.
        first: Whether there must be none of its name yet.
    """

    kind: str
    id: str
    content: bytes = field(repr=False)
    keys: tuple[str, ...] = ()
    first: bool = False


@dataclass(frozen=True)
class Delete:
    """Remove a record; nothing where it is gone already."""

    kind: str
    id: str


class Store:
    """One open database. Not thread-safe: the vault calls it from one thread only.

    Its methods raise `LocalFailure` and the errors of SQLite and the system; `Worker` translates.
    """

    def __init__(self, database: Any, sealer: Sealer) -> None:  # noqa: ANN401 - no types
        self._db = database
        self._sealer = sealer
        self.closed = False

    @classmethod
    def open(cls, path: Path, data_key: bytearray) -> Self:
        """Open the database at `path`, which `create` made; all of it is checked.

        An empty file is damage here: SQLite would take it as a new database, and the holder would
        find an empty wallet.
        """
        store = cls(connected(path, data_key), Sealer(data_key))
        try:
            store.check()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def create(cls, path: Path, data_key: bytearray) -> Self:
        """Make an empty database in a new file at `path`, durably."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        store = cls(connected(path, data_key, new=True), Sealer(data_key))
        with store._transaction():
            for statement in SCHEMA.split(";"):
                store._db.execute(statement)
            store._write_manifest(Manifest())
            store._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        _refuse_plain(path)
        return store

    def check(self) -> None:
        """Check every page and that the records are those of the manifest.

        Raises:
            LocalFailure: `store_damaged`, saying what is.
        """
        # First of all a read: it rolls back what a killed process left, and needs the right key.
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise damaged(f"the store was made by a newer wallet (version {version})")
        if version != SCHEMA_VERSION:
            raise damaged(f"the store's version {version} is unknown")
        if broken := self._db.execute("PRAGMA cipher_integrity_check").fetchall():
            raise damaged(f"{len(broken)} pages are not what the wallet wrote")
        found = Manifest()
        for *named, tag in self._db.execute("SELECT kind, id, version, keys, tag FROM record"):
            found = found.with_mark(self._sealer.mark(_name(*named), tag))
        manifest = self.manifest()
        if (found.count, found.total) != (manifest.count, manifest.total):
            raise damaged(f"{found.count} records, and not those of the manifest")
        for index, column in _INDEXES.items():
            entries = self._db.execute(_ENTRIES.format(index=index, column=column)).fetchone()
            if entries != (found.count, found.count):
                raise damaged(f"the index {index} is not that of the records")

    def close(self) -> None:
        """Close the database."""
        self.closed = True
        self._db.close()
        self._sealer.forget()

    # Reading.

    def manifest(self) -> Manifest:
        """The manifest of the last commit."""
        row = self._db.execute("SELECT sealed FROM manifest").fetchone()
        if row is None:
            raise damaged("the manifest is missing")
        return self._sealer.open_manifest(row[0])

    def get(self, kind: str, record_id: str) -> bytes | None:
        """The content of a record; None where there is none."""
        row = self._db.execute(
            "SELECT version, keys, tag, sealed FROM record WHERE kind = ? AND id = ?",
            (kind, record_id),
        ).fetchone()
        if row is None:
            return None
        version, keys, tag, sealed = row
        return self._sealer.open(_name(kind, record_id, version, keys), tag, sealed)

    def all(self, kind: str | None = None) -> Iterator[Put]:
        """The records of a kind, or all, in the order they were first written."""
        one_kind = "WHERE kind = ? ORDER BY sequence"
        rows = self._db.execute(
            "SELECT kind, id, version, keys, tag, sealed FROM record "  # noqa: S608 - our own words
            + (one_kind if kind else "ORDER BY kind, sequence"),
            (kind,) if kind else (),
        )
        for *named, tag, sealed in rows:
            name = _name(*named)
            content = self._sealer.open(name, tag, sealed)
            yield Put(name.kind, name.id, content, name.keys)

    def named_only_by(self, kind: str, record_id: str) -> tuple[str, ...]:
        """The holder keys that this record names and no other does."""
        rows = self._db.execute(
            "SELECT value FROM record, json_each(record.keys) GROUP BY value "
            "HAVING count(*) = 1 AND max(kind) = ? AND max(record.id) = ?",
            (kind, record_id),
        )
        return tuple(key_id for (key_id,) in rows)

    def no_longer_named(self, kind: str, record_id: str, named: Collection[str]) -> tuple[str, ...]:
        """The holder keys that only this record names, and that are not among `named`."""
        rows = self._db.execute(
            "SELECT value FROM record, json_each(record.keys) WHERE kind = ? AND record.id = ?",
            (kind, record_id),
        )
        if all(key_id in named for (key_id,) in rows):
            return ()
        return tuple(one for one in self.named_only_by(kind, record_id) if one not in named)

    def unnamed_keys(self) -> tuple[str, ...]:
        """The holder keys that no record names."""
        rows = self._db.execute(
            "SELECT id FROM record WHERE kind = ? AND id NOT IN "
            "(SELECT value FROM record AS other, json_each(other.keys))",
            (HOLDER_KEY,),
        )
        return tuple(key_id for (key_id,) in rows)

    # Writing.

    def write(self, *changes: Put | Delete) -> int:
        """Make changes in one transaction: all of them, durably, or none.

        Returns:
            The generation of the store after it.
        """
        with self._transaction():
            manifest = self.manifest()
            for change in changes:
                manifest = self._changed(change, manifest)
            manifest = replace(manifest, generation=manifest.generation + 1)
            self._write_manifest(manifest)
        return manifest.generation

    def _changed(self, change: Put | Delete, manifest: Manifest) -> Manifest:
        version = 0
        row = self._db.execute(
            "SELECT version, keys, tag FROM record WHERE kind = ? AND id = ?",
            (change.kind, change.id),
        ).fetchone()
        if row is not None:
            version, keys, tag = row
            old = _name(change.kind, change.id, version, keys)
            manifest = manifest.without_mark(self._sealer.mark(old, tag))
        if isinstance(change, Delete):
            self._db.execute(
                "DELETE FROM record WHERE kind = ? AND id = ?", (change.kind, change.id)
            )
            return manifest
        if (change.first and version) or not self._has_keys(change.keys):
            raise LocalFailure("internal", "a record that is there, or whose key is not")
        name = Name(change.kind, change.id, version + 1, change.keys)
        tag, sealed = self._sealer.seal(name, change.content)
        self._db.execute(
            "INSERT INTO record VALUES (?, ?, ?, (SELECT coalesce(max(sequence), 0) + 1 "
            "FROM record WHERE kind = ?), ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET "
            "version = excluded.version, keys = excluded.keys, tag = excluded.tag, "
            "sealed = excluded.sealed",
            (name.kind, name.id, name.version, name.kind, json.dumps(name.keys), tag, sealed),
        )
        return manifest.with_mark(self._sealer.mark(name, tag))

    def _has_keys(self, keys: tuple[str, ...]) -> bool:
        rows = self._db.execute(
            "SELECT count(*) FROM json_each(?) WHERE value IN "
            "(SELECT id FROM record WHERE kind = ?)",
            (json.dumps(keys), HOLDER_KEY),
        )
        return bool(rows.fetchone()[0] == len(keys))

    def _write_manifest(self, manifest: Manifest) -> None:
        sealed = self._sealer.seal_manifest(manifest)
        self._db.execute("INSERT OR REPLACE INTO manifest VALUES (1, ?)", (sealed,))

    def fill(self, records: Iterable[Put], generation: int) -> None:
        """Write the records of another store into this empty one, and its generation."""
        with self._transaction():
            manifest = self.manifest()
            for record in sorted(records, key=lambda one: one.kind != HOLDER_KEY):
                manifest = self._changed(record, manifest)
            self._write_manifest(replace(manifest, generation=generation))

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    """One transaction of SQLite; an error rolls it back."""

    def __init__(self, database: Any) -> None:  # noqa: ANN401 - no types
        self._db = database

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def _name(kind: str, record_id: str, version: int, keys: str) -> Name:
    try:
        return Name(kind, record_id, version, tuple(json.loads(keys)))
    except (ValueError, TypeError):
        pass
    raise damaged(f"what the {kind} {record_id[:40]} names cannot be read")


def connected(path: Path, data_key: bytearray, *, new: bool = False) -> Any:  # noqa: ANN401
    """An open SQLCipher database under a key from the data key."""
    from sqlcipher3 import dbapi2  # noqa: PLC0415 - loaded with the first store

    if not new:
        _refuse_plain(path)
    # `rw` never makes a file; without a cache no statement keeps the key's text alive.
    db = dbapi2.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, cached_statements=0
    )
    key = derived(data_key, "database")
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
            *(("fullfsync = ON",) if sys.platform == "darwin" else ()),
        ):
            db.execute(f"PRAGMA {pragma}").fetchall()
        if db.execute("PRAGMA cipher_status").fetchone() != ("1",):
            raise LocalFailure("internal", "the store would not be encrypted")
    except BaseException:
        db.close()
        raise
    finally:
        overwrite(key)
    return db


def _refuse_plain(path: Path) -> None:
    with path.open("rb") as file:
        magic = file.read(len(PLAIN_MAGIC))
    if len(magic) < len(PLAIN_MAGIC):
        raise damaged("the database is empty")
    if magic == PLAIN_MAGIC:
        raise damaged("the store is not encrypted")
