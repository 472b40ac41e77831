"""Access tokens: JWTs checked by what their authorization server publishes, or introspected.

RFC 9068 and Token Status List; RFC 7662 for tokens that are not JWTs.
"""

import base64
import json
import ssl
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.requests import Request

from reference_servers.credential_issuer.errors import AccessTokenError, UnavailableError
from reference_servers.dpop import Dpop, DpopError

REFRESH_S: Final = 10.0
"""How soon unknown keys may make us fetch the key set again."""
SKEW_S: Final = 5
STATUS_LIST_BYTES: Final = 1_000_000


ALGORITHMS: Final = ("ES256", "RS256", "PS256")
"""What access tokens may be signed with: other people's authorization servers choose."""


@dataclass(frozen=True)
class AccessToken:
    """A valid access token.

    Attributes:
        subject: Whose credential may be issued.
        client_id: To which wallet; empty where it is not named.
        scopes: The scopes that were consented to.
        authorization_details: The `openid_credential` elements that were consented to.
    """

    subject: str
    client_id: str
    scopes: frozenset[str]
    authorization_details: Sequence[Mapping[str, Any]]


class AccessTokens:
    """Reads the access tokens of the authorization servers of this issuer.

    Args:
        servers: The authorization servers.
        dpop: Checks DPoP proofs.
        bearer: Whether tokens are taken that are bound to no key.
    """

    def __init__(
        self, servers: Sequence["AuthorizationServer"], dpop: Dpop, *, bearer: bool
    ) -> None:
        self._servers = {server.identifier: server for server in servers}
        self._dpop = dpop
        self._schemes = ("DPoP", "Bearer") if bearer else ("DPoP",)

    def read(self, request: Request, url: str) -> AccessToken:
        """The token of a request to the endpoint at `url`.

        Raises:
            AccessTokenError: It is missing or bad, or its DPoP proof is.
            UnavailableError: The authorization server cannot be asked.
        """
        scheme, value = self._presented(request.headers.getlist("authorization"))
        try:
            claims = self._server_of(value).claims(value)
            if (scheme == "DPoP") != ("cnf" in claims):
                raise AccessTokenError("invalid_token", "it is for the other scheme")
            if scheme == "DPoP":
                self._check_possession(request, url, value, claims["cnf"].get("jkt"))
            details = claims.get("authorization_details", [])
            return AccessToken(
                subject=str(claims["sub"]),
                client_id=str(claims.get("client_id", "")),
                scopes=frozenset(str(claims.get("scope", "")).split()),
                authorization_details=[d for d in details if d.get("type") == "openid_credential"],
            )
        except AccessTokenError as error:
            raise AccessTokenError(error.error, error.description, scheme) from None
        except (TypeError, AttributeError):
            raise AccessTokenError("invalid_token", "its claims are broken", scheme) from None

    def _presented(self, authorization: Sequence[str]) -> tuple[str, str]:
        """Scheme and token of the `Authorization` headers; schemes have no case."""
        if len(authorization) > 1:
            description = "there are two Authorization headers"
            raise AccessTokenError("invalid_request", description, *self._schemes)
        given, _, value = "".join(authorization).partition(" ")
        for scheme in self._schemes:
            if given.lower() == scheme.lower() and value.strip():
                return scheme, value.strip()
        raise AccessTokenError("", "", *self._schemes)

    def _server_of(self, value: str) -> "AuthorizationServer":
        """The server a token says to be from; it is asked whether that is so."""
        if len(self._servers) > 1:
            try:
                body = value.split(".")[1]
                issuer = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["iss"]
                return self._servers[issuer]
            except (ValueError, LookupError, TypeError, RecursionError):
                raise AccessTokenError("invalid_token", "it is of no server of ours") from None
        [server] = self._servers.values()
        return server

    def _check_possession(self, request: Request, url: str, value: str, jkt: object) -> None:
        """RFC 9449, section 7.1."""
        proofs, method = request.headers.getlist("dpop"), request.method
        try:
            thumbprint = self._dpop.thumbprint(proofs, method=method, url=url, access_token=value)
        except DpopError as error:
            raise AccessTokenError(error.error, error.description) from None
        if thumbprint != jkt:
            raise AccessTokenError("invalid_token", "it is bound to another key")


class AuthorizationServer:
    """Reads access tokens of one authorization server.

    Args:
        identifier: Its issuer identifier.
        credential_issuer: What `aud` must name.
        tls: What its certificate is checked against.
        introspection: The client_id and secret to introspect tokens with; None for JWTs.
    """

    def __init__(
        self,
        identifier: str,
        credential_issuer: str,
        *,
        tls: ssl.SSLContext,
        introspection: tuple[str, str] | None = None,
    ) -> None:
        self.identifier = identifier
        self._audience = credential_issuer
        self._introspection = introspection and httpx.BasicAuth(
            *(quote(one, safe="") for one in introspection)  # RFC 6749, section 2.3.1
        )
        self._http = httpx.Client(timeout=5, trust_env=False, verify=tls)
        self._keys: KeySet | None = None
        self._asked_at = 0.0
        self._lock = Lock()

    def claims(self, value: str) -> Mapping[str, Any]:
        """The claims of an access token.

        Raises:
            AccessTokenError: It is bad.
            UnavailableError: The authorization server cannot be asked.
        """
        auth = self._introspection
        claims = self._introspected(value, auth) if auth else self._signed(value)
        wrong = (
            claims.get("iss") != self.identifier
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
            return jwt.decode(value, self._key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if time.monotonic() < self._asked_at + REFRESH_S:
                raise
            return jwt.decode(value, self._key_set(fresh=True), algorithms=ALGORITHMS)

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
        """RFC 8414; a server without that may be one of OpenID Connect.

        The caller deals with a document that is none.
        """
        parts = urlsplit(self.identifier)
        origin = f"{parts.scheme}://{parts.netloc}"
        try:
            answer = self._get(f"{origin}/.well-known/oauth-authorization-server{parts.path}")
        except _NotFoundError:
            answer = self._get(f"{self.identifier}/.well-known/openid-configuration")
        metadata: Mapping[str, Any] = answer.json()
        if metadata["issuer"] != self.identifier:
            raise UnavailableError
        return metadata

    def _get(self, url: str) -> httpx.Response:
        try:
            answer = self._http.get(url)
            if answer.status_code == 404:
                raise _NotFoundError
            return answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL):
            raise UnavailableError from None


class _NotFoundError(UnavailableError):
    """There is nothing at an address."""


def _several(audience: object) -> Sequence[object]:
    return audience if isinstance(audience, list) else [audience]
