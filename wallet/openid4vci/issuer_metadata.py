"""Credential Issuer Metadata (OpenID4VCI 1.0, section 12.2)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from wallet.errors import PeerBrokeProtocol, Unsupported, WalletError
from wallet.oauth.documents import Document, read_document, read_object
from wallet.openid4vci.offer import Grant
from wallet.ports import HttpResponse
from wallet.records import JsonObject
from wallet.strict import MAX_DEPTH
from wallet.urls import read_identifier, read_url, well_known

_RULE: Final = "OpenID4VCI 1.0, section 12.2.4"


class Picture(Document):
    """A `logo` or `background_image`: a URI, https or data."""

    uri: str | None = None


class Display(Document):
    """An element of a `display` array."""

    name: str | None = None
    locale: str | None = None
    description: str | None = None
    background_color: str | None = None
    text_color: str | None = None
    logo: Picture | None = None
    background_image: Picture | None = None


class ClaimDescription(Document):
    """Appendix B.2: how the issuer describes a claim."""

    path: Sequence[str | int | None] = Field(min_length=1, max_length=MAX_DEPTH)
    mandatory: bool = False
    display: Sequence[Display] = ()


class CredentialMetadata(Document):
    """`credential_metadata` of a configuration."""

    display: Sequence[Display] = ()
    claims: Sequence[ClaimDescription] = ()


class ProofType(Document):
    """A member of `proof_types_supported`.

    Algorithms are JOSE's names, or COSE's numbers in proofs that are no JWTs.
    """

    proof_signing_alg_values_supported: Sequence[str | int] = Field(min_length=1)
    key_attestations_required: Mapping[str, Any] | None = None


class CredentialDefinition(Document):
    """`credential_definition` of a W3C credential (appendices A.1.1.2 and A.1.2.2)."""

    context: Sequence[str | Mapping[str, Any]] | None = Field(default=None, alias="@context")
    type: Sequence[str] = Field(min_length=1)


class CredentialConfiguration(Document):
    """A member of `credential_configurations_supported`."""

    format: str
    scope: str | None = None
    vct: str | None = None
    credential_definition: CredentialDefinition | None = None
    doctype: str | None = None
    cryptographic_binding_methods_supported: Sequence[str] | None = None
    proof_types_supported: Mapping[str, ProofType] | None = None
    credential_metadata: CredentialMetadata = CredentialMetadata()

    @property
    def kind(self) -> str | None:
        """The type in the words of its format: `vct`, `doctype`, or the most special type."""
        definition = self.credential_definition
        return definition.type[-1] if definition else self.vct or self.doctype


class BatchIssuance(Document):
    """`batch_credential_issuance`: how many key proofs a request may have."""

    batch_size: int = Field(ge=2)


class KeySet(Document):
    """A JSON Web Key Set (RFC 7517, section 5)."""

    keys: Sequence[Mapping[str, Any]] = Field(min_length=1)


class RequestEncryption(Document):
    """`credential_request_encryption` of the issuer's metadata."""

    jwks: KeySet
    enc_values_supported: Sequence[str] = Field(min_length=1)
    zip_values_supported: Sequence[str] = ()
    encryption_required: bool


class ResponseEncryption(Document):
    """`credential_response_encryption` of the issuer's metadata."""

    alg_values_supported: Sequence[str] = Field(min_length=1)
    enc_values_supported: Sequence[str] = Field(min_length=1)
    zip_values_supported: Sequence[str] = ()
    encryption_required: bool


