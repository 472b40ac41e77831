"""The endpoints of the authorization server."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from fastapi import APIRouter, Depends, FastAPI
from joserfc.jwk import ECKey
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from reference_servers.authorization_server.credential_requests import Issuers, wanted
from reference_servers.authorization_server.database import (
    BrowserSession,
    Client,
    Person,
    SigningKey,
    open_database,
)
from reference_servers.authorization_server.oauth import (
    AuthorizationServer,
    HttpRequest,
)
from reference_servers.authorization_server.oauth import (
    Request as OAuthRequest,
)
from reference_servers.authorization_server.pages import (
    FOLDER,
    Sessions,
    consent_page,
    csrf_holds,
    error_page,
    languages,
    login_page,
)
from reference_servers.authorization_server.passwords import Blocked, Doorkeeper, hashed
from reference_servers.authorization_server.settings import Settings

FORM = "application/x-www-form-urlencoded"
GONE = "This sign-in has expired or was finished already."


def metadata_of(settings: Settings) -> dict[str, Any]:
    """RFC 8414, section 2; checked by Authlib's own reader of such documents."""
    url = settings.public_url
    document: dict[str, Any] = {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "pushed_authorization_request_endpoint": f"{url}/par",
        "require_pushed_authorization_requests": settings.require_pushed_authorization_requests,
        "jwks_uri": f"{url}/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_details_types_supported": ["openid_credential"],
        "authorization_response_iss_parameter_supported": True,
    }
    AuthorizationServerMetadata(document).validate()
    return document


async def read_form(request: Request) -> tuple[tuple[str, str], ...]:
    """The parameters of a form body; empty for another content type or an unreadable one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return ()
    try:
        body = (await request.body()).decode("ascii")
        return tuple(parse_qsl(body, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return ()


Form = tuple[tuple[str, str], ...]
FORM_BODY: Any = Depends(read_form)


class Endpoints:
    """Every endpoint. Those that use the database run on worker threads, off the event loop."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session]) -> None:
        self._settings = settings
        self._database = sessions
        self._issuers = Issuers(settings.credential_issuers)
        self._oauth = AuthorizationServer(settings, sessions, self._issuers)
        self._sessions = Sessions(settings, sessions)
        self._doorkeeper = Doorkeeper(sessions)
        self._metadata = metadata_of(settings)

    def _http(self, request: Request, parameters: Form) -> HttpRequest:
        url = f"{self._settings.public_url}{request.url.path}"
        return HttpRequest(request.method, url, dict(request.headers), parameters)

    # For clients.

    def metadata(self) -> Response:
        """RFC 8414."""
        return JSONResponse(self._metadata)

    def jwks(self) -> Response:
        """RFC 7517: the public keys of the access tokens."""
        with self._database() as db:
            keys = [ECKey.import_key(dict(one.jwk)) for one in db.query(SigningKey)]
        return JSONResponse(
            {"keys": [{**key.as_dict(private=False), "alg": "ES256"} for key in keys]}
        )

    def par(self, request: Request, form: Form = FORM_BODY) -> Response:
        """RFC 9126."""
        name = "pushed_authorization_request"
        response: Response = self._oauth.create_endpoint_response(name, self._http(request, form))
        return response

    def token(self, request: Request, form: Form = FORM_BODY) -> Response:
        """RFC 6749, section 3.2."""
        response: Response = self._oauth.create_token_response(self._http(request, form))
        return response

    # For people.

    def authorize(self, request: Request) -> Response:
        """RFC 6749, section 3.1: sign-in, then consent; reloading it is harmless."""
        parameters = tuple(request.query_params.multi_items())
        query = dict(parameters)
        if "request_uri" not in query:
            return self._push_for_browser(request, parameters)
        return self._page(request, query)

    def _push_for_browser(self, request: Request, parameters: Form) -> Response:
        """Turn a request in the query into a pushed one, where that is allowed."""
        if self._settings.require_pushed_authorization_requests:
            return error_page("This server takes pushed authorization requests only.")
        oauth = OAuthRequest(self._http(request, parameters))
        try:
            grant = self._oauth.check_authorization_request(oauth)
        except OAuth2Error as error:
            client = self._oauth.query_client(oauth.payload.client_id or "")
            target = oauth.payload.redirect_uri
            if client is None or not target or not client.check_redirect_uri(target):
                return error_page(error.description or error.error)
            answer = {**dict(error.get_body()), "iss": self._settings.public_url}
            if oauth.payload.state:
                answer["state"] = oauth.payload.state
            joint = "&" if urlsplit(target).query else "?"
            return RedirectResponse(f"{target}{joint}{urlencode(answer)}", 303)
        client = grant.request.client
        name = self._oauth.push(dict(parameters), client)
        query = urlencode({"client_id": client.client_id, "request_uri": name})
        return RedirectResponse(f"{self._settings.public_url}/authorize?{query}", 303)

    def _page(
        self, request: Request, query: Mapping[str, str], message: str = "", status: int = 200
    ) -> Response:
        """Sign-in or consent, whichever comes next."""
        query = {name: query.get(name, "") for name in ("client_id", "request_uri")}
        parameters = self._oauth.pushed(query["request_uri"], query["client_id"])
        client = self._oauth.query_client(query["client_id"])
        if parameters is None or client is None:
            return error_page(GONE)
        session = self._sessions.current(request)
        person = self._sessions.person(session)
        if session is None or person is None:
            holder = Response()
            session = session or self._sessions.start(holder)
            page: Response = login_page(session, query, message, status)
            page.headers.raw.extend(h for h in holder.headers.raw if h[0] == b"set-cookie")
            return page
        return self._consent_page(request, session, person, client, parameters, query)

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
            asked = wanted(parameters, self._issuers)
            issuer = self._issuers.metadata()[asked[0].credential_issuer]
        except OAuth2Error as error:
            return error_page(error.description or error.error, 503)
        return consent_page(
            session,
            person,
            client.name,
            parameters["redirect_uri"],
            asked,
            issuer,
            query,
            languages(request),
        )

    def login(self, request: Request, form: Form = FORM_BODY) -> Response:
        """The sign-in form."""
        fields = dict(form)
        session = self._sessions.current(request)
        if session is None or not csrf_holds(session, fields):
            return error_page("This form is too old. Go back and try again.", 403)
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

    def logout(self, request: Request, form: Form = FORM_BODY) -> Response:
        """Ends the session and shows the sign-in again."""
        fields = dict(form)
        session = self._sessions.current(request)
        if session is None or not csrf_holds(session, fields):
            return error_page("This form is too old. Go back and try again.", 403)
        self._sessions.end(session)
        return self._back(fields)

    def _back(self, fields: Mapping[str, str]) -> Response:
        query = {name: fields.get(name, "") for name in ("client_id", "request_uri")}
        return RedirectResponse(f"{self._settings.public_url}/authorize?{urlencode(query)}", 303)

    def consent(self, request: Request, form: Form = FORM_BODY) -> Response:
        """The consent form; its answer goes back to the wallet."""
        fields = dict(form)
        session = self._sessions.current(request)
        person = self._sessions.person(session)
        if person is None or not csrf_holds(session, fields):
            return error_page("This form is too old. Go back and try again.", 403)
        request_uri = fields.get("request_uri", "")
        parameters = self._oauth.pushed(request_uri, fields.get("client_id", ""))
        if parameters is None or not self._oauth.consume(request_uri):
            return error_page(GONE)
        granted = fields.get("decision") == "allow"
        return self._oauth.decide(parameters, person if granted else None)


