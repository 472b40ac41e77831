"""The OAuth 2.0 core: Authlib's server and grants behind a thin Starlette adapter."""

import re
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

from authlib.oauth2 import AuthorizationServer as AuthlibServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Request,
    UnsupportedResponseTypeError,
)
from authlib.oauth2.rfc6749.endpoint import Endpoint, EndpointRequest
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter
from joserfc.jwk import ECKey
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker
from starlette.responses import JSONResponse, Response

from reference_servers.authorization_server.credential_requests import (
    InvalidTargetError,
    Issuers,
    Wanted,
    grantable,
    narrowed,
    wanted,
)
from reference_servers.authorization_server.database import (
    AuthorizationCode,
    Base,
    Client,
    Person,
    PushedRequest,
)
from reference_servers.authorization_server.settings import Settings
from reference_servers.authorization_server.token_status import TokenStatus
from reference_servers.storage import digest, sweep

DESCRIBABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""What must not stand in an `error_description` (RFC 6749, section 5.2)."""
REQUEST_URI_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"

# Authlib has no types: what comes out of its base classes is `Any`.
# mypy: disable-error-code="misc, no-untyped-call"


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
        headers: Lower-case names.
        parameters: Form or query parameters.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    parameters: Mapping[str, str]


class Request(OAuth2Request):
    """A request as Authlib sees it."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.method, request.url, headers=request.headers)
        self.payload = BasicOAuth2Payload(dict(request.parameters))

    @property
    def form(self) -> dict[str, str]:
        """The form parameters."""
        return dict(self.payload.data)

    @property
    def args(self) -> dict[str, str]:
        """The query parameters."""
        return dict(self.payload.data)


