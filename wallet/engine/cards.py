"""A stored record as a holder sees it: the card, its claims in the issuer's order and words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from wallet.errors import WalletError
from wallet.oauth.documents import read_document
from wallet.openid4vci.display import label_from_path, label_of, look_of, one_line, plain
from wallet.openid4vci.issuer_metadata import (
    ClaimDescription,
    CredentialConfiguration,
    CredentialMetadata,
    Display,
)
from wallet.records import Card, Claim, CredentialRecord, Image, Json
from wallet.urls import host_of

TEXT_LIMIT: Final = 4_000

Path = tuple[str | int, ...]
Pointer = tuple[str | int | None, ...]


def card_of(record: CredentialRecord, languages: Sequence[str], now: datetime) -> Card:
    """The card of a record. Total: whatever the issuer wrote, there is something to show."""
    try:
        configuration = read_document(
            CredentialConfiguration, record.configuration, "metadata_invalid", "", ""
        )
        display = [
            read_document(Display, entry, "metadata_invalid", "", "")
            for entry in record.issuer_display
        ]
    except WalletError:
        configuration, display = CredentialConfiguration(format=record.format), []
    metadata = _described(record, configuration.credential_metadata)
    name = record.credential_configuration_id
    return Card(
        id=record.id,
        look=look_of(metadata.display, languages, name, record.images),
        issuer=look_of(display, languages, host_of(record.credential_issuer), record.images),
        credential_issuer=record.credential_issuer,
        credential_configuration_id=name,
        format=record.format,
        type=plain(configuration.kind, TEXT_LIMIT),
        claims=_without_namespaces(
            record.format, claims_of(record.claims, metadata, languages, record.images)
        ),
        trust=record.trust,
        has_status=bool(record.status),
        answer=record.answer,
        refused=record.refused,
        trusted_by=record.trusted_by,
        received_at=record.received_at,
        expires_at=record.expires_at,
        expired=record.expires_at is not None and record.expires_at <= now,
        copies=len(record.copies),
        report=record.report,
    )


def _described(record: CredentialRecord, issuers: CredentialMetadata) -> CredentialMetadata:
    """What is said of display and claims: what the type says goes before what its issuer says."""
    if not record.type_metadata:
        return issuers
    types = CredentialMetadata.model_validate(record.type_metadata)
    return CredentialMetadata(
        display=types.display or issuers.display, claims=types.claims or issuers.claims
    )


def _without_namespaces(format_: str, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The elements of a mobile document without the namespaces: these say nothing to a holder."""
    if format_ != "mso_mdoc":
        return claims
    inside = (one.value if isinstance(one.value, tuple) else (one,) for one in claims)
    return tuple(element for elements in inside for element in elements)


def claims_of(
    claims: Mapping[str, Json],
    metadata: CredentialMetadata,
    languages: Sequence[str],
    images: Mapping[str, Image],
) -> tuple[Claim, ...]:
    """The claims as a tree: described ones first, in the issuer's order (appendix B.2)."""
    descriptions: dict[Pointer, ClaimDescription] = {}
    places: dict[Pointer, int] = {}
    for place, one in enumerate(metadata.claims):
        pointer = tuple(one.path)
        descriptions.setdefault(pointer, one)
        for length in range(1, len(pointer) + 1):
            places.setdefault(pointer[:length], place)

    def place_of(path: Path) -> int:
        """Where a claim stands: at its own description, or at the first one below it."""
        return places.get(path, places.get(anywhere(path), len(metadata.claims)))

    def claim(path: Path, value: Json) -> Claim:
        description = descriptions.get(path) or descriptions.get(anywhere(path))
        label = label_of(description, languages) if description else label_from_path(path)
        return Claim(path, label, content(path, value))

    def content(path: Path, value: Json) -> str | Image | tuple[Claim, ...]:
        if isinstance(value, str) and value in images:
            return images[value]
        if isinstance(value, dict):
            return below(path, value)
        if isinstance(value, list | tuple):
            if not any(isinstance(one, dict | list | tuple) or one in images for one in value):
                return ", ".join(text_of(one) for one in value)
            return tuple(
                Claim((*path, at), str(at + 1), content((*path, at), one))
                for at, one in enumerate(value)
            )
        return text_of(value)

    def below(path: Path, members: Mapping[str, Json]) -> tuple[Claim, ...]:
        found = [claim((*path, name), value) for name, value in members.items()]
        return tuple(sorted(found, key=lambda one: place_of(one.path)))

    return _of_subject(below((), claims))


def _of_subject(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """A W3C credential's claims without the object that they all are in."""
    match claims:
        case (Claim(("credentialSubject",), _, tuple(inside)),):
            return inside
        case _:
            return claims


def anywhere(path: Path) -> Pointer:
    """The pointer to every element of the arrays on a claim's way."""
    return tuple(None if isinstance(part, int) else part for part in path)


def text_of(value: Json) -> str:
    """A single value as text."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str) and value.startswith("data:"):
        return "A file that cannot be shown"
    return "" if value is None else one_line(str(value), TEXT_LIMIT)
