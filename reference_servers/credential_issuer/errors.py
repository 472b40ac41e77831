"""Error responses of the credential endpoint (OpenID4VCI 1.0, section 8.3.1)."""

from starlette.responses import JSONResponse, Response

NO_STORE = {"Cache-Control": "no-store"}


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
    """A bad access token (RFC 6750, section 3.1): 401, or 403 for `insufficient_scope`.

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
        status = 403 if self.error == "insufficient_scope" else 401
        return Response(status_code=status, headers={"WWW-Authenticate": challenge, **NO_STORE})
