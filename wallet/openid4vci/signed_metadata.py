"""Signed Credential Issuer Metadata (OpenID4VCI 1.0, section 12.2.3)."""

from datetime import datetime, timedelta
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError

from wallet.errors import PeerBrokeProtocol
from wallet.oauth.jwt import Jwt, numeric_date, read_jwt
from wallet.openid4vci.issuer_metadata import IssuerMetadata, issuer_metadata_of
from wallet.policy import CLOCK_SKEW_S, REPLY_LIMIT_BYTES
from wallet.ports import HttpResponse
from wallet.trust.anchors import Anchors, Chain, read_x5c
from wallet.trust.public_keys import public_key
from wallet.urls import without_query

MEDIA_TYPE: Final = "application/jwt"
TYP: Final = "openidvci-issuer-metadata+jwt"
ALGORITHM: Final = "ES256"

_RULE: Final = "OpenID4VCI 1.0, section 12.2.3"

_REGISTRY: Final = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
_REGISTRY.max_header_length = 32_768
_REGISTRY.max_payload_length = REPLY_LIMIT_BYTES


def read_signed_metadata(
    response: HttpResponse, credential_issuer: str, anchors: Anchors, now: datetime
) -> IssuerMetadata:
    """The metadata of `credential_issuer`, signed by someone the holder trusts.

    Raises:
        PeerBrokeProtocol: `metadata_signer_untrusted` where no chain leads to an anchor: the same
            issuer's metadata may still be asked for without signature. `metadata_signature_invalid`
            for anything else that is wrong with the signature, `sub` or the dates;
            `metadata_invalid` and `issuer_mismatch` as `read_issuer_metadata`.
    """
    text = response.body.decode("ascii", "replace").strip()
    try:
        jwt = read_jwt(text)
        if jwt.header.get("typ") != TYP:
            _wrong(f"typ is {str(jwt.header.get('typ'))[:60]!r}, not {TYP!r}")
        chain = read_x5c(jwt.header.get("x5c"))
        _check_signature(text, jwt, chain)
        _check_claims(jwt, credential_issuer, now)
    except ValueError as error:
        raise _error("metadata_signature_invalid", str(error), response) from None
    try:
        anchors.trust(chain, now)
    except ValueError as error:
        raise _error("metadata_signer_untrusted", str(error), response) from None
    return issuer_metadata_of(jwt.claims, credential_issuer, response.url)


def _check_signature(text: str, jwt: Jwt, chain: Chain) -> None:
    if jwt.header.get("alg") != ALGORITHM or "crit" in jwt.header:
        _wrong(f"alg is {str(jwt.header.get('alg'))[:40]!r}, not {ALGORITHM!r}, or crit is used")
    if chain.jwk["crv"] != "P-256":
        _wrong("the leaf's key is not on P-256")
    try:
        jws.deserialize_compact(text, public_key(chain.jwk), registry=_REGISTRY)
    except JoseError as error:
        _wrong(type(error).__name__)


def _check_claims(jwt: Jwt, credential_issuer: str, now: datetime) -> None:
    if jwt.claims.get("sub") != credential_issuer:
        _wrong("sub is not the credential issuer")
    issued_at, expires_at = (numeric_date(jwt.claims, name) for name in ("iat", "exp"))
    skew = timedelta(seconds=CLOCK_SKEW_S)
    if issued_at is None or issued_at > now + skew:
        _wrong("iat is missing, or in the future")
    if expires_at is not None and expires_at <= now - skew:
        _wrong("expired")


def _wrong(message: str) -> None:
    raise ValueError(message)


def _error(code: str, detail: str, response: HttpResponse) -> PeerBrokeProtocol:
    return PeerBrokeProtocol(code, detail, rule=_RULE, url=without_query(response.url))
