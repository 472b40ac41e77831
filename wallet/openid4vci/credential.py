"""Credential Request and Response (OpenID4VCI 1.0, section 8)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.documents import Document, read_document, read_object, succeeded
from wallet.ports import HttpResponse
from wallet.records import JsonObject, Secret

_RULE: Final = "OpenID4VCI 1.0, section 8.3"


class IssuedCredential(Document):
    """An element of `credentials`."""

    credential: str | Mapping[str, Any] = Field(repr=False)


class CredentialResponse(Document):
    """An immediate Credential Response."""

    credentials: Sequence[IssuedCredential] = Field(min_length=1)
    notification_id: str | None = None


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


def read_credential_response(response: HttpResponse) -> tuple[Secret[str], str | None]:
    """The one credential that was asked for, exactly as it was received; the `notification_id`.

    Raises:
        PeerRefused: `credential_refused` with the issuer's error, `server_error`.
        PeerBrokeProtocol: `credential_response_invalid`.
        Unsupported: `deferred_unsupported` for a transaction instead of a credential,
            `format_unsupported` for a credential that is not text.
    """
    if response.status == 202:
        raise Unsupported("deferred_unsupported", rule="OpenID4VCI 1.0, section 9")
    succeeded(response, "credential_refused")
    document = read_object(response, "credential_response_invalid", _RULE)
    answer = read_document(
        CredentialResponse, document, "credential_response_invalid", _RULE, response.url
    )
    if len(answer.credentials) != 1:
        raise PeerBrokeProtocol(
            "credential_response_invalid",
            f"{len(answer.credentials)} credentials for one key proof",
            rule="OpenID4VCI 1.0, section 8.2",
        )
    credential = answer.credentials[0].credential
    if not isinstance(credential, str):
        raise Unsupported("format_unsupported", "the credential is not a text", rule=_RULE)
    return Secret(credential), answer.notification_id
