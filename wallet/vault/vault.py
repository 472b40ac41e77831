"""The vault as the rest of the wallet knows it: `Records` and `HolderKeys` in one place."""

import secrets
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from wallet.errors import LocalFailure
from wallet.records import CredentialRecord, HolderKey, Secret
from wallet.vault import os_keyring
from wallet.vault.failures import damaged, guarded
from wallet.vault.holder_keys import new_key, signature
from wallet.vault.slots import (
    KEY_BYTES,
    KeyFile,
    overwrite,
    read_key_file,
    seal_for_keyring,
    seal_for_passphrase,
    store_key,
    sync_folder,
    unseal,
    unseal_with_passphrase,
    write_key_file,
)
from wallet.vault.store import Store
from wallet.vault.worker import Worker

if TYPE_CHECKING:
    from filelock import BaseFileLock

# ruff: noqa: PLC0415 - what only an open vault needs is loaded with it

KEYS: Final = "wallet.keys"
DATABASE: Final = "wallet.db"
UNFINISHED: Final = "wallet.db.new"
LOCK: Final = "wallet.lock"


class Vault:
    """An open vault. All its work is done on one thread of its own, never on the event loop."""

    def __init__(self) -> None:
        self._worker = Worker()
        self._lock: BaseFileLock | None = None
        self._open_store: Store | None = None

    # Opening and closing.

    @classmethod
    def door(cls, folder: Path) -> Literal["new", "locked", "closed"]:
        """What opens the vault in `folder`: nothing yet, a passphrase, or the keyring.

        Raises:
            LocalFailure: `store_damaged`, also where there is a database without its key file;
                `store_unwritable` where the folder cannot be read.
        """
        file = guarded(partial(_key_file, folder))
        if file is None:
            return "new"
        return "closed" if file.slot("keyring") else "locked"

    @classmethod
    async def create(cls, folder: Path, passphrase: Secret[str] | None) -> Self:
        """Make a vault in `folder`, protected by `passphrase`, or by the keyring if it is None.

        Whenever this is interrupted, there is either no vault yet, or an empty one that opens: the
        database gets its name last.

        Raises:
            LocalFailure: `keyring_unavailable`, `passphrase_too_short`, `store_in_use`,
                `store_unwritable`, `store_damaged` where there is a vault already.
        """
        vault = cls()
        try:
            await vault._create(folder, passphrase)
        except BaseException:
            await vault.close()
            raise
        return vault

    async def _create(self, folder: Path, passphrase: Secret[str] | None) -> None:
        await self._worker.run(lambda: self._take(folder, make=True))
        if await self._worker.run(lambda: _key_file(folder)) is not None:
            raise damaged("there is a wallet in this folder already")
        wallet_id, data_key = secrets.token_hex(8), bytearray(secrets.token_bytes(KEY_BYTES))
        if passphrase is None:
            secret = bytearray(secrets.token_bytes(KEY_BYTES))
            await os_keyring.store_secret(KeyFile(wallet_id, ()).service, bytes(secret))
            seal = partial(seal_for_keyring, wallet_id, data_key, secret)
        else:
            seal = partial(seal_for_passphrase, wallet_id, data_key, passphrase)

        def make() -> None:
            _make(folder, KeyFile(wallet_id, (seal(),)), data_key)
            self._load(folder, data_key)

        try:
            await self._worker.run(make)
        except LocalFailure:
            with suppress(LocalFailure):  # an entry that no key file names would never be found
                if passphrase is None and not await self._worker.run((folder / KEYS).exists):
                    await os_keyring.delete_secret(KeyFile(wallet_id, ()).service)
            raise

    @classmethod
    async def open(cls, folder: Path, passphrase: Secret[str] | None = None) -> Self:
        """Open the vault in `folder`.

        Raises:
            LocalFailure: `passphrase_needed`, `passphrase_wrong`, `keyring_unavailable`,
                `keyring_entry_missing`, `store_in_use`, `store_damaged`, `store_unwritable`.
        """
        vault = cls()
        try:
            await vault._open(folder, passphrase)
        except BaseException:
            await vault.close()
            raise
        return vault

    async def _open(self, folder: Path, passphrase: Secret[str] | None) -> None:
        if await self._worker.run(lambda: _key_file(folder)) is None:
            raise damaged(f"{KEYS} is missing")
        await self._worker.run(lambda: self._take(folder, make=False))
        file = await self._worker.run(lambda: _key_file(folder))  # again: now nobody changes it
        if file is None:
            raise damaged(f"{KEYS} is missing")
        if keyring_slot := file.slot("keyring"):
            secret = bytearray(await os_keyring.load_secret(file.service))
            unsealed = partial(unseal, file, keyring_slot, secret, "keyring_entry_missing")
        else:
            slot = file.slot("passphrase")
            if slot is None or passphrase is None:
                raise LocalFailure("passphrase_needed")
            unsealed = partial(unseal_with_passphrase, file, slot, passphrase)
        await self._worker.run(lambda: self._load(folder, unsealed()))

    def _take(self, folder: Path, *, make: bool) -> None:
        # Kept here, on the thread, so that `close` finds it also where the caller was cancelled.
        self._lock = _locked(folder, make=make)

    def _load(self, folder: Path, data_key: bytearray) -> None:
        try:
            self._open_store = _store(folder, data_key)
        finally:
            overwrite(data_key)

    async def close(self) -> None:
        """Close the store and let others open it; doing it twice is harmless."""
        if not self._worker.stopped:
            try:
                await self._worker.run(self._release)
            finally:
                self._worker.stop()

    def _release(self) -> None:
        store, lock = self._open_store, self._lock
        self._open_store = self._lock = None
        try:
            if store is not None:
                store.close()
        finally:
            if lock is not None:
                lock.release()

    @property
    def _store(self) -> Store:
        if self._open_store is None:
            raise LocalFailure("passphrase_needed", "the store is closed")
        return self._open_store

    # Records.

    async def add(self, record: CredentialRecord) -> None:
        """See `wallet.ports.Records.add`."""
        from wallet.vault.document import document_of

        sequence = "(SELECT coalesce(max(sequence), 0) + 1 FROM credential)"
        statement = f"INSERT INTO credential VALUES (?, {sequence}, ?, ?)"  # noqa: S608
        await self._worker.run(
            lambda: self._store.write(
                (statement, (record.id, record.key_id or None, document_of(record)))
            )
        )

    async def all(self) -> tuple[CredentialRecord, ...]:
        """See `wallet.ports.Records.all`."""
        from wallet.vault.document import record_of

        statement = "SELECT document FROM credential ORDER BY sequence DESC"
        return await self._worker.run(
            lambda: tuple(record_of(document) for (document,) in self._store.rows(statement))
        )

    async def get(self, credential_id: str) -> CredentialRecord:
        """See `wallet.ports.Records.get`."""
        from wallet.vault.document import record_of

        def read() -> CredentialRecord:
            rows = self._store.rows(
                "SELECT document FROM credential WHERE id = ?", (credential_id,)
            )
            if not rows:
                raise LocalFailure("credential_not_found", credential_id[:100])
            return record_of(rows[0][0])

        return await self._worker.run(read)

    async def remove(self, credential_id: str) -> None:
        """See `wallet.ports.Records.remove`."""

        def remove() -> None:
            rows = self._store.rows("SELECT key_id FROM credential WHERE id = ?", (credential_id,))
            if not rows:
                raise LocalFailure("credential_not_found", credential_id[:100])
            named = "(SELECT key_id FROM credential WHERE key_id IS NOT NULL)"
            self._store.write(
                ("DELETE FROM credential WHERE id = ?", (credential_id,)),
                (f"DELETE FROM holder_key WHERE id = ? AND id NOT IN {named}", rows[0]),  # noqa: S608
            )

        await self._worker.run(remove)

    async def save(self, flow):
        import json

        await self._worker.run(
            lambda: self._store.write(
                (
                    "INSERT OR REPLACE INTO flow VALUES (?,?,?)",
                    (flow.id, json.dumps(flow.key_ids), json.dumps(flow.document).encode()),
                )
            )
        )

    async def keep(self, record, flow):
        import json

        from wallet.vault.document import document_of

        sequence = "(SELECT coalesce(max(sequence), 0) + 1 FROM credential)"
        await self._worker.run(
            lambda: self._store.write(
                (
                    f"INSERT INTO credential VALUES (?, {sequence}, ?, ?)",
                    (record.id, record.key_id or None, document_of(record)),
                ),
                (
                    "INSERT OR REPLACE INTO flow VALUES (?,?,?)",
                    (flow.id, json.dumps(flow.key_ids), json.dumps(flow.document).encode()),
                ),
            )
        )

    async def flows(self):
        import json

        from wallet.records import Flow

        return await self._worker.run(
            lambda: tuple(
                Flow(a, tuple(json.loads(b)), json.loads(c))
                for a, b, c in self._store.rows("SELECT * FROM flow ORDER BY rowid")
            )
        )

    async def end(self, flow_id):
        named = "SELECT key_id FROM credential WHERE key_id IS NOT NULL"
        await self._worker.run(
            lambda: self._store.write(
                ("DELETE FROM flow WHERE id=?", (flow_id,)),
                (f"DELETE FROM holder_key WHERE id NOT IN ({named})", ()),
            )
        )

    # Holder keys.

    async def create_key(self, algorithm: str) -> HolderKey:
        """See `wallet.ports.HolderKeys.create_key`."""
        if algorithm != "ES256":
            raise LocalFailure("internal", f"no holder keys for {algorithm[:20]}")

        def make() -> HolderKey:
            key_id, (der, public) = secrets.token_hex(16), new_key()
            self._store.write(("INSERT INTO holder_key VALUES (?, ?, ?)", (key_id, algorithm, der)))
            return HolderKey(key_id, algorithm, public)

        return await self._worker.run(make)

    async def sign(self, key_id: str, message: bytes) -> bytes:
        """See `wallet.ports.HolderKeys.sign`."""

        def signed() -> bytes:
            rows = self._store.rows("SELECT private_key FROM holder_key WHERE id = ?", (key_id,))
            if not rows:
                raise LocalFailure("internal", "the holder key is gone")
            return signature(rows[0][0], message)

        return await self._worker.run(signed)


