"""The OAuth 2.0 core: Authlib's server and grants behind a thin Starlette adapter."""

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from authlib.oauth2 import AuthorizationServer as AuthlibServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidRequestError,
    UnsupportedResponseTypeError,
)
from authlib.oauth2.rfc6749.endpoint import Endpoint, EndpointRequest
from authlib.oauth2.rfc9207 import IssuerParameter
from joserfc.jwk import ECKey
from sqlalchemy.orm import Session, sessionmaker
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from reference_servers.authorization_server.client_authentication import (
    CHALLENGE_HEADER,
    Challenges,
    ClientAttestation,
    OneTime,
    PrivateKeyJwt,
)
from reference_servers.authorization_server.credential_requests import (
    InvalidTargetError,
    Issuers,
    Wanted,
    wanted,
)
from reference_servers.authorization_server.database import (
    Authorization,
    Base,
    Client,
    Person,
    PushedRequest,
    RefreshToken,
    SeenJwt,
)
from reference_servers.authorization_server.grants import (
    CodeGrant,
    LastingRefreshTokenGrant,
    PreAuthorizedCodeGrant,
    RefreshTokenGrant,
    S256Only,
)
from reference_servers.authorization_server.leniency import Leniency
from reference_servers.authorization_server.requests import HttpRequest, Request, cleaned
from reference_servers.authorization_server.settings import Settings
from reference_servers.authorization_server.token_status import TokenStatus
from reference_servers.authorization_server.tokens import AccessTokens
from reference_servers.dpop import Dpop, DpopError
from reference_servers.faults import Faults
from reference_servers.storage import digest, sweep

REQUEST_URI_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
THUMBPRINT: Final = re.compile(r"[\w-]{43}", re.ASCII)

# Authlib has no types: what comes out of its base classes is `Any`.
# mypy: disable-error-code="misc, no-untyped-call"


