"""Authorization Request (OpenID4VCI 1.0, section 5; RFC 6749, 7636, 9126, 9396)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode

from wallet.oauth.pkce import Pkce
from wallet.oauth.server_metadata import ServerMetadata
from wallet.openid4vci.issuer_metadata import IssuerMetadata
from wallet.openid4vci.offer import AuthorizationCodeGrant
from wallet.records import Secret

OPENID_CREDENTIAL: Final = "openid_credential"


@dataclass(frozen=True)
class AuthorizationRequest:
    """All there is to ask for the credentials of one issuance.

    Attributes:
        client_id: OAuth client identifier.
        redirect_uri: The open loopback redirect.
        state: Unpredictable, bound to this run.
        pkce: Bound to this run.
        issuer_state: The offer's, unchanged (section 5.1.3).
        asking: `scope` or `authorization_details`, and its value.
        resource: RFC 8707; sent with `scope` where the issuer names authorization servers.
    """

    client_id: str
    redirect_uri: str
    state: Secret[str]
    pkce: Pkce
    issuer_state: str | None
    asking: tuple[Literal["scope", "authorization_details"], str]
    resource: str | None

    def parameters(self) -> Mapping[str, str]:
        """The request's parameters (section 5.1)."""
        optional = {"issuer_state": self.issuer_state, "resource": self.resource}
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state.reveal(),
            "code_challenge": self.pkce.challenge,
            "code_challenge_method": "S256",
            self.asking[0]: self.asking[1],
            **{name: value for name, value in optional.items() if value is not None},
        }


def authorization_details(
    credential_configuration_ids: Sequence[str], metadata: IssuerMetadata
) -> str:
    """`authorization_details` for credentials (section 5.1.1), as a parameter's value."""
    located = (
        {}
        if metadata.authorization_servers is None
        else {"locations": [metadata.credential_issuer]}
    )
    details = [
        {"type": OPENID_CREDENTIAL, "credential_configuration_id": name, **located}
        for name in credential_configuration_ids
    ]
    return json.dumps(details, separators=(",", ":"))


def narrowed(
    credential_configuration_ids: Sequence[str],
    offered: Sequence[str],
    metadata: IssuerMetadata,
    server: ServerMetadata,
) -> Mapping[str, str]:
    """What a Token Request adds for some of the credentials that a code was issued for (6.1.1).

    A pre-authorized code stands for the whole offer: where the holder chose less of it and the
    server says that it knows authorization_details, the access token is asked for no more than
    that. An authorization code stands for what the holder chose already.
    """
    known = OPENID_CREDENTIAL in server.authorization_details_types_supported
    if not known or set(credential_configuration_ids) >= set(offered):
        return {}
    details = authorization_details(credential_configuration_ids, metadata)
    return {"authorization_details": details}


def asking_for(
    credential_configuration_ids: Sequence[str],
    metadata: IssuerMetadata,
    server: ServerMetadata,
    preference: Literal["auto", "scope", "authorization_details"],
) -> tuple[Literal["scope", "authorization_details"], str]:
    """How to ask for credentials: by their configurations' scopes or by authorization_details.

    "auto" takes authorization_details where the server says it knows them, or where a
    configuration has no scope (section 12.2.4), and the scopes otherwise.
    """
    scopes = [metadata.configuration(name).scope for name in credential_configuration_ids]
    details = OPENID_CREDENTIAL in server.authorization_details_types_supported
    if all(scopes) and (preference == "scope" or (preference == "auto" and not details)):
        return "scope", " ".join(dict.fromkeys(filter(None, scopes)))
    return "authorization_details", authorization_details(credential_configuration_ids, metadata)


def request_for(
    credential_configuration_ids: Sequence[str],
    grant: AuthorizationCodeGrant,
    metadata: IssuerMetadata,
    server: ServerMetadata,
    *,
    preference: Literal["auto", "scope", "authorization_details"],
    client_id: str,
    redirect_uri: str,
    state: Secret[str],
    pkce: Pkce,
) -> AuthorizationRequest:
    """The Authorization Request for credentials of an offer."""
    asking = asking_for(credential_configuration_ids, metadata, server, preference)
    named = metadata.authorization_servers is not None and asking[0] == "scope"
    return AuthorizationRequest(
        client_id=client_id,
        redirect_uri=redirect_uri,
        state=state,
        pkce=pkce,
        issuer_state=grant.issuer_state,
        asking=asking,
        resource=metadata.credential_issuer if named else None,
    )


def form(parameters: Mapping[str, str]) -> bytes:
    """A form body (application/x-www-form-urlencoded)."""
    return urlencode(parameters).encode()


def authorization_url(server: ServerMetadata, parameters: Mapping[str, str]) -> Secret[str]:
    """The URL for the browser: the endpoint's own query kept, `parameters` added."""
    endpoint = server.authorization_endpoint or ""
    joint = "&" if "?" in endpoint else "?"
    return Secret(f"{endpoint}{joint}{urlencode(parameters)}")
