"""A credential record as the document the store keeps, and back, without loss."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from wallet.errors import LocalFailure
from wallet.records import (
    Check,
    Copy,
    CredentialRecord,
    Image,
    Json,
    Outcome,
    Report,
    Standing,
    StatusAnswer,
    Trust,
    TrustAnchor,
)
from wallet.vault.failures import damaged

VERSION: Final = 3
"""Until 1 a credential was one copy: `credential` and `key_id` stood for themselves. Until 2 only
those were kept whose issuer a trust anchor or the holder's own word vouched for."""

MAX_DEPTH: Final = 200
"""Arrays and objects within each other. Disclosures of an SD-JWT nest deeper than each document
that was read, so `wallet.strict.MAX_DEPTH` does not hold here; Python's own limit is near 1000."""

_TEXTS: Final = (
    "id",
    "format",
    "credential_issuer",
    "credential_configuration_id",
    "trusted_by",
    "profile",
    "refused",
)


def document_of(record: CredentialRecord) -> bytes:
    """The record as JSON in UTF-8.

    Raises:
        LocalFailure: `internal` for what could not be read back: too deep, not JSON, not Unicode,
            or a time without a zone. One unreadable record would close the whole store.
    """
    members = {
        "version": VERSION,
        **{name: getattr(record, name) for name in _TEXTS},
        "copies": [[copy.credential, copy.key_id] for copy in record.copies],
        "configuration": record.configuration,
        "issuer_display": list(record.issuer_display),
        "claims": record.claims,
        "images": {
            uri: [image.media_type, base64.b64encode(image.data).decode("ascii")]
            for uri, image in record.images.items()
        },
        "received_at": _time_text(record.received_at),
        "expires_at": _time_text(record.expires_at) if record.expires_at else None,
        "trust": record.trust,
        "status": record.status,
        "answer": _answer_members(record.answer),
        "type_metadata": record.type_metadata,
        "report": [[c.name, c.outcome, c.reason, c.rule] for c in record.report.checks],
    }
    text = _dumped(members)
    if text is None:
        raise LocalFailure("internal", "the store cannot keep such a record")
    return text


def record_of(document: bytes) -> CredentialRecord:
    """The record of a document. Raises `LocalFailure("store_damaged")`."""
    record = _read(document)
    if record is None:
        raise damaged("a record cannot be read")
    return record


def anchor_document(anchor: TrustAnchor) -> bytes:
    """The trust anchor as JSON in UTF-8."""
    times = {"added_at": anchor.added_at, "expires_at": anchor.expires_at}
    members = {
        "version": 1,
        **{name: getattr(anchor, name) for name in ("id", "kind", "name", "value", "trusted")},
        **{name: _time_text(time) if time else None for name, time in times.items()},
    }
    return json.dumps(members).encode()


def anchor_of(document: bytes) -> TrustAnchor:
    """The trust anchor of a document. Raises `LocalFailure("store_damaged")`."""
    anchor = _read_anchor(document)
    if anchor is None:
        raise damaged("a trust anchor cannot be read")
    return anchor


def _read_anchor(document: bytes) -> TrustAnchor | None:
    try:
        members: dict[str, Any] = _object(json.loads(document, object_pairs_hook=_unique))
        kind, trusted = members.pop("kind"), members.pop("trusted")
        begin, end = members.pop("added_at"), members.pop("expires_at")
        if members.pop("version") != 1 or kind not in ("certificate", "issuer"):
            return None
        return TrustAnchor(
            kind=kind,
            trusted=trusted is True,
            **{name: _text(members.pop(name)) for name in ("id", "name", "value")},
            added_at=_time(begin) if begin else None,
            expires_at=_time(end) if end else None,
            **members,  # what is left is unknown, and refused
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None


# These return None for an error instead of raising in its handler: errors of the JSON and Unicode
# codecs carry the document, and would go along as the context of ours.


def _dumped(members: Mapping[str, Any]) -> bytes | None:
    try:
        plain = _plain(members, MAX_DEPTH)
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (ValueError, TypeError, RecursionError):
        return None


def _read(document: bytes) -> CredentialRecord | None:
    try:
        members: dict[str, Any] = _object(json.loads(document, object_pairs_hook=_unique))
        version = members.pop("version")
        if version == 1:
            members["copies"] = [[members.pop("credential"), members.pop("key_id")]]
        if version in (1, 2):
            members |= {"trust": Trust.ANCHORED, "status": {}, "answer": None, "type_metadata": {}}
            members |= {"profile": "1.0", "refused": ""}
        elif version != VERSION:
            return None
        return CredentialRecord(
            copies=tuple(Copy(_text(one), _text(key)) for one, key in members.pop("copies")),
            **{name: _text(members.pop(name)) for name in _TEXTS},
            configuration=_object(members.pop("configuration")),
            issuer_display=tuple(_object(one) for one in members.pop("issuer_display")),
            claims=_object(members.pop("claims")),
            images={
                uri: Image(_text(media_type), base64.b64decode(data, validate=True))
                for uri, (media_type, data) in _object(members.pop("images")).items()
            },
            received_at=_time(members.pop("received_at")),
            expires_at=None if (end := members.pop("expires_at")) is None else _time(end),
            trust=Trust(members.pop("trust")),
            status=_object(members.pop("status")),
            answer=_answer(members.pop("answer")),
            type_metadata=_object(members.pop("type_metadata")),
            report=Report(
                tuple(
                    Check(_text(name), Outcome(outcome), _text(reason), _text(rule))
                    for name, outcome, reason, rule in members.pop("report")
                )
            ),
            **members,  # what is left is unknown, and refused
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def _plain(value: Any, depth: int) -> Json:  # noqa: ANN401 - what is checked here
    if depth < 0:
        raise RecursionError
    if isinstance(value, Mapping):
        return {_text(name): _plain(member, depth - 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(element, depth - 1) for element in value]
    return value  # type: ignore[no-any-return] # json.dumps refuses what is no JSON


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _time(text: object) -> datetime:
    moment = datetime.fromisoformat(_text(text))
    if moment.utcoffset() != timedelta(0):
        raise ValueError
    return moment.astimezone(UTC)


def _answer_members(answer: StatusAnswer | None) -> list[str] | None:
    if answer is None:
        return None
    times = (_time_text(moment) for moment in (answer.asked_at, answer.ask_again_at))
    return [answer.standing, *times, answer.reason]


def _answer(members: list[object] | None) -> StatusAnswer | None:
    if members is None:
        return None
    standing, asked_at, ask_again_at, reason = map(_text, members)
    return StatusAnswer(Standing(standing), _time(asked_at), _time(ask_again_at), reason)


def _time_text(moment: datetime) -> str:
    if moment.utcoffset() is None:
        raise LocalFailure("internal", "a record's time has no zone")
    return moment.astimezone(UTC).isoformat()
