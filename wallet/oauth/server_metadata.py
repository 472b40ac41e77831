"""Authorization Server Metadata (RFC 8414)."""

from collections.abc import Sequence
from typing import Final

from pydantic import Field

from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.documents import Document, read_document, read_object
from wallet.policy import PRE_AUTHORIZED_CODE, GrantType
from wallet.ports import HttpResponse
from wallet.urls import read_url, well_known

_RULE: Final = "RFC 8414, section 3"


class ServerMetadata(Document):
    """What the wallet reads of the document (RFC 8414, section 2; RFC 9126; RFC 9207; RFC 9449)."""

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    require_pushed_authorization_requests: bool = False
    grant_types_supported: Sequence[str] = ("authorization_code", "implicit")
    code_challenge_methods_supported: Sequence[str] | None = None
    authorization_details_types_supported: Sequence[str] = ()
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: Sequence[str] | None = None
    token_endpoint_auth_signing_alg_values_supported: Sequence[str] | None = None
    dpop_signing_alg_values_supported: Sequence[str] = ()
    challenge_endpoint: str | None = None
    client_attestation_signing_alg_values_supported: Sequence[str] | None = None
    client_attestation_pop_signing_alg_values_supported: Sequence[str] | None = None
    anonymous_pre_authorized_access: bool = Field(
        default=False, alias="pre-authorized_grant_anonymous_access_supported"
    )

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Every URL the wallet sends to, or sends the browser to."""
        urls = (
            self.authorization_endpoint,
            self.token_endpoint,
            self.pushed_authorization_request_endpoint,
            self.challenge_endpoint,
        )
        return tuple(url for url in urls if url is not None)


def metadata_url(issuer: str) -> str:
    """Where the metadata of `issuer` is: inserted, a terminating "/" removed (section 3.1)."""
    return well_known(issuer.removesuffix("/"), "oauth-authorization-server")


def openid_urls(issuer: str) -> tuple[str, ...]:
    """Where a server that speaks OpenID Connect only has it; to be looked at after a 404.

    Inserted as RFC 8414, section 5, has it, and appended (OpenID Connect Discovery 1.0, section 4).
    """
    bare = issuer.removesuffix("/")
    inserted = well_known(bare, "openid-configuration")
    return tuple(dict.fromkeys((inserted, f"{bare}/.well-known/openid-configuration")))


def read_server_metadata(response: HttpResponse, issuer: str) -> ServerMetadata:
    """The metadata of the authorization server `issuer`.

    Raises:
        PeerBrokeProtocol: `metadata_invalid`, or `authorization_server_mismatch` where the
            document's `issuer` is another one (section 3.3).
    """
    document = read_object(response, "metadata_invalid", _RULE)
    metadata = read_document(
        ServerMetadata, document, "metadata_invalid", "RFC 8414, section 2", response.url
    )
    if metadata.issuer != issuer:
        raise PeerBrokeProtocol(
            "authorization_server_mismatch",
            f"asked {issuer!r}, the document says {metadata.issuer[:200]!r}",
            rule="RFC 8414, section 3.3",
            url=response.url,
        )
    for url in metadata.endpoints:
        read_url(url)
    return metadata


def able(metadata: ServerMetadata, grant_type: GrantType) -> ServerMetadata:
    """`metadata`, if its server can do a grant; the authorization code grant with PKCE S256.

    A server that names no grants at all may still take an offer's pre-authorized code.

    Raises:
        Unsupported: `authorization_server_unsupported`, naming what is missing.
    """
    silent = "grant_types_supported" not in metadata.model_fields_set
    known = grant_type in metadata.grant_types_supported
    needed = {f"the grant {grant_type}": known or (silent and grant_type == PRE_AUTHORIZED_CODE)}
    needed["a token_endpoint"] = bool(metadata.token_endpoint)
    if grant_type == "authorization_code":
        methods = metadata.code_challenge_methods_supported
        needed["an authorization_endpoint"] = bool(metadata.authorization_endpoint)
        needed["PKCE with S256"] = methods is None or "S256" in methods
        needed["a pushed_authorization_request_endpoint"] = bool(
            metadata.pushed_authorization_request_endpoint
            or not metadata.require_pushed_authorization_requests
        )
    if missing := [name for name, there in needed.items() if not there]:
        raise Unsupported(
            "authorization_server_unsupported",
            f"{metadata.issuer[:200]} lacks {', '.join(missing)}",
            rule="OpenID4VCI 1.0, section 12.2.4",
        )
    return metadata
