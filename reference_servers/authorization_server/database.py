"""The authorization server's state. Codes, tokens and session ids are kept as hashes only."""

import re
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from reference_servers.storage import Expiring

LOOPBACK_REDIRECT: Final = re.compile(
    r"http://(?:127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?(?:[/?][\w!$%&'()*+,./:;=?@~-]*)?", re.ASCII
)
"""RFC 8252, section 7.3. Not `urlsplit`: it takes `[::1].evil.example` for `::1`."""


class Base(DeclarativeBase):
    """Base of the tables."""


class SigningKey(Base):
    """The key of the access tokens."""

    __tablename__ = "signing_key"
    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    pem: Mapped[str] = mapped_column(Text)
    """PKCS #8, encrypted."""


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
        found = LOOPBACK_REDIRECT.fullmatch(redirect_uri)
        return self.native and found is not None and int(found[1] or 80) <= 65_535

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """Public clients authenticate by `none`."""
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        """`code` only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """`authorization_code` only."""
        return grant_type == "authorization_code"


class PushedRequest(Expiring, Base):
    """An authorization request behind a `request_uri` (RFC 9126)."""

    __tablename__ = "pushed_request"
    request_uri: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(200))
    parameters: Mapped[dict[str, str]] = mapped_column(JSON)


class AuthorizationCode(Expiring, Base, AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code and all it is bound to."""

    __tablename__ = "authorization_code"
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(200))
    redirect_uri: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    authorization_details: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """All that was consented to, each with its `credential_identifiers`."""
    by_details: Mapped[bool]
    """Whether the client asked by `authorization_details`, and so gets them."""
    audience: Mapped[str] = mapped_column(Text)
    username: Mapped[str] = mapped_column(String(100))
    code_challenge: Mapped[str] = mapped_column(String(128))
    code_challenge_method: Mapped[str] = mapped_column(String(10))
    used: Mapped[bool] = mapped_column(default=False)
    reused: Mapped[bool] = mapped_column(default=False)
    """Whether it came again, which revokes the token it gave."""

    def get_redirect_uri(self) -> str:
        """The redirect URI of the request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scope that was consented to."""
        return self.scope


class IssuedToken(Expiring, Base):
    """An access token, by its place in the Token Status List."""

    __tablename__ = "issued_token"
    idx: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64))


class BrowserSession(Expiring, Base):
    """A browser's session; `username` is None until its person has signed in."""

    __tablename__ = "browser_session"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str | None] = mapped_column(String(100))
    csrf: Mapped[str] = mapped_column(String(64))


class FailedLogins(Expiring, Base):
    """Failed sign-ins to an account, or from an address; forgotten after a while."""

    __tablename__ = "failed_logins"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    blocked_until: Mapped[float]
