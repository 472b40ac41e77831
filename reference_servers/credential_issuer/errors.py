"""Error responses of the protected endpoints (OpenID4VCI 1.0, sections 8.3.1, 9.3 and 11.3)."""

from typing import Final

from starlette.responses import JSONResponse, Response

from reference_servers.jwts import ALGORITHMS

NO_STORE: Final = {"Cache-Control": "no-store"}


class CredentialRequestError(Exception):
    """A payload error: HTTP 400 with one of the codes of section 8.3.1.2, 9.3 or 11.3.

    Attributes:
        error: The code.
        description: ASCII without quotation marks and backslashes.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description

    def response(self) -> Response:
        """The error response; it is never encrypted."""
        body = {"error": self.error, "error_description": self.description}
        return JSONResponse(body, 400, NO_STORE)


class AccessTokenError(Exception):
    """A bad access token: 401, 403 or 400, with a challenge (RFC 6750, 3.1; RFC 9449, 7.1).

    An empty `error` means that there was no token at all.

    Attributes:
        error: The code.
        description: ASCII without quotation marks and backslashes.
        schemes: The authentication schemes that would have been taken.
    """

    def __init__(self, error: str = "", description: str = "", *schemes: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description
        self.schemes = schemes or ("Bearer",)

    def response(self) -> Response:
        """The error response, with a challenge for each scheme."""
        status = {"insufficient_scope": 403, "invalid_request": 400}.get(self.error, 401)
        response = Response(status_code=status, headers=NO_STORE)
        for scheme in self.schemes:
            parameters = []
            if self.error:
                parameters.append(f'error="{self.error}"')
                parameters.append(f'error_description="{self.description}"')
            if scheme == "DPoP":
                parameters.append(f'algs="{" ".join(ALGORITHMS)}"')
            challenge = f"{scheme} {', '.join(parameters)}".strip()
            response.headers.append("WWW-Authenticate", challenge)
        return response


class UnavailableError(Exception):
    """The authorization server cannot be asked: the access token may be good or bad."""

    def response(self) -> Response:
        """The error response (RFC 9110, section 15.6.4)."""
        return Response(status_code=503, headers={"Retry-After": "5", **NO_STORE})
