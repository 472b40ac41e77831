"""Pre-authorized codes: credential issuers ask for them, by a JWT (README.md)."""

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from joserfc import jws
from sqlalchemy.orm import Session, sessionmaker
from starlette.responses import JSONResponse, Response

from reference_servers.authorization_server.client_authentication import OneTime
from reference_servers.authorization_server.credential_requests import Issuers, grantable, offered
from reference_servers.authorization_server.database import Authorization, Base, PreAuthorizedCode
from reference_servers.authorization_server.grants import hashed_tx_code
from reference_servers.authorization_server.settings import Settings
from reference_servers.jwts import REGISTRY, JwtError, claims_of, header_of, public_key, seconds
from reference_servers.storage import digest, sweep

TYP: Final = "pre-authorized-code+jwt"
AGE_S: Final = 60
"""How far `iat` may be from now."""
TX_CODE_LIMIT: Final = 100

# Authlib has no types: what comes out of its base classes is `Any`.
# mypy: disable-error-code="misc"


class PreAuthorizedCodes:
    """Makes them for the issuers of this server."""

    def __init__(
        self,
        settings: Settings,
        sessions: sessionmaker[Session],
        issuers: Issuers,
        one_time: OneTime,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._issuers = issuers
        self._one_time = one_time

    def make(self, token: str) -> Response:
        """A code for what an issuer's JWT says.

        Raises:
            OAuth2Error: It is not by an issuer of this server, or asks for what there is not.
        """
        claims = self._claims(token)
        issuer, subject, tx_code = (claims.get(name) for name in ("iss", "sub", "tx_code"))
        if not (isinstance(subject, str) and 0 < len(subject) <= 100 and subject.isprintable()):
            raise InvalidRequestError("sub is missing or no name.")
        if tx_code is not None and not (
            isinstance(tx_code, str) and 0 < len(tx_code) <= TX_CODE_LIMIT
        ):
            raise InvalidRequestError("tx_code is not a text.")
        asked = offered(claims.get("credential_configuration_ids"), str(issuer), self._issuers)
        code, now = secrets.token_urlsafe(32), time.time()
        lifetime_s = self._settings.pre_authorized_code_lifetime_s
        with self._sessions.begin() as db:
            sweep(db, Base)
            db.add(
                PreAuthorizedCode(
                    code=digest(code),
                    tx_code=None if tx_code is None else hashed_tx_code(code, tx_code),
                    authorization=Authorization(
                        client_id="",
                        subject=subject,
                        scope=" ".join(sorted(one.scope for one in asked if one.scope)),
                        authorization_details=grantable(asked),
                        by_details=any(one.detail for one in asked),
                        audience=str(issuer),
                        expires_at=self._settings.kept_until(now),
                    ),
                    expires_at=now + lifetime_s,
                )
            )
        body = {"pre-authorized_code": code, "expires_in": lifetime_s}
        return JSONResponse(body, 201, {"Cache-Control": "no-store"})

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            header, claims = header_of(token), self._signed(token)
        except JwtError as error:
            raise InvalidClientError(f"{error}.".capitalize(), status_code=401) from None
        issued_at = seconds(claims, "iat")
        if header.get("typ") != TYP or claims.get("aud") != self._settings.public_url:
            raise InvalidRequestError("typ or aud is wrong.")
        if issued_at is None or abs(time.time() - issued_at) > AGE_S:
            raise InvalidRequestError("iat is missing or too far from now.")
        if not self._one_time.first(
            f"issuer {claims['iss']}", claims.get("jti"), issued_at + AGE_S
        ):
            raise InvalidRequestError("jti is missing, or was used before.")
        return claims

    def _signed(self, token: str) -> Mapping[str, Any]:
        """The claims, signed by a key of the issuer that they name."""
        kid = header_of(token).get("kid")
        try:
            payload = jws.extract_compact(token.encode(), registry=REGISTRY).payload
            issuer = json.loads(payload)["iss"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise JwtError("iss is missing") from None
        if issuer not in self._settings.credential_issuers:
            raise JwtError("iss is no credential issuer of this server")
        for key in self._issuers.keys(issuer).keys:
            if kid in (None, key.kid):
                with suppress(JwtError):
                    return claims_of(token, public_key(key.as_dict(private=False)))
        raise JwtError("it is signed by no key of the issuer")
