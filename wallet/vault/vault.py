"""The vault as the wallet knows it: `Records`, `HolderKeys`, `Flows`, `TrustAnchors` in one."""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar

from wallet.errors import LocalFailure
from wallet.records import (
    CredentialRecord,
    Flow,
    HolderKey,
    Protection,
    Secret,
    StatusAnswer,
    TrustAnchor,
)
from wallet.vault import os_keyring
from wallet.vault.access import BALLAST, Key, forget_entries, protected, root_key
from wallet.vault.failures import damaged, guarded
from wallet.vault.holder_keys import new_key, public_jwk, read_key, signature
from wallet.vault.locking import locked
from wallet.vault.recovery import canonical, new_code
from wallet.vault.renewal import (
    DATABASE,
    KEYS,
    UNFINISHED,
    change_key_file,
    fresh_key,
    open_store,
    rotate,
)
from wallet.vault.replacing import settle
from wallet.vault.slots import (
    CALIBRATED_MS,
    KeyFile,
    calibrated,
    overwrite,
    read_key_file,
    renewed,
    replace_file,
    seal_for_recovery,
    unseal,
    write_key_file,
)
from wallet.vault.store import HOLDER_KEY, TRUST_ANCHOR, Delete, Put, Store
from wallet.vault.worker import Worker

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from wallet.vault.backup import Backup

# ruff: noqa: PLC0415 - what only an open vault needs is loaded with it

T = TypeVar("T")

BALLAST_BYTES: Final = 256 * 1024
_SQLITE_FULL: Final = 13


