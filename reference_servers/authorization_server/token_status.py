"""Which access tokens were revoked: a Token Status List (draft-ietf-oauth-status-list).

The credential issuer reads it with every token, so that a revoked one is of no use at once.
"""

import base64
import time
import zlib
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.authorization_server.database import Authorization, IssuedToken

LIFETIME_S: Final = 60


class TokenStatus:
    """The status of every access token that was issued lately."""

    def __init__(self, sessions: sessionmaker[Session], key: ECKey, uri: str) -> None:
        self._sessions = sessions
        self._key = key
        self._uri = uri

    def add(self, authorization_id: int, expires_at: float) -> Mapping[str, Any]:
        """Note a token; returns its `status` claim."""
        token = IssuedToken(authorization_id=authorization_id, expires_at=expires_at)
        with self._sessions.begin() as db:
            db.add(token)
        return {"status_list": {"idx": token.idx, "uri": self._uri}}

    def revoke(self, authorization_id: int) -> None:
        """Revoke all tokens of an authorization, also those of requests that run right now."""
        this = update(Authorization).where(Authorization.id == authorization_id)
        with self._sessions.begin() as db:
            db.execute(this.values(revoked=True))

    def document(self) -> str:
        """The Status List Token."""
        with self._sessions() as db:
            last = db.scalar(select(func.max(IssuedToken.idx))) or 0
            ended = select(Authorization.id).where(Authorization.revoked)
            of_ended = IssuedToken.authorization_id.in_(ended)
            revoked = db.scalars(select(IssuedToken.idx).where(of_ended)).all()
        bits = bytearray(last // 8 + 1)
        for idx in revoked:
            bits[idx // 8] |= 1 << idx % 8
        packed = base64.urlsafe_b64encode(zlib.compress(bits, 9)).rstrip(b"=").decode()
        now = int(time.time())
        return jwt.encode(
            {"alg": "ES256", "typ": "statuslist+jwt"},
            {
                "sub": self._uri,
                "iat": now,
                "exp": now + LIFETIME_S,
                "status_list": {"bits": 1, "lst": packed},
            },
            self._key,
        )
