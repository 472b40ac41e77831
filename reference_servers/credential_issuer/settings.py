"""Settings of the credential issuer."""

from pathlib import Path

from pydantic import Field

from reference_servers.configuration import Configuration, Identifier, Port, Seconds


class Settings(Configuration):
    """Credential issuer: offers and issues credentials about the people it has records of."""

    public_url: Identifier = Field(
        "http://127.0.0.1:8701", description="Credential Issuer Identifier"
    )
    port: Port = Field(8701, description="port to listen on")
    data_dir: Path = Field(
        Path("credential-issuer"), description="folder for its data and its CA's certificate"
    )
    authorization_server: Identifier = Field(
        "http://127.0.0.1:8702", description="issuer identifier of the authorization server"
    )
    ca_file: Path | None = Field(
        None, description="PEM file of authorities to trust for TLS besides the usual ones"
    )
    introspection_file: Path | None = Field(
        None,
        description="file with client_id:client_secret to introspect access tokens with, "
        "where they are not JWTs",
    )
    datasets_file: Path | None = Field(
        None, description="JSON file of datasets to add at start: subject, configuration, claims"
    )
    nonce_lifetime_s: Seconds = Field(300, description="lifetime of a c_nonce")
    offer_lifetime_s: Seconds = Field(3600, description="lifetime of an offer by reference")
    credential_lifetime_days: int = Field(365, ge=1, description="lifetime of a credential")

    @property
    def introspection(self) -> tuple[str, str] | None:
        """What to introspect access tokens with.

        Raises:
            OSError: The file cannot be read.
            ValueError: It holds something else.
        """
        if self.introspection_file is None:
            return None
        client_id, colon, secret = self.introspection_file.read_text("utf-8").strip().partition(":")
        if not (client_id and colon and secret):
            message = f"{self.introspection_file}: not client_id:client_secret"
            raise ValueError(message)
        return client_id, secret
