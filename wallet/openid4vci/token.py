"""Token Request and Response (OpenID4VCI 1.0, section 6; RFC 6749)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field, SecretStr

from wallet.errors import PeerBrokeProtocol
from wallet.oauth.documents import Document, read_document, read_object, succeeded
from wallet.openid4vci.authorization import OPENID_CREDENTIAL, AuthorizationRequest
from wallet.ports import HttpResponse
from wallet.records import Secret

_RULE: Final = "OpenID4VCI 1.0, section 6.2"


class CredentialAuthorization(Document):
    """An `openid_credential` element of a token response's `authorization_details`."""

    credential_configuration_id: str
    credential_identifiers: Sequence[str] = Field(min_length=1)


class TokenResponse(Document):
    """The answer of the token endpoint."""

    access_token: SecretStr
    token_type: str
    authorization_details: Sequence[Mapping[str, Any]] = ()

    @property
    def authorization(self) -> Secret[str]:
        """The `Authorization` header that presents the access token (RFC 6750, section 2.1)."""
        return Secret(f"Bearer {self.access_token.get_secret_value()}")


def token_parameters(request: AuthorizationRequest, code: Secret[str]) -> Mapping[str, str]:
    """The Token Request of the authorization code grant, without the client (RFC 6749, 4.1.3)."""
    return {
        "grant_type": "authorization_code",
        "code": code.reveal(),
        "redirect_uri": request.redirect_uri,
        "code_verifier": request.pkce.verifier.reveal(),
        **({"resource": request.resource} if request.resource else {}),
    }


def read_token_response(response: HttpResponse) -> TokenResponse:
    """The access token.

    Raises:
        PeerRefused: `token_refused` with the server's error, `server_error`.
        PeerBrokeProtocol: `token_response_invalid`; also for a token type other than Bearer.
    """
    succeeded(response, "token_refused")
    document = read_object(response, "token_response_invalid", _RULE)
    token = read_document(TokenResponse, document, "token_response_invalid", _RULE, response.url)
    if token.token_type.lower() != "bearer":
        raise PeerBrokeProtocol(
            "token_response_invalid",
            f"token_type {token.token_type[:40]!r} instead of Bearer",
            rule="RFC 6749, section 7.1",
        )
    value = token.access_token.get_secret_value()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise PeerBrokeProtocol(
            "token_response_invalid", "/access_token: not a token", rule="RFC 6750, section 2.1"
        )
    return token


def credential_identifier(token: TokenResponse, credential_configuration_id: str) -> str | None:
    """The `credential_identifier` to ask for, or None where to ask by configuration (section 8.2).

    Raises:
        PeerBrokeProtocol: `token_response_invalid` where the token authorizes other credentials
            than the holder agreed to.
    """
    entries = [
        read_document(CredentialAuthorization, entry, "token_response_invalid", _RULE, "")
        for entry in token.authorization_details
        if entry.get("type") == OPENID_CREDENTIAL
    ]
    if not entries:
        return None
    for entry in entries:
        if entry.credential_configuration_id == credential_configuration_id:
            return entry.credential_identifiers[0]
    raise PeerBrokeProtocol(
        "token_response_invalid",
        "authorization_details do not name the credential that was asked for",
        rule=_RULE,
    )
