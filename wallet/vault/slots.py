"""The key file: the store's random key, wrapped in a slot for whoever may open it.

`wallet.keys` is JSON: a version, the wallet's id, and slots. A slot holds the data key under
AES-256-GCM with a key-encryption key that comes from the OS keyring or from a passphrase by
Argon2id (RFC 9106). The slot's type and parameters are authenticated with it, so that they cannot
be weakened unnoticed.
"""

import json
import os
import secrets
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.strict import base64url, base64url_encode, json_object

# ruff: noqa: PLC0415 - cryptography is loaded when a slot is opened, not to look at the door

VERSION: Final = 1
KEY_BYTES: Final = 32
MEMORY_KIB: Final = 64 * 1024
ITERATIONS: Final = 3
LANES: Final = 4
"""RFC 9106, second recommended option: never less."""
PASSPHRASE_LENGTH: Final = 8
SALT_BYTES: Final = 16

_ONE_AT_A_TIME: Final = threading.Lock()
"""OpenSSL's threads for Argon2id are one pool: a second derivation meanwhile fails for memory."""

SlotType = Literal["keyring", "passphrase"]


@dataclass(frozen=True)
class Slot:
    """One way to the data key.

    Attributes:
        type: What opens it.
        parameters: Of the key derivation; empty for the keyring.
        nonce: 96 bits.
        wrapped: The data key, encrypted and authenticated.
    """

    type: SlotType
    parameters: dict[str, int | str]
    nonce: bytes
    wrapped: bytes


@dataclass(frozen=True)
class KeyFile:
    """The key file's content."""

    wallet_id: str
    slots: tuple[Slot, ...]

    @property
    def service(self) -> str:
        """The name of this wallet's entry in the keyring."""
        return f"oid4vci-wallet/{self.wallet_id}"

    def slot(self, kind: SlotType) -> Slot | None:
        """The slot of that type."""
        return next((slot for slot in self.slots if slot.type == kind), None)


def _bound(wallet_id: str, kind: str, parameters: dict[str, int | str]) -> bytes:
    """What a slot is authenticated with."""
    return json.dumps([VERSION, wallet_id, kind, parameters], sort_keys=True).encode()


def overwrite(key: bytearray) -> None:
    """Overwrite key bytes with zeros, in place."""
    key[:] = bytes(len(key))


def _derived(secret: bytearray, purpose: str) -> bytearray:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"oid4vci-wallet/{VERSION}/{purpose}".encode()
    key = bytearray(KEY_BYTES)
    HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive_into(secret, key)
    return key


def store_key(data_key: bytearray) -> bytearray:
    """The database's key, from the data key."""
    return _derived(data_key, "database")


def _argon2id(passphrase: Secret[str], parameters: dict[str, int | str]) -> bytearray:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    numbers = [parameters.get(name) for name in ("memory_kib", "iterations", "lanes")]
    bounds = ((MEMORY_KIB, 1 << 20), (ITERATIONS, 20), (LANES, 16))
    for number, (low, high) in zip(numbers, bounds, strict=True):
        if not isinstance(number, int) or not low <= number <= high:
            raise LocalFailure("store_damaged", "parameters of the key file are out of range")
    memory, iterations, lanes = (int(number) for number in numbers if number is not None)
    try:
        salt = base64url(str(parameters.get("salt")))
    except ValueError:
        salt = b""
    if len(salt) != SALT_BYTES:
        raise LocalFailure("store_damaged", "the salt of the key file cannot be read")
    derivation = Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=iterations,
        lanes=lanes,
        memory_cost=memory,
    )
    # A command line may hold bytes that are no UTF-8; Python keeps them as lone surrogates.
    text = unicodedata.normalize("NFKC", passphrase.reveal())
    secret, key = bytearray(text.encode("utf-8", "surrogatepass")), bytearray(KEY_BYTES)
    with _ONE_AT_A_TIME:
        derivation.derive_into(secret, key)  # type: ignore[arg-type] # takes any buffer
    overwrite(secret)
    return key


