"""A backup: everything the store holds, in one file encrypted under a passphrase (owner of pyrage).

The file is an age file (age-encryption.org/v1, scrypt recipient), which the stock `age` program
opens too. Inside are JSON lines: a head, a line for each record, and a last line with their number.
Where pyrage has no wheel, a container of our own takes age's place: Argon2id and AES-256-GCM.
"""

import base64
import json
import os
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.strict import base64url, base64url_encode, json_object
from wallet.vault.document import anchor_of, record_of
from wallet.vault.holder_keys import read_key
from wallet.vault.slots import PASSPHRASE_LENGTH, sync_folder
from wallet.vault.store import HOLDER_KEY, TRUST_ANCHOR, Put

# ruff: noqa: PLC0415 - pyrage and cryptography are loaded when a backup is made or read

NAME: Final = "oid4vci-wallet backup"
VERSION: Final = 1
AGE: Final = b"age-encryption.org/v1\n"
OWN: Final = b"oid4vci-wallet backup, Argon2id, AES-256-GCM\n"
SIZE_LIMIT_BYTES: Final = 2_000_000_000

_MEMORY_KIB: Final = 256 * 1024
_ITERATIONS: Final = 3
_LANES: Final = 4
_TRIES: Final = 5
"""age refuses what would take this computer much longer than the one that wrote the file. It finds
out how fast it is in a few milliseconds, in which other programs may have had their turn."""


@dataclass(frozen=True)
class Backup:
    """What a backup file holds.

    Attributes:
        wallet_id: The wallet it was made of.
        generation: The generation of its store then.
        made_at: Aware, UTC.
        settings: The settings file's text; empty where there was none.
        records: Every record, in the order of the store.
    """

    wallet_id: str
    generation: int
    made_at: datetime
    settings: str
    records: tuple[Put, ...] = field(repr=False)


def lines_of(backup: Backup) -> bytes:
    """The content of a backup file before it is encrypted."""
    head = {
        "format": NAME,
        "version": VERSION,
        "wallet_id": backup.wallet_id,
        "generation": backup.generation,
        "made_at": backup.made_at.isoformat(),
        "settings": backup.settings,
    }
    records = (
        {
            "kind": one.kind,
            "id": one.id,
            "keys": one.keys,
            "content": base64.b64encode(one.content).decode("ascii"),
        }
        for one in backup.records
    )
    last = {"records": len(backup.records)}
    return b"".join(json.dumps(line).encode() + b"\n" for line in (head, *records, last))


def backup_of(lines: bytes) -> Backup:
    """Read the content of a backup file. Raises `LocalFailure("backup_unreadable")`."""
    try:
        return _read(lines)
    except (ValueError, KeyError, TypeError):
        pass  # the error may quote what the backup holds
    raise LocalFailure("backup_unreadable", "its content is not what a wallet writes")


def _read(lines: bytes) -> Backup:
    rows = lines.split(b"\n")
    if rows.pop():
        raise ValueError
    head, *records, last = (json_object(row) for row in rows)
    if (head["format"], head["version"]) != (NAME, VERSION):
        raise ValueError
    if last != {"records": len(records)}:
        raise ValueError
    made_at = datetime.fromisoformat(_text(head["made_at"]))
    return Backup(
        wallet_id=_text(head["wallet_id"]),
        generation=_number(head["generation"]),
        made_at=made_at.astimezone(UTC),
        settings=_text(head["settings"]),
        records=tuple(_record(one) for one in records),
    )


def _record(row: Any) -> Put:  # noqa: ANN401 - what is checked here
    if set(row) != {"kind", "id", "keys", "content"} or not isinstance(row["keys"], list):
        raise ValueError
    content = base64.b64decode(_text(row["content"]), validate=True)
    keys = tuple(_text(key) for key in row["keys"])
    return Put(_text(row["kind"]), _text(row["id"]), content, keys)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def readable(backup: Backup) -> tuple[Put, ...]:
    """The records of a backup, each of which this wallet can read. Raises `backup_unreadable`."""
    for one in backup.records:
        try:
            if one.kind == "credential":
                record_of(one.content)
            elif one.kind == HOLDER_KEY:
                read_key(one.content)
            elif one.kind == TRUST_ANCHOR:
                anchor_of(one.content)
        except LocalFailure:
            detail = f"the {one.kind} {one.id[:40]} in it cannot be read"
            raise LocalFailure("backup_unreadable", detail) from None
    return backup.records


