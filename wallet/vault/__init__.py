"""The vault: the encrypted store, the holder's keys, what protects them, and their backups."""

from wallet.vault.os_keyring import keyring_usable
from wallet.vault.vault import Vault

__all__ = ["Vault", "keyring_usable"]