def style() -> Response:
    """The pages' style sheet."""
    return FileResponse(FOLDER / "static" / "style.css", media_type="text/css")


def prepare(settings: Settings) -> sessionmaker[Session]:
    """Open the database; make the signing key, the wallet's registration and new people."""
    if settings.database.startswith("sqlite:"):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    sessions = open_database(settings.database)
    with sessions.begin() as db:
        if db.query(SigningKey).first() is None:
            key = ECKey.generate_key("P-256", auto_kid=True)
            db.add(SigningKey(kid=key.kid, jwk=key.as_dict(private=True)))
        if db.get(Client, "oid4vci-wallet") is None:
            db.add(
                Client(
                    client_id="oid4vci-wallet",
                    name="OID4VCI Wallet",
                    redirect_uris=[],
                    native=True,
                )
            )
        people = json.loads(settings.people_file.read_bytes()) if settings.people_file else []
        for one in people:
            if db.get(Person, one["username"]) is None:
                db.add(
                    Person(
                        username=one["username"],
                        subject=one["subject"],
                        name=one["name"],
                        password=hashed(one["password"]),
                    )
                )
    return sessions


def application(settings: Settings) -> FastAPI:
    """The application, its state ready."""
    endpoints = Endpoints(settings, prepare(settings))
    path = urlsplit(settings.public_url).path.rstrip("/")
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route(
        f"/.well-known/oauth-authorization-server{path}", endpoints.metadata, methods=["GET"]
    )
    routes = APIRouter(prefix=path)
    for name, endpoint, method in (
        ("/jwks", endpoints.jwks, "GET"),
        ("/par", endpoints.par, "POST"),
        ("/token", endpoints.token, "POST"),
        ("/authorize", endpoints.authorize, "GET"),
        ("/login", endpoints.login, "POST"),
        ("/logout", endpoints.logout, "POST"),
        ("/consent", endpoints.consent, "POST"),
        ("/style.css", style, "GET"),
    ):
        routes.add_api_route(name, endpoint, methods=[method], response_model=None)
    app.include_router(routes)
    return app
