"""The Token Status List of the credentials (draft-ietf-oauth-status-list), two bits each.

A credential's place is drawn at random, so that it tells nothing of when or to whom it was issued.
"""

import base64
import secrets
import time
import zlib
from collections.abc import Mapping
from typing import Any, Final

import cbor2
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.credential_issuer.certificates import SigningKey
from reference_servers.credential_issuer.database import Issuance, StatusEntry

TYP: Final = "statuslist+jwt"
JWT: Final = "application/statuslist+jwt"
CWT: Final = "application/statuslist+cwt"
PLACES: Final = 1 << 20
BITS: Final = 2
TTL_S: Final = 300
LIFETIME_S: Final = 3600

SUB, EXP, IAT, STATUS_LIST, TTL = 2, 4, 6, 65533, 65534
"""Labels of CWT claims (RFC 8392, section 4; Token Status List, section 5.2)."""
ALG, TYPE, X5CHAIN = 1, 16, 33
"""Labels of COSE headers (RFC 9052, section 3.1; RFC 9596; RFC 9360)."""
ES256: Final = -7
COSE_SIGN1: Final = 18


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

    def jwt(self) -> str:
        """The Status List Token as a JWT (section 5.1)."""
        now, packed = int(time.time()), self._packed()
        lst = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
        return self._key.signed(
            TYP,
            {
                "sub": self._uri,
                "iat": now,
                "exp": now + LIFETIME_S,
                "ttl": TTL_S,
                "status_list": {"bits": BITS, "lst": lst},
            },
            x5c=list(self._key.x5c),
        )

    def cwt(self) -> bytes:
        """The Status List Token as a CWT (section 5.2): a tagged COSE_Sign1 (RFC 9052)."""
        now = int(time.time())
        payload = cbor2.dumps(
            {
                SUB: self._uri,
                IAT: now,
                EXP: now + LIFETIME_S,
                TTL: TTL_S,
                STATUS_LIST: {"bits": BITS, "lst": self._packed()},
            }
        )
        chain = [base64.b64decode(one) for one in self._key.x5c]
        protected = cbor2.dumps(
            {ALG: ES256, TYPE: CWT, X5CHAIN: chain[0] if len(chain) == 1 else chain}
        )
        message = cbor2.dumps(["Signature1", protected, b"", payload])
        signature = self._key.raw_signature(message)
        return cbor2.dumps(cbor2.CBORTag(COSE_SIGN1, [protected, {}, payload, signature]))

    def _packed(self) -> bytes:
        """The statuses, compressed (section 4.1)."""
        listed = (
            select(StatusEntry.idx, Issuance.status)
            .join(Issuance, Issuance.id == StatusEntry.issuance_id)
            .where(Issuance.status != 0)
        )
        statuses = bytearray(PLACES * BITS // 8)
        with self._sessions() as db:
            for idx, status in db.execute(listed):
                statuses[idx * BITS // 8] |= status << idx * BITS % 8
        return zlib.compress(statuses, 9)
