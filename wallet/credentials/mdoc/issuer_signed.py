"""What an issuer signs of a mobile document, read strictly (ISO/IEC 18013-5, section 9.1.2.4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar

from openvc.cbor import TAG_DATE_TIME, TAG_ENCODED_CBOR, CborTag, decode
from openvc.cose import CoseSign1, parse_sign1, x5chain_ders
from openvc.errors import OpenvcError

from wallet.credentials.mdoc.values import json_of
from wallet.policy import DISCLOSURES_LIMIT
from wallet.records import Json, JsonObject

DIGESTS: Final = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
"""What may stand in `digestAlgorithm`, by its name in `hashlib` (section 9.1.2.5)."""

DIGEST_ID_LIMIT: Final = 2**31
"""What a digest id stays below (section 9.1.2.4)."""

VERSION: Final = "1.0"

_X5CHAIN: Final = 33
_DATE_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)

T = TypeVar("T")


@dataclass(frozen=True)
class Item:
    """One element with what binds it to the issuer's digest.

    Attributes:
        namespace: Where it stands.
        element: Its identifier.
        value: As JSON.
        digest_id: Which digest is its.
        random: What keeps its digest from being guessed.
        encoded: `IssuerSignedItemBytes` as received; the digest is over these bytes.
    """

    namespace: str
    element: str
    value: Json = field(repr=False)
    digest_id: int
    random: bytes = field(repr=False)
    encoded: bytes = field(repr=False)


@dataclass(frozen=True)
class SecurityObject:
    """The `MobileSecurityObject`.

    Attributes:
        doc_type: `docType`.
        digest_algorithm: Key of `DIGESTS`.
        value_digests: By namespace and digest id.
        device_key: The COSE_Key that the document is bound to; None where there is none.
        authorized: Whether that key may sign elements of the holder's own (`keyAuthorizations`).
        signed: Aware, UTC, as are the other two.
        valid_from: From when it is valid.
        valid_until: Until when.
        status: Its reference to a status list, as JSON; {} without one.
    """

    doc_type: str
    digest_algorithm: str
    value_digests: Mapping[str, Mapping[int, bytes]] = field(repr=False)
    device_key: Mapping[object, object] | None
    authorized: bool
    signed: datetime
    valid_from: datetime
    valid_until: datetime
    status: JsonObject


@dataclass(frozen=True)
class IssuerSigned:
    """The whole of it.

    Attributes:
        items: All elements, in the order they came.
        auth: The signature of the issuer.
        payload: What is signed, as received.
        certificates: `x5chain`, leaf first, DER.
        mso: What the payload says.
        decoded: The CBOR map that all this stands in.
    """

    items: tuple[Item, ...]
    auth: CoseSign1 = field(repr=False)
    payload: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    mso: SecurityObject
    decoded: Mapping[object, object] = field(repr=False)

    @property
    def claims(self) -> dict[str, dict[str, Json]]:
        """The elements by namespace and identifier."""
        claims: dict[str, dict[str, Json]] = {}
        for item in self.items:
            claims.setdefault(item.namespace, {})[item.element] = item.value
        return claims


def read_issuer_signed(encoded: bytes) -> IssuerSigned:
    """Read `IssuerSigned`; nothing of it is checked but its form.

    Raises:
        ValueError: It has not the form of the standard, in words without any value of an element.
    """
    try:
        return _read(encoded)
    except OpenvcError as error:
        raise ValueError(str(error)[:200]) from None


def _read(encoded: bytes) -> IssuerSigned:
    decoded = _is(decode(encoded), dict, "IssuerSigned")
    auth = parse_sign1(_member(decoded, "issuerAuth", list))
    if auth.protected_header.keys() & auth.unprotected.keys():
        message = "a header parameter is both protected and not"
        raise ValueError(message)
    payload = _is(auth.payload, bytes, "the payload of issuerAuth")
    chain = {**auth.unprotected, **auth.protected_header}.get(_X5CHAIN)
    return IssuerSigned(
        items=_items(_member(decoded, "nameSpaces", dict)),
        auth=auth,
        payload=payload,
        certificates=() if chain is None else tuple(x5chain_ders(auth)),
        mso=_security_object(_embedded(decode(payload), "MobileSecurityObject")),
        decoded=decoded,
    )


def _items(name_spaces: Mapping[object, object]) -> tuple[Item, ...]:
    items = [
        _item(_is(name, str, "a namespace"), one)
        for name, elements in name_spaces.items()
        for one in _filled(_is(elements, list, "the elements of a namespace"))
    ]
    if not 1 <= len(items) <= DISCLOSURES_LIMIT:
        message = f"{len(items)} elements"
        raise ValueError(message)
    return tuple(items)


def _filled(elements: Sequence[object]) -> Sequence[object]:
    if not elements:
        message = "a namespace without elements"
        raise ValueError(message)
    return elements


def _item(namespace: str, tagged: object) -> Item:
    tag = _is(tagged, CborTag, "IssuerSignedItem")
    item = _embedded(tag, "IssuerSignedItem")
    if "elementValue" not in item:
        message = "elementValue is missing"
        raise ValueError(message)
    if not 0 <= (digest_id := _member(item, "digestID", int)) < DIGEST_ID_LIMIT:
        message = f"digestID is {digest_id}"
        raise ValueError(message)
    return Item(
        namespace,
        _member(item, "elementIdentifier", str),
        json_of(item["elementValue"]),
        digest_id,
        _member(item, "random", bytes),
        _is(tag.raw, bytes, "IssuerSignedItem"),
    )


def _security_object(mso: Mapping[object, object]) -> SecurityObject:
    if (version := _member(mso, "version", str)) != VERSION:
        message = f"version is {version[:20]!r}, not {VERSION!r}"
        raise ValueError(message)
    algorithm = _member(mso, "digestAlgorithm", str)
    if algorithm not in DIGESTS:
        message = f"digestAlgorithm is {algorithm[:20]!r}"
        raise ValueError(message)
    validity = _member(mso, "validityInfo", dict)
    key_info = _member(mso, "deviceKeyInfo", dict) if "deviceKeyInfo" in mso else {}
    status = json_of(_member(mso, "status", dict)) if "status" in mso else {}
    return SecurityObject(
        doc_type=_member(mso, "docType", str),
        digest_algorithm=algorithm,
        value_digests={
            _is(namespace, str, "a namespace"): {
                _is(digest_id, int, "a digest id"): _is(digest, bytes, "a digest")
                for digest_id, digest in _is(digests, dict, "the digests").items()
            }
            for namespace, digests in _member(mso, "valueDigests", dict).items()
        },
        device_key=_member(key_info, "deviceKey", dict) if key_info else None,
        authorized="keyAuthorizations" in key_info,
        signed=_date(validity, "signed"),
        valid_from=_date(validity, "validFrom"),
        valid_until=_date(validity, "validUntil"),
        status=_is(status, dict, "status"),
    )


def _date(validity: Mapping[object, object], name: str) -> datetime:
    """A `tdate`: tag 0 with a date and a time of RFC 3339."""
    tag = _member(validity, name, CborTag)
    text = tag.value if tag.tag == TAG_DATE_TIME else None
    if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
        message = f"{name} is no date with time"
        raise ValueError(message)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"{name} is no date of the calendar"
        raise ValueError(message) from None


def _embedded(tagged: object, name: str) -> Mapping[object, object]:
    """The map in a byte string of tag 24."""
    tag = _is(tagged, CborTag, name)
    if tag.tag != TAG_ENCODED_CBOR:
        message = f"{name} is of tag {tag.tag}"
        raise ValueError(message)
    return _is(decode(_is(tag.value, bytes, name)), dict, name)


def _member(members: Mapping[object, object], name: str, kind: type[T]) -> T:
    value = _is(members.get(name), kind, name)
    if value == "":
        message = f"{name} is empty"
        raise ValueError(message)
    return value


def _is(value: object, kind: type[T], name: str) -> T:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        message = f"{name} is missing, or of another kind"
        raise ValueError(message)
    return value
