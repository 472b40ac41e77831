"""The authorization server's state. Codes, tokens and session ids are kept as hashes only."""

import re
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin
from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship

from reference_servers.dpop import SeenProof
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
    """A registered client (RFC 6749, section 2)."""

    __tablename__ = "registered_client"
    client_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    redirect_uris: Mapped[list[str]] = mapped_column(JSON)
    native: Mapped[bool]
    """Whether any loopback IP redirect is allowed (RFC 8252, section 7.3)."""
    methods: Mapped[list[str]] = mapped_column(JSON)
    """How it may authenticate."""
    jwks: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Its public keys, for `private_key_jwt`."""

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
        """One of those it is registered with, at every endpoint."""
        return method in self.methods

    def check_response_type(self, response_type: str) -> bool:
        """`code` only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """All the server has; who has no name gets no refresh token."""
        return grant_type != "refresh_token" or bool(self.client_id)


class PushedRequest(Expiring, Base):
    """An authorization request behind a `request_uri` (RFC 9126)."""

    __tablename__ = "authorization_request"
    request_uri: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(200))
    parameters: Mapped[dict[str, str]] = mapped_column(JSON)
    instance: Mapped[str | None] = mapped_column(String(64))
    """Thumbprint of the client instance's key, where a client attestation named it."""


class Authorization(Expiring, Base):
    """What was consented to, and all that tokens for it are bound to."""

    __tablename__ = "authorization"
    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(200))
    """Empty where the client has no name, or is not known yet."""
    subject: Mapped[str] = mapped_column(String(100))
    scope: Mapped[str] = mapped_column(Text)
    authorization_details: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """All that was consented to, each with its `credential_identifiers`."""
    by_details: Mapped[bool]
    """Whether it was asked for by `authorization_details`, so that tokens name them."""
    audience: Mapped[str] = mapped_column(Text)
    dpop_jkt: Mapped[str | None] = mapped_column(String(64))
    instance: Mapped[str | None] = mapped_column(String(64))
    revoked: Mapped[bool] = mapped_column(default=False)


class _Redeemable(Expiring):
    """Columns of what is exchanged for tokens, once."""

    used: Mapped[bool] = mapped_column(default=False)

    @declared_attr
    def authorization_id(self) -> Mapped[int]:
        """What it was given for."""
        return mapped_column(ForeignKey(Authorization.id, ondelete="CASCADE"))

    @declared_attr
    def authorization(self) -> Mapped[Authorization]:
        """The same, loaded with it."""
        return relationship(lazy="joined")


class AuthorizationCode(_Redeemable, Base, AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code (RFC 6749, section 4.1.2)."""

    __tablename__ = "code"
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    redirect_uri: Mapped[str] = mapped_column(Text)
    code_challenge: Mapped[str] = mapped_column(String(128))
    code_challenge_method: Mapped[str] = mapped_column(String(10))
    request_uri: Mapped[str] = mapped_column(String(64))
    """Of the request it answers; its redemption ends that as well."""

    def get_redirect_uri(self) -> str:
        """The redirect URI of the request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scope that was consented to."""
        return self.authorization.scope


class PreAuthorizedCode(_Redeemable, Base):
    """A pre-authorized code (OpenID4VCI 1.0, section 3.5)."""

    __tablename__ = "pre_authorized_code"
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    tx_code: Mapped[str | None] = mapped_column(String(64))
    """Hash of both codes; None where no transaction code is needed."""
    tries: Mapped[int] = mapped_column(default=0)


class RefreshToken(_Redeemable, Base, TokenMixin):  # type: ignore[misc]
    """A refresh token; where it rotates, each use replaces it (RFC 9700, section 4.14.2)."""

    __tablename__ = "refresh_token"
    token: Mapped[str] = mapped_column(String(64), primary_key=True)

    def check_client(self, client: Client) -> bool:
        """Whether it was issued to `client`."""
        return bool(self.authorization.client_id == client.client_id)

    def get_scope(self) -> str:
        """The scope that was consented to."""
        return self.authorization.scope


class IssuedToken(Expiring, Base):
    """An access token, by its place in the Token Status List."""

    __tablename__ = "access_token"
    idx: Mapped[int] = mapped_column(primary_key=True)
    authorization_id: Mapped[int] = mapped_column(index=True)


class SeenJwt(SeenProof, Base):
    """A DPoP proof, client assertion or other JWT that is good once."""

    __tablename__ = "seen_jwt"


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