class IssuerMetadata(Document):
    """The document.

    A configuration is read when it is needed: a strange one does not spoil the others.
    """

    credential_issuer: str
    authorization_servers: Sequence[str] | None = Field(default=None, min_length=1)
    credential_endpoint: str
    nonce_endpoint: str | None = None
    deferred_credential_endpoint: str | None = None
    notification_endpoint: str | None = None
    credential_request_encryption: RequestEncryption | None = None
    credential_response_encryption: ResponseEncryption | None = None
    batch_credential_issuance: BatchIssuance | None = None
    display: Sequence[Display] = ()
    credential_configurations_supported: Mapping[str, Mapping[str, Any]]

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Every URL the wallet sends to."""
        urls = (
            self.credential_endpoint,
            self.nonce_endpoint,
            self.deferred_credential_endpoint,
            self.notification_endpoint,
        )
        return tuple(url for url in urls if url is not None)

    @property
    def readable_configurations(self) -> tuple[str, ...]:
        """The names of all configurations but those that are not as they should be."""

        def readable(name: str) -> bool:
            try:
                return bool(self.configuration(name))
            except WalletError:
                return False

        return tuple(filter(readable, self.credential_configurations_supported))

    def batch_size(self, wanted: int) -> int:
        """How many of `wanted` copies of a credential one request may ask for (section 12.2.4)."""
        batch = self.batch_credential_issuance
        return min(wanted, batch.batch_size) if batch else 1

    def configuration(self, credential_configuration_id: str) -> CredentialConfiguration:
        """One configuration.

        Raises:
            Unsupported: `configuration_unknown` where the metadata has none of that name.
            PeerBrokeProtocol: `metadata_invalid`.
        """
        document = self.credential_configurations_supported.get(credential_configuration_id)
        if document is None:
            raise Unsupported(
                "configuration_unknown", credential_configuration_id[:200], rule=_RULE
            )
        configuration = read_document(
            CredentialConfiguration, document, "metadata_invalid", _RULE, self.credential_issuer
        )
        if missing := missing_in(configuration):
            raise PeerBrokeProtocol(
                "metadata_invalid", f"{missing}: missing", rule="OpenID4VCI 1.0, appendix A"
            )
        if contradiction := contradiction_in(configuration.credential_metadata.claims):
            raise PeerBrokeProtocol(
                "metadata_invalid", contradiction, rule="OpenID4VCI 1.0, appendix B.3"
            )
        return configuration


def missing_in(configuration: CredentialConfiguration) -> str:
    """The JSON pointer of what its format demands (appendix A) and is not there; empty if none."""
    definition = configuration.credential_definition
    match configuration.format:
        case "dc+sd-jwt" if configuration.vct is None:
            return "/vct"
        case "mso_mdoc" if configuration.doctype is None:
            return "/doctype"
        case "jwt_vc_json" | "jwt_vc_json-ld" | "ldp_vc" if definition is None:
            return "/credential_definition"
        case "jwt_vc_json-ld" | "ldp_vc" if definition is not None and not definition.context:
            return "/credential_definition/@context"
    return ""


def contradiction_in(claims: Sequence[ClaimDescription]) -> str:
    """What is repeated or contradictory in a `claims` array (appendix B.3); empty if nothing."""
    described: set[tuple[str | int | None, ...]] = set()
    kinds: dict[tuple[str | int | None, ...], str] = {}
    for claim in claims:
        path = tuple(claim.path)
        if path in described:
            return f"/credential_metadata/claims: {claim.path} is described twice"
        described.add(path)
        for place, part in enumerate(path):
            kind = "object" if isinstance(part, str) else "array" if part is None else "element"
            if kinds.setdefault(path[:place], kind) != kind:
                return f"/credential_metadata/claims: {claim.path} contradicts another description"
    return ""


def metadata_urls(credential_issuer: str) -> tuple[str, str]:
    """Where the metadata is: the identifier taken verbatim, then with its final "/" toggled.

    The specification says nothing of a terminating "/"; the second URL is for a 404 only.
    """
    path = read_identifier(credential_issuer).path
    toggled = credential_issuer.removesuffix("/") if path.endswith("/") else credential_issuer + "/"
    name = "openid-credential-issuer"
    if path == "/":
        return well_known(toggled, name), well_known(credential_issuer, name)
    return well_known(credential_issuer, name), well_known(toggled, name)


def read_issuer_metadata(response: HttpResponse, credential_issuer: str) -> IssuerMetadata:
    """The metadata of `credential_issuer`.

    Raises:
        PeerBrokeProtocol: `metadata_invalid`, or `issuer_mismatch` where the document belongs to
            another issuer (section 12.2.4).
    """
    document = read_object(response, "metadata_invalid", "OpenID4VCI 1.0, section 12.2.2")
    return issuer_metadata_of(document, credential_issuer, response.url)


def issuer_metadata_of(document: JsonObject, credential_issuer: str, url: str) -> IssuerMetadata:
    """The metadata of `credential_issuer` that was found at `url`; raises as above."""
    metadata = read_document(IssuerMetadata, document, "metadata_invalid", _RULE, url)
    if metadata.credential_issuer != credential_issuer:
        raise PeerBrokeProtocol(
            "issuer_mismatch",
            f"asked {credential_issuer!r}, the document says {metadata.credential_issuer[:200]!r}",
            rule=_RULE,
            url=url,
        )
    for endpoint in metadata.endpoints:
        read_url(endpoint)
    for server in metadata.authorization_servers or ():
        read_identifier(server)
    return metadata


def authorization_servers(metadata: IssuerMetadata, grant: Grant) -> tuple[str, ...]:
    """The authorization servers that may be asked, in the issuer's order (section 12.2.4).

    Raises:
        PeerBrokeProtocol: `authorization_server_mismatch` where the offer names one that the
            metadata does not (section 4.1.1).
    """
    named = tuple(metadata.authorization_servers or (metadata.credential_issuer,))
    if grant.authorization_server is None:
        return named
    if grant.authorization_server not in named:
        raise PeerBrokeProtocol(
            "authorization_server_mismatch",
            f"the offer names {grant.authorization_server[:200]!r}, the metadata does not",
            rule="OpenID4VCI 1.0, section 4.1.1",
        )
    return (grant.authorization_server,)
