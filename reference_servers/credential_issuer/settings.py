"""Settings of the credential issuer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, model_validator

from reference_servers.configuration import Configuration, Identifier, Port, Seconds
from reference_servers.jwts import ALGORITHMS

Algorithm = Literal["ES256", "ES384", "EdDSA"]
BindingMethod = Literal["jwk", "did:jwk", "did:key"]
ProofType = Literal["jwt", "attestation", "di_vp"]
Cryptosuite = Literal["ecdsa-rdfc-2019", "ecdsa-jcs-2019", "eddsa-rdfc-2022", "eddsa-jcs-2022"]
Encryption = Literal["off", "optional", "required"]

HAIP: Final[Mapping[str, object]] = {
    "require_dpop": True,
    "dpop_nonces": True,
    "proof_types": ["jwt", "attestation"],
    "proof_algorithms": ["ES256"],
}
"""What the profile `haip` sets, whatever else is given (HAIP 1.0, section 4; FAPI 2.0)."""


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
    further_authorization_servers: list[Identifier] = Field(
        [], description="authorization servers beside the first one"
    )
    introspection_file: Path | None = Field(
        None,
        description="file with client_id:client_secret to introspect the access tokens of a "
        "single authorization server with, where they are not JWTs",
    )
    datasets_file: Path | None = Field(
        None, description="JSON file of datasets to add at start: subject, configuration, claims"
    )
    configurations: list[str] = Field(
        [], description="credential configurations that exist (default: all that it knows)"
    )
    nonce_lifetime_s: Seconds = Field(300, description="lifetime of a c_nonce")
    offer_lifetime_s: Seconds = Field(3600, description="lifetime of an offer by reference")
    credential_lifetime_days: int = Field(365, ge=1, description="lifetime of a credential")
    batch_size: int = Field(10, ge=1, le=100, description="most copies in one request; 1: no batch")
    unbound: list[str] = Field([], description="configurations without key binding")
    issuer_key: Literal["x5c", "kid"] = Field(
        "x5c", description="how a credential names the issuer's key: x5c, or kid for the key set"
    )
    cryptosuite: Cryptosuite = Field(
        "ecdsa-rdfc-2019", description="of the Data Integrity proofs on credentials"
    )
    proof_issuer: Literal["url", "did:web"] = Field(
        "did:web", description="what credentials with Data Integrity proofs call this issuer"
    )
    status_list: bool = Field(True, description="give credentials a place in a Token Status List")
    require_dpop: bool = Field(False, description="take DPoP-bound access tokens only (RFC 9449)")
    dpop_nonces: bool = Field(False, description="want a nonce of this server in DPoP proofs")
    request_encryption: Encryption = Field("optional", description="of Credential Requests")
    response_encryption: Encryption = Field("optional", description="of Credential Responses")
    signed_metadata: bool = Field(True, description="give metadata signed, where asked for")
    one_language: bool = Field(
        False, description="give metadata in one language, where Accept-Language asks for it"
    )
    proof_types: Annotated[list[ProofType], Field(min_length=1)] = Field(
        ["jwt", "attestation"],
        description="key proofs that are taken; attestation needs key_attestation_anchors_file",
    )
    proof_algorithms: Annotated[list[Algorithm], Field(min_length=1)] = Field(
        list(ALGORITHMS), description="what key proofs may be signed with"
    )
    binding_methods: Annotated[list[BindingMethod], Field(min_length=1)] = Field(
        ["jwk", "did:jwk", "did:key"], description="how key proofs may name their keys"
    )
    key_attestation_anchors_file: Path | None = Field(
        None, description="PEM file of CAs whose key attestations are taken"
    )
    key_attestations_required: bool = Field(False, description="demand key attestations")
    key_storage: list[str] = Field([], description="attack resistances demanded of key storage")
    user_authentication: list[str] = Field(
        [], description="attack resistances demanded of user authentication"
    )
    deferred: list[str] = Field([], description="configurations that the operator approves first")
    deferred_interval_s: int = Field(5, ge=1, description="how long wallets wait between polls")
    approve_after_s: Seconds | None = Field(
        None, description="approve deferred credentials after so long (default: never)"
    )
    transaction_lifetime_s: Seconds = Field(
        604_800, description="lifetime of a deferred credential that is not fetched"
    )
    notifications: bool = Field(True, description="take notifications")

    @property
    def authorization_servers(self) -> Sequence[str]:
        """All authorization servers."""
        return (self.authorization_server, *self.further_authorization_servers)

    @property
    def controller(self) -> str:
        """What credentials with Data Integrity proofs call this issuer."""
        if self.proof_issuer == "url":
            return self.public_url
        host = quote(urlsplit(self.public_url).netloc, safe="")
        return f"did:web:{host}{self.path.replace('/', ':')}"

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

    @model_validator(mode="before")
    @classmethod
    def _profiled(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, **HAIP} if values.get("profile") == "haip" else values

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.key_attestations_required and self.key_attestation_anchors_file is None:
            message = "key_attestations_required needs key_attestation_anchors_file"
            raise ValueError(message)
        if self.proof_types == ["attestation"] and self.key_attestation_anchors_file is None:
            message = "proof_types needs more than attestation, or key_attestation_anchors_file"
            raise ValueError(message)
        if self.response_encryption != "off" and self.request_encryption == "off":
            message = "response_encryption needs request_encryption (section 8.2)"
            raise ValueError(message)
        return self
