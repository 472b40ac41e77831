"""Status List Tokens (draft-ietf-oauth-status-list, sections 4, 5 and 8.3)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from wallet.credentials.jwt import read_signed
from wallet.credentials.status.lists import StatusList, inflated
from wallet.oauth.jwt import numeric_date
from wallet.policy import CLOCK_SKEW_S
from wallet.records import Json, JsonObject
from wallet.strict import base64url
from wallet.trust.anchors import read_chain
from wallet.trust.issuer import Issuer, Signer

JWT: Final = "application/statuslist+jwt"
CWT: Final = "application/statuslist+cwt"

# Labels of COSE headers (RFC 9052, section 3.1; RFC 9360; RFC 9596) and of CWT claims (RFC 8392,
# section 4; Token Status List, section 5.2).
_KID, _TYP, _X5CHAIN = 4, 16, 33
_ISS, _STATUS_LIST = 1, 65533
_CLAIMS: Final = {"sub": 2, "exp": 4, "iat": 6, "ttl": 65534}


@dataclass(frozen=True)
class StatusListToken:
    """A token as it came. Nothing of it is believed before `verified`.

    Attributes:
        signer: Who it names as its signer.
        claims: `sub`, `iat`, `exp` and `ttl`.
        bits: `bits` of its list.
        packed: `lst` of its list, compressed.
        signed_by: Whether the owner of a public JWK has signed it.
    """

    signer: Signer
    claims: JsonObject
    bits: Json
    packed: bytes = field(repr=False)
    signed_by: Callable[[JsonObject], bool]

    def verified(self, issuer: Issuer, uri: str, now: datetime) -> StatusList:
        """The list, if the issuer signed it, it is about `uri` and not too old (section 8.3).

        Raises:
            ValueError: It is not; says why.
        """
        if not any(map(self.signed_by, issuer.keys)):
            message = "it is not signed by a key of its issuer"
            raise ValueError(message)
        if self.claims.get("sub") != uri:
            message = "its sub is not where it was found"
            raise ValueError(message)
        issued_at = numeric_date(self.claims, "iat")
        if issued_at is None or issued_at > now + timedelta(seconds=CLOCK_SKEW_S):
            message = "its iat is missing, or in the future"
            raise ValueError(message)
        expires_at = numeric_date(self.claims, "exp")
        if expires_at is not None and expires_at <= now:
            message = f"it expired {expires_at:%Y-%m-%d %H:%M}"
            raise ValueError(message)
        if not isinstance(self.bits, int) or self.bits not in (1, 2, 4, 8):
            message = "its bits are not 1, 2, 4 or 8"
            raise ValueError(message)
        ends = [end for end in (expires_at, self._ttl_ends(now)) if end is not None]
        statuses = inflated(self.packed, gzip=False)
        return StatusList(statuses, self.bits, "", min(ends, default=None))

    def _ttl_ends(self, now: datetime) -> datetime | None:
        ttl = self.claims.get("ttl")
        if ttl is None:
            return None
        if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl < 1e9:
            message = "its ttl is no positive number"
            raise ValueError(message)
        return now + timedelta(seconds=ttl)


def read_status_list_token(body: bytes, media_type: str) -> StatusListToken:
    """Read a token in either form (sections 5.1 and 5.2).

    Raises:
        ValueError: It is none; says why.
        VerificationFailed: `issuer_untrusted`: its `x5c` holds no chain.
    """
    if media_type == JWT:
        return _of_jwt(body.decode("ascii"))
    if media_type == CWT:
        return _of_cwt(body)
    message = f"Content-Type is {media_type[:60] or 'missing'}, not {JWT}"
    raise ValueError(message)


def _of_jwt(text: str) -> StatusListToken:
    jwt = read_signed(text)
    if jwt.header.get("typ") != "statuslist+jwt":
        message = f"typ is {str(jwt.header.get('typ'))[:40]!r}"
        raise ValueError(message)
    listed = jwt.claims.get("status_list")
    if not isinstance(listed, dict) or not isinstance(listed.get("lst"), str):
        message = "there is no status list in it"
        raise ValueError(message)
    return StatusListToken(
        jwt.signer(),
        jwt.claims,
        listed.get("bits"),
        base64url(listed["lst"]),
        jwt.by,
    )


def _of_cwt(body: bytes) -> StatusListToken:
    from openvc import OpenvcError, cbor, cose  # noqa: PLC0415 - only few lists come as CWT

    try:
        sign1 = cose.parse_sign1(cbor.decode(body))
        claims: Any = cbor.decode(sign1.payload or b"")
        header = {**sign1.unprotected, **sign1.protected_header}
        chain = read_chain(cose.x5chain_ders(sign1)) if _X5CHAIN in header else None
    except OpenvcError as error:
        message = f"not a CWT: {type(error).__name__}"
        raise ValueError(message) from None
    if sign1.protected_header.get(_TYP) != CWT:
        message = "its type is not that of a status list"
        raise ValueError(message)

    def signed_by(jwk: JsonObject) -> bool:
        try:
            return cose.verify_sign1(sign1, public_jwk=dict(jwk))
        except OpenvcError:
            return False

    listed = claims.get(_STATUS_LIST) if isinstance(claims, dict) else None
    if not isinstance(listed, dict) or not isinstance(listed.get("lst"), bytes):
        message = "there is no status list in it"
        raise ValueError(message)
    kid = header.get(_KID)
    return StatusListToken(
        Signer(
            chain,
            _text(claims.get(_ISS)),
            kid.decode("utf-8", "replace") if isinstance(kid, bytes) else "",
        ),
        {name: claims.get(label) for name, label in _CLAIMS.items()},
        listed.get("bits"),
        listed["lst"],
        signed_by,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
