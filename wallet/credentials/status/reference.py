"""What a credential says of where its status is."""

from dataclasses import dataclass
from typing import Final, Literal

from wallet.records import Json, JsonObject

ENTRIES_LIMIT: Final = 10
"""Entries that one credential may name; each is a request to somebody."""


@dataclass(frozen=True)
class Reference:
    """A place in a status list.

    Attributes:
        kind: "token" for a Token Status List, "bitstring" for a Bitstring Status List.
        uri: Where the list is.
        index: The place, from 0.
        purpose: `statusPurpose` of a Bitstring Status List, such as "revocation"; empty for a
            Token Status List, whose values tell it themselves.
    """

    kind: Literal["token", "bitstring"]
    uri: str
    index: int
    purpose: str = ""


def references_of(status: JsonObject) -> tuple[Reference, ...]:
    """The places that a credential names; none where it says nothing of its status.

    Args:
        status: `status` of an SD-JWT VC, a VC-JWT or an MSO (Token Status List, section 6), or
            `{"credentialStatus": …}` of a W3C credential (Bitstring Status List, section 2.1).

    Raises:
        ValueError: What is there is no reference this wallet can follow.
    """
    found: list[Reference] = []
    if "status_list" in status:
        place = _object(status["status_list"])
        found.append(Reference("token", _text(place.get("uri")), _index(place.get("idx"))))
    entries = status.get("credentialStatus")
    listed = map(_object, entries if isinstance(entries, list | tuple) else [entries])
    found += [_bitstring(entry) for entry in listed if entry]
    if len(found) > ENTRIES_LIMIT:
        message = f"{len(found)} status entries"
        raise ValueError(message)
    if status and not found:
        message = f"a status of an unknown kind: {', '.join(sorted(status))[:100]}"
        raise ValueError(message)
    return tuple(found)


def _bitstring(entry: JsonObject) -> Reference:
    kind = entry.get("type")
    if kind not in ("BitstringStatusListEntry", "StatusList2021Entry"):
        message = f"credentialStatus of type {str(kind)[:40]!r}"
        raise ValueError(message)
    index = entry.get("statusListIndex")
    if isinstance(index, str) and index.isascii() and index.isdecimal() and len(index) < 12:
        index = int(index)
    if entry.get("statusSize", 1) != 1:
        message = "a statusSize other than 1"
        raise ValueError(message)
    uri, purpose = _text(entry.get("statusListCredential")), _text(entry.get("statusPurpose"))
    return Reference("bitstring", uri, _index(index), purpose)


def _object(value: Json) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, dict):
        message = "a status that is no object"
        raise ValueError(message)
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str) or not value:
        message = "a status without a URL or purpose"
        raise ValueError(message)
    return value


def _index(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        message = "a status whose index is no number from 0"
        raise ValueError(message)
    return value
