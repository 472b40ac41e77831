"""The credential in a JWT (Verifiable Credentials Data Model 1.1, sections 4 and 6.3.1)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from wallet.records import Json, JsonObject

BASE_CONTEXT: Final = "https://www.w3.org/2018/credentials/v1"
BASE_TYPE: Final = "VerifiableCredential"

_DATE_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True)
class Credential:
    """The `vc` claim.

    Attributes:
        vc: As it stands in the JWT.
        contexts: Its `@context`, those that are URLs.
        types: Its `type`, the base type first or not.
        subjects: Its `credentialSubject`, one or several.
    """

    vc: JsonObject = field(repr=False)
    contexts: tuple[str, ...]
    types: tuple[str, ...]
    subjects: tuple[JsonObject, ...] = field(repr=False)

    @property
    def status(self) -> JsonObject:
        """Its `credentialStatus`, under its name; {} without one."""
        name = "credentialStatus"
        return {name: self.vc[name]} if name in self.vc else {}


def read_vc(claims: JsonObject) -> Credential:
    """The credential of a JWT, and whether both say the same.

    Raises:
        ValueError: A property is missing or of the wrong kind, or a claim that stands for a
            property is missing or contradicts it.
    """
    vc = claims.get("vc")
    if not isinstance(vc, dict):
        message = "there is no vc claim"
        raise ValueError(message)
    contexts = _each(vc, "@context")
    if contexts[0] != BASE_CONTEXT or not all(isinstance(one, str | dict) for one in contexts):
        message = f"@context does not begin with {BASE_CONTEXT}"
        raise ValueError(message)
    types = [one for one in _each(vc, "type") if isinstance(one, str)]
    if BASE_TYPE not in types or len(types) != len(_each(vc, "type")):
        message = f"type is no array of texts with {BASE_TYPE}"
        raise ValueError(message)
    subject = vc.get("credentialSubject")
    each = subject if isinstance(subject, list) else [subject]
    subjects = [one for one in each if isinstance(one, dict) and one]
    if not subjects or len(subjects) != len(each):
        message = "credentialSubject is neither an object nor an array of them"
        raise ValueError(message)
    _check_mapping(claims, vc, subjects)
    return Credential(
        vc,
        tuple(one for one in contexts if isinstance(one, str)),
        tuple(types),
        tuple(subjects),
    )


def _each(vc: JsonObject, name: str) -> Sequence[Json]:
    values = vc.get(name)
    if not isinstance(values, list) or not values:
        message = f"{name} is no array, or empty"
        raise ValueError(message)
    return values


def _check_mapping(claims: JsonObject, vc: JsonObject, subjects: Sequence[JsonObject]) -> None:
    """The JWT's claims stand for properties, in their place or beside them (section 6.3.1)."""
    for name in ("iss", "nbf"):
        if name not in claims:
            message = f"there is no {name}"
            raise ValueError(message)
    identities = {
        "iss": [_id(vc["issuer"])] if "issuer" in vc else [],
        "jti": [vc["id"]] if "id" in vc else [],
        "sub": [subject["id"] for subject in subjects if "id" in subject],
    }
    for name, ids in identities.items():
        if ids and (not isinstance(claims.get(name), str) or claims[name] not in ids):
            message = f"{name} and the property it stands for differ"
            raise ValueError(message)
    for name, property_ in {"nbf": "issuanceDate", "exp": "expirationDate"}.items():
        if property_ in vc and _seconds(vc[property_]) != _whole(claims.get(name)):
            message = f"{name} and {property_} differ"
            raise ValueError(message)


def _id(issuer: Json) -> Json:
    return issuer.get("id") if isinstance(issuer, Mapping) else issuer


def _seconds(value: Json) -> int:
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        message = "a date is not a date and time with its offset"
        raise ValueError(message)
    return int(datetime.fromisoformat(value).timestamp() // 1)


def _whole(value: Json) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value // 1)