def seal_for_passphrase(wallet_id: str, data_key: bytearray, passphrase: Secret[str]) -> Slot:
    """A passphrase slot.

    Takes as long as Argon2id with 64 MiB does: about a second; call it off the event loop.

    Raises:
        LocalFailure: `passphrase_too_short`.
    """
    if len(unicodedata.normalize("NFKC", passphrase.reveal())) < PASSPHRASE_LENGTH:
        raise LocalFailure("passphrase_too_short")
    parameters: dict[str, int | str] = {
        "memory_kib": MEMORY_KIB,
        "iterations": ITERATIONS,
        "lanes": LANES,
        "salt": base64url_encode(secrets.token_bytes(SALT_BYTES)),
    }
    return _seal(wallet_id, "passphrase", parameters, _argon2id(passphrase, parameters), data_key)


def seal_for_keyring(wallet_id: str, data_key: bytearray, keyring_secret: bytearray) -> Slot:
    """A keyring slot; `keyring_secret` are 32 random bytes that the keyring holds."""
    return _seal(wallet_id, "keyring", {}, keyring_secret, data_key)


def _seal(
    wallet_id: str,
    kind: SlotType,
    parameters: dict[str, int | str],
    secret: bytearray,
    data_key: bytearray,
) -> Slot:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(12)
    kek = _derived(secret, kind)
    overwrite(secret)
    wrapped = AESGCM(kek).encrypt(nonce, data_key, _bound(wallet_id, kind, parameters))
    overwrite(kek)
    return Slot(kind, parameters, nonce, wrapped)


def unseal(file: KeyFile, slot: Slot, secret: bytearray, wrong: str) -> bytearray:
    """The data key of a slot; `secret` is overwritten. Raises `LocalFailure(wrong)`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    kek, data_key = _derived(secret, slot.type), bytearray(KEY_BYTES)
    overwrite(secret)
    bound = _bound(file.wallet_id, slot.type, slot.parameters)
    try:
        AESGCM(kek).decrypt_into(slot.nonce, slot.wrapped, bound, data_key)
    except (InvalidTag, ValueError):
        raise LocalFailure(wrong) from None
    finally:
        overwrite(kek)
    return data_key


def unseal_with_passphrase(file: KeyFile, slot: Slot, passphrase: Secret[str]) -> bytearray:
    """The data key of a passphrase slot; as slow as sealing it.

    Raises:
        LocalFailure: `passphrase_wrong`, `store_damaged`.
    """
    return unseal(file, slot, _argon2id(passphrase, slot.parameters), "passphrase_wrong")


def read_key_file(path: Path) -> KeyFile | None:
    """The key file, or None where there is none.

    Raises:
        LocalFailure: `store_damaged`, `store_unwritable`.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LocalFailure("store_unwritable", error.strerror or "") from None
    try:
        document: Any = json_object(data)
        if document["version"] != VERSION:
            raise LocalFailure("store_damaged", "the key file is of an unknown version")
        slots = tuple(
            Slot(
                one["type"],
                dict(one["parameters"]),
                base64url(one["nonce"]),
                base64url(one["wrapped"]),
            )
            for one in document["slots"]
        )
        known = all(slot.type in ("keyring", "passphrase") for slot in slots)
        if not slots or not known or not str(document["wallet_id"]).isalnum():
            raise LocalFailure("store_damaged", "the key file has no usable slot")
        return KeyFile(document["wallet_id"], slots)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LocalFailure("store_damaged", "the key file cannot be read") from None


def write_key_file(path: Path, file: KeyFile) -> None:
    """Write the key file so that after a crash the old or the new one is there, whole."""
    document = {
        "version": VERSION,
        "wallet_id": file.wallet_id,
        "slots": [
            {
                "type": slot.type,
                "parameters": slot.parameters,
                "nonce": base64url_encode(slot.nonce),
                "wrapped": base64url_encode(slot.wrapped),
            }
            for slot in file.slots
        ],
    }
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(json.dumps(document, indent=1).encode())
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
