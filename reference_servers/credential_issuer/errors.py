"""Error responses of the credential endpoint (OpenID4VCI 1.0, section 8.3.1)."""

from typing import Final

from starlette.responses import JSONResponse, Response

NO_STORE: Final = {"Cache-Control": "no-store"}


class CredentialRequestError(Exception):
    """A payload error: HTTP 400 with one of the codes of section 8.3.1.2.

    Attributes:
        error: The code.
        description: ASCII without quotation marks and backslashes.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description

    def response(self) -> Response:
        """The error response."""
        body = {"error": self.error, "error_description": self.description}
        return JSONResponse(body, 400, NO_STORE)


class AccessTokenError(Exception):
    """A bad access token: 401, 403 or 400, with a challenge (RFC 6750, section 3.1).

    An empty `error` means that there was no token at all.
    """

    def __init__(self, error: str = "", description: str = "") -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description

    def response(self) -> Response:
        """The error response, with its challenge."""
        challenge = "Bearer"
        if self.error:
            challenge += f' error="{self.error}", error_description="{self.description}"'
        status = {"insufficient_scope": 403, "invalid_request": 400}.get(self.error, 401)
        return Response(status_code=status, headers={"WWW-Authenticate": challenge, **NO_STORE})


class UnavailableError(Exception):
    """The authorization server cannot be asked: the access token may be good or bad."""

    def response(self) -> Response:
        """The error response (RFC 9110, section 15.6.4)."""
        return Response(status_code=503, headers={"Retry-After": "5", **NO_STORE})
