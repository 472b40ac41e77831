"""Token Request and Response (OpenID4VCI 1.0, section 6; RFC 6749)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field, SecretStr

from wallet.errors import PeerBrokeProtocol
from wallet.oauth.documents import Document, read_document, read_object, succeeded
from wallet.openid4vci.authorization import OPENID_CREDENTIAL, AuthorizationRequest
from wallet.openid4vci.offer import PreAuthorizedCodeGrant
from wallet.policy import PRE_AUTHORIZED_CODE
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
    refresh_token: SecretStr | None = None
    authorization_details: Sequence[Mapping[str, Any]] = ()

    @property
    def bound(self) -> bool:
        """Whether the token is bound to a DPoP key (RFC 9449, section 5)."""
        return self.token_type.lower() == "dpop"

    @property
    def secret(self) -> Secret[str]:
        """The access token."""
        return Secret(self.access_token.get_secret_value())

    @property
    def authorization(self) -> Secret[str]:
        """The `Authorization` header that presents it (RFC 6750, section 2.1; RFC 9449, 7.1)."""
        return Secret(f"{'DPoP' if self.bound else 'Bearer'} {self.secret.reveal()}")


def token_parameters(request: AuthorizationRequest, code: Secret[str]) -> Mapping[str, str]:
    """The Token Request of the authorization code grant, without the client (RFC 6749, 4.1.3)."""
    return {
        "grant_type": "authorization_code",
        "code": code.reveal(),
        "redirect_uri": request.redirect_uri,
        "code_verifier": request.pkce.verifier.reveal(),
        **({"resource": request.resource} if request.resource else {}),
    }


def pre_authorized_parameters(
    grant: PreAuthorizedCodeGrant, transaction_code: Secret[str] | None
) -> Mapping[str, str]:
    """The Token Request for a pre-authorized code, without the client (section 6.1)."""
    typed = {} if transaction_code is None else {"tx_code": transaction_code.reveal()}
    code = grant.pre_authorized_code
    return {"grant_type": PRE_AUTHORIZED_CODE, "pre-authorized_code": code, **typed}


def refresh_parameters(refresh_token: Secret[str]) -> Mapping[str, str]:
    """The Token Request for a refresh token, without the client (RFC 6749, section 6)."""
    return {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}


def read_token_response(response: HttpResponse) -> TokenResponse:
    """The access token.

    Raises:
        PeerRefused: `token_refused` with the server's error, `server_error`.
        PeerBrokeProtocol: `token_response_invalid`; also for a token type other than Bearer
            and DPoP.
    """
    succeeded(response, "token_refused")
    document = read_object(response, "token_response_invalid", _RULE)
    token = read_document(TokenResponse, document, "token_response_invalid", _RULE, response.url)
    if token.token_type.lower() not in ("bearer", "dpop"):
        raise PeerBrokeProtocol(
            "token_response_invalid",
            f"token_type {token.token_type[:40]!r} instead of Bearer or DPoP",
            rule="RFC 6749, section 7.1",
        )
    value = token.access_token.get_secret_value()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise PeerBrokeProtocol(
            "token_response_invalid", "/access_token: not a token", rule="RFC 6750, section 2.1"
        )
    return token


def credential_identifiers(
    token: TokenResponse, credential_configuration_ids: Sequence[str]
) -> Mapping[str, tuple[str, ...]] | None:
    """What to ask for, by configuration; None where to ask by configuration (section 8.2).

    A configuration that the server did not grant is left out.

    Raises:
        PeerBrokeProtocol: `token_response_invalid` where the token authorizes other credentials
            only than those the holder agreed to.
    """
    entries = [
        read_document(CredentialAuthorization, entry, "token_response_invalid", _RULE, "")
        for entry in token.authorization_details
        if entry.get("type") == OPENID_CREDENTIAL
    ]
    if not entries:
        return None
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        name = entry.credential_configuration_id
        if name in credential_configuration_ids:
            known = (*found.get(name, ()), *entry.credential_identifiers)
            found[name] = tuple(dict.fromkeys(known))
    if not found:
        raise PeerBrokeProtocol(
            "token_response_invalid",
            "authorization_details name none of the credentials that were asked for",
            rule=_RULE,
        )
    return found