# --- the encrypted file ---------------------------------------------------------------------------


def write_backup(path: Path, passphrase: Secret[str], backup: Backup) -> int:
    """Write a backup file, and read it back before it gets its name; gives its size in bytes.

    Takes a few seconds of key derivation, twice; call it off the event loop.

    Raises:
        LocalFailure: `passphrase_too_short`, `backup_unreadable` where it could not be read back.
        OSError: The file cannot be written.
    """
    text = unicodedata.normalize("NFKC", passphrase.reveal())
    if len(text) < PASSPHRASE_LENGTH:
        raise LocalFailure("passphrase_too_short")
    sealed = _seal(lines_of(backup), text)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(sealed)
            out.flush()
            os.fsync(out.fileno())
        if read_backup(unfinished, passphrase) != backup:
            raise LocalFailure("backup_unreadable", "it does not hold what was written")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)
    return len(sealed)


def read_backup(path: Path, passphrase: Secret[str]) -> Backup:
    """Read a backup file, all of it verified.

    Raises:
        LocalFailure: `backup_unreadable`, `backup_passphrase_wrong`, `backup_too_costly`.
    """
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            raise LocalFailure("backup_unreadable", "it is too large")
        sealed = path.read_bytes()
    except OSError as error:
        raise LocalFailure("backup_unreadable", error.strerror or "") from None
    text = unicodedata.normalize("NFKC", passphrase.reveal())
    return backup_of(_unseal(sealed, text))


def has_age() -> bool:
    """Whether this platform has pyrage."""
    try:
        import pyrage  # noqa: F401
    except ImportError:
        return False
    return True


def _seal(lines: bytes, text: str) -> bytes:
    if not has_age():
        return _seal_own(lines, text)
    from pyrage import passphrase

    return bytes(passphrase.encrypt(lines, text))


def _unseal(sealed: bytes, text: str) -> bytes:
    if sealed.startswith(OWN):
        return _unseal_own(sealed, text)
    if not sealed.startswith(AGE):
        raise LocalFailure("backup_unreadable", "it is no backup of a wallet")
    if not has_age():
        raise LocalFailure("backup_unreadable", "an age file, and this platform has no pyrage")
    from pyrage import DecryptError, passphrase

    for _ in range(_TRIES):
        try:
            return bytes(passphrase.decrypt(sealed, text))
        except DecryptError as error:
            words = str(error)
        if not words.startswith("Excessive work"):
            break
    else:
        raise LocalFailure("backup_too_costly")
    # age says the same for another passphrase and for a changed recipient line
    code = "passphrase_wrong" if words == "Decryption failed" else "unreadable"
    raise LocalFailure(f"backup_{code}")


def _own_key(text: str, head: bytes) -> bytearray:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    secret, key = bytearray(text.encode("utf-8", "surrogatepass")), bytearray(32)
    Argon2id(
        salt=head, length=32, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB
    ).derive_into(secret, key)  # type: ignore[arg-type] # takes any buffer
    return key


def _seal_own(lines: bytes, text: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    head = OWN + base64url_encode(salt + nonce).encode() + b"\n"
    return head + AESGCM(_own_key(text, salt)).encrypt(nonce, lines, head)


def _unseal_own(sealed: bytes, text: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    line = sealed.removeprefix(OWN).partition(b"\n")[0]
    head = OWN + line + b"\n"
    try:
        salt_and_nonce = base64url(line[:100].decode("ascii"))
        salt, nonce = salt_and_nonce[:16], salt_and_nonce[16:]
        return AESGCM(_own_key(text, salt)).decrypt(nonce, sealed[len(head) :], head)
    except (ValueError, UnicodeDecodeError):
        raise LocalFailure("backup_unreadable", "its head cannot be read") from None
    except InvalidTag:
        raise LocalFailure("backup_passphrase_wrong") from None
