"""Credential Request and Response (OpenID4VCI 1.0, section 8)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from wallet.oauth.documents import Document, read_document, read_object, succeeded
from wallet.ports import HttpResponse
from wallet.records import JsonObject, Secret

_RULE: Final = "OpenID4VCI 1.0, section 8.3"


class IssuedCredential(Document):
    """An element of `credentials`."""

    credential: str | Mapping[str, Any] = Field(repr=False)


class CredentialResponse(Document):
    """An immediate Credential Response; it puts nothing off."""

    credentials: Sequence[IssuedCredential] = Field(min_length=1)
    transaction_id: None = None
    notification_id: str | None = None


class Transaction(Document):
    """A Credential Response that puts the credential off (section 9); it brings none."""

    credentials: None = None
    transaction_id: str = Field(min_length=1)
    interval: float = Field(gt=0)


@dataclass(frozen=True)
class Delivery:
    """What an issuer delivered at once.

    Attributes:
        credentials: As they were received, in no particular order: a text, or a JSON object's.
        notification_id: What the issuer wants to hear of.
    """

    credentials: tuple[Secret[str], ...]
    notification_id: str | None


def credential_request(
    credential_configuration_id: str,
    credential_identifier: str | None,
    proofs: JsonObject,
) -> JsonObject:
    """The document of a Credential Request (section 8.2).

    Args:
        credential_configuration_id: Asked for where there is no `credential_identifier`.
        credential_identifier: From the token response; wins where there is one.
        proofs: By proof type, exactly one; {} for a credential without key binding.
    """
    wanted = (
        {"credential_configuration_id": credential_configuration_id}
        if credential_identifier is None
        else {"credential_identifier": credential_identifier}
    )
    return {**wanted, "proofs": proofs} if proofs else wanted


def read_credential_response(response: HttpResponse) -> Delivery | Transaction:
    """What a Credential Response or Deferred Credential Response brought.

    Raises:
        PeerRefused: `credential_refused` with the issuer's error, `server_error`.
        PeerBrokeProtocol: `credential_response_invalid`.
    """
    succeeded(response, "credential_refused")
    document = read_object(response, "credential_response_invalid", _RULE)
    url = response.url
    if response.status == 202:
        return read_document(Transaction, document, "credential_response_invalid", _RULE, url)
    answer = read_document(CredentialResponse, document, "credential_response_invalid", _RULE, url)
    texts = tuple(Secret(_text(one.credential)) for one in answer.credentials)
    return Delivery(texts, answer.notification_id)


def _text(credential: str | Mapping[str, Any]) -> str:
    """A credential as it was received; a JSON object with its members and numbers as they were."""
    if isinstance(credential, str):
        return credential
    return json.dumps(credential, ensure_ascii=False, separators=(",", ":"))
