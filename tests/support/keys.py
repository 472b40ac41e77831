"""Holder keys in memory, for builders that only need something that signs."""

from dataclasses import dataclass

from wallet.oauth.jwt import compact
from wallet.records import HolderKey
from wallet.vault.holder_keys import new_key, signature


@dataclass(frozen=True)
class TestKey:
    """A key pair of the vault's kind, without a vault."""

    __test__ = False

    holder: HolderKey
    der: bytes

    @classmethod
    def new(cls, algorithm: str = "ES256") -> "TestKey":
        der, public = new_key(algorithm)
        return cls(HolderKey(f"key-{algorithm}", algorithm, public), der)

    def jwt(self, signing_input: bytes) -> str:
        return compact(signing_input, signature(self.der, signing_input)).reveal()