class RedirectableResponse(Response):
    """A response whose `location` Authlib's extensions read and write."""

    @property
    def location(self) -> str | None:
        """The `Location` header."""
        return self.headers.get("location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["location"] = value


class DpopProofError(OAuth2Error):
    """RFC 9449, sections 5 and 8: `invalid_dpop_proof` or `use_dpop_nonce`, with a nonce."""

    def __init__(self, error: str, description: str, nonce: str) -> None:
        super().__init__(description, error=error)
        self._nonce = nonce

    def get_headers(self) -> list[tuple[str, str]]:
        """With the nonce to use."""
        return [*super().get_headers(), ("DPoP-Nonce", self._nonce)]


class PushedAuthorizationRequests(Endpoint):
    """RFC 9126 as an Authlib endpoint: everything wrong is refused here, early."""

    ENDPOINT_NAME = "pushed_authorization_request"

    def validate_request(self, request: Any) -> EndpointRequest:  # noqa: ANN401
        """Authenticate the client and check the request as the authorization endpoint would."""
        server = self.server
        client = server.authenticate_client(request, server.settings.methods, self.ENDPOINT_NAME)
        parameters = request.payload.data
        if "request_uri" in parameters:
            raise InvalidRequestError("request_uri has no place in a pushed request.")
        server.check_authorization_request(request)
        jkt = request.dpop_jkt = server.dpop_jkt(request, "par")
        if jkt is not None and parameters.setdefault("dpop_jkt", jkt) != jkt:
            raise server.dpop_error("dpop_jkt is of another key than the proof.")
        return EndpointRequest(request, client)

    def create_response(self, validated: EndpointRequest) -> tuple[int, dict[str, Any], Any]:
        """Keep the request and name it."""
        request: Request = validated.request
        name = self.server.push(request)
        lifetime = self.server.settings.request_uri_lifetime_s
        body = {"request_uri": name, "expires_in": lifetime}
        body = self.server.faults.at("par document", body)
        return 201, body, [("Cache-Control", "no-store"), *self.server.fresh(request)]


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
        secret: bytes,
        faults: Faults,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.faults = faults
        self.sessions = sessions
        self.issuers = issuers
        self.token_status = token_status
        self.leniency = Leniency(lenient=settings.profile == "lenient")
        self.challenges = Challenges(secret)
        self.one_time = OneTime(sessions)
        self._dpop = Dpop(sessions, SeenJwt, secret, nonce_required=settings.dpop_nonces)
        self.register_token_generator("default", AccessTokens(settings, key, token_status))
        self.register_client_auth_method(
            "private_key_jwt", PrivateKeyJwt(settings.public_url, self.one_time, self.leniency)
        )
        if settings.client_attestation_anchors_file is not None:
            self.register_client_auth_method(
                "attest_jwt_client_auth",
                ClientAttestation(
                    settings.public_url,
                    settings.client_attestation_anchors_file,
                    self.challenges,
                    self.one_time,
                    self.leniency,
                ),
            )
        for grant, extensions in (
            (CodeGrant, [S256Only(required=True)]),
            (PreAuthorizedCodeGrant, []),
            (RefreshTokenGrant if settings.rotate_refresh_tokens else LastingRefreshTokenGrant, []),
        ):
            if grant.GRANT_TYPE in settings.grant_types:
                self.register_grant(grant, extensions)
        self.register_endpoint(PushedAuthorizationRequests)
        Rfc9207(settings.public_url)(self)

    # What Authlib asks of a framework.

    def query_client(self, client_id: str) -> Client | None:
        """A registered client; its name is of visible characters (RFC 6749, appendix A.1)."""
        if not (client_id.isascii() and client_id.isprintable()):
            return None
        with self.sessions() as db:
            return db.get(Client, client_id)

    def authenticate_client(
        self, request: Request, methods: Sequence[str], endpoint: str = "token"
    ) -> Client:
        """The client of a request; what it says of itself elsewhere must be the same."""
        client: Client = super().authenticate_client(request, methods, endpoint)
        if request.payload.client_id not in (None, client.client_id):
            raise InvalidClientError("The client_id is not of the client that authenticates.")
        return client

    def save_token(self, token: dict[str, Any], request: Request) -> None:
        """Keep the refresh token, and what the first use of an authorization binds it to."""
        now, authorization_id = time.time(), request.user.authorization.id
        with self.sessions.begin() as db:
            authorization = db.get_one(Authorization, authorization_id)
            authorization.client_id = request.client.client_id
            authorization.instance = authorization.instance or request.instance
            authorization.dpop_jkt = authorization.dpop_jkt or request.dpop_jkt
            if value := token.get("refresh_token"):
                expires_at = now + self.settings.refresh_token_lifetime_s
                db.add(
                    RefreshToken(
                        token=digest(value), authorization=authorization, expires_at=expires_at
                    )
                )
                authorization.expires_at = self.settings.kept_until(now)

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
            wanted(request.payload.data, self.issuers, self.leniency)
            jkt = request.payload.data.get("dpop_jkt")
            if jkt is not None and not THUMBPRINT.fullmatch(jkt):
                raise InvalidRequestError("dpop_jkt is no thumbprint.")
        except OAuth2Error as error:
            error.redirect_uri = None
            raise
        return grant

    def presents_client(self, request: Request) -> bool:
        """Whether a request says whose it is, in any way."""
        named = {"client_id", "client_assertion"} & set(request.payload.data)
        return bool(named) or "oauth-client-attestation" in request.headers

    def check_resource(self, parameters: Mapping[str, str], audience: str) -> None:
        """The resource of a token request (RFC 8707, section 2.2).

        Raises:
            InvalidTargetError: It is another one than was consented to.
        """
        resource = parameters.get("resource", audience)
        if resource == audience:
            return
        if resource in self.issuers.identifiers or not self.leniency.forgives("unknown_resource"):
            raise InvalidTargetError("That was given for another resource.")

    def dpop_jkt(self, request: Request, endpoint: str) -> str | None:
        """The thumbprint of the key of a request's DPoP proof; None where it has none.

        Raises:
            DpopProofError: The proof is wrong, or needs a nonce.
        """
        proofs = request.headers.getlist("dpop")
        if not proofs:
            return None
        url = f"{self.settings.public_url}/{endpoint}"
        try:
            return self._dpop.thumbprint(proofs, method="POST", url=url)
        except DpopError as error:
            raise DpopProofError(error.error, error.description, self._dpop.nonce()) from None

    def dpop_error(self, description: str) -> DpopProofError:
        """`invalid_dpop_proof`, for what is wrong beyond the proof itself."""
        return DpopProofError("invalid_dpop_proof", description, self._dpop.nonce())

    def fresh(self, request: Request) -> list[tuple[str, str]]:
        """Headers with the next nonce and challenge, for those who use them."""
        nonce = [("DPoP-Nonce", self._dpop.nonce())] if request.dpop_jkt else []
        challenge = [(CHALLENGE_HEADER, self.challenges.fresh())] if request.instance else []
        return nonce + challenge

    def push(self, request: Request) -> str:
        """Keep an authorization request, but no client assertion; returns its `request_uri`."""
        request_uri = REQUEST_URI_PREFIX + secrets.token_urlsafe(24)
        parameters = {
            name: value
            for name, value in request.payload.data.items()
            if not name.startswith("client_assertion")
        }
        with self.sessions.begin() as db:
            sweep(db, Base)
            db.add(
                PushedRequest(
                    request_uri=digest(request_uri),
                    client_id=request.client.client_id,
                    parameters=parameters,
                    instance=request.instance,
                    expires_at=time.time() + self.settings.request_uri_lifetime_s,
                )
            )
        return request_uri

    def pushed(self, request_uri: str, client_id: str) -> PushedRequest | None:
        """A pushed request that is still alive."""
        with self.sessions() as db:
            found = db.get(PushedRequest, digest(request_uri))
        if found is None or found.client_id != client_id or found.expires_at < time.time():
            return None
        return found

    def consume(self, pushed: PushedRequest) -> bool:
        """Use up a request; False where somebody did so before."""
        with self.sessions.begin() as db:
            same = db.query(PushedRequest).filter_by(request_uri=pushed.request_uri)
            return same.delete() == 1

    def decide(
        self, pushed: PushedRequest, person: Person | None, asked: Sequence[Wanted]
    ) -> Response:
        """The authorization response: a code for `person`, or `access_denied` for None."""
        request = Request(
            HttpRequest("POST", self.settings.public_url, Headers(), pushed.parameters)
        )
        request.asked, request.instance = asked, pushed.instance
        request.request_uri = pushed.request_uri
        grant = self.get_authorization_grant(request)
        response: RedirectableResponse = self.create_authorization_response(request, person, grant)
        response.location = self.faults.at("authorization response", response.location or "")
        return response
