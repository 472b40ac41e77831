"""Opening the database, and giving it a new data key: the same steps serve an older format.

A renewed database is written beside the old one, under the new key, and takes its name when it is
whole. The key file holds both data keys meanwhile, so whichever database is there after a kill
opens.
"""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from wallet.errors import LocalFailure
from wallet.vault.failures import damaged, guarded
from wallet.vault.sealing import Manifest
from wallet.vault.slots import (
    KEY_BYTES,
    KeyFile,
    copy_of,
    data_keys,
    overwrite,
    renewed,
    sync_folder,
    write_key_file,
)
from wallet.vault.store import HOLDER_KEY, Put, Store

KEYS: Final = "wallet.keys"
DATABASE: Final = "wallet.db"
UNFINISHED: Final = "wallet.db.new"


def fresh_key() -> bytearray:
    """A random key."""
    return bytearray(secrets.token_bytes(KEY_BYTES))


def open_store(
    folder: Path, file: KeyFile, root: bytearray, seen: int = 0
) -> tuple[Store, KeyFile]:
    """The open store and its key file, whatever an interruption or an older wallet left.

    Args:
        folder: The vault's folder.
        file: Its key file.
        root: The root key.
        seen: The newest generation that the keyring knows of. It is compared before anything is
            written: a commit of this opening must not make up for one that was taken away.

    Raises:
        LocalFailure: `store_damaged`; `store_rolled_back` for a store or key file that was put
            back.
    """
    database, unfinished = folder / DATABASE, folder / UNFINISHED
    if not database.exists() and unfinished.exists():
        unfinished.rename(database)
        sync_folder(folder)
    if not database.exists():
        raise damaged(f"{DATABASE} is missing")
    keys = data_keys(file, root)
    try:
        if not file.data_keys:
            return _upgraded(folder, file, root)
        if len(keys) > 1 and unfinished.exists():
            _take_its_place(unfinished, database, keys[0])
        store, key = _opened(database, keys)
        generation = store.manifest().generation
        if generation < seen:
            store.close()
            raise LocalFailure("store_rolled_back", f"generation {generation} after {seen}")
        file = _recorded(store, file)
        if len(keys) > 1:
            file = renewed(file, root, [key])
            write_key_file(folder / KEYS, file)
            file = _recorded(store, file)
        _remove(unfinished)
        _copy_again(folder / KEYS, file)
        return store, file
    finally:
        for key in keys:
            overwrite(key)


def _take_its_place(unfinished: Path, database: Path, key: bytearray) -> None:
    """Finish an exchange that was interrupted, if the new database is whole; else it stays."""
    try:
        guarded(lambda: Store.open(unfinished, key)).close()
    except LocalFailure:
        return
    unfinished.replace(database)
    sync_folder(database.parent)


def _opened(database: Path, keys: list[bytearray]) -> tuple[Store, bytearray]:
    """The store with the first key that opens it."""
    for key in keys[:-1]:
        try:
            return guarded(lambda key=key: Store.open(database, key)), key  # type: ignore[misc]
        except LocalFailure as failure:
            if failure.code != "store_damaged":
                raise
    return Store.open(database, keys[-1]), keys[-1]


def _copy_again(keys: Path, file: KeyFile) -> None:
    """Let there be two equal key files again, where one was damaged or a kill came between them."""
    with suppress(OSError):
        try:
            equal = keys.read_bytes() == copy_of(keys).read_bytes()
        except FileNotFoundError:
            equal = False
        if not equal:
            write_key_file(keys, file)


def _recorded(store: Store, file: KeyFile) -> KeyFile:
    """See that the key file is the newest one that this store has known.

    Where the store cannot take note of a newer one, as on a full disk, the next opening does.
    """
    known = int(store.get("key_file", "serial") or b"0")
    if file.serial < known:
        store.close()
        raise LocalFailure("store_rolled_back", "an older key file was put back")
    if file.serial > known:
        with suppress(LocalFailure):
            guarded(lambda: store.write(Put("key_file", "serial", str(file.serial).encode())))
    return file


def change_key_file(folder: Path, store: Store, root: bytearray, file: KeyFile) -> KeyFile:
    """Write a changed key file: durably, and noted in the store."""
    keys = data_keys(file, root)
    try:
        file = renewed(file, root, keys[::-1])
    finally:
        for key in keys:
            overwrite(key)
    write_key_file(folder / KEYS, file)
    return _recorded(store, file)


def rotate(folder: Path, store: Store, file: KeyFile, root: bytearray) -> tuple[Store, KeyFile]:
    """Exchange the data key: every record is sealed anew in a new database.

    Returns:
        The new store, open; the old one is closed.
    """
    old, new = data_keys(file, root)[0], fresh_key()
    try:
        return _exchanged(folder, store, file, root, (old, new))
    finally:
        overwrite(old)
        overwrite(new)


def _exchanged(
    folder: Path,
    store: Store,
    file: KeyFile,
    root: bytearray,
    keys: tuple[bytearray, bytearray],
) -> tuple[Store, KeyFile]:
    unfinished = folder / UNFINISHED
    _remove(unfinished)
    try:
        fresh = Store.create(unfinished, keys[1])
        try:
            fresh.fill(store.all(), store.manifest().generation)
            fresh.check()
        finally:
            fresh.close()
        sync_folder(folder)
    except Exception:  # on a full disk it is in the way
        _remove(unfinished)
        raise
    file = renewed(file, root, keys)
    write_key_file(folder / KEYS, file)
    store.close()
    unfinished.replace(folder / DATABASE)
    sync_folder(folder)
    file = renewed(file, root, keys[1:])
    write_key_file(folder / KEYS, file)
    opened = Store.open(folder / DATABASE, keys[1])
    return opened, _recorded(opened, file)


# --- version 1 ------------------------------------------------------------------------------------


class _FirstStore(Store):
    """A database of schema 1, read only: a table for keys, a table for credentials."""

    def all(self, kind: str | None = None) -> Iterator[Put]:  # noqa: ARG002 - all it is used for
        """Every record."""
        for key_id, der in self._db.execute("SELECT id, private_key FROM holder_key"):
            yield Put(HOLDER_KEY, key_id, der)
        rows = "SELECT id, key_id, document FROM credential ORDER BY sequence"
        for record_id, key_id, document in self._db.execute(rows):
            yield Put("credential", record_id, document, (key_id,) if key_id else ())

    def manifest(self) -> Manifest:
        """There is none yet."""
        return Manifest()

    def check(self) -> None:
        """Check every page."""
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version != 1:
            raise damaged(f"the store's version {version} is unknown")
        if self._db.execute("PRAGMA cipher_integrity_check").fetchall():
            raise damaged("pages are not what the wallet wrote")


def _upgraded(folder: Path, file: KeyFile, root: bytearray) -> tuple[Store, KeyFile]:
    """A store of version 1 in today's format. Its data key becomes the root key."""
    first = _FirstStore.open(folder / DATABASE, root)
    new = fresh_key()
    try:
        return _exchanged(folder, first, file, root, (bytearray(root), new))
    finally:
        overwrite(new)


def _remove(unfinished: Path) -> None:
    for leftover in (unfinished, unfinished.with_name(f"{unfinished.name}-journal")):
        leftover.unlink(missing_ok=True)
