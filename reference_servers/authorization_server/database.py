"""The authorization server's state. Codes, tokens and session ids are kept as hashes only."""

import hashlib
import time
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from sqlalchemy import JSON, Engine, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

LOOPBACK_IPS = ("127.0.0.1", "::1")


def digest(secret: str) -> str:
    """What is kept of a secret that is looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Base(DeclarativeBase):
    """Base of the tables."""


class SigningKey(Base):
    """The key of the access tokens, as a private JWK."""

    __tablename__ = "signing_key"
    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    jwk: Mapped[dict[str, str]] = mapped_column(JSON)


class Person(Base):
    """Somebody who can sign in."""

    __tablename__ = "person"
    username: Mapped[str] = mapped_column(String(100), primary_key=True)
    subject: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password: Mapped[str] = mapped_column(String(300))
    """Argon2id in PHC form."""


class Client(Base, ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A registered client (RFC 6749, section 2); here always a public one."""

    __tablename__ = "client"
    client_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    redirect_uris: Mapped[list[str]] = mapped_column(JSON)
    native: Mapped[bool]
    """Whether any loopback IP redirect is allowed (RFC 8252, section 7.3)."""

    def get_client_id(self) -> str:
        """The identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """None: a request names its redirect URI."""
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        """Unknown scopes are ignored later; here nothing is taken away."""
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact match, or for a native client any port and path on a loopback IP."""
        if redirect_uri in self.redirect_uris:
            return True
        try:
            parts = urlsplit(redirect_uri)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return False
        return (
            self.native
            and redirect_uri.isascii()
            and redirect_uri.isprintable()
            and not set(redirect_uri) & set(' "<>\\^`{|}')
            and parts.scheme == "http"
            and host in LOOPBACK_IPS
            and "@" not in parts.netloc
            and "#" not in redirect_uri
        )

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """Public clients authenticate by `none`."""
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        """`code` only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """`authorization_code` only."""
        return grant_type == "authorization_code"


class PushedRequest(Base):
    """An authorization request behind a `request_uri` (RFC 9126)."""

    __tablename__ = "pushed_request"
    request_uri: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(200))
    parameters: Mapped[dict[str, str]] = mapped_column(JSON)
    expires_at: Mapped[float]


class AuthorizationCode(Base, AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code and all it is bound to."""

    __tablename__ = "authorization_code"
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(200))
    redirect_uri: Mapped[str] = mapped_column(String(2000))
    scope: Mapped[str] = mapped_column(String(2000))
    authorization_details: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    audience: Mapped[str] = mapped_column(String(500))
    username: Mapped[str] = mapped_column(String(100))
    code_challenge: Mapped[str] = mapped_column(String(128))
    code_challenge_method: Mapped[str] = mapped_column(String(10))
    expires_at: Mapped[float]
    used: Mapped[bool] = mapped_column(default=False)

    def get_redirect_uri(self) -> str:
        """The redirect URI of the request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scope that was consented to."""
        return self.scope


class IssuedToken(Base):
    """An access token, by its `jti`, so that it can be named as revoked."""

    __tablename__ = "issued_token"
    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(String(64), index=True)
    revoked: Mapped[bool] = mapped_column(default=False)


class BrowserSession(Base):
    """A browser's session; `username` is None until its person has signed in."""

    __tablename__ = "browser_session"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str | None] = mapped_column(String(100))
    csrf: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[float]


class FailedLogins(Base):
    """Failed sign-ins for an account from an address."""

    __tablename__ = "failed_logins"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    blocked_until: Mapped[float]


def open_database(url: str) -> sessionmaker[Session]:
    """Open the database, making its tables where they are missing."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    Base.metadata.create_all(engine)
    sessions = sessionmaker(engine, expire_on_commit=False)
    with sessions.begin() as db:
        now = time.time()
        for table in (PushedRequest, BrowserSession):
            db.query(table).filter(table.expires_at < now).delete()
    return sessions


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA busy_timeout = 10000")
