"""DPoP proofs as a server checks them (RFC 9449, section 4.3), with nonces and a memory of `jti`s.

A nonce is a MAC over a stretch of time: every process that shares the password takes it, also after
a restart, and none is kept. A proof's age is told by its nonce, where it has one, as its client's
clock may be wrong; by `iat` otherwise. Used proofs are kept until they are too old to be used.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import String, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from reference_servers.jwts import JwtError, claims_of, header_of, public_key, seconds
from reference_servers.storage import Expiring, digest

TYP: Final = "dpop+jwt"
AGE_S: Final = 60
"""How far the `iat` of a proof without a nonce may be from now, either way."""
NONCE_S: Final = 120
"""How long one nonce is handed out; it is taken for as long again."""
JTI_LIMIT: Final = 500


class SeenProof(Expiring):
    """Columns of a server's table of used proofs, by the hash of key and `jti`."""

    id: Mapped[str] = mapped_column(String(64), primary_key=True)


class DpopError(Exception):
    """A proof is missing, wrong or lacks the nonce.

    Attributes:
        error: `invalid_dpop_proof` or `use_dpop_nonce`.
        description: ASCII without quotation marks and backslashes.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description


class Dpop:
    """Checks proofs for one server.

    Args:
        sessions: The server's database.
        seen: Its table of used proofs.
        secret: Makes the nonces; the same for all processes of the server.
        nonce_required: Whether a proof needs a nonce of this server.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        seen: type[SeenProof],
        secret: bytes,
        *,
        nonce_required: bool,
    ) -> None:
        self._sessions = sessions
        self._seen = seen
        self._secret = secret
        self._nonce_required = nonce_required

    def nonce(self) -> str:
        """The value for a `DPoP-Nonce` header, at any time (RFC 9449, section 8.2)."""
        return self._nonce(int(time.time() // NONCE_S))

    def _nonce(self, stretch: int) -> str:
        mac = hmac.digest(self._secret, b"DPoP-Nonce %d" % stretch, "sha256")
        return base64.urlsafe_b64encode(mac[:18]).decode()

    def thumbprint(
        self, proofs: Sequence[str], *, method: str, url: str, access_token: str | None = None
    ) -> str:
        """The `jkt` of the key that a request's one proof was made with; the proof is used up.

        Args:
            proofs: The request's `DPoP` headers.
            method: The request's.
            url: Of the endpoint, as its clients know it, without query.
            access_token: What comes with it, where something does.

        Raises:
            DpopError: There is not exactly one good proof.
        """
        if len(proofs) != 1:
            raise _invalid("exactly one DPoP proof is needed")
        try:
            header = header_of(proofs[0])
            if header.get("typ") != TYP:
                raise _invalid("typ is not dpop+jwt")
            key = public_key(header.get("jwk"))
            claims = claims_of(proofs[0], key)
        except JwtError as error:
            raise _invalid(str(error)) from None
        jti, issued_at = claims.get("jti"), seconds(claims, "iat")
        if not isinstance(jti, str) or not 0 < len(jti) <= JTI_LIMIT:
            raise _invalid("jti is missing or too long")
        if claims.get("htm") != method:
            raise _invalid("htm is another method")
        if _target(claims.get("htu")) != _target(url):
            raise _invalid("htu is another address")
        if access_token is not None and claims.get("ath") != _b64url_sha256(access_token):
            raise _invalid("ath is not the hash of the access token")
        if issued_at is None:
            raise _invalid("iat is missing")
        now = time.time()
        if self._nonce_required or "nonce" in claims:
            self._check_nonce(claims.get("nonce"))
            expires_at = now + 2 * NONCE_S
        elif not now - AGE_S <= issued_at <= now + AGE_S:
            raise _invalid("iat is too far from now")
        else:
            expires_at = issued_at + AGE_S
        thumbprint = key.thumbprint()
        self._use(digest(f"{thumbprint} {jti}"), expires_at)
        return thumbprint

    def _check_nonce(self, nonce: object) -> None:
        """Section 9: also what was not asked for must be ours."""
        stretch = int(time.time() // NONCE_S)
        if nonce not in (self._nonce(stretch), self._nonce(stretch - 1)):
            raise DpopError("use_dpop_nonce", "the nonce is missing or too old")

    def _use(self, used: str, expires_at: float) -> None:
        """Of any number of requests at the same time with one proof, one goes on."""
        try:
            with self._sessions.begin() as db:
                db.execute(insert(self._seen).values(id=used, expires_at=expires_at))
        except IntegrityError:
            raise _invalid("the proof was used before") from None


def _invalid(description: str) -> DpopError:
    return DpopError("invalid_dpop_proof", description)


def _target(url: object) -> tuple[str, str | None, int | None, str] | None:
    """What is compared of a URL: without query and fragment, normalized (section 4.3, item 9)."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        default = {"https": 443, "http": 80}.get(parts.scheme)
        return parts.scheme, parts.hostname, parts.port or default, parts.path or "/"
    except ValueError:
        return None


def _b64url_sha256(value: str) -> str:
    octets = hashlib.sha256(value.encode(errors="surrogatepass")).digest()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
