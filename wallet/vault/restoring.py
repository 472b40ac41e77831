"""Restoring a backup: into a new vault, verified wholly, which then takes the present one's."""

import secrets
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

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

PREFIX: Final = "restored-"


async def prepare(
    folder: Path,
    path: Path,
    passphrase: Secret[str],
    protection: Secret[str] | None,
    *,
    replace_present: bool = False,
    derivation_ms: int = CALIBRATED_MS,
) -> tuple[str, str]:
    """Make a new vault from a backup, beside the present one, which stays as it is.

    Args:
        folder: Where the vault is to be.
        path: The backup file.
        passphrase: The backup's.
        protection: The new vault's passphrase; None for the keyring.
        replace_present: Whether a vault that is there may be set aside.
        derivation_ms: As for `Vault.create`.

    Returns:
        The name of the new vault's folder, and the settings file's text in the backup.

    Raises:
        LocalFailure: `backup_unreadable`, `backup_passphrase_wrong`, `backup_older`,
            `store_present`, and those of `Vault.create`.
    """
    worker = Worker()
    try:
        backup = await worker.run(lambda: read_backup(path, passphrase))
        records = await worker.run(lambda: readable(backup))
        await worker.run(lambda: settle(folder))
        for left in await worker.run(lambda: _left_behind(folder)):
            await _undo(folder, left, worker)
        if not replace_present:
            await _refuse_present(folder, backup)
        fresh = folder / f"{PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        try:
            vault = await Vault.create(fresh, protection, derivation_ms=derivation_ms)
            try:
                generation = backup.generation + 1
                await vault.fill([one for one in records if one.kind != "key_file"], generation)
            finally:
                await vault.close()
        except BaseException:
            await _undo(folder, fresh, worker)
            raise
    finally:
        worker.stop()
    return fresh.name, backup.settings


async def put_in_place(folder: Path, name: str, protection: Secret[str] | None) -> Vault:
    """Let the vault that `prepare` made take the present one's place; nothing is deleted.

    Args:
        folder: The vault's folder; the present vault must be closed.
        name: What `prepare` gave.
        protection: The new vault's passphrase; None for the keyring.

    Raises:
        LocalFailure: `store_in_use`, and those of `Vault.open`.
    """
    worker, fresh = Worker(), folder / name
    try:
        lock = await worker.run(lambda: locked(folder, make=True))
        try:
            aside = folder / name.replace(PREFIX, "set-aside-", 1)
            await worker.run(lambda: take_over(folder, fresh, aside))
        finally:
            await worker.run(lock.release)
    except BaseException:
        await _undo(folder, fresh, worker)
        raise
    finally:
        worker.stop()
    return await Vault.open(folder, protection)


def _left_behind(folder: Path) -> list[Path]:
    """What restorations left that were ended halfway, a day ago or longer: none is at work then."""
    latest = f"{PREFIX}{datetime.now(UTC) - timedelta(days=1):%Y%m%dT%H%M%SZ}"
    return [one for one in folder.glob(f"{PREFIX}*") if one.name < latest]


async def _undo(folder: Path, fresh: Path, worker: Worker) -> None:
    """Remove the new vault, unless it has begun to take the present one's place."""
    if not (folder / MARKER).exists() and (file := read_key_file(fresh / KEYS)) is not None:
        await forget_entries(file)
        with suppress(LocalFailure):
            await os_keyring.delete_secret(f"{file.service}/generation")
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
