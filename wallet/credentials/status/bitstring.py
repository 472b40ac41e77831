"""Bitstring Status List Credentials secured as JWTs (W3C Bitstring Status List, section 3)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from wallet.credentials.jwt import SignedJwt, read_signed
from wallet.credentials.status.lists import StatusList, inflated
from wallet.oauth.jwt import numeric_date
from wallet.policy import CLOCK_SKEW_S
from wallet.records import Json, JsonObject
from wallet.strict import base64url
from wallet.trust.issuer import Issuer, Signer

MEDIA_TYPES: Final = ("application/vc+jwt", "application/jwt", "application/vc")
TYPES: Final = ("BitstringStatusListCredential", "StatusList2021Credential")
SMALLEST_BYTES: Final = 16 * 1024
"""131,072 places of one bit: fewer would tell whose status is asked (section 3.3)."""


@dataclass(frozen=True)
class BitstringCredential:
    """A status list credential as it came. Nothing of it is believed before `verified`.

    Attributes:
        signer: Who it names as its signer.
    """

    signer: Signer
    _jwt: SignedJwt = field(repr=False)

    def verified(self, issuer: Issuer, uri: str, now: datetime) -> StatusList:
        """The list, if the issuer signed it, it is the one at `uri` and not too old.

        Raises:
            ValueError: It is not; says why.
        """
        if not any(map(self._jwt.by, issuer.keys)):
            message = "it is not signed by a key of its issuer"
            raise ValueError(message)
        document = _credential(self._jwt)
        if document.get("id", uri) != uri:
            message = "its id is not where it was found"
            raise ValueError(message)
        subject = document.get("credentialSubject")
        if not isinstance(subject, dict) or not isinstance(subject.get("statusPurpose"), str):
            message = "it lists nothing, or several purposes"
            raise ValueError(message)
        until = self._until(document, subject, now)
        encoded = subject.get("encodedList")
        if not isinstance(encoded, str):
            message = "there is no encodedList in it"
            raise ValueError(message)
        statuses = inflated(base64url(encoded.removeprefix("u")), gzip=True)
        if len(statuses) < SMALLEST_BYTES:
            message = "the list is too short"
            raise ValueError(message)
        return StatusList(statuses, 1, subject["statusPurpose"], until)

    def _until(self, document: JsonObject, subject: JsonObject, now: datetime) -> datetime | None:
        skew = timedelta(seconds=CLOCK_SKEW_S)
        begins = [_date(document, name) for name in ("validFrom", "issuanceDate")]
        begins += [numeric_date(self._jwt.claims, name) for name in ("nbf", "iat")]
        if any(one > now + skew for one in begins if one is not None):
            message = "it is not valid yet"
            raise ValueError(message)
        said = [_date(document, name) for name in ("validUntil", "expirationDate")]
        said.append(numeric_date(self._jwt.claims, "exp"))
        ends = [one for one in said if one is not None]
        if any(one <= now for one in ends):
            message = f"it expired {min(ends):%Y-%m-%d %H:%M}"
            raise ValueError(message)
        ttl = subject.get("ttl")
        if isinstance(ttl, int) and not isinstance(ttl, bool) and 0 < ttl < 10**12:
            ends.append(now + timedelta(milliseconds=ttl))
        return min(ends, default=None)


def read_bitstring_credential(body: bytes) -> BitstringCredential:
    """Read a status list credential: one of VCDM 2.0 (`typ` vc+jwt), or 1.1 in a `vc` claim.

    Raises:
        ValueError: It is none; says why.
    """
    jwt = read_signed(body.decode("ascii").strip())
    if jwt.header.get("typ") not in ("vc+jwt", "JWT", None):
        message = f"typ is {str(jwt.header.get('typ'))[:40]!r}"
        raise ValueError(message)
    document = _credential(jwt)
    types = document.get("type")
    if not isinstance(types, list) or not set(TYPES) & {one for one in types if _is_text(one)}:
        message = "it is no status list credential"
        raise ValueError(message)
    signer = jwt.signer()
    issuer = document.get("issuer")
    named = issuer.get("id") if isinstance(issuer, dict) else issuer
    if isinstance(named, str) and signer.issuer not in ("", named):
        message = "its iss is not its issuer"
        raise ValueError(message)
    if isinstance(named, str):
        signer = Signer(signer.chain, named, signer.key_id)
    return BitstringCredential(signer, jwt)


def _credential(jwt: SignedJwt) -> JsonObject:
    inside = jwt.claims.get("vc")
    return inside if isinstance(inside, dict) else jwt.claims


def _date(document: JsonObject, name: str) -> datetime | None:
    value = document.get(name)
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        message = f"{name} is no date with a zone"
        raise ValueError(message)
    return moment


def _is_text(value: Json) -> bool:
    return isinstance(value, str)