def _key_file(folder: Path) -> KeyFile | None:
    """The key file; None where nothing was ever stored."""
    # The database first: another process that makes the wallet now writes it after the key file.
    has_database = (folder / DATABASE).exists()
    file = read_key_file(folder / KEYS)
    if file is None and has_database:
        raise damaged(f"{KEYS} is missing")
    return file


def _locked(folder: Path, *, make: bool) -> "BaseFileLock":
    from filelock import FileLock, Timeout

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


def _make(folder: Path, file: KeyFile, data_key: bytearray) -> None:
    """Make an empty database and its key file."""
    unfinished = folder / UNFINISHED
    for leftover in (unfinished, folder / f"{UNFINISHED}-journal"):
        leftover.unlink(missing_ok=True)
    key = store_key(data_key)
    Store.create(unfinished, key)
    overwrite(key)
    write_key_file(folder / KEYS, file)


def _store(folder: Path, data_key: bytearray) -> Store:
    """The open store, without the keys that no credential names.

    Such keys are left by runs that were killed; there is no journal yet to resume them.
    """
    database, unfinished = folder / DATABASE, folder / UNFINISHED
    if not database.exists():
        if not unfinished.exists():
            raise damaged(f"{DATABASE} is missing")
        unfinished.rename(database)
        sync_folder(folder)
    key = store_key(data_key)
    try:
        store = Store.open(database, key)
    finally:
        overwrite(key)
    named = "SELECT key_id FROM credential WHERE key_id IS NOT NULL"
    try:
        store.write(
            ("CREATE TABLE IF NOT EXISTS flow (id TEXT PRIMARY KEY, keys TEXT, document BLOB)", ())
        )
        if not store.rows("SELECT 1 FROM flow"):
            store.write((f"DELETE FROM holder_key WHERE id NOT IN ({named})", ()))  # noqa: S608
    except BaseException:
        store.close()
        raise
    return store
