"""Attestation-based client authentication (draft-ietf-oauth-attestation-based-client-auth-07).

Written so that servers of the later drafts are satisfied too: these dropped `iss` and added the
mode in which the DPoP proof is the proof of possession.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.documents import Document, read_document, read_object, succeeded
from wallet.oauth.jwt import numeric_date, read_jwt, signing_input, thumbprint
from wallet.policy import CLOCK_SKEW_S
from wallet.ports import HttpResponse
from wallet.records import HolderKey, JsonObject, Secret

TYP: Final = "oauth-client-attestation+jwt"
POP_TYP: Final = "oauth-client-attestation-pop+jwt"
USE_CHALLENGE: Final = "use_attestation_challenge"
USE_FRESH: Final = "use_fresh_attestation"

_CHALLENGE: Final = re.compile(r"[\x21-\x7E]{1,1000}")
_RULE: Final = "Attestation-Based Client Authentication -07, section 5.1"


class ChallengeResponse(Document):
    """The answer of the challenge endpoint (section 8)."""

    attestation_challenge: str = Field(min_length=1, max_length=1_000)


def read_challenge(response: HttpResponse) -> str:
    """The challenge for the next proof of possession.

    Raises:
        PeerRefused: `token_refused` with the server's error, `server_error`, `not_found`.
        PeerBrokeProtocol: `challenge_response_invalid`.
    """
    code, rule = "challenge_response_invalid", "Attestation-Based Client Authentication -07"
    document = read_object(succeeded(response, "token_refused"), code, rule)
    return read_document(
        ChallengeResponse, document, code, rule, response.url
    ).attestation_challenge


def challenge_in(response: HttpResponse) -> str | None:
    """The challenge that any answer may bring for the next proof of possession."""
    challenge = response.headers.get("oauth-client-attestation-challenge", "")
    return challenge if _CHALLENGE.fullmatch(challenge) else None


def possession_input(
    key: HolderKey, client_id: str, server: str, *, challenge: str | None, jti: str, now: datetime
) -> bytes:
    """What the client instance key signs of a Client Attestation PoP (section 5.2).

    Args:
        key: The key in the attestation's `cnf`.
        client_id: The attestation's `sub`; -07 wants it as `iss`, later drafts ignore it.
        server: Issuer identifier of the authorization server.
        challenge: The newest that this server gave.
        jti: Unpredictable, for this proof alone.
        now: The time by the server's clock.
    """
    header: JsonObject = {"typ": POP_TYP, "alg": key.algorithm}
    claims: JsonObject = {
        "iss": client_id,
        "aud": server,
        "jti": jti,
        "iat": int(now.timestamp()),
        **({"challenge": challenge} if challenge is not None else {}),
    }
    return signing_input(header, claims)


def check_client_attestation(
    attestation: Secret[str],
    key: HolderKey,
    client_id: str,
    now: datetime,
    algorithms: Sequence[str] | None = None,
) -> datetime:
    """Whether a wallet provider's attestation will do; its signature is for the server to check.

    Returns:
        When it expires.

    Raises:
        PeerBrokeProtocol: `wallet_attestation_invalid`: no such JWT, for another key or another
            client, or expired.
        Unsupported: `client_authentication_unsupported` where it is signed with none of the
            `algorithms` that the server takes.
    """
    try:
        jwt = read_jwt(attestation.reveal())
    except ValueError as error:
        raise _invalid(f"not a JWT: {error}") from None
    if jwt.header.get("typ") != TYP or "alg" not in jwt.header:
        raise _invalid(f"typ is not {TYP}, or there is no alg")
    if algorithms is not None and jwt.header.get("alg") not in algorithms:
        raise Unsupported(
            "client_authentication_unsupported",
            f"the wallet provider signs with {str(jwt.header.get('alg'))[:40]}, "
            f"the server takes {', '.join(algorithms)[:200]}",
            rule="Attestation-Based Client Authentication -07, section 10.1",
        )
    if jwt.claims.get("sub") != client_id:
        raise _invalid(f"sub is not {client_id!r}")
    confirmation = jwt.claims.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    try:
        bound = isinstance(jwk, dict) and thumbprint(jwk) == thumbprint(key.public_jwk)
    except ValueError:
        bound = False
    if not bound or not isinstance(jwk, dict) or "d" in jwk:
        raise _invalid("cnf is not the key that was to be attested")
    try:
        expires_at = numeric_date(jwt.claims, "exp")
    except ValueError as error:
        raise _invalid(str(error)) from None
    if expires_at is None or expires_at <= now - timedelta(seconds=CLOCK_SKEW_S):
        raise _invalid("expired, or without exp")
    return expires_at


def _invalid(detail: str) -> PeerBrokeProtocol:
    return PeerBrokeProtocol("wallet_attestation_invalid", detail, rule=_RULE)
