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
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.credential_issuer.certificates import SigningKey
from reference_servers.credential_issuer.database import Issuance, StatusEntry

TYP: Final = "statuslist+jwt"
CWT_TYPE: Final = "application/statuslist+cwt"
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
        """The Status List Token as a JWT (section 5.1)."""
        packed = base64.urlsafe_b64encode(self._packed()).rstrip(b"=").decode()
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

    def cwt(self) -> bytes:
        """The Status List Token as a CWT (section 5.2)."""
        now = int(time.time())
        claims = {
            2: self._uri,
            6: now,
            4: now + LIFETIME_S,
            65534: TTL_S,
            65533: {"bits": BITS, "lst": self._packed()},
        }
        protected, payload = cbor2.dumps({1: -7, 16: CWT_TYPE}), cbor2.dumps(claims)
        signed = cbor2.dumps(["Signature1", protected, b"", payload])
        key = self._key.jwk.get_op_key("sign")
        r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
        chain = [base64.b64decode(one) for one in self._key.x5c]
        x5chain = chain[0] if len(chain) == 1 else chain
        parts = [protected, {33: x5chain}, payload, r.to_bytes(32) + s.to_bytes(32)]
        return cbor2.dumps(cbor2.CBORTag(18, parts))

    def _packed(self) -> bytes:
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
