"""Access tokens: RFC 9068 JWTs, checked against the authorization server's published keys."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from reference_servers.credential_issuer.errors import AccessTokenError

REFRESH_S: Final = 10.0
"""How soon unknown keys may make us fetch the key set again."""
SKEW_S: Final = 5


@dataclass(frozen=True)
class AccessToken:
    """A valid access token.

    Attributes:
        subject: Whose credential may be issued.
        client_id: To which wallet.
        scopes: The scopes that were consented to.
        authorization_details: The `openid_credential` elements that were consented to.
    """

    subject: str
    client_id: str
    scopes: frozenset[str]
    authorization_details: Sequence[Mapping[str, Any]]


class AccessTokens:
    """Reads access tokens of one authorization server."""

    def __init__(self, authorization_server: str, credential_issuer: str) -> None:
        self._server = authorization_server
        self._audience = credential_issuer
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._lock = Lock()

    def read(self, authorization: str | None) -> AccessToken:
        """The token of an `Authorization` header.

        Raises:
            AccessTokenError: It is missing or bad.
        """
        scheme, _, value = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not value:
            raise AccessTokenError
        claims = self._claims(value.strip())
        details = claims.get("authorization_details", [])
        return AccessToken(
            subject=str(claims["sub"]),
            client_id=str(claims.get("client_id", "")),
            scopes=frozenset(str(claims.get("scope", "")).split()),
            authorization_details=[d for d in details if d.get("type") == "openid_credential"],
        )

    def _claims(self, value: str) -> Mapping[str, Any]:
        try:
            token = self._decoded(value)
        except (JoseError, ValueError, TypeError) as error:
            raise AccessTokenError("invalid_token", type(error).__name__) from None
        claims, now = token.claims, time.time()
        wrong = (
            token.header.get("typ") not in ("at+jwt", "application/at+jwt")
            or claims.get("iss") != self._server
            or self._audience not in _several(claims.get("aud"))
            or not isinstance(claims.get("exp"), int)
            or not claims.get("sub")
        )
        if wrong:
            raise AccessTokenError("invalid_token", "it is not an access token for this issuer")
        if claims["exp"] < now - SKEW_S:
            raise AccessTokenError("invalid_token", "it has expired")
        return claims

    def _decoded(self, value: str) -> jwt.Token:
        try:
            return jwt.decode(value, self._key_set(), algorithms=["ES256"])
        except (JoseError, ValueError):
            if time.monotonic() < self._fetched_at + REFRESH_S:
                raise
            return jwt.decode(value, self._key_set(fresh=True), algorithms=["ES256"])

    def _key_set(self, *, fresh: bool = False) -> KeySet:
        with self._lock:
            if self._keys is None or fresh:
                self._keys = _published_keys(self._server)
                self._fetched_at = time.monotonic()
            return self._keys


def _several(audience: object) -> Sequence[object]:
    return audience if isinstance(audience, list) else [audience]


def _published_keys(server: str) -> KeySet:
    """The server's keys, by its metadata (RFC 8414)."""
    parts = urlsplit(server)
    path = parts.path.rstrip("/")
    url = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"
    try:
        with httpx.Client(timeout=5, trust_env=False) as client:
            metadata = client.get(url).raise_for_status().json()
            if metadata["issuer"] != server:
                raise AccessTokenError("invalid_token", "the authorization server is another one")
            return KeySet.import_key_set(client.get(metadata["jwks_uri"]).raise_for_status().json())
    except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError):
        raise AccessTokenError(
            "invalid_token", "the keys of the authorization server cannot be read"
        ) from None
