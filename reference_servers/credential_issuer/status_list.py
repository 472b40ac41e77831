"""The Token Status List of the credentials (draft-ietf-oauth-status-list), two bits each.

A credential's place is drawn at random, so that it tells nothing of when or to whom it was issued.
"""

import base64
import secrets
import time
import zlib
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.credential_issuer.certificates import SigningKey
from reference_servers.credential_issuer.database import Issuance, StatusEntry

TYP: Final = "statuslist+jwt"
PLACES: Final = 1 << 20
BITS: Final = 2
TTL_S: Final = 300
LIFETIME_S: Final = 3600


class StatusList:
    """Gives places, and publishes the list."""

    def __init__(self, sessions: sessionmaker[Session], key: SigningKey, uri: str) -> None:
        self._sessions = sessions
        self._key = key
        self._uri = uri

    def place(self, db: Session, issuance: Issuance, expires_at: float) -> Mapping[str, Any]:
        """Take a place for one credential of an issuance; returns its `status` claim."""
        idx = secrets.randbelow(PLACES)
        while db.get(StatusEntry, idx) is not None:
            idx = secrets.randbelow(PLACES)
        db.add(StatusEntry(idx=idx, issuance_id=issuance.id, expires_at=expires_at))
        db.flush()
        return {"status_list": {"idx": idx, "uri": self._uri}}

    def document(self) -> str:
        """The Status List Token (section 5.1)."""
        listed = (
            select(StatusEntry.idx, Issuance.status)
            .join(Issuance, Issuance.id == StatusEntry.issuance_id)
            .where(Issuance.status != 0)
        )
        statuses = bytearray(PLACES * BITS // 8)
        with self._sessions() as db:
            for idx, status in db.execute(listed):
                statuses[idx * BITS // 8] |= status << idx * BITS % 8
        packed = base64.urlsafe_b64encode(zlib.compress(statuses, 9)).rstrip(b"=").decode()
        now = int(time.time())
        return self._key.signed(
            TYP,
            {
                "sub": self._uri,
                "iat": now,
                "exp": now + LIFETIME_S,
                "ttl": TTL_S,
                "status_list": {"bits": BITS, "lst": packed},
            },
            x5c=list(self._key.x5c),
        )
