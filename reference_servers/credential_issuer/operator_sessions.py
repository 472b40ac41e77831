"""The operator's sign-in: a password in a file, and a session in a cookie."""

import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Final

from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import Response

from reference_servers.credential_issuer.database import OperatorSession
from reference_servers.credential_issuer.settings import Settings
from reference_servers.storage import digest, password

LIFETIME_S: Final = 3600
PASSWORD_LENGTH: Final = 12
"""Guessing is not slowed down: what stands in the file must be beyond it."""


class OperatorSessions:
    """Browser sessions: a random id in a cookie, its hash and the rest in the database."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._password = password(settings.data_dir, "operator-password").strip()
        if len(self._password) < PASSWORD_LENGTH:
            message = f"operator-password: at least {PASSWORD_LENGTH} characters"
            raise ValueError(message)
        self._secure = settings.public_url.startswith("https://")
        self._cookie = "__Host-operator" if self._secure else "operator"

    def is_password(self, given: str) -> bool:
        """Whether it is the operator's."""
        return hmac.compare_digest(given.encode(errors="surrogatepass"), self._password)

    def current(self, request: Request) -> OperatorSession | None:
        """The live session of a request."""
        with self._sessions() as db:
            found = db.get(OperatorSession, digest(request.cookies.get(self._cookie, "")))
        return found if found and found.expires_at > time.time() else None

    def start(self, *, signed_in: bool) -> tuple[OperatorSession, str]:
        """Begin a session; returns it and its id. A sign-in never keeps the id it came with."""
        value = secrets.token_urlsafe(32)
        session = OperatorSession(
            id=digest(value),
            csrf=secrets.token_urlsafe(32),
            signed_in=signed_in,
            expires_at=time.time() + LIFETIME_S,
        )
        with self._sessions.begin() as db:
            db.add(session)
        return session, value

    def hold(self, response: Response, value: str) -> None:
        """Give a session's id to the browser."""
        response.set_cookie(
            self._cookie,
            value,
            max_age=LIFETIME_S,
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )

    def end(self, session: OperatorSession) -> None:
        """Forget a session."""
        with self._sessions.begin() as db:
            db.query(OperatorSession).filter_by(id=session.id).delete()


def csrf_holds(session: OperatorSession | None, form: Mapping[str, str]) -> bool:
    """Whether a form was made for this session."""
    given = form.get("csrf", "").encode(errors="surrogatepass")
    return session is not None and hmac.compare_digest(session.csrf.encode(), given)
