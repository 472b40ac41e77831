"""Passwords: Argon2id (RFC 9106) in PHC form, and limits on guessing."""

import functools
import os
import time
from threading import BoundedSemaphore, Lock
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from sqlalchemy.orm import Session, sessionmaker

from reference_servers.authorization_server.database import FailedLogins, Person
from reference_servers.storage import digest

FREE_TRIES: Final = 5
FREE_TRIES_FROM_AN_ADDRESS: Final = 8
LONGEST_BLOCK_S: Final = 300
FORGOTTEN_AFTER_S: Final = 3600
WAITING: Final = 16
"""How many sign-ins may wait for their turn; each takes a worker thread."""


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


@functools.cache
def nobodys() -> str:
    """The PHC string of a password that nobody knows."""
    return hashed(os.urandom(16).hex())


class Blocked(Exception):  # noqa: N818 - it is a state, not a failure
    """Too many wrong passwords; `retry_after_s` says for how long."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class Doorkeeper:
    """Checks passwords. Unknown people take as long as known ones.

    Wrong ones are counted for the account and for the address. One password is checked at a time:
    guesses that come together are counted one after the other, and Argon2's memory is needed once.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._nobody = nobodys()
        self._turn = Lock()
        self._waiting = BoundedSemaphore(WAITING)

    def signed_in(self, username: str, password: str, address: str) -> Person | None:
        """The person, or None for a wrong name or password. Raises `Blocked`."""
        if not self._waiting.acquire(blocking=False):
            raise Blocked(1)
        try:
            with self._turn:
                return self._checked(username, password, address)
        finally:
            self._waiting.release()

    def _checked(self, username: str, password: str, address: str) -> Person | None:
        account, origin = digest(f"account {username}"), digest(f"address {address}")
        now = time.time()
        with self._sessions() as db:
            counts = [row for key in (account, origin) if (row := db.get(FailedLogins, key))]
            person = db.get(Person, username)
        until = max((row.blocked_until for row in counts), default=0)
        if until > now:
            raise Blocked(int(until - now) + 1)
        right = matches(password, person.password if person else self._nobody)
        with self._sessions.begin() as db:
            if right and person:
                db.query(FailedLogins).filter_by(key=account).delete()
                return person
            _count(db, account, FREE_TRIES)
            _count(db, origin, FREE_TRIES_FROM_AN_ADDRESS)
        return None


def _count(db: Session, key: str, free: int) -> None:
    now = time.time()
    row = db.get(FailedLogins, key)
    if row is None or row.expires_at < now:
        row = db.merge(FailedLogins(key=key, count=0, blocked_until=0, expires_at=0))
    row.count += 1
    row.expires_at = now + FORGOTTEN_AFTER_S
    if row.count >= free:
        row.blocked_until = now + min(2 ** (row.count - free + 1), LONGEST_BLOCK_S)
