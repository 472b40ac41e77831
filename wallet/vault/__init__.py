"""The vault: the encrypted store, the holder's keys, what protects them, and their backups."""

from wallet.vault.client import VaultProcess
from wallet.vault.vault import Vault

__all__ = ["Vault", "VaultProcess"]