class RedirectableResponse(Response):
    """A response whose `location` Authlib's extensions read and write."""

    @property
    def location(self) -> str | None:
        """The `Location` header."""
        return self.headers.get("location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["location"] = value


@dataclass(frozen=True)
class Grantee:
    """Who gets a token, and for what: Authlib's "user" of a token request."""

    person: Person
    code: AuthorizationCode

    def get_user_id(self) -> str:
        """The subject identifier."""
        return self.person.subject


class S256Only(CodeChallenge):
    """PKCE as RFC 9700 wants it: always, and only S256."""

    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:  # noqa: ANN401
        """Refuse a request without an S256 challenge."""
        parameters = grant.request.payload.data
        if parameters.get("code_challenge_method") != "S256" or not parameters.get(
            "code_challenge"
        ):
            raise InvalidRequestError("A code_challenge with method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant; codes live a minute, once."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["none"]

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: Client) -> str:  # noqa: ANN401
        """The redirect URI; Authlib's own words would repeat what the client sent."""
        redirect_uri = request.payload.redirect_uri
        if not redirect_uri or not client.check_redirect_uri(redirect_uri):
            raise InvalidRequestError("The redirect_uri is missing or not allowed.")
        return str(redirect_uri)

    def save_authorization_code(self, code: str, request: Any) -> None:  # noqa: ANN401
        """Keep a code with all it is bound to."""
        parameters = request.payload.data
        with self.server.sessions.begin() as db:
            db.add(
                AuthorizationCode(
                    code=digest(code),
                    client_id=request.client.client_id,
                    redirect_uri=parameters["redirect_uri"],
                    scope=" ".join(sorted({one.scope for one in request.asked if one.scope})),
                    authorization_details=grantable(request.asked),
                    by_details=any(one.detail for one in request.asked),
                    audience=request.asked[0].credential_issuer,
                    username=request.user.username,
                    code_challenge=parameters["code_challenge"],
                    code_challenge_method=parameters["code_challenge_method"],
                    expires_at=time.time() + self.server.settings.code_lifetime_s,
                )
            )

    def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
        """A code that can be redeemed. One that was used revokes what came of it."""
        with self.server.sessions() as db:
            found = db.get(AuthorizationCode, digest(code))
        if found is None or found.client_id != client.client_id:
            return None
        if found.used:
            self.server.token_status.revoke(found.code)
            return None
        return found if found.expires_at > time.time() else None

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Mark a code as used; of two at the same time one fails, and revokes the other's token."""
        unused = update(AuthorizationCode).where(
            AuthorizationCode.code == authorization_code.code, AuthorizationCode.used.is_(False)
        )
        with self.server.sessions.begin() as db:
            first = db.execute(unused.values(used=True)).rowcount == 1
        if not first:
            self.server.token_status.revoke(authorization_code.code)
            raise InvalidGrantError("Invalid 'code' in request.")

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Grantee | None:
        """The person who consented."""
        with self.server.sessions() as db:
            person = db.get(Person, authorization_code.username)
        return Grantee(person, authorization_code) if person else None

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """The token; with `authorization_details` where they were used (section 6.2)."""
        code, parameters = self.request.authorization_code, self.request.payload.data
        if parameters.get("resource", code.audience) != code.audience:
            raise InvalidTargetError("The code is for another resource.")
        if value := parameters.get("authorization_details"):
            code.authorization_details = narrowed(value, code.authorization_details, code.audience)
            code.by_details, code.scope = True, ""
        status, token, headers = super().create_token_response()
        if code.by_details:
            token["authorization_details"] = code.authorization_details
        if not token.get("scope"):
            token.pop("scope", None)
        return status, token, headers


class AccessTokens(JWTBearerTokenGenerator):
    """RFC 9068 access tokens for the credential issuer."""

    def __init__(self, settings: Settings, key: ECKey, status: TokenStatus) -> None:
        super().__init__(
            settings.public_url, alg="ES256", expires_generator=settings.token_lifetime_s
        )
        self._lifetime_s = settings.token_lifetime_s
        self._jwk = key.as_dict(private=True)
        self._status = status

    def get_jwks(self) -> dict[str, Any]:
        """The signing key."""
        return dict(self._jwk)

    def get_audiences(self, client: Client, user: Grantee, scope: str) -> str:  # noqa: ARG002
        """The credential issuer."""
        return user.code.audience

    def get_extra_claims(
        self,
        client: Client,  # noqa: ARG002
        grant_type: str,  # noqa: ARG002
        user: Grantee,
        scope: str,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Where its status is, and the details consented to."""
        status = self._status.add(user.code.code, time.time() + self._lifetime_s)
        details = user.code.authorization_details if user.code.by_details else None
        return {"status": status} | ({"authorization_details": details} if details else {})


class PushedAuthorizationRequests(Endpoint):
    """RFC 9126 as an Authlib endpoint: everything wrong is refused here, early."""

    ENDPOINT_NAME = "pushed_authorization_request"

    def validate_request(self, request: Any) -> EndpointRequest:  # noqa: ANN401
        """Authenticate the client and check the request as the authorization endpoint would."""
        client = self.server.authenticate_client(request, ["none"], self.ENDPOINT_NAME)
        if "request_uri" in request.payload.data:
            raise InvalidRequestError("request_uri has no place in a pushed request.")
        self.server.check_authorization_request(request)
        return EndpointRequest(request, client)

    def create_response(self, validated: EndpointRequest) -> tuple[int, dict[str, Any], Any]:
        """Keep the request and name it."""
        name = self.server.push(validated.request.payload.data, validated.client)
        lifetime = self.server.settings.request_uri_lifetime_s
        headers = [("Cache-Control", "no-store")]
        return 201, {"request_uri": name, "expires_in": lifetime}, headers


class Rfc9207(IssuerParameter):
    """`iss` in every authorization response."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        """This server."""
        return self._issuer


class AuthorizationServer(AuthlibServer):
    """Authlib's server on Starlette and SQLAlchemy."""

    def __init__(
        self,
        settings: Settings,
        sessions: sessionmaker[Session],
        issuers: Issuers,
        key: ECKey,
        token_status: TokenStatus,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.sessions = sessions
        self.issuers = issuers
        self.token_status = token_status
        self.register_token_generator("default", AccessTokens(settings, key, token_status))
        self.register_grant(CodeGrant, [S256Only(required=True)])
        self.register_endpoint(PushedAuthorizationRequests)
        Rfc9207(settings.public_url)(self)

    # What Authlib asks of a framework.

    def query_client(self, client_id: str) -> Client | None:
        """A registered client."""
        with self.sessions() as db:
            return db.get(Client, client_id)

    def save_token(self, token: dict[str, Any], request: Any) -> None:  # noqa: ANN401
        """Nothing to do: the token is a JWT, its `jti` was kept when it was made."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: HttpRequest | Request) -> Request:
        """Wrap a request."""
        return request if isinstance(request, Request) else Request(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:  # noqa: ANN401
        """Make a response; a redirect is always 303 (RFC 9700, section 4.12)."""
        named = dict(headers)
        if isinstance(body, dict):
            named.pop("Content-Type", None)
            if "error" in body:
                body = cleaned(body.items())
            return JSONResponse(body, status, {**named, "Cache-Control": "no-store"})
        return RedirectableResponse(body, 303 if status == 302 else status, named)

    def validate_requested_scope(self, scope: str | None) -> None:
        """Checked with the details, in `check_authorization_request`."""

    # What this server adds.

    def check_authorization_request(self, request: Request) -> Any:  # noqa: ANN401
        """Check everything that can be checked before anybody signs in; returns the grant.

        Raises:
            OAuth2Error: Never with a redirect: the caller decides where it is told.
        """
        try:
            if request.payload.response_type != "code":
                raise UnsupportedResponseTypeError("", "The response_type must be code.")
            grant = self.get_authorization_grant(request)
            grant.validate_consent_request()
            wanted(request.payload.data, self.issuers)
        except OAuth2Error as error:
            error.redirect_uri = None
            raise
        return grant

    def push(self, parameters: Mapping[str, str], client: Client) -> str:
        """Keep an authorization request and return its `request_uri`."""
        name = REQUEST_URI_PREFIX + secrets.token_urlsafe(24)
        with self.sessions.begin() as db:
            sweep(db, Base)
            db.add(
                PushedRequest(
                    request_uri=digest(name),
                    client_id=client.client_id,
                    parameters=dict(parameters),
                    expires_at=time.time() + self.settings.request_uri_lifetime_s,
                )
            )
        return name

    def pushed(self, request_uri: str, client_id: str) -> dict[str, str] | None:
        """The parameters of a pushed request that is still alive."""
        with self.sessions() as db:
            found = db.get(PushedRequest, digest(request_uri))
        if found is None or found.client_id != client_id or found.expires_at < time.time():
            return None
        return dict(found.parameters)

    def consume(self, request_uri: str) -> bool:
        """Use up a `request_uri`; False where somebody did so before."""
        with self.sessions.begin() as db:
            gone = db.query(PushedRequest).filter_by(request_uri=digest(request_uri)).delete()
        return gone == 1

    def decide(
        self, parameters: Mapping[str, str], person: Person | None, asked: Sequence[Wanted]
    ) -> Response:
        """The authorization response: a code for `person`, or `access_denied` for None."""
        request = Request(HttpRequest("POST", self.settings.public_url, {}, parameters))
        request.asked = asked
        grant = self.get_authorization_grant(request)
        response: Response = self.create_authorization_response(request, person, grant)
        return response
