"""Access tokens: JWTs checked by what their authorization server publishes, or introspected.

RFC 9068 and Token Status List; RFC 7662 for tokens that are not JWTs.
"""

import base64
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from reference_servers.credential_issuer.errors import AccessTokenError, UnavailableError

REFRESH_S: Final = 10.0
"""How soon unknown keys may make us fetch the key set again."""
SKEW_S: Final = 5
STATUS_LIST_BYTES: Final = 1_000_000


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
    """Reads access tokens of one authorization server.

    Args:
        authorization_server: Its issuer identifier.
        credential_issuer: What `aud` must name.
        ca_file: PEM file with authorities to trust for TLS besides the usual ones.
        introspection: The client_id and secret to introspect tokens with; None for JWTs.
    """

    def __init__(
        self,
        authorization_server: str,
        credential_issuer: str,
        *,
        ca_file: Path | None = None,
        introspection: tuple[str, str] | None = None,
    ) -> None:
        self._server = authorization_server
        self._audience = credential_issuer
        self._introspection = introspection and httpx.BasicAuth(
            *(quote(one, safe="") for one in introspection)  # RFC 6749, section 2.3.1
        )
        tls = httpx.create_ssl_context(trust_env=False)
        if ca_file is not None:
            tls.load_verify_locations(ca_file)
        self._http = httpx.Client(timeout=5, trust_env=False, verify=tls)
        self._keys: KeySet | None = None
        self._asked_at = 0.0
        self._lock = Lock()

    def read(self, authorization: Sequence[str]) -> AccessToken:
        """The token of a request's `Authorization` headers.

        Raises:
            AccessTokenError: It is missing or bad.
            UnavailableError: The authorization server cannot be asked.
        """
        if len(authorization) > 1:
            raise AccessTokenError("invalid_request", "there are two Authorization headers")
        scheme, _, value = "".join(authorization).partition(" ")
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
        auth = self._introspection
        claims = self._introspected(value, auth) if auth else self._signed(value)
        wrong = (
            claims.get("iss") != self._server
            or self._audience not in _several(claims.get("aud"))
            or not isinstance(claims.get("exp"), int)
            or not claims.get("sub")
        )
        if wrong:
            raise AccessTokenError("invalid_token", "it is not an access token for this issuer")
        if claims["exp"] < time.time() - SKEW_S:
            raise AccessTokenError("invalid_token", "it has expired")
        if "status" in claims and self._is_revoked(claims["status"]["status_list"]):
            raise AccessTokenError("invalid_token", "it was revoked")
        return claims

    def _signed(self, value: str) -> Mapping[str, Any]:
        """The claims of a JWT (RFC 9068, section 4)."""
        try:
            token = self._decoded(value)
        except (JoseError, ValueError, TypeError) as error:
            raise AccessTokenError("invalid_token", type(error).__name__) from None
        if token.header.get("typ") not in ("at+jwt", "application/at+jwt"):
            raise AccessTokenError("invalid_token", "it is not an access token")
        return token.claims

    def _introspected(self, value: str, auth: httpx.Auth) -> Mapping[str, Any]:
        """What the server says of a token (RFC 7662, section 2)."""
        try:
            answer = self._http.post(
                self._metadata()["introspection_endpoint"],
                data={"token": value, "token_type_hint": "access_token"},
                auth=auth,
            )
            claims: Mapping[str, Any] = answer.raise_for_status().json()
            active = claims["active"]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError):
            raise UnavailableError from None
        if active is not True:
            raise AccessTokenError("invalid_token", "it is not active")
        return claims

    def _is_revoked(self, reference: Mapping[str, Any]) -> bool:
        """Token Status List (draft-ietf-oauth-status-list), of one bit a token."""
        uri, idx = reference["uri"], reference["idx"]
        try:
            token = self._decoded(self._get(uri).text)
            claims, statuses = token.claims, token.claims["status_list"]
            right = (
                token.header["typ"] == "statuslist+jwt"
                and claims["sub"] == uri
                and claims["exp"] > time.time() - SKEW_S
                and statuses["bits"] == 1
            )
            packed = base64.urlsafe_b64decode(statuses["lst"] + "==")
            bits = zlib.decompressobj().decompress(packed, STATUS_LIST_BYTES)
            if not right or idx < 0:
                raise UnavailableError
            return bool(bits[idx // 8] >> idx % 8 & 1)
        except (JoseError, ValueError, LookupError, TypeError, zlib.error):
            raise UnavailableError from None

    def _decoded(self, value: str) -> jwt.Token:
        try:
            return jwt.decode(value, self._key_set(), algorithms=["ES256"])
        except (JoseError, ValueError):
            if time.monotonic() < self._asked_at + REFRESH_S:
                raise
            return jwt.decode(value, self._key_set(fresh=True), algorithms=["ES256"])

    def _key_set(self, *, fresh: bool = False) -> KeySet:
        with self._lock:
            if self._keys is None or fresh:
                self._asked_at = time.monotonic()
                self._keys = self._published_keys()
            return self._keys

    def _published_keys(self) -> KeySet:
        """The server's keys, by its metadata."""
        try:
            return KeySet.import_key_set(self._get(self._metadata()["jwks_uri"]).json())
        except (ValueError, KeyError, TypeError, JoseError):
            raise UnavailableError from None

    def _metadata(self) -> Mapping[str, Any]:
        """The server's metadata (RFC 8414); the caller deals with what is no such document."""
        parts = urlsplit(self._server)
        well_known = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server"
        metadata: Mapping[str, Any] = self._get(f"{well_known}{parts.path}").json()
        if metadata["issuer"] != self._server:
            raise UnavailableError
        return metadata

    def _get(self, url: str) -> httpx.Response:
        try:
            return self._http.get(url).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL):
            raise UnavailableError from None


def _several(audience: object) -> Sequence[object]:
    return audience if isinstance(audience, list) else [audience]
