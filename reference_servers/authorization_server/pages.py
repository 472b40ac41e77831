"""The pages people see: sign-in, consent, errors. Every form carries a token of its session."""

import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from reference_servers.authorization_server.credential_requests import Wanted
from reference_servers.authorization_server.database import BrowserSession, Person
from reference_servers.authorization_server.settings import Settings
from reference_servers.storage import digest

FOLDER: Final = Path(__file__).parent
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined
)


class Sessions:
    """Browser sessions: a random id in a cookie, its hash and the rest in the database."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._lifetime_s = settings.session_lifetime_s
        self._secure = settings.public_url.startswith("https://")
        self._cookie = "__Host-session" if self._secure else "session"

    def current(self, request: Request) -> BrowserSession | None:
        """The live session of a request."""
        value = request.cookies.get(self._cookie, "")
        with self._sessions() as db:
            found = db.get(BrowserSession, digest(value))
        return found if found and found.expires_at > time.time() else None

    def start(self, response: Response, username: str | None = None) -> BrowserSession:
        """Begin a session with a fresh id; a sign-in never keeps the id it came with."""
        value = secrets.token_urlsafe(32)
        session = BrowserSession(
            id=digest(value),
            username=username,
            csrf=secrets.token_urlsafe(32),
            expires_at=time.time() + self._lifetime_s,
        )
        with self._sessions.begin() as db:
            db.add(session)
        response.set_cookie(
            self._cookie,
            value,
            max_age=self._lifetime_s,
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )
        return session

    def end(self, session: BrowserSession) -> None:
        """Forget a session."""
        with self._sessions.begin() as db:
            db.query(BrowserSession).filter_by(id=session.id).delete()

    def person(self, session: BrowserSession | None) -> Person | None:
        """Who is signed in."""
        return self.named(session.username) if session and session.username else None

    def named(self, username: str) -> Person | None:
        """Somebody who can sign in."""
        with self._sessions() as db:
            return db.get(Person, username)


def csrf_holds(session: BrowserSession | None, form: Mapping[str, str]) -> bool:
    """Whether a form was made for this session."""
    given = form.get("csrf", "").encode()
    return session is not None and hmac.compare_digest(session.csrf.encode(), given)


def languages(request: Request) -> list[str]:
    """The languages of `Accept-Language`, in the order they stand."""
    header = request.headers.get("accept-language", "")
    return [part.partition(";")[0].strip() for part in header.split(",") if part.strip()]


def in_language(
    entries: Sequence[Mapping[str, Any]] | None, wished: Sequence[str]
) -> Mapping[str, Any]:
    """The `display` entry of the first language there is, otherwise the first entry."""
    entries = entries or [{}]
    for tag in wished:
        for entry in entries:
            locale = str(entry.get("locale", "")).lower()
            if locale and locale.partition("-")[0] == tag.lower().partition("-")[0]:
                return entry
    return entries[0]


def source(url: str) -> str:
    """What stands for a URL's origin in a Content Security Policy."""
    parts = urlsplit(url)
    if "[" in parts.netloc:  # there is no notation for an IPv6 address
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


class Pages:
    """Renders the pages of the server at `base`."""

    def __init__(self, base: str) -> None:
        self._base = base

    def _render(
        self,
        template: str,
        status: int = 200,
        *,
        form_target: str = "",
        image_source: str = "",
        **values: object,
    ) -> HTMLResponse:
        """A page.

        Args:
            template: File name.
            status: HTTP status.
            form_target: Where a form may end at; browsers count the redirect after it as well.
            image_source: Where pictures may come from.
            values: For the template.
        """
        policy = (
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"img-src 'self' data: {image_source}; form-action 'self' {form_target}"
        )
        return HTMLResponse(
            _TEMPLATES.get_template(template).render(base=self._base, **values),
            status,
            {
                "Content-Security-Policy": policy,
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
            },
        )

    def error(self, sentence: str, status: int = 400) -> HTMLResponse:
        """What cannot be answered by a redirect."""
        return self._render("error.html", status, sentence=sentence)

    def refusal(self, error: OAuth2Error) -> HTMLResponse:
        """The same for an error of the protocol."""
        return self.error(error.description or error.error, error.status_code)

    def login(
        self,
        session: BrowserSession,
        query: Mapping[str, str],
        username: str = "",
        message: str = "",
        status: int = 200,
    ) -> HTMLResponse:
        """The sign-in form; `query` is where to go on afterwards."""
        return self._render(
            "login.html",
            status,
            csrf=session.csrf,
            query=query,
            username=username,
            message=message,
        )

    def consent(
        self,
        session: BrowserSession,
        person: Person,
        client_name: str,
        redirect_uri: str,
        asked: Sequence[Wanted],
        issuer: Mapping[str, Any],
        query: Mapping[str, str],
        wished: Sequence[str],
    ) -> HTMLResponse:
        """The consent form: wallet, issuer, credentials, and the claims that will be issued."""
        identifier = asked[0].credential_issuer
        host = urlsplit(identifier).netloc
        return self._render(
            "consent.html",
            form_target=source(redirect_uri),
            image_source=source(identifier),
            csrf=session.csrf,
            person=person,
            client_name=client_name,
            issuer={"name": host, "locale": ""} | dict(in_language(issuer.get("display"), wished)),
            issuer_host=host,
            credentials=[_described(one, wished) for one in asked],
            query=query,
        )


def _described(one: Wanted, wished: Sequence[str]) -> Mapping[str, Any]:
    """A credential as the consent form names it."""
    metadata = one.configuration.get("credential_metadata", {})
    look = in_language(metadata.get("display"), wished)
    return {
        "name": look.get("name", one.credential_configuration_id),
        "locale": look.get("locale", ""),
        "description": look.get("description", ""),
        "logo": look.get("logo", {}).get("uri"),
        "background": look.get("background_image", {}).get("uri"),
        "claims": [
            in_language(claim.get("display"), wished).get("name", claim["path"][-1])
            for claim in metadata.get("claims", [])
        ],
    }
