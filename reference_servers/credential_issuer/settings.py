"""Settings of the credential issuer."""

from pathlib import Path

from pydantic import Field

from reference_servers.configuration import Configuration


class Settings(Configuration):
    """Credential issuer: offers and issues credentials about the people it has records of."""

    public_url: str = Field("http://127.0.0.1:8701", description="Credential Issuer Identifier")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8701, description="port to listen on")
    public: bool = Field(False, description="allow an address that others can reach; needs https")
    database_url: str = Field("", description="SQLAlchemy URL; empty for SQLite in the data folder")
    data_dir: Path = Field(
        Path("credential-issuer"), description="folder for its data and its CA's certificate"
    )
    authorization_server: str = Field(
        "http://127.0.0.1:8702", description="issuer identifier of the authorization server"
    )
    datasets_file: Path | None = Field(
        None, description="JSON file of datasets to add at start: subject, configuration, claims"
    )
    nonce_lifetime_s: int = Field(300, description="lifetime of a c_nonce")
    offer_lifetime_s: int = Field(3600, description="lifetime of an offer by reference")
    credential_lifetime_days: int = Field(365, description="lifetime of a credential")

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'credential_issuer.db'}"
