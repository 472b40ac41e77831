"""The endpoints of the authorization server."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from fastapi import Depends, FastAPI
from joserfc.jwk import ECKey
from pydantic import BaseModel, model_validator
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from reference_servers import serving
from reference_servers.authorization_server.credential_requests import Issuers, wanted
from reference_servers.authorization_server.database import (
    Base,
    BrowserSession,
    Client,
    Person,
    PushedRequest,
    SigningKey,
)
from reference_servers.authorization_server.oauth import AuthorizationServer
from reference_servers.authorization_server.pages import (
    FOLDER,
    Pages,
    Sessions,
    csrf_holds,
    languages,
)
from reference_servers.authorization_server.passwords import Blocked, Doorkeeper, hashed
from reference_servers.authorization_server.pre_authorized_codes import PreAuthorizedCodes
from reference_servers.authorization_server.requests import HttpRequest, cleaned, parameters_of
from reference_servers.authorization_server.requests import Request as OAuthRequest
from reference_servers.authorization_server.settings import PRE_AUTHORIZED_CODE, Method, Settings
from reference_servers.authorization_server.token_status import TokenStatus
from reference_servers.configuration import seeds
from reference_servers.faults import Faults
from reference_servers.jwts import ALGORITHMS, JwtError, public_jwk
from reference_servers.storage import open_database, password, sweep

FORM = "application/x-www-form-urlencoded"
JWT = "application/jwt"
GONE = "This sign-in has expired or was finished already."
STALE = "This form is too old. Go back and try again."
LOG = logging.getLogger(__name__)
NO_STORE = {"Cache-Control": "no-store"}


def metadata_of(settings: Settings) -> dict[str, Any]:
    """RFC 8414, section 2; checked by Authlib's own reader of such documents."""
    url = settings.public_url
    methods: list[str] = [*settings.methods]
    document: dict[str, Any] = {
        "issuer": url,
        "token_endpoint": f"{url}/token",
        "jwks_uri": f"{url}/jwks",
        "grant_types_supported": settings.grant_types,
        "token_endpoint_auth_methods_supported": methods,
        "authorization_details_types_supported": ["openid_credential"],
        "dpop_signing_alg_values_supported": ALGORITHMS,
    }
    if "authorization_code" in settings.grant_types:
        document |= {
            "authorization_endpoint": f"{url}/authorize",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        if settings.offer_pushed_authorization_requests:
            required = settings.require_pushed_authorization_requests
            document |= {
                "pushed_authorization_request_endpoint": f"{url}/par",
                "require_pushed_authorization_requests": required,
            }
    if PRE_AUTHORIZED_CODE in settings.grant_types:
        document["pre-authorized_grant_anonymous_access_supported"] = settings.anonymous_access
    if "private_key_jwt" in methods:
        document["token_endpoint_auth_signing_alg_values_supported"] = ["ES256"]
    if "attest_jwt_client_auth" in methods:
        document |= {
            "client_attestation_signing_alg_values_supported": ALGORITHMS,
            "client_attestation_pop_signing_alg_values_supported": ALGORITHMS,
            "challenge_endpoint": f"{url}/challenge",
        }
    if "response_types_supported" in document:  # Authlib wants it; OpenID4VCI, section 12.3
        AuthorizationServerMetadata(document).validate()
    return document


async def read_form(request: Request) -> Mapping[str, str]:
    """The parameters of a form body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise InvalidRequestError(f"The body is not {FORM}.")
    return parameters_of(await request.body())


Form = Mapping[str, str]
FORM_BODY: Any = Depends(read_form)


async def read_jwt(request: Request) -> str:
    """A JWT as body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JWT:
        raise InvalidRequestError(f"The body is not {JWT}.")
    return (await request.body()).decode("ascii", "replace").strip()


JWT_BODY: Any = Depends(read_jwt)


class Endpoints:
    """Every endpoint. Those that use the database run on worker threads, off the event loop."""

    def __init__(
        self, settings: Settings, sessions: sessionmaker[Session], key: ECKey, faults: Faults
    ) -> None:
        self._settings = settings
        self._issuers = Issuers(settings.credential_issuers, settings.tls())
        self._status = TokenStatus(sessions, key, f"{settings.public_url}/token-status")
        secret = password(settings.data_dir)
        self._oauth = AuthorizationServer(
            settings, sessions, self._issuers, key, self._status, secret, faults
        )
        self._codes = PreAuthorizedCodes(settings, sessions, self._issuers, self._oauth.one_time)
        self._sessions = Sessions(settings, sessions)
        self._doorkeeper = Doorkeeper(sessions)
        self.pages = Pages(settings.public_url)
        self._metadata = faults.at("server metadata document", metadata_of(settings))
        public = {**key.as_dict(private=False), "alg": "ES256", "use": "sig"}
        self._jwks = {"keys": [public]}

    def _http(self, request: Request, parameters: Form) -> HttpRequest:
        url = self._settings.public_url
        return HttpRequest(request.method, url, request.headers, parameters)

    def refuse(self, request: Request, error: OAuth2Error) -> Response:
        """The answer to parameters that cannot be read."""
        if "text/html" in request.headers.get("accept", ""):
            return self.pages.refusal(error)
        response: Response = self._oauth.handle_response(*error())
        return response

    # For clients.

    def server_metadata(self) -> Response:
        """RFC 8414."""
        return JSONResponse(self._metadata)

    def jwks(self) -> Response:
        """RFC 7517: the public keys of the access tokens."""
        return JSONResponse(self._jwks)

    def token_status(self) -> Response:
        """The status of access tokens, for the credential issuer."""
        return Response(self._status.document(), 200, NO_STORE, "application/statuslist+jwt")

    def par(self, request: Request, form: Form = FORM_BODY) -> Response:
        """RFC 9126."""
        name = "pushed_authorization_request"
        response: Response = self._oauth.create_endpoint_response(name, self._http(request, form))
        return response

    def token(self, request: Request, form: Form = FORM_BODY) -> Response:
        """RFC 6749, section 3.2."""
        response: Response = self._oauth.create_token_response(self._http(request, form))
        return response

    def challenge(self) -> Response:
        """A challenge for client attestations (draft -07, section 8)."""
        return JSONResponse(
            {"attestation_challenge": self._oauth.challenges.fresh()}, 200, NO_STORE
        )

    def pre_authorized_code(self, token: str = JWT_BODY) -> Response:
        """A pre-authorized code, for a credential issuer."""
        return self._codes.make(token)

    # For people.

    def authorize(self, request: Request) -> Response:
        """RFC 6749, section 3.1: sign-in, then consent; reloading it is harmless."""
        try:
            parameters = parameters_of(request.scope["query_string"])
        except OAuth2Error as error:
            return self.pages.refusal(error)
        if "request_uri" not in parameters:
            return self._push_for_browser(request, parameters)
        return self._page(request, parameters)

    def _push_for_browser(self, request: Request, parameters: Form) -> Response:
        """Turn a request in the query into a pushed one, where that is allowed."""
        if self._settings.require_pushed_authorization_requests:
            return self.pages.error("This server takes pushed authorization requests only.")
        oauth = OAuthRequest(self._http(request, parameters))
        try:
            grant = self._oauth.check_authorization_request(oauth)
        except OAuth2Error as error:
            client = self._oauth.query_client(parameters.get("client_id", ""))
            target = parameters.get("redirect_uri", "")
            if client is None or not client.check_redirect_uri(target):
                return self.pages.refusal(error)
            answer = {**cleaned(error.get_body()), "iss": self._settings.public_url}
            if state := parameters.get("state"):
                answer["state"] = state
            joint = "&" if urlsplit(target).query else "?"
            return RedirectResponse(f"{target}{joint}{urlencode(answer)}", 303)
        name = self._oauth.push(grant.request)
        query = urlencode({"client_id": parameters["client_id"], "request_uri": name})
        return RedirectResponse(f"{self._settings.public_url}/authorize?{query}", 303)

    def _page(
        self, request: Request, fields: Form, message: str = "", status: int = 200
    ) -> Response:
        """Sign-in or consent, whichever comes next."""
        query = {name: fields.get(name, "") for name in ("client_id", "request_uri")}
        pushed = self._oauth.pushed(query["request_uri"], query["client_id"])
        client = self._oauth.query_client(query["client_id"])
        if pushed is None or client is None:
            return self.pages.error(GONE)
        if self._settings.test_person:
            return self._approved(pushed)
        session = self._sessions.current(request)
        person = self._sessions.person(session)
        if session is None or person is None:
            holder = Response()
            session = session or self._sessions.start(holder)
            username = fields.get("username", "")
            page: Response = self.pages.login(session, query, username, message, status)
            page.headers.raw.extend(h for h in holder.headers.raw if h[0] == b"set-cookie")
            return page
        return self._consent_page(request, session, person, client, pushed.parameters, query)

    def _approved(self, pushed: PushedRequest) -> Response:
        """Test mode: a code for the person of the settings; the request stays."""
        person = self._sessions.named(self._settings.test_person)
        try:
            asked = wanted(pushed.parameters, self._issuers, self._oauth.leniency)
        except OAuth2Error as error:
            return self.pages.refusal(error)
        return self._oauth.decide(pushed, person, asked)

    def _consent_page(
        self,
        request: Request,
        session: BrowserSession,
        person: Person,
        client: Client,
        parameters: Mapping[str, str],
        query: Mapping[str, str],
    ) -> Response:
        try:
            asked = wanted(parameters, self._issuers, self._oauth.leniency)
            [issuer] = self._issuers.metadata(asked[0].credential_issuer).values()
        except OAuth2Error as error:
            return self.pages.refusal(error)
        return self.pages.consent(
            session,
            person,
            client.name,
            parameters["redirect_uri"],
            asked,
            issuer,
            query,
            languages(request),
        )

    def login(self, request: Request, fields: Form = FORM_BODY) -> Response:
        """The sign-in form."""
        session = self._sessions.current(request)
        if session is None or not csrf_holds(session, fields):
            return self.pages.error(STALE, 403)
        address = request.client.host if request.client else ""
        username = fields.get("username", "")[:100]
        try:
            person = self._doorkeeper.signed_in(
                username, fields.get("password", "")[:1000], address
            )
        except Blocked as blocked:
            wait = blocked.retry_after_s
            page = self._page(request, fields, f"Too many tries. Wait {wait} seconds.", 429)
            page.headers["Retry-After"] = str(wait)
            return page
        if person is None:
            return self._page(request, fields, "User name or password is wrong.", 401)
        self._sessions.end(session)
        response = self._back(fields)
        self._sessions.start(response, person.username)
        return response

    def logout(self, request: Request, fields: Form = FORM_BODY) -> Response:
        """Ends the session and shows the sign-in again."""
        session = self._sessions.current(request)
        if session is None or not csrf_holds(session, fields):
            return self.pages.error(STALE, 403)
        self._sessions.end(session)
        return self._back(fields)

    def _back(self, fields: Mapping[str, str]) -> Response:
        query = {name: fields.get(name, "") for name in ("client_id", "request_uri")}
        return RedirectResponse(f"{self._settings.public_url}/authorize?{urlencode(query)}", 303)

    def consent(self, request: Request, fields: Form = FORM_BODY) -> Response:
        """The consent form; its answer goes back to the wallet."""
        session = self._sessions.current(request)
        person = self._sessions.person(session)
        if person is None or not csrf_holds(session, fields):
            return self.pages.error(STALE, 403)
        pushed = self._oauth.pushed(fields.get("request_uri", ""), fields.get("client_id", ""))
        if pushed is None:
            return self.pages.error(GONE)
        granted = fields.get("decision") == "allow"
        try:
            asked = (
                wanted(pushed.parameters, self._issuers, self._oauth.leniency) if granted else ()
            )
        except OAuth2Error as error:
            return self.pages.refusal(error)
        if not self._oauth.consume(pushed):
            return self.pages.error(GONE)
        return self._oauth.decide(pushed, person if granted else None, asked)


class ClientSeed(BaseModel):
    """An element of the file of clients."""

    client_id: str
    name: str
    redirect_uris: list[str] = []
    native: bool = False
    methods: list[Method] = ["none"]
    jwks: dict[str, list[dict[str, Any]]] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "ClientSeed":
        try:
            curves = {public_jwk(key)["crv"] for key in self.jwks.get("keys", ())}
        except JwtError as error:
            raise ValueError(str(error)) from None
        if curves - {"P-256"} or ("private_key_jwt" in self.methods) > bool(curves):
            message = "private_key_jwt needs jwks with keys on P-256"
            raise ValueError(message)
        return self


WALLET = ClientSeed(
    client_id="oid4vci-wallet",
    name="OID4VCI Wallet",
    native=True,
    methods=["attest_jwt_client_auth", "none"],
)
"""The wallet beside these servers. Where a server wants attestations, it has one."""


class PersonSeed(BaseModel):
    """An element of the file of people."""

    username: str
    password: str
    name: str
    subject: str


def prepare(settings: Settings) -> tuple[sessionmaker[Session], ECKey]:
    """Open the database; make the signing key, the wallet's registration and new people."""
    sessions = open_database(settings.database, Base)
    secret = password(settings.data_dir)
    with sessions.begin() as db:
        sweep(db, Base)
        stored = db.query(SigningKey).first()
        if stored is None:
            new = ECKey.generate_key("P-256", auto_kid=True)
            pem = new.as_pem(private=True, password=secret.decode()).decode()
            stored = SigningKey(kid=new.kid, pem=pem)
            db.add(stored)
        key = ECKey.import_key(stored.pem, {"kid": stored.kid}, password=secret)
        for one in (WALLET, *seeds(settings.clients_file, ClientSeed)):
            db.merge(Client(**one.model_dump()))
        for person in seeds(settings.people_file, PersonSeed):
            if db.get(Person, person.username) is None:
                db.add(
                    Person(
                        username=person.username,
                        subject=person.subject,
                        name=person.name,
                        password=hashed(person.password),
                    )
                )
        if settings.test_person and db.get(Person, settings.test_person) is None:
            message = "test_person: there is no such user"
            raise ValueError(message)
    return sessions, key


def application(settings: Settings) -> FastAPI:
    """The application, its state ready."""
    if settings.test_person:
        LOG.warning(
            "TEST MODE: every authorization request is approved at once, as %s, and nobody is "
            "asked. Not for real people.",
            settings.test_person,
        )
    faults = Faults(settings.fault)
    endpoints = Endpoints(settings, *prepare(settings), faults)
    par = [("POST", "/par", endpoints.par)]
    app = serving.application(
        settings.path,
        ("oauth-authorization-server", endpoints.server_metadata),
        (
            ("GET", "/jwks", endpoints.jwks),
            ("GET", "/token-status", endpoints.token_status),
            ("POST", "/challenge", endpoints.challenge),
            ("POST", "/pre-authorized-codes", endpoints.pre_authorized_code),
            *(par if settings.offer_pushed_authorization_requests else ()),
            ("POST", "/token", endpoints.token),
            ("GET", "/authorize", endpoints.authorize),
            ("POST", "/login", endpoints.login),
            ("POST", "/logout", endpoints.logout),
            ("POST", "/consent", endpoints.consent),
        ),
        endpoints.pages.error,
        faults,
    )
    app.mount(f"{settings.path}/static", StaticFiles(directory=FOLDER / "static"))
    app.add_exception_handler(OAuth2Error, endpoints.refuse)
    return app
