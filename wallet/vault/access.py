"""The ways to the root key: keyring, passphrase, recovery code."""

import secrets
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
        secret = bytearray(await os_keyring.load_secret(file.service))
        opening = partial(unseal, file, slot, keyring_secret=secret, wrong="keyring_entry_missing")
        return await worker.run(opening)
    slot = file.slot("passphrase")
    if slot is None or key.passphrase is None:
        raise LocalFailure("passphrase_needed")
    half = bytearray(await os_keyring.load_secret(file.service)) if slot.uses_keyring else None
    opening = partial(
        unseal, file, slot, text=key.passphrase, keyring_secret=half, wrong="passphrase_wrong"
    )
    return await worker.run(lambda: _tried(folder, now, opening))


def _tried(folder: Path, now: datetime, opening: "partial[bytearray]") -> bytearray:
    throttle = Throttle(folder / TRIES)
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

    A passphrase is combined with a secret of the keyring where there is a keyring.

    Raises:
        LocalFailure: `passphrase_too_short`, `keyring_unavailable` for a slot without passphrase.
    """
    secret, backend = bytearray(secrets.token_bytes(KEY_BYTES)), ""
    try:
        if passphrase is None or await os_keyring.keyring_usable():
            backend = await os_keyring.store_secret(file.service, bytes(secret))

        def seal() -> Slot:
            if passphrase is None:
                return seal_for_keyring(file.wallet_id, root, secret)
            return seal_for_passphrase(
                file.wallet_id,
                root,
                passphrase,
                memory_kib=calibrated(derivation_ms),
                keyring_secret=secret if backend else None,
            )

        slot = await worker.run(seal)
    finally:
        overwrite(secret)
    file = file.with_slot(slot, instead_of=("keyring", "passphrase"))
    return replace(file, backend=backend)
