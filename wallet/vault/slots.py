"""The key file: the data key under the root key, and the root key in slots, one for each way in.

`wallet.keys` is JSON: a version, the wallet's id, the slots, and the data keys (two only while they
are being exchanged). A slot holds the root key under AES-256-GCM with a key-encryption key that
comes from the OS keyring, from a passphrase or from the recovery code by Argon2id (RFC 9106). A
slot's type and parameters are authenticated with it, so that they cannot be weakened unnoticed.
"""

import hashlib
import json
import os
import secrets
import threading
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.strict import base64url, base64url_encode, json_object
from wallet.vault.failures import damaged

# ruff: noqa: PLC0415 - cryptography is loaded when a slot is opened, not to look at the door

VERSION: Final = 2
SLOT_FORMAT: Final = 1
KEY_BYTES: Final = 32
MEMORY_KIB: Final = 64 * 1024
ITERATIONS: Final = 3
LANES: Final = 4
"""RFC 9106, second recommended option: never less."""
CALIBRATED_MS: Final = 1500
MEMORY_CEILING_KIB: Final = 256 * 1024
PASSPHRASE_LENGTH: Final = 8
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12

_ONE_AT_A_TIME: Final = threading.Lock()
"""OpenSSL's threads for Argon2id are one pool: a second derivation meanwhile fails for memory."""

SlotType = Literal["keyring", "passphrase", "recovery"]
Parameters = Mapping[str, int | str | bool]


@dataclass(frozen=True)
class Slot:
    """One way to the root key.

    Attributes:
        type: What opens it.
        parameters: Of the key derivation; empty for the keyring.
        nonce: 96 bits.
        wrapped: The root key, encrypted and authenticated.
    """

    type: SlotType
    parameters: Parameters
    nonce: bytes
    wrapped: bytes = field(repr=False)

    @property
    def uses_keyring(self) -> bool:
        """Whether it opens with the keyring's secret, alone or as one half."""
        return self.type == "keyring" or bool(self.parameters.get("keyring", False))


@dataclass(frozen=True)
class KeyFile:
    """The key file's content.

    Attributes:
        wallet_id: Random; names the wallet in the keyring.
        serial: One more each time the file is written; an old file that is put back is noticed.
        slots: At most one of each type.
        data_keys: The data key, encrypted with the root key; the newest last. Empty in a file of
            version 1, whose slots hold the data key itself.
        backend: The keyring backend that was used, or empty.
        recovery_confirmed: Whether the holder has shown that they wrote the recovery code down.
    """

    wallet_id: str
    slots: tuple[Slot, ...]
    serial: int = 0
    data_keys: tuple[bytes, ...] = field(default=(), repr=False)
    backend: str = ""
    recovery_confirmed: bool = False

    @property
    def service(self) -> str:
        """The name of this wallet in the keyring."""
        return f"oid4vci-wallet/{self.wallet_id}"

    def entry(self, slot: Slot) -> str:
        """The name of the keyring's entry that opens `slot`."""
        name = slot.parameters.get("keyring")
        return f"{self.service}/{name}" if isinstance(name, str) else self.service

    @property
    def uses_keyring(self) -> bool:
        """Whether one of the slots does."""
        return any(slot.uses_keyring for slot in self.slots)

    def slot(self, kind: SlotType) -> Slot | None:
        """The slot of that type."""
        return next((slot for slot in self.slots if slot.type == kind), None)

    def with_slot(self, slot: Slot, *, instead_of: tuple[SlotType, ...]) -> "KeyFile":
        """The file with `slot`, and without those of some types."""
        others = tuple(one for one in self.slots if one.type not in instead_of)
        return replace(self, slots=(*others, slot))


def overwrite(key: bytearray) -> None:
    """Overwrite key bytes with zeros, in place."""
    key[:] = bytes(len(key))


