"""Passwords: Argon2id (RFC 9106) in PHC form, and limits on guessing."""

import os
import time
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.authorization_server.database import FailedLogins, Person, digest

FREE_TRIES: Final = 5
LONGEST_BLOCK_S: Final = 300


def hashed(password: str) -> str:
    """The PHC string of a password: 64 MiB, 3 passes; about half a second."""
    argon = Argon2id(salt=os.urandom(16), length=32, iterations=3, lanes=4, memory_cost=64 * 1024)
    return argon.derive_phc_encoded(password.encode())


def matches(password: str, phc: str) -> bool:
    """Whether `password` is the one of `phc`."""
    try:
        Argon2id.verify_phc_encoded(password.encode(), phc)
    except InvalidKey:
        return False
    return True


class Blocked(Exception):  # noqa: N818 - it is a state, not a failure
    """Too many wrong passwords; `retry_after_s` says for how long."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class Doorkeeper:
    """Checks passwords. Unknown people take as long as known ones."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._nobody = hashed(os.urandom(16).hex())

    def signed_in(self, username: str, password: str, address: str) -> Person | None:
        """The person, or None for a wrong name or password. Raises `Blocked`."""
        key = digest(f"{username}\n{address}")
        now = time.time()
        with self._sessions() as db:
            failures = db.get(FailedLogins, key)
            if failures and failures.blocked_until > now:
                raise Blocked(int(failures.blocked_until - now) + 1)
            person = db.get(Person, username)
        if not matches(password, person.password if person else self._nobody) or not person:
            self._failed(key, now)
            return None
        with self._sessions.begin() as db:
            db.query(FailedLogins).filter_by(key=key).delete()
        return person

    def _failed(self, key: str, now: float) -> None:
        with self._sessions.begin() as db:
            failures = db.get(FailedLogins, key) or FailedLogins(key=key, count=0, blocked_until=0)
            failures.count += 1
            if failures.count >= FREE_TRIES:
                wait = min(2 ** (failures.count - FREE_TRIES + 1), LONGEST_BLOCK_S)
                failures.blocked_until = now + wait
            db.merge(failures)
