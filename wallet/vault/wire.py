"""The pipe to the vault's process: what may be asked, and how it crosses.

A frame is its length (four bytes, big-endian) and that many bytes of MessagePack. A request is
`[number, method, arguments, keywords]`, or `[number, None]` to cancel it. An answer is
`[number, kind, value]`; a tuple comes as one answer for each element and one for its end, so that
a frame holds one record at most.
"""

import json
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import msgpack

from wallet.errors import LocalFailure
from wallet.records import (
    CredentialRecord,
    Flow,
    HolderKey,
    Protection,
    Secret,
    Standing,
    StatusAnswer,
    TrustAnchor,
)
from wallet.vault.document import anchor_document, anchor_of, document_of, record_of

FRAME_LIMIT_BYTES: Final = 64 * 1024 * 1024
HEAD: Final = struct.Struct(">I")

OPENING_S: Final = 180.0
"""The keyring may ask its owner (a minute each time); then comes Argon2id and every page."""
WORK_S: Final = 60.0
CLOSING_S: Final = 5.0
RENEWAL_S: Final = 600.0
"""Everything is read or written, and keys are derived that are to stand for years."""

METHODS: Final[Mapping[str, float]] = {
    "keyring_usable": OPENING_S,
    "create": OPENING_S,
    "open": OPENING_S,
    "prepare": RENEWAL_S,
    "put_in_place": OPENING_S,
    "close": CLOSING_S,
    "protection": WORK_S,
    "protect": OPENING_S,
    "check_passphrase": OPENING_S,
    "new_recovery_code": WORK_S,
    "confirm_recovery": WORK_S,
    "rotate": RENEWAL_S,
    "add": WORK_S,
    "documents": WORK_S,
    "get": WORK_S,
    "hear": WORK_S,
    "remove": WORK_S,
    "create_key": WORK_S,
    "sign": WORK_S,
    "public_key": WORK_S,
    "judged": WORK_S,
    "anchors": WORK_S,
    "trust": WORK_S,
    "distrust": WORK_S,
    "save": WORK_S,
    "keep": WORK_S,
    "flows": WORK_S,
    "end": WORK_S,
    "backup": RENEWAL_S,
    "export_credential": RENEWAL_S,
    "import_credentials": RENEWAL_S,
}
"""What may be asked, and how many seconds the answer may take before the process counts as hung."""


class Answer(IntEnum):
    """What an answer is."""

    PART = 0
    END = 1
    VALUE = 2
    FAILURE = 3
    CANCELLED = 4


@dataclass(frozen=True)
class Crossing:
    """How the values of one type cross: as bytes."""

    type: type
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


def _packed(value: object) -> bytes:
    packed = msgpack.packb(
        value, default=_default, strict_types=True, unicode_errors="surrogatepass"
    )
    return bytes(packed)


def _unpacked(data: bytes) -> Any:  # noqa: ANN401 - what `_packed` took
    return msgpack.unpackb(data, ext_hook=_ext_hook, unicode_errors="surrogatepass")


def _flow(flow_id: str, key_ids: tuple[str, ...], text: str) -> Flow:
    return Flow(flow_id, key_ids, json.loads(text))


def _answer(standing: str, asked_at: str, ask_again_at: str, reason: str) -> StatusAnswer:
    asked, again = datetime.fromisoformat(asked_at), datetime.fromisoformat(ask_again_at)
    return StatusAnswer(Standing(standing), asked, again, reason)


CROSSINGS: Final = (
    Crossing(tuple, lambda values: _packed(list(values)), lambda data: tuple(_unpacked(data))),
    Crossing(Path, os.fsencode, lambda data: Path(os.fsdecode(data))),
    Crossing(Secret, lambda secret: _packed(secret.reveal()), lambda data: Secret(_unpacked(data))),
    Crossing(CredentialRecord, document_of, record_of),
    Crossing(TrustAnchor, anchor_document, anchor_of),
    Crossing(
        Flow,
        lambda flow: _packed((flow.id, flow.key_ids, json.dumps(flow.document))),
        lambda data: _flow(*_unpacked(data)),
    ),
    Crossing(
        HolderKey,
        lambda key: _packed((key.key_id, key.algorithm, dict(key.public_jwk))),
        lambda data: HolderKey(*_unpacked(data)),
    ),
    Crossing(
        StatusAnswer,
        lambda one: _packed(
            (one.standing.value, one.asked_at.isoformat(), one.ask_again_at.isoformat(), one.reason)
        ),
        lambda data: _answer(*_unpacked(data)),
    ),
    Crossing(
        Protection,
        lambda one: _packed((one.passphrase, one.keyring, one.recovery, one.recovery_confirmed)),
        lambda data: Protection(*_unpacked(data)),
    ),
)
"""What crosses besides what MessagePack knows; the place in the table is the type's code."""


def _default(value: object) -> msgpack.ExtType:
    for code, crossing in enumerate(CROSSINGS):
        if isinstance(value, crossing.type):
            return msgpack.ExtType(code, crossing.pack(value))
    raise LocalFailure("internal", f"{type(value).__name__} does not cross to the vault")


def _ext_hook(code: int, data: bytes) -> object:
    return CROSSINGS[code].unpack(data)


def frame(*message: object) -> bytes:
    """A message as a frame. Raises `LocalFailure("internal")` if it is too large."""
    packed = _packed(list(message))
    if len(packed) > FRAME_LIMIT_BYTES:
        raise LocalFailure("internal", "a record is too large for the vault")
    return HEAD.pack(len(packed)) + packed


def length(head: bytes) -> int:
    """How many bytes follow. Raises `ValueError` if that is more than a frame has."""
    (found,) = HEAD.unpack(head)
    if found > FRAME_LIMIT_BYTES:
        message = "no frame"
        raise ValueError(message)
    return int(found)


def message(packed: bytes) -> tuple[Any, ...]:
    """The message of a frame, without its head."""
    return tuple(_unpacked(packed))
