"""Requests and error responses, between Starlette and Authlib."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.datastructures import Headers

from reference_servers.authorization_server.credential_requests import InvalidTargetError, Wanted

DESCRIBABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""What must not stand in an `error_description` (RFC 6749, section 5.2)."""

# Authlib has no types: what comes out of its base classes is `Any`.
# mypy: disable-error-code="misc"


def cleaned(body: Iterable[tuple[str, str]]) -> dict[str, str]:
    """An error response; Authlib may repeat what the client sent."""
    return {name: DESCRIBABLE.sub(" ", value) for name, value in body}


def parameters_of(octets: bytes) -> dict[str, str]:
    """The parameters of a query or a form body; those without a value count as left out.

    Raises:
        InvalidRequestError: They cannot be read, or one occurs twice (RFC 6749, section 3.1).
        InvalidTargetError: There are several resources; a token is for one (RFC 8707, section 2).
    """
    try:
        pairs = parse_qsl(octets.decode("ascii"), max_num_fields=100, errors="strict")
    except ValueError:
        raise InvalidRequestError("The parameters cannot be read.") from None
    parameters = dict(pairs)
    twice = {name for name, times in Counter(name for name, _ in pairs).items() if times > 1}
    if twice == {"resource"}:
        raise InvalidTargetError("A token is for one resource.")
    if twice:
        raise InvalidRequestError("A parameter occurs twice.")
    if any("\0" in name + value for name, value in pairs):
        raise InvalidRequestError("A parameter contains NUL.")
    return parameters


@dataclass(frozen=True)
class HttpRequest:
    """What Authlib needs to know of a request.

    Attributes:
        method: "GET" or "POST".
        url: Of this server; Authlib looks at its scheme only.
        headers: All of them, also those that come twice.
        parameters: Form or query parameters.
    """

    method: str
    url: str
    headers: Headers
    parameters: Mapping[str, str]


class Request(OAuth2Request):
    """A request as Authlib sees it.

    Attributes:
        headers: All of them, also those that come twice.
        asked: What an authorization request asks for.
        request_uri: Under which it was pushed, hashed.
        instance: Thumbprint of the key that a client attestation names (draft -07, section 5).
        dpop_jkt: Thumbprint of the key of the request's DPoP proof (RFC 9449, section 6.1).
    """

    headers: Headers

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.method, request.url, headers=request.headers)
        self.payload = BasicOAuth2Payload(dict(request.parameters))
        self.asked: Sequence[Wanted] = ()
        self.request_uri = ""
        self.instance: str | None = None
        self.dpop_jkt: str | None = None

    @property
    def form(self) -> dict[str, str]:
        """The form parameters."""
        return dict(self.payload.data)

    @property
    def args(self) -> dict[str, str]:
        """The query parameters."""
        return dict(self.payload.data)
