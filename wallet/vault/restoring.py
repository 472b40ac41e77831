"""Restoring a backup: into a new vault, verified wholly, which then takes the present one's."""

import secrets
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.vault import os_keyring
from wallet.vault.access import forget_entries
from wallet.vault.backup import Backup, read_backup, readable
from wallet.vault.locking import locked
from wallet.vault.renewal import DATABASE, KEYS
from wallet.vault.replacing import MARKER, settle, take_over
from wallet.vault.slots import CALIBRATED_MS, copy_of, read_key_file
from wallet.vault.vault import Vault
from wallet.vault.worker import Worker


async def restore(
    folder: Path,
    path: Path,
    passphrase: Secret[str],
    protection: Secret[str] | None,
    *,
    release: Callable[[], Awaitable[None]],
    replace_present: bool = False,
    derivation_ms: int = CALIBRATED_MS,
) -> tuple[Vault, str]:
    """Make a vault in `folder` from a backup; whatever is there is set aside, not deleted.

    The new vault is whole before anything happens to the present one.

    Args:
        folder: Where the vault is to be.
        path: The backup file.
        passphrase: The backup's.
        protection: The new vault's passphrase; None for the keyring.
        release: Closes the present vault, at the moment when the new one takes its place.
        replace_present: Whether a vault that is there may be set aside.
        derivation_ms: As for `Vault.create`.

    Returns:
        The open vault, and the settings file's text in the backup.

    Raises:
        LocalFailure: `backup_unreadable`, `backup_passphrase_wrong`, `backup_older`,
            `store_present`, and those of `Vault.create`.
    """
    worker = Worker()
    try:
        backup = await worker.run(lambda: read_backup(path, passphrase))
        records = await worker.run(lambda: readable(backup))
        await worker.run(lambda: settle(folder))
        if not replace_present:
            await _refuse_present(folder, backup)
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        fresh = folder / f"restored-{stamp}"
        try:
            vault = await Vault.create(fresh, protection, derivation_ms=derivation_ms)
            try:
                generation = backup.generation + 1
                await vault.fill([one for one in records if one.kind != "key_file"], generation)
            finally:
                await vault.close()
            await release()
            lock = await worker.run(lambda: locked(folder, make=True))
            try:
                await worker.run(lambda: take_over(folder, fresh, folder / f"set-aside-{stamp}"))
            finally:
                await worker.run(lock.release)
        except BaseException:
            await _undo(folder, fresh, worker)
            raise
    finally:
        worker.stop()
    return await Vault.open(folder, protection), backup.settings


async def _undo(folder: Path, fresh: Path, worker: Worker) -> None:
    """Remove the new vault, unless it has begun to take the present one's place."""
    if not (folder / MARKER).exists() and (file := read_key_file(fresh / KEYS)) is not None:
        await forget_entries(file)
    if not (folder / MARKER).exists():
        await worker.run(lambda: shutil.rmtree(fresh, ignore_errors=True))


async def _refuse_present(folder: Path, backup: Backup) -> None:
    """Replace no vault that is there, nor what is left of it, without a word."""
    if not any((folder / name).exists() for name in (DATABASE, KEYS, copy_of(Path(KEYS)))):
        return
    present, seen = None, None
    with suppress(LocalFailure):
        present = read_key_file(folder / KEYS)
    if present is None:
        raise LocalFailure("store_present")
    with suppress(LocalFailure):
        seen = await os_keyring.recall(f"{present.service}/generation")
    known = int(seen) if seen and seen.isdecimal() else 0
    if present.wallet_id == backup.wallet_id and known > backup.generation:
        raise LocalFailure("backup_older", f"generation {backup.generation}, here {known}")
    raise LocalFailure("store_present")