def derived(secret: bytearray, purpose: str) -> bytearray:
    """A key for one purpose only, by HKDF (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"oid4vci-wallet/{SLOT_FORMAT}/{purpose}".encode()
    key = bytearray(KEY_BYTES)
    HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive_into(secret, key)
    return key


# --- the cost of a guess --------------------------------------------------------------------------


def _argon2id(text: Secret[str], parameters: Parameters) -> bytearray:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    numbers = [parameters.get(name) for name in ("memory_kib", "iterations", "lanes")]
    bounds = ((MEMORY_KIB, 1 << 20), (ITERATIONS, 20), (LANES, 16))
    for number, (low, high) in zip(numbers, bounds, strict=True):
        if not isinstance(number, int) or not low <= number <= high:
            raise damaged("parameters of the key file are out of range")
    memory, iterations, lanes = (int(number) for number in numbers if number is not None)
    try:
        salt = base64url(str(parameters.get("salt")))
    except ValueError:
        salt = b""
    if len(salt) != SALT_BYTES:
        raise damaged("the salt of the key file cannot be read")
    derivation = Argon2id(
        salt=salt, length=KEY_BYTES, iterations=iterations, lanes=lanes, memory_cost=memory
    )
    # A command line may hold bytes that are no UTF-8; Python keeps them as lone surrogates.
    normal = unicodedata.normalize("NFKC", text.reveal())
    secret, key = bytearray(normal.encode("utf-8", "surrogatepass")), bytearray(KEY_BYTES)
    with _ONE_AT_A_TIME:
        derivation.derive_into(secret, key)  # type: ignore[arg-type] # takes any buffer
    overwrite(secret)
    return key


def _fresh(memory_kib: int) -> dict[str, int | str | bool]:
    return {
        "memory_kib": memory_kib,
        "iterations": ITERATIONS,
        "lanes": LANES,
        "salt": base64url_encode(secrets.token_bytes(SALT_BYTES)),
    }


def calibrated(limit_ms: int = CALIBRATED_MS) -> int:
    """The most memory, in KiB, with which this machine derives a key within `limit_ms`.

    Never less than `MEMORY_KIB`, whatever the limit, and never more than `MEMORY_CEILING_KIB`.
    Takes as long as one derivation with the least.
    """
    begun = time.perf_counter()
    overwrite(_argon2id(Secret("calibration"), _fresh(MEMORY_KIB)))
    took_ms = (time.perf_counter() - begun) * 1000
    memory = MEMORY_KIB
    while memory < MEMORY_CEILING_KIB and took_ms * 2 * memory / MEMORY_KIB <= limit_ms:
        memory *= 2
    return memory


# --- slots ----------------------------------------------------------------------------------------


def seal_for_passphrase(
    wallet_id: str,
    root: bytearray,
    passphrase: Secret[str],
    *,
    memory_kib: int,
    keyring_secret: bytearray | None = None,
    entry: str = "",
) -> Slot:
    """A passphrase slot; with `keyring_secret`, which `entry` holds, it opens with both only.

    Takes as long as Argon2id does: about a second; call it off the event loop.

    Raises:
        LocalFailure: `passphrase_too_short`.
    """
    if len(unicodedata.normalize("NFKC", passphrase.reveal())) < PASSPHRASE_LENGTH:
        raise LocalFailure("passphrase_too_short")
    parameters = _fresh(memory_kib)
    if keyring_secret is not None:
        parameters["keyring"] = entry or True
    secret = _argon2id(passphrase, parameters) + (keyring_secret or b"")
    return _seal(wallet_id, "passphrase", parameters, secret, root)


def seal_for_recovery(
    wallet_id: str, root: bytearray, code: Secret[str], *, memory_kib: int
) -> Slot:
    """A recovery slot for a canonical recovery code; as slow as one for a passphrase."""
    parameters = _fresh(memory_kib)
    return _seal(wallet_id, "recovery", parameters, _argon2id(code, parameters), root)


def seal_for_keyring(
    wallet_id: str, root: bytearray, keyring_secret: bytearray, entry: str = ""
) -> Slot:
    """A keyring slot; `keyring_secret` are 32 random bytes that the keyring holds as `entry`."""
    parameters: Parameters = {"keyring": entry} if entry else {}
    return _seal(wallet_id, "keyring", parameters, bytearray(keyring_secret), root)


def unseal(
    file: KeyFile,
    slot: Slot,
    *,
    text: Secret[str] | None = None,
    keyring_secret: bytearray | None = None,
    wrong: str,
) -> bytearray:
    """The root key of a slot.

    Args:
        file: The key file.
        slot: One of its slots.
        text: The passphrase or the recovery code.
        keyring_secret: What the keyring holds.
        wrong: The error's code where the slot does not open.

    Raises:
        LocalFailure: `wrong`, `store_damaged`.
    """
    secret = bytearray() if text is None else _argon2id(text, slot.parameters)
    if slot.uses_keyring:
        secret += keyring_secret or b""
    kek = derived(secret, slot.type)
    overwrite(secret)
    bound = _bound(file.wallet_id, slot.type, slot.parameters)
    try:
        return _open(kek, slot.nonce, slot.wrapped, bound, wrong)
    finally:
        overwrite(kek)


def _bound(wallet_id: str, kind: str, parameters: Parameters) -> bytes:
    """What a slot is authenticated with."""
    return json.dumps([SLOT_FORMAT, wallet_id, kind, dict(parameters)], sort_keys=True).encode()


def _seal(
    wallet_id: str, kind: SlotType, parameters: Parameters, secret: bytearray, root: bytearray
) -> Slot:
    kek, nonce = derived(secret, kind), secrets.token_bytes(NONCE_BYTES)
    overwrite(secret)
    wrapped = _wrap(kek, nonce, root, _bound(wallet_id, kind, parameters))
    overwrite(kek)
    return Slot(kind, parameters, nonce, wrapped)


def _wrap(kek: bytearray, nonce: bytes, key: bytearray, bound: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(kek).encrypt(nonce, key, bound)


def _open(kek: bytearray, nonce: bytes, wrapped: bytes, bound: bytes, wrong: str) -> bytearray:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = bytearray(KEY_BYTES)
    try:
        AESGCM(kek).decrypt_into(nonce, wrapped, bound, key)
    except (InvalidTag, ValueError):
        raise LocalFailure(wrong) from None
    return key


# --- data keys ------------------------------------------------------------------------------------


def renewed(file: KeyFile, root: bytearray, keys: Sequence[bytearray]) -> KeyFile:
    """The file with its next serial and the data keys, the newest last, bound to it."""
    file = replace(file, serial=file.serial + 1)
    kek, wrapped = derived(root, "data key"), []
    for key in keys:
        nonce = secrets.token_bytes(NONCE_BYTES)
        wrapped.append(nonce + _wrap(kek, nonce, key, _data_key_bound(file)))
    overwrite(kek)
    return replace(file, data_keys=tuple(wrapped))


def _data_key_bound(file: KeyFile) -> bytes:
    return _bound(file.wallet_id, "data key", {"serial": file.serial})


def data_keys(file: KeyFile, root: bytearray) -> list[bytearray]:
    """The data keys, the newest first. Raises `store_damaged`."""
    if not file.data_keys:
        return [bytearray(root)]
    kek, bound = derived(root, "data key"), _data_key_bound(file)
    try:
        return [
            _open(kek, one[:NONCE_BYTES], one[NONCE_BYTES:], bound, "store_damaged")
            for one in reversed(file.data_keys)
        ]
    finally:
        overwrite(kek)


# --- the file -------------------------------------------------------------------------------------


def read_key_file(path: Path) -> KeyFile | None:
    """The key file, or its copy where it cannot be read, or None where there is neither.

    Raises:
        LocalFailure: `store_damaged`, `store_unwritable`.
    """
    failure: LocalFailure | None = None
    for one in (path, copy_of(path)):
        try:
            if (file := _read(one)) is not None:
                return file
        except LocalFailure as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return None


def _read(path: Path) -> KeyFile | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LocalFailure("store_unwritable", error.strerror or "") from None
    try:
        document: Any = json_object(data)
        version = document["version"]
        if version not in (1, VERSION):
            raise damaged("the key file is of an unknown version")
        if version == VERSION and document.pop("checksum") != _checksum(document):
            raise damaged("the key file was changed")
        file = KeyFile(
            wallet_id=document["wallet_id"],
            slots=tuple(_slot(one) for one in document["slots"]),
            data_keys=tuple(base64url(one) for one in document["data_keys"])
            if version == VERSION
            else (),
            serial=int(document.get("serial", 0)),
            backend=str(document.get("backend", "")),
            recovery_confirmed=document.get("recovery_confirmed") is True,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged("the key file cannot be read") from None
    types = [slot.type for slot in file.slots]
    one_of_each = types and len(set(types)) == len(types) and set(types) <= set(get_args(SlotType))
    sealed = version == 1 or 1 <= len(file.data_keys) <= 2
    if not one_of_each or not sealed or not str(file.wallet_id).isalnum():
        raise damaged("the key file has no usable slot")
    return file


def _slot(one: Any) -> Slot:  # noqa: ANN401 - what is checked here
    return Slot(
        one["type"], dict(one["parameters"]), base64url(one["nonce"]), base64url(one["wrapped"])
    )


def write_key_file(path: Path, file: KeyFile) -> None:
    """Write the key file and its copy, so that after a crash one of them is there, whole."""
    document: dict[str, Any] = {
        "version": VERSION,
        "wallet_id": file.wallet_id,
        "serial": file.serial,
        "backend": file.backend,
        "recovery_confirmed": file.recovery_confirmed,
        "slots": [
            {
                "type": slot.type,
                "parameters": dict(slot.parameters),
                "nonce": base64url_encode(slot.nonce),
                "wrapped": base64url_encode(slot.wrapped),
            }
            for slot in file.slots
        ],
        "data_keys": [base64url_encode(one) for one in file.data_keys],
    }
    document["checksum"] = _checksum(document)
    for one in (path, copy_of(path)):
        replace_file(one, json.dumps(document, indent=1).encode())


def _checksum(document: Mapping[str, Any]) -> str:
    """Against damage, which then leads to the copy; against malice the slots' seals stand."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def copy_of(path: Path) -> Path:
    """The second copy of the key file."""
    return path.with_name(f"{path.name}.copy")


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that after a crash the old or the new one is there, whole."""
    unfinished = path.with_name(f"{path.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        unfinished.unlink()
        raise
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
