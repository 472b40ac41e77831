"""Nonce Endpoint (OpenID4VCI 1.0, section 7)."""

from typing import Final

from pydantic import Field

from wallet.oauth.documents import Document, read_document, read_object, succeeded
from wallet.ports import HttpResponse
from wallet.records import Secret

_RULE: Final = "OpenID4VCI 1.0, section 7.2"


class NonceResponse(Document):
    """The answer of the nonce endpoint."""

    c_nonce: str = Field(min_length=1)


def read_nonce(response: HttpResponse) -> Secret[str]:
    """A fresh `c_nonce`.

    Raises:
        PeerRefused: `credential_refused`, `server_error`, `not_found`.
        PeerBrokeProtocol: `nonce_response_invalid`.
    """
    succeeded(response, "credential_refused")
    document = read_object(response, "nonce_response_invalid", _RULE)
    return Secret(
        read_document(
            NonceResponse, document, "nonce_response_invalid", _RULE, response.url
        ).c_nonce
    )
