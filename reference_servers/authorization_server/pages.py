"""The pages people see: sign-in, consent, errors. Every form carries a token of its session."""

import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from reference_servers.authorization_server.credential_requests import Wanted
from reference_servers.authorization_server.database import BrowserSession, Person, digest
from reference_servers.authorization_server.settings import Settings

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
        if session is None or session.username is None:
            return None
        with self._sessions() as db:
            return db.get(Person, session.username)


def csrf_holds(session: BrowserSession | None, form: Mapping[str, str]) -> bool:
    """Whether a form was made for this session."""
    given = form.get("csrf", "").encode()
    return session is not None and hmac.compare_digest(session.csrf.encode(), given)


def languages(request: Request) -> list[str]:
    """The languages of `Accept-Language`, in the order they stand."""
    header = request.headers.get("accept-language", "")
    return [part.partition(";")[0].strip() for part in header.split(",") if part.strip()]


def in_language(entries: Sequence[Mapping[str, Any]], wished: Sequence[str]) -> Mapping[str, Any]:
    """The `display` entry of the first language there is, otherwise the first entry."""
    for tag in wished:
        for entry in entries:
            locale = str(entry.get("locale", "")).lower()
            if locale and locale.partition("-")[0] == tag.lower().partition("-")[0]:
                return entry
    return entries[0] if entries else {}


def render(
    template: str,
    *,
    status: int = 200,
    form_targets: Sequence[str] = (),
    image_sources: Sequence[str] = (),
    **values: object,
) -> HTMLResponse:
    """A page.

    Args:
        template: File name.
        status: HTTP status.
        form_targets: Origins a form may end at; browsers count the redirect after it as well.
        image_sources: Origins of pictures.
        values: For the template.
    """
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"img-src 'self' data: {' '.join(image_sources)}; "
        f"form-action 'self' {' '.join(form_targets)}"
    )
    return HTMLResponse(
        _TEMPLATES.get_template(template).render(**values),
        status,
        {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        },
    )


def origin(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def error_page(sentence: str, status: int = 400) -> HTMLResponse:
    """A page for what cannot be answered by a redirect."""
    return render("error.html", status=status, sentence=sentence)


def login_page(
    session: BrowserSession, query: Mapping[str, str], message: str = "", status: int = 200
) -> HTMLResponse:
    """The sign-in form; `query` is where to go on afterwards."""
    return render("login.html", status=status, csrf=session.csrf, query=query, message=message)


def consent_page(
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
    credentials = []
    for one in asked:
        metadata = one.configuration.get("credential_metadata", {})
        look = in_language(metadata.get("display", []), wished)
        credentials.append(
            {
                "name": look.get("name", one.credential_configuration_id),
                "description": look.get("description", ""),
                "logo": look.get("logo", {}).get("uri"),
                "background": look.get("background_image", {}).get("uri"),
                "claims": [
                    in_language(claim.get("display", []), wished).get("name", claim["path"][-1])
                    for claim in metadata.get("claims", [])
                ],
            }
        )
    return render(
        "consent.html",
        form_targets=(origin(redirect_uri),),
        image_sources=(origin(asked[0].credential_issuer),),
        csrf=session.csrf,
        person=person,
        client_name=client_name,
        issuer_name=in_language(issuer.get("display", []), wished).get("name", ""),
        issuer_host=urlsplit(asked[0].credential_issuer).netloc,
        credentials=credentials,
        query=query,
        query_string=urlencode(query),
    )
