"""Pushed Authorization Requests (RFC 9126)."""

from typing import Final

from pydantic import Field, PositiveInt

from wallet.oauth.documents import Document, read_document, read_object, refuse
from wallet.ports import HttpResponse

_RULE: Final = "RFC 9126, section 2.2"


class PushedRequest(Document):
    """The answer of the pushed authorization request endpoint."""

    request_uri: str = Field(min_length=1)
    expires_in: PositiveInt


def read_pushed_request(response: HttpResponse) -> PushedRequest:
    """The `request_uri` of a pushed request.

    Raises:
        PeerRefused: `authorization_refused` with the server's error, `server_error`.
        PeerBrokeProtocol: `authorization_response_invalid`.
    """
    if response.status not in (200, 201):
        refuse(response, "authorization_refused")
    document = read_object(response, "authorization_response_invalid", _RULE)
    return read_document(
        PushedRequest, document, "authorization_response_invalid", _RULE, response.url
    )