class Vault:
    """An open vault. All its work is done on one thread of its own, never on the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._worker = Worker()
        self._lock: BaseFileLock | None = None
        self._open_store: Store | None = None
        self._file = KeyFile("", ())
        self._root = bytearray()
        self._mirrored = 0
        self._mirroring = asyncio.Lock()

    # Opening and closing.

    @classmethod
    def door(cls, folder: Path) -> Literal["new", "locked", "closed"]:
        """What opens the vault in `folder`: nothing yet, a passphrase, or the keyring.

        Raises:
            LocalFailure: `store_damaged`, also where there is a database without its key file;
                `store_unwritable` where the folder cannot be read; `store_in_use` where another
                process restores it.
        """
        file = guarded(partial(_key_file, folder))
        if file is None:
            return "new"
        return "closed" if file.slot("keyring") else "locked"

    @classmethod
    async def create(
        cls,
        folder: Path,
        passphrase: Secret[str] | None,
        *,
        derivation_ms: int = CALIBRATED_MS,
    ) -> Self:
        """Make a vault in `folder`, protected by `passphrase`, or by the keyring if it is None.

        Whenever this is interrupted, there is either no vault yet, or an empty one that opens: the
        database gets its name last. Let the holder write down a recovery code next.

        Raises:
            LocalFailure: `keyring_unavailable`, `passphrase_too_short`, `store_in_use`,
                `store_unwritable`, `store_damaged` where there is a vault already.
        """
        vault = cls(folder)
        try:
            await vault._create(passphrase, derivation_ms)
        except BaseException:
            await vault.close()
            raise
        return vault

    async def _create(self, passphrase: Secret[str] | None, derivation_ms: int) -> None:
        folder = self._folder
        await self._worker.run(lambda: settle(folder))
        await self._worker.run(lambda: self._take(make=True))
        if await self._worker.run(lambda: _key_file(folder)) is not None:
            raise damaged("there is a wallet in this folder already")
        self._root = fresh_key()
        file = KeyFile(secrets.token_hex(8), ())
        try:
            file = await protected(file, self._root, passphrase, derivation_ms, self._worker)
            await self._worker.run(lambda: self._make(file))
        except LocalFailure:
            if not await self._worker.run((folder / KEYS).exists):
                await forget_entries(file)  # which no key file names: nobody would find them
            raise
        await self._mirror(await self._worker.run(lambda: self._store.manifest().generation))

    def _make(self, file: KeyFile) -> None:
        """Make an empty database, its key file, and open it."""
        folder, data_key = self._folder, fresh_key()
        for leftover in (folder / UNFINISHED, folder / f"{UNFINISHED}-journal"):
            leftover.unlink(missing_ok=True)
        Store.create(folder / UNFINISHED, data_key).close()
        file = renewed(file, self._root, [data_key])
        overwrite(data_key)
        write_key_file(folder / KEYS, file)
        self._open_store, self._file = open_store(folder, file, self._root)
        self._fill_ballast()

    @classmethod
    async def open(
        cls,
        folder: Path,
        passphrase: Secret[str] | None = None,
        *,
        recovery_code: Secret[str] | None = None,
    ) -> Self:
        """Open the vault in `folder`.

        With the recovery code it opens whatever became of passphrase and keyring, also a store
        that was rolled back. Where the keyring alone opened it, the keyring is set up anew; a
        passphrase stays until `protect` sets another.

        Raises:
            LocalFailure: `passphrase_needed`, `passphrase_wrong`, `passphrase_wait`,
                `keyring_unavailable`, `keyring_entry_missing`, `recovery_wrong`, `store_in_use`,
                `store_damaged`, `store_rolled_back`, `store_unwritable`.
        """
        vault = cls(folder)
        try:
            await vault._open(Key(passphrase, recovery_code))
        except BaseException:
            await vault.close()
            raise
        return vault

    async def _open(self, key: Key) -> None:
        folder = self._folder
        if await self._worker.run(lambda: _key_file(folder)) is None:
            raise damaged(f"{KEYS} is missing")
        await self._worker.run(lambda: self._take(make=False))
        file = await self._worker.run(lambda: _key_file(folder))  # again: now nobody changes it
        if file is None:
            raise damaged(f"{KEYS} is missing")
        self._root = await root_key(file, key, folder, datetime.now(UTC), self._worker)
        recovering = key.recovery_code is not None
        seen = 0 if recovering else await _seen(file)
        await self._worker.run(lambda: self._load(file, seen))
        if recovering and self._file.slot("keyring"):
            with suppress(LocalFailure):  # without a keyring the recovery code opens it again
                await self.protect(None)
        await self._mirror(await self._worker.run(lambda: self._store.manifest().generation))

    def _take(self, *, make: bool) -> None:
        # Kept here, on the thread, so that `close` finds it also where the caller was cancelled.
        self._lock = locked(self._folder, make=make)

    def _load(self, file: KeyFile, seen: int) -> None:
        self._open_store, self._file = open_store(self._folder, file, self._root, seen)
        # Keys that no record names are left by runs that were killed before they named them.
        if unnamed := self._store.unnamed_keys():
            self._store.write(*(Delete(HOLDER_KEY, key_id) for key_id in unnamed))
        self._fill_ballast()

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
        overwrite(self._root)
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

    # The generation's mirror: a whole older store that is put back is noticed by it.

    async def _mirror(self, generation: int) -> None:
        """Let the keyring know of a commit; where it cannot, the next opening catches up."""
        if not self._file.uses_keyring:
            return
        async with self._mirroring:
            if generation > self._mirrored:
                with suppress(LocalFailure):
                    await os_keyring.remember(f"{self._file.service}/generation", str(generation))
                    self._mirrored = generation

    # Changing what opens it.

    async def protection(self) -> Protection:
        """What opens the vault."""
        file = self._file
        return Protection(
            passphrase=file.slot("passphrase") is not None,
            keyring=file.uses_keyring,
            recovery=file.slot("recovery") is not None,
            recovery_confirmed=file.recovery_confirmed,
        )

    async def protect(
        self, passphrase: Secret[str] | None, *, derivation_ms: int = CALIBRATED_MS
    ) -> None:
        """Let `passphrase` open the vault from now on, or the keyring if it is None.

        Raises:
            LocalFailure: `passphrase_too_short`, `keyring_unavailable`.
        """
        before = self._file
        file = await protected(before, self._root, passphrase, derivation_ms, self._worker)
        await self._change(file)
        await forget_entries(before, kept=file)

    async def check_passphrase(self, passphrase: Secret[str]) -> None:
        """Raise `passphrase_wrong` if it is not the one that opens the vault."""
        file = self._file
        if slot := file.slot("passphrase"):
            half = None
            if slot.uses_keyring:
                half = bytearray(await os_keyring.load_secret(file.entry(slot)))
            opening = partial(
                unseal, file, slot, text=passphrase, keyring_secret=half, wrong="passphrase_wrong"
            )
            overwrite(await self._worker.run(opening))

    async def new_recovery_code(self, *, derivation_ms: int = CALIBRATED_MS) -> Secret[str]:
        """A fresh recovery code, in place of an older one; it is shown once and never kept."""
        code, file = new_code(), self._file
        plain = canonical(code) or code

        def seal() -> KeyFile:
            memory_kib = calibrated(derivation_ms)
            slot = seal_for_recovery(file.wallet_id, self._root, plain, memory_kib=memory_kib)
            return replace(file.with_slot(slot, instead_of=("recovery",)), recovery_confirmed=False)

        await self._change(await self._worker.run(seal))
        return code

    async def confirm_recovery(self, code: Secret[str]) -> None:
        """Take note that the holder has the recovery code. Raises `recovery_wrong`."""
        file, plain = self._file, canonical(code)
        slot = file.slot("recovery")
        if slot is None or plain is None:
            raise LocalFailure("recovery_wrong")
        opening = partial(unseal, file, slot, text=plain, wrong="recovery_wrong")
        overwrite(await self._worker.run(opening))
        await self._change(replace(file, recovery_confirmed=True))

    async def rotate(self) -> None:
        """Exchange the data key: everything is encrypted anew.

        Where this fails halfway the vault closes, and its next opening finishes it.
        """

        def exchange() -> int:
            store = self._store
            try:
                self._open_store, self._file = rotate(self._folder, store, self._file, self._root)
            finally:
                if self._open_store is store and store.closed:
                    self._open_store = None
            return self._store.manifest().generation

        await self._mirror(await self._worker.run(exchange))

    async def _change(self, file: KeyFile) -> None:
        def change() -> int:
            self._file = change_key_file(self._folder, self._store, self._root, file)
            return self._store.manifest().generation

        await self._mirror(await self._worker.run(change))

    # Records.

    async def add(self, record: CredentialRecord) -> None:
        """See `wallet.ports.Records.add`."""
        await self._commit(_put(record))

    async def all(self) -> tuple[CredentialRecord, ...]:
        """See `wallet.ports.Records.all`."""
        from wallet.vault.document import record_of

        return tuple(map(record_of, await self.documents()))

    async def documents(self) -> tuple[bytes, ...]:
        """The documents of all records, newest first; see `wallet.vault.document`."""
        return await self._read(
            lambda store: tuple(one.content for one in store.all("credential"))[::-1]
        )

    async def get(self, credential_id: str) -> CredentialRecord:
        """See `wallet.ports.Records.get`."""
        from wallet.vault.document import record_of

        content = await self._read(lambda store: store.get("credential", credential_id))
        if content is None:
            raise LocalFailure("credential_not_found", credential_id[:100])
        return record_of(content)

    async def hear(self, credential_id: str, answer: StatusAnswer) -> None:
        """See `wallet.ports.Records.hear`."""
        from wallet.vault.document import record_of

        def hear(store: Store) -> int:
            content = store.get("credential", credential_id)
            changed = [] if content is None else [replace(record_of(content), answer=answer)]
            return store.write(*(_put(one, first=False) for one in changed))

        await self._mirror(await self._read(hear))

    async def judged(self, record: CredentialRecord) -> None:
        """See `wallet.ports.Records.judged`."""
        from wallet.vault.document import record_of

        def judged(store: Store) -> int:
            content = store.get("credential", record.id)
            changed = [
                replace(
                    record_of(one),
                    trust=record.trust,
                    trusted_by=record.trusted_by,
                    report=record.report,
                    refused=record.refused,
                )
                for one in (content,)
                if one is not None
            ]
            return store.write(*(_put(one, first=False) for one in changed))

        await self._mirror(await self._read(judged))

    async def remove(self, credential_id: str) -> None:
        """See `wallet.ports.Records.remove`."""
        await self.get(credential_id)
        await self._remove("credential", credential_id)

    # Trust anchors.

    async def anchors(self) -> tuple[TrustAnchor, ...]:
        """See `wallet.ports.TrustAnchors.anchors`."""
        from wallet.vault.document import anchor_of

        return await self._read(
            lambda store: tuple(anchor_of(one.content) for one in store.all(TRUST_ANCHOR))
        )

    async def trust(self, anchors: tuple[TrustAnchor, ...]) -> None:
        """See `wallet.ports.TrustAnchors.trust`."""
        from wallet.vault.document import anchor_document

        await self._commit(*(Put(TRUST_ANCHOR, one.id, anchor_document(one)) for one in anchors))

    async def distrust(self, anchor_id: str) -> None:
        """See `wallet.ports.TrustAnchors.distrust`."""
        if await self._read(lambda store: store.get(TRUST_ANCHOR, anchor_id)) is None:
            raise LocalFailure("trust_anchor_not_found", anchor_id[:100])
        await self._commit(Delete(TRUST_ANCHOR, anchor_id))

    # Holder keys.

    async def create_key(self, algorithm: str) -> HolderKey:
        """See `wallet.ports.HolderKeys.create_key`."""
        der, public = await self._worker.run(lambda: new_key(algorithm))
        key_id = secrets.token_hex(16)
        await self._commit(Put(HOLDER_KEY, key_id, der))
        return HolderKey(key_id, algorithm, public)

    async def sign(self, key_id: str, message: bytes) -> bytes:
        """See `wallet.ports.HolderKeys.sign`."""

        def signed(store: Store) -> bytes:
            der = store.get(HOLDER_KEY, key_id)
            if der is None:
                raise LocalFailure("internal", "the holder key is gone")
            return signature(der, message)

        return await self._read(signed)

    async def public_key(self, key_id: str) -> Mapping[str, str]:
        """See `wallet.ports.HolderKeys.public_key`."""

        def public(store: Store) -> dict[str, str]:
            der = store.get(HOLDER_KEY, key_id)
            if der is None:
                raise LocalFailure("internal", "the holder key is gone")
            return public_jwk(read_key(der))

        return await self._read(public)

    # The journal.

    async def save(self, flow: Flow) -> None:
        """See `wallet.ports.Flows.save`."""

        def save(store: Store) -> int:
            unnamed = store.no_longer_named("flow", flow.id, flow.key_ids)
            return store.write(_row(flow), *(Delete(HOLDER_KEY, one) for one in unnamed))

        await self._mirror(await self._read(save))

    async def keep(self, record: CredentialRecord, flow: Flow) -> None:
        """See `wallet.ports.Flows.keep`."""

        def keep(store: Store) -> int:
            named = (*record.key_ids, *flow.key_ids)
            unnamed = (
                *store.no_longer_named("credential", record.id, named),
                *store.no_longer_named("flow", flow.id, named),
            )
            deletes = (Delete(HOLDER_KEY, one) for one in unnamed)
            return store.write(_put(record, first=False), _row(flow), *deletes)

        await self._mirror(await self._read(keep))

    async def flows(self) -> tuple[Flow, ...]:
        """See `wallet.ports.Flows.flows`."""
        return await self._read(
            lambda store: tuple(
                Flow(one.id, one.keys, json.loads(one.content)) for one in store.all("flow")
            )
        )

    async def end(self, flow_id: str) -> None:
        """See `wallet.ports.Flows.end`."""
        await self._remove("flow", flow_id)

    # Backups.

    async def backup(self, path: Path, passphrase: Secret[str], settings: str = "") -> int:
        """Write everything into one encrypted file, which is read back; gives its size.

        Raises:
            LocalFailure: `passphrase_too_short`, `backup_unreadable`, `store_unwritable`.
        """
        from wallet.vault.backup import write_backup

        return await self._read(
            lambda store: write_backup(path, passphrase, self._backup(tuple(store.all()), settings))
        )

    async def export_credential(
        self, credential_id: str, path: Path, passphrase: Secret[str]
    ) -> int:
        """Write one credential and its keys into an encrypted file; as `backup`."""
        from wallet.vault.backup import write_backup

        await self.get(credential_id)

        def export(store: Store) -> int:
            [card] = [one for one in store.all("credential") if one.id == credential_id]
            keys = [one for one in store.all(HOLDER_KEY) if one.id in card.keys]
            return write_backup(path, passphrase, self._backup((*keys, card), ""))

        return await self._read(export)

    async def import_credentials(self, path: Path, passphrase: Secret[str]) -> tuple[str, ...]:
        """Take the credentials of an exported file or a backup, with their keys; gives their ids.

        Those that are here already stay as they are.

        Raises:
            LocalFailure: `backup_unreadable`, `backup_passphrase_wrong`.
        """
        from wallet.vault.backup import read_backup, readable

        def read(store: Store) -> list[Put]:
            records = readable(read_backup(path, passphrase))
            return [one for one in records if store.get(one.kind, one.id) is None]

        new = await self._read(read)
        cards = [one for one in new if one.kind == "credential"]
        named = {key for card in cards for key in card.keys}
        keys = [one for one in new if one.kind == HOLDER_KEY and one.id in named]
        if cards:
            await self._commit(*keys, *cards)
        return tuple(card.id for card in cards)

    async def fill(self, records: Sequence[Put], generation: int) -> None:
        """Write the records of a backup into this empty vault, and check all of it."""

        def fill(store: Store) -> None:
            store.fill(records, generation)
            store.check()

        await self._read(fill)

    def _backup(self, records: tuple[Put, ...], settings: str) -> "Backup":
        from wallet.vault.backup import Backup

        generation = self._store.manifest().generation
        return Backup(self._file.wallet_id, generation, datetime.now(UTC), settings, records)

    # All of it.

    async def _read(self, read: Callable[[Store], T]) -> T:
        return await self._worker.run(lambda: read(self._store))

    async def _commit(self, *changes: Put | Delete) -> None:
        await self._mirror(await self._worker.run(lambda: self._store.write(*changes)))

    async def _remove(self, kind: str, record_id: str) -> None:
        def remove() -> int:
            keys = self._store.named_only_by(kind, record_id)
            changes = (Delete(kind, record_id), *(Delete(HOLDER_KEY, one) for one in keys))
            try:
                return self._store.write(*changes)
            except Exception as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != _SQLITE_FULL:
                    raise
                (self._folder / BALLAST).unlink(missing_ok=True)
            generation = self._store.write(*changes)
            self._fill_ballast()
            return generation

        await self._mirror(await self._worker.run(remove))

    def _fill_ballast(self) -> None:
        ballast = self._folder / BALLAST
        with suppress(OSError):
            if not ballast.exists():
                replace_file(ballast, bytes(BALLAST_BYTES))


async def _seen(file: KeyFile) -> int:
    """The newest generation that the keyring knows of; 0 where it says nothing or is not used."""
    text = None
    if file.uses_keyring:
        with suppress(LocalFailure):
            text = await os_keyring.recall(f"{file.service}/generation")
    return int(text) if text and text.isdecimal() else 0


def _put(record: CredentialRecord, *, first: bool = True) -> Put:
    from wallet.vault.document import document_of

    return Put("credential", record.id, document_of(record), record.key_ids, first=first)


def _row(flow: Flow) -> Put:
    return Put("flow", flow.id, json.dumps(flow.document).encode(), flow.key_ids)


def _key_file(folder: Path) -> KeyFile | None:
    """The key file; None where nothing was ever stored."""
    settle(folder)
    # The database first: another process that makes the wallet now writes it after the key file.
    has_database = (folder / DATABASE).exists()
    file = read_key_file(folder / KEYS)
    if file is None and has_database:
        raise damaged(f"{KEYS} is missing")
    return file
