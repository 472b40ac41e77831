"""The credential in a JWT (Verifiable Credentials Data Model 1.1, section 6.3.1)."""

from collections.abc import Sequence

from wallet.credentials.w3c import Credential, date_time, issuer_of, read_credential
from wallet.records import Json, JsonObject


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
    credential = read_credential(vc)
    _check_mapping(claims, vc, credential.subjects)
    return credential


def _check_mapping(claims: JsonObject, vc: JsonObject, subjects: Sequence[JsonObject]) -> None:
    """The JWT's claims stand for properties, in their place or beside them (section 6.3.1)."""
    for name in ("iss", "nbf"):
        if name not in claims:
            message = f"there is no {name}"
            raise ValueError(message)
    identities: dict[str, list[Json]] = {
        "iss": [issuer_of(vc)] if "issuer" in vc else [],
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


def _seconds(value: Json) -> int:
    return int(date_time(value).timestamp() // 1)


def _whole(value: Json) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value // 1)
