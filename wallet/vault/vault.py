"""The vault as the rest of the wallet knows it: `Records` and `HolderKeys` in one place."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar

from wallet.errors import LocalFailure
from wallet.records import CredentialRecord, HolderKey, Secret
from wallet.strict import base64url_encode
from wallet.vault import os_keyring
from wallet.vault.slots import (
    KEY_BYTES,
    KeyFile,
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

if TYPE_CHECKING:
    from filelock import FileLock

# ruff: noqa: PLC0415 - what only an open vault needs is loaded with it

KEYS: Final = "wallet.keys"
DATABASE: Final = "wallet.db"
UNFINISHED: Final = "wallet.db.new"
LOCK: Final = "wallet.lock"

T = TypeVar("T")


class Vault:
    """An open vault. All its work is done on one thread of its own, never on the event loop."""

    def __init__(self, worker: ThreadPoolExecutor, lock: "FileLock", store: Store) -> None:
        self._worker = worker
        self._lock = lock
        self._store = store

    # Opening and closing.

    @classmethod
    def door(cls, folder: Path) -> Literal["new", "locked", "closed"]:
        """What opens the vault in `folder`: nothing yet, a passphrase, or the keyring.

        Raises:
            LocalFailure: `store_damaged`, also where there is a database without its key file.
        """
        file = read_key_file(folder / KEYS)
        if file is None:
            if (folder / DATABASE).exists():
                raise LocalFailure("store_damaged", f"{KEYS} is missing")
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
        worker = _worker()
        try:
            lock = await _on(worker, lambda: _locked(folder))
            if cls.door(folder) != "new":
                lock.release()
                raise LocalFailure("store_damaged", "there is a wallet in this folder already")
            return cls(worker, lock, await cls._created(worker, folder, passphrase, lock))
        except BaseException:
            worker.shutdown(wait=False)
            raise

    @classmethod
    async def _created(
        cls,
        worker: ThreadPoolExecutor,
        folder: Path,
        passphrase: Secret[str] | None,
        lock: "FileLock",
    ) -> Store:
        wallet_id, data_key = secrets.token_hex(8), secrets.token_bytes(KEY_BYTES)
        file = KeyFile(wallet_id, ())
        try:
            if passphrase is None:
                secret = secrets.token_bytes(KEY_BYTES)
                await os_keyring.store_secret(file.service, secret)
                slot = seal_for_keyring(wallet_id, data_key, secret)
            else:
                slot = await _on(
                    worker, lambda: seal_for_passphrase(wallet_id, data_key, passphrase)
                )
            whole = KeyFile(wallet_id, (slot,))
            await _on(worker, lambda: _made(folder, whole, data_key))
            return await _on(worker, lambda: _store(folder, data_key))
        except BaseException:
            lock.release()
            raise

    @classmethod
    async def open(cls, folder: Path, passphrase: Secret[str] | None = None) -> Self:
        """Open the vault in `folder`.

        Raises:
            LocalFailure: `passphrase_needed`, `passphrase_wrong`, `keyring_unavailable`,
                `keyring_entry_missing`, `store_in_use`, `store_damaged`, `store_unwritable`.
        """
        file = read_key_file(folder / KEYS)
        if file is None:
            raise LocalFailure("store_damaged", f"{KEYS} is missing")
        worker = _worker()
        try:
            lock = await _on(worker, lambda: _locked(folder))
            try:
                data_key = await _data_key(worker, file, passphrase)
                store = await _on(worker, lambda: _store(folder, data_key))
            except BaseException:
                lock.release()
                raise
            return cls(worker, lock, store)
        except BaseException:
            worker.shutdown(wait=False)
            raise

    async def close(self) -> None:
        """Close the store and let others open it."""
        await _on(self._worker, self._store.close)
        self._lock.release()
        self._worker.shutdown(wait=True)

    # Records.

    async def add(self, record: CredentialRecord) -> None:
        """See `wallet.ports.Records.add`."""
        from wallet.vault.document import document_of

        document = document_of(record)
        sequence = "(SELECT coalesce(max(sequence), 0) + 1 FROM credential)"
        statement = f"INSERT INTO credential VALUES (?, {sequence}, ?, ?)"  # noqa: S608
        await self._write((statement, (record.id, record.key_id or None, document)))

    async def all(self) -> tuple[CredentialRecord, ...]:
        """See `wallet.ports.Records.all`."""
        from wallet.vault.document import record_of

        statement = "SELECT document FROM credential ORDER BY sequence DESC"
        return await _on(
            self._worker,
            lambda: tuple(record_of(document) for (document,) in self._store.rows(statement)),
        )

    async def get(self, credential_id: str) -> CredentialRecord:
        """See `wallet.ports.Records.get`."""
        from wallet.vault.document import record_of

        rows = await self._rows("SELECT document FROM credential WHERE id = ?", credential_id)
        if not rows:
            raise LocalFailure("credential_not_found", credential_id[:100])
        return record_of(rows[0][0])

    async def remove(self, credential_id: str) -> None:
        """See `wallet.ports.Records.remove`."""
        rows = await self._rows("SELECT key_id FROM credential WHERE id = ?", credential_id)
        if not rows:
            raise LocalFailure("credential_not_found", credential_id[:100])
        await self._write(
            ("DELETE FROM credential WHERE id = ?", (credential_id,)),
            ("DELETE FROM holder_key WHERE id = ?", rows[0]),
        )

    # Holder keys.

    async def create_key(self, algorithm: str) -> HolderKey:
        """See `wallet.ports.HolderKeys.create_key`."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        def make() -> HolderKey:
            private_key = ec.generate_private_key(ec.SECP256R1())
            key_id = secrets.token_hex(16)
            numbers = private_key.public_key().public_numbers()
            der = private_key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),  # SQLCipher encrypts the page it is written to
            )
            self._store.write(("INSERT INTO holder_key VALUES (?, ?, ?)", (key_id, algorithm, der)))
            public = {
                "kty": "EC",
                "crv": "P-256",
                "x": base64url_encode(numbers.x.to_bytes(32)),
                "y": base64url_encode(numbers.y.to_bytes(32)),
            }
            return HolderKey(key_id, algorithm, public)

        if algorithm != "ES256":
            raise LocalFailure("internal", f"no holder keys for {algorithm[:20]}")
        return await _on(self._worker, make)

    async def sign(self, key_id: str, message: bytes) -> bytes:
        """See `wallet.ports.HolderKeys.sign`."""
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        rows = await self._rows("SELECT private_key FROM holder_key WHERE id = ?", key_id)

        def signed() -> bytes:
            key = serialization.load_der_private_key(rows[0][0], None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise LocalFailure("store_damaged", "a key cannot be read")
            r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)

        if not rows:
            raise LocalFailure("internal", "the holder key is gone")
        return await _on(self._worker, signed)

    async def _rows(self, statement: str, *values: str) -> list[tuple[bytes, ...]]:
        return await _on(self._worker, lambda: self._store.rows(statement, values))

    async def _write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        await _on(self._worker, lambda: self._store.write(*statements))


