"""The ways to the root key: keyring, passphrase, recovery code."""

import errno
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.vault import os_keyring
from wallet.vault.recovery import canonical
from wallet.vault.slots import (
    KEY_BYTES,
    KeyFile,
    Slot,
    calibrated,
    overwrite,
    seal_for_keyring,
    seal_for_passphrase,
    unseal,
)
from wallet.vault.throttle import Throttle
from wallet.vault.worker import Worker

TRIES: Final = "wallet.tries"
BALLAST: Final = "wallet.ballast"
"""Given back when the disk is full, so that the wallet opens and something can be removed."""


@dataclass(frozen=True)
class Key:
    """What a person offers to open the vault: nothing, where the keyring opens it.

    Attributes:
        passphrase: Theirs, or None.
        recovery_code: The code they wrote down, or None.
    """

    passphrase: Secret[str] | None = None
    recovery_code: Secret[str] | None = None


async def root_key(
    file: KeyFile, key: Key, folder: Path, now: datetime, worker: Worker
) -> bytearray:
    """The root key.

    Raises:
        LocalFailure: `keyring_unavailable`, `keyring_entry_missing`, `passphrase_needed`,
            `passphrase_wrong`, `passphrase_wait`, `recovery_wrong`, `store_damaged`.
    """
    if key.recovery_code is not None:
        slot, code = file.slot("recovery"), canonical(key.recovery_code)
        if slot is None or code is None:
            raise LocalFailure("recovery_wrong")
        opening = partial(unseal, file, slot, text=code, wrong="recovery_wrong")
        return await worker.run(lambda: _tried(folder, now, opening))
    if slot := file.slot("keyring"):
        secret = bytearray(await os_keyring.load_secret(file.entry(slot)))
        opening = partial(unseal, file, slot, keyring_secret=secret, wrong="keyring_entry_missing")
        return await worker.run(opening)
    slot = file.slot("passphrase")
    if slot is None or key.passphrase is None:
        raise LocalFailure("passphrase_needed")
    half = bytearray(await os_keyring.load_secret(file.entry(slot))) if slot.uses_keyring else None
    opening = partial(
        unseal, file, slot, text=key.passphrase, keyring_secret=half, wrong="passphrase_wrong"
    )
    return await worker.run(lambda: _tried(folder, now, opening))


def _tried(folder: Path, now: datetime, opening: "partial[bytearray]") -> bytearray:
    throttle = Throttle(folder / TRIES)
    try:
        throttle.begin(now)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        (folder / BALLAST).unlink(missing_ok=True)
        throttle.begin(now)
    root = opening()
    throttle.succeeded()
    return root


async def protected(
    file: KeyFile,
    root: bytearray,
    passphrase: Secret[str] | None,
    derivation_ms: int,
    worker: Worker,
) -> KeyFile:
    """The key file with a keyring slot, or with one for `passphrase`, in place of what it has.

    A passphrase is combined with a secret of the keyring where there is a keyring. The secret gets
    an entry of its own: until the file is written, the old slot needs the old one.

    Raises:
        LocalFailure: `passphrase_too_short`, `keyring_unavailable` for a slot without passphrase.
    """
    secret, entry, backend = bytearray(secrets.token_bytes(KEY_BYTES)), secrets.token_hex(4), ""
    try:
        if passphrase is None or await os_keyring.keyring_usable():
            backend = await os_keyring.store_secret(f"{file.service}/{entry}", bytes(secret))

        def seal() -> Slot:
            if passphrase is None:
                return seal_for_keyring(file.wallet_id, root, secret, entry)
            return seal_for_passphrase(
                file.wallet_id,
                root,
                passphrase,
                memory_kib=calibrated(derivation_ms),
                keyring_secret=secret if backend else None,
                entry=entry,
            )

        slot = await worker.run(seal)
    except LocalFailure:
        with suppress(LocalFailure):
            if backend:
                await os_keyring.delete_secret(f"{file.service}/{entry}")
        raise
    finally:
        overwrite(secret)
    file = file.with_slot(slot, instead_of=("keyring", "passphrase"))
    return replace(file, backend=backend)


async def forget_entries(file: KeyFile, kept: KeyFile | None = None) -> None:
    """Remove the keyring's entries that `file` names and `kept` does not, where that works."""
    names = {file.entry(slot) for slot in file.slots if slot.uses_keyring}
    if kept is not None:
        names -= {kept.entry(slot) for slot in kept.slots if slot.uses_keyring}
    for name in names:
        with suppress(LocalFailure):
            await os_keyring.delete_secret(name)
