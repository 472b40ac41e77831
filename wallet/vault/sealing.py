"""The seal on top of SQLCipher: what is put back, left out or exchanged is noticed.

SQLCipher encrypts pages, but takes an old page for a new one. So each record is sealed with its
name and version, and one manifest says which records there are.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from wallet.vault.failures import damaged
from wallet.vault.slots import KEY_BYTES, derived

# ruff: noqa: PLC0415 - cryptography is loaded with the first record

FORMAT: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
_SUM: Final = 1 << 256


@dataclass(frozen=True)
class Name:
    """What a record is bound to.

    Attributes:
        kind: "credential", "holder_key", "flow" or "activity".
        id: Unique in its kind.
        version: 1 for the first one, one more for each that replaced it.
        keys: The holder keys it names; they are kept as long as it is there.
    """

    kind: str
    id: str
    version: int
    keys: tuple[str, ...] = ()

    def bound(self) -> bytes:
        """The additional data of its seal."""
        return json.dumps([FORMAT, self.kind, self.id, self.version, self.keys]).encode()


@dataclass(frozen=True)
class Manifest:
    """Which records there are.

    Attributes:
        generation: One more with each commit.
        count: Number of records.
        total: Sum of the records' keyed marks, modulo 2^256: the set, whatever its order.
    """

    generation: int = 0
    count: int = 0
    total: int = 0

    def with_mark(self, mark: int) -> "Manifest":
        """The manifest with one record more."""
        return replace(self, count=self.count + 1, total=(self.total + mark) % _SUM)

    def without_mark(self, mark: int) -> "Manifest":
        """The manifest with one record less."""
        return replace(self, count=self.count - 1, total=(self.total - mark) % _SUM)


class Sealer:
    """Seals and opens records and the manifest with keys from the data key."""

    def __init__(self, data_key: bytearray) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._records = AESGCM(derived(data_key, "record"))
        self._manifest = AESGCM(derived(data_key, "manifest"))
        self._marks = derived(data_key, "marks")

    def seal(self, name: Name, content: bytes) -> tuple[bytes, bytes]:
        """The tag (nonce and authentication tag) and the encrypted content."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._records.encrypt(nonce, content, name.bound())
        return nonce + sealed[-TAG_BYTES:], sealed[:-TAG_BYTES]

    def open(self, name: Name, tag: bytes, sealed: bytes) -> bytes:
        """The content. Raises `store_damaged`, naming the record."""
        from cryptography.exceptions import InvalidTag

        nonce, rest = tag[:NONCE_BYTES], tag[NONCE_BYTES:]
        try:
            return self._records.decrypt(nonce, sealed + rest, name.bound())
        except (InvalidTag, ValueError):
            pass
        raise damaged(f"the {name.kind} {name.id[:40]} is not what the wallet wrote")

    def mark(self, name: Name, tag: bytes) -> int:
        """The record's part of the manifest: whoever has no key cannot make another's."""
        message = name.bound() + tag
        return int.from_bytes(hmac.digest(self._marks, message, hashlib.sha256))

    def seal_manifest(self, manifest: Manifest) -> bytes:
        """The manifest as it is stored."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        members = [FORMAT, manifest.generation, manifest.count, f"{manifest.total:064x}"]
        return nonce + self._manifest.encrypt(nonce, json.dumps(members).encode(), None)

    def open_manifest(self, sealed: bytes) -> Manifest:
        """The manifest. Raises `store_damaged`."""
        from cryptography.exceptions import InvalidTag

        try:
            text = self._manifest.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            text = b""
        members: Sequence[int | str] = json.loads(text) if text else ()
        if len(members) != 4 or members[0] != FORMAT:
            raise damaged("the manifest is not what the wallet wrote")
        _, generation, count, total = members
        return Manifest(int(generation), int(count), int(str(total), 16))

    def forget(self) -> None:
        """Overwrite what can be overwritten."""
        self._marks[:] = bytes(KEY_BYTES)