def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="wallet-vault")


async def _on(worker: ThreadPoolExecutor, action: Callable[[], T]) -> T:
    """Run `action` on the vault's thread to its end, even where the waiting task is cancelled."""
    try:
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(worker, action))
    except OSError as error:
        raise LocalFailure("store_unwritable", error.strerror or "") from None


def _locked(folder: Path) -> "FileLock":
    from filelock import FileLock, Timeout

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    lock = FileLock(folder / LOCK, timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise LocalFailure("store_in_use") from None
    return lock


async def _data_key(
    worker: ThreadPoolExecutor, file: KeyFile, passphrase: Secret[str] | None
) -> bytes:
    if slot := file.slot("keyring"):
        secret = await os_keyring.load_secret(file.service)
        return unseal(file, slot, secret, "keyring_entry_missing")
    slot = file.slot("passphrase")
    if slot is None or passphrase is None:
        raise LocalFailure("passphrase_needed")
    locked = slot
    return await _on(worker, lambda: unseal_with_passphrase(file, locked, passphrase))


def _made(folder: Path, file: KeyFile, data_key: bytes) -> None:
    """Make an empty database and its key file."""
    unfinished = folder / UNFINISHED
    unfinished.unlink(missing_ok=True)
    Store(unfinished, store_key(data_key)).close()
    write_key_file(folder / KEYS, file)


def _store(folder: Path, data_key: bytes) -> Store:
    """The open store, without the keys that no credential names.

    Such keys are left by runs that were killed; nothing resumes them yet.
    """
    database, unfinished = folder / DATABASE, folder / UNFINISHED
    if not database.exists():
        if not unfinished.exists():
            raise LocalFailure("store_damaged", f"{DATABASE} is missing")
        unfinished.rename(database)
        sync_folder(folder)
    store = Store(database, store_key(data_key))
    named = "SELECT key_id FROM credential WHERE key_id IS NOT NULL"
    store.write((f"DELETE FROM holder_key WHERE id NOT IN ({named})", ()))  # noqa: S608
    return store
