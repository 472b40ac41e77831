"""Settings of the authorization server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from reference_servers.configuration import Configuration, Identifier, Port, Seconds
from reference_servers.faults import FAULTS

PRE_AUTHORIZED_CODE: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"

GrantType = Literal[
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:pre-authorized_code",
]
Method = Literal["private_key_jwt", "attest_jwt_client_auth", "none"]

HAIP: Final[Mapping[str, object]] = {
    "offer_pushed_authorization_requests": True,
    "require_pushed_authorization_requests": True,
    "client_authentication": ["private_key_jwt", "attest_jwt_client_auth"],
    "anonymous_access": False,
    "require_dpop": True,
    "dpop_nonces": True,
    "rotate_refresh_tokens": False,
}
"""What the profile `haip` sets, whatever else is given (HAIP 1.0, section 4; FAPI 2.0)."""


class Settings(Configuration):
    """Authorization server: signs people in, asks their consent, issues access tokens."""

    public_url: Identifier = Field(
        "http://127.0.0.1:8702", description="issuer identifier of this server"
    )
    port: Port = Field(8702, description="port to listen on")
    data_dir: Path = Field(Path("authorization-server"), description="folder for its data")
    credential_issuers: Annotated[list[Identifier], Field(min_length=1)] = Field(
        ["http://127.0.0.1:8701"], description="Credential Issuer Identifiers it works for"
    )
    people_file: Path | None = Field(
        None, description="JSON file of people to add at start: username, password, name, subject"
    )
    clients_file: Path | None = Field(
        None,
        description="JSON file of clients to register at start: client_id, name, redirect_uris, "
        "native, methods, jwks",
    )
    grant_types: Annotated[list[GrantType], Field(min_length=1)] = Field(
        ["authorization_code", PRE_AUTHORIZED_CODE, "refresh_token"],
        description="grant types it takes",
    )
    client_authentication: Annotated[list[Method], Field(min_length=1)] = Field(
        ["private_key_jwt", "attest_jwt_client_auth", "none"],
        description="how clients may authenticate; attest_jwt_client_auth also needs anchors",
    )
    client_attestation_anchors_file: Path | None = Field(
        None, description="PEM file of the certificates that wallet providers' chains lead to"
    )
    anonymous_access: bool = Field(
        False, description="take pre-authorized codes from clients without client_id"
    )
    require_dpop: bool = Field(False, description="issue DPoP-bound tokens only (RFC 9449)")
    dpop_nonces: bool = Field(False, description="want a nonce of this server in DPoP proofs")
    require_pushed_authorization_requests: bool = Field(
        True, description="take authorization requests by PAR only (RFC 9126)"
    )
    offer_pushed_authorization_requests: bool = Field(
        True, description="have an endpoint for pushed authorization requests"
    )
    details_always: bool = Field(
        False, description="answer scopes with authorization_details as well"
    )
    test_person: str = Field(
        "", description="test mode: approve every request at once as this user, without a page"
    )
    request_uri_lifetime_s: Seconds = Field(90, lt=600, description="lifetime of a request_uri")
    code_lifetime_s: Seconds = Field(60, le=60, description="lifetime of an authorization code")
    pre_authorized_code_lifetime_s: Seconds = Field(
        300, le=600, description="lifetime of a pre-authorized code"
    )
    tx_code_tries: int = Field(
        5, ge=1, le=10, description="wrong transaction codes that end a pre-authorized code"
    )
    token_lifetime_s: Seconds = Field(300, le=300, description="lifetime of an access token")
    refresh_token_lifetime_s: Seconds = Field(2_592_000, description="lifetime of a refresh token")
    rotate_refresh_tokens: bool = Field(True, description="give a new refresh token at each use")
    session_lifetime_s: Seconds = Field(3600, description="how long a person stays signed in")

    @model_validator(mode="before")
    @classmethod
    def _profiled(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, **HAIP} if values.get("profile") == "haip" else values

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.fault and FAULTS[self.fault].server != "authorization_server":
            message = "fault: it is one of the credential issuer's"
            raise ValueError(message)
        if self.require_pushed_authorization_requests > self.offer_pushed_authorization_requests:
            message = "require_pushed_authorization_requests: they are not offered"
            raise ValueError(message)
        return self

    @property
    def methods(self) -> list[Method]:
        """The client authentication methods it can check, the strongest first."""
        order: tuple[Method, ...] = ("attest_jwt_client_auth", "private_key_jwt", "none")
        unavailable = (
            {"attest_jwt_client_auth"} if self.client_attestation_anchors_file is None else {}
        )
        return [
            one for one in order if one in self.client_authentication and one not in unavailable
        ]

    def kept_until(self, now: float) -> float:
        """The end of all that an authorization of now can give."""
        codes = max(self.code_lifetime_s, self.pre_authorized_code_lifetime_s)
        return now + codes + self.refresh_token_lifetime_s + self.token_lifetime_s
