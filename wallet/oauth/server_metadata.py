"""Authorization Server Metadata (RFC 8414)."""

from collections.abc import Sequence
from typing import Final

from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.documents import Document, read_document, read_object
from wallet.ports import HttpResponse
from wallet.urls import read_url, well_known

_RULE: Final = "RFC 8414, section 3"


class ServerMetadata(Document):
    """What the wallet reads of the document (RFC 8414, section 2; RFC 9126; RFC 9207)."""

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    require_pushed_authorization_requests: bool = False
    grant_types_supported: Sequence[str] = ("authorization_code", "implicit")
    code_challenge_methods_supported: Sequence[str] | None = None
    authorization_details_types_supported: Sequence[str] = ()
    authorization_response_iss_parameter_supported: bool = False

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Every URL the wallet sends to, or sends the browser to."""
        urls = (
            self.authorization_endpoint,
            self.token_endpoint,
            self.pushed_authorization_request_endpoint,
        )
        return tuple(url for url in urls if url is not None)


def metadata_url(issuer: str) -> str:
    """Where the metadata of `issuer` is: inserted, a terminating "/" removed (section 3.1)."""
    return well_known(issuer.removesuffix("/"), "oauth-authorization-server")


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


def for_authorization_code(metadata: ServerMetadata) -> ServerMetadata:
    """`metadata`, if its server can do the authorization code grant with PKCE S256.

    Raises:
        Unsupported: `authorization_server_unsupported`, naming what is missing.
    """
    methods = metadata.code_challenge_methods_supported
    missing = [
        name
        for name, absent in (
            (
                "the authorization_code grant",
                "authorization_code" not in metadata.grant_types_supported,
            ),
            ("an authorization_endpoint", not metadata.authorization_endpoint),
            ("a token_endpoint", not metadata.token_endpoint),
            ("PKCE with S256", methods is not None and "S256" not in methods),
            (
                "a pushed_authorization_request_endpoint",
                metadata.require_pushed_authorization_requests
                and not metadata.pushed_authorization_request_endpoint,
            ),
        )
        if absent
    ]
    if missing:
        raise Unsupported(
            "authorization_server_unsupported",
            f"{metadata.issuer[:200]} lacks {', '.join(missing)}",
            rule="OpenID4VCI 1.0, section 12.2.4",
        )
    return metadata
