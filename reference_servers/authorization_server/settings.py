"""Settings of the authorization server."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from reference_servers.configuration import Configuration, Identifier, Port, Seconds


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
    require_pushed_authorization_requests: bool = Field(
        True, description="take authorization requests by PAR only (RFC 9126)"
    )
    request_uri_lifetime_s: Seconds = Field(90, description="lifetime of a request_uri")
    code_lifetime_s: Seconds = Field(60, le=60, description="lifetime of an authorization code")
    token_lifetime_s: Seconds = Field(300, le=300, description="lifetime of an access token")
    session_lifetime_s: Seconds = Field(3600, description="how long a person stays signed in")
