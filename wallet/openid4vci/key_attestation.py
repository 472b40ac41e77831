"""Key attestations (OpenID4VCI 1.0, Appendix D.1)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.jwt import numeric_date, read_jwt, thumbprint
from wallet.openid4vci.proof import ProofChoice
from wallet.policy import CLOCK_SKEW_S
from wallet.records import HolderKey, JsonObject, Secret

TYP: Final = "key-attestation+jwt"

_RULE: Final = "OpenID4VCI 1.0, appendix D.1"


def check_key_attestation(
    attestation: Secret[str],
    keys: Sequence[HolderKey],
    choice: ProofChoice,
    *,
    nonce: Secret[str] | None,
    now: datetime,
) -> None:
    """Whether a wallet provider's attestation will do; its signature is for the issuer to check.

    Raises:
        PeerBrokeProtocol: `wallet_attestation_invalid`: no such JWT, a key or the nonce is
            missing, or it has expired.
        Unsupported: `proof_unsupported` where it does not say of the keys what the issuer requires,
            or not with an algorithm that the issuer takes.
    """
    try:
        jwt = read_jwt(attestation.reveal())
        expires_at = numeric_date(jwt.claims, "exp")
        attested = _thumbprints(jwt.claims)
    except ValueError as error:
        raise _invalid(str(error)) from None
    if jwt.header.get("typ") != TYP:
        raise _invalid(f"typ is not {TYP}")
    if not {thumbprint(key.public_jwk) for key in keys} <= attested:
        raise _invalid("/attested_keys: a key that was to be attested is missing")
    if nonce is not None and jwt.claims.get("nonce") != nonce.reveal():
        raise _invalid("/nonce: not the one that was to be attested")
    if expires_at is None and choice.proof_type == "jwt":
        raise _invalid("/exp: missing")
    if expires_at is not None and expires_at <= now - timedelta(seconds=CLOCK_SKEW_S):
        raise _invalid("expired")
    if jwt.header.get("alg") not in choice.attesting:
        raise Unsupported(
            "proof_unsupported",
            f"the wallet provider signs with {str(jwt.header.get('alg'))[:40]}, "
            f"the issuer takes {list(choice.attesting)}",
            rule=_RULE,
        )
    for member, accepted in (choice.attested or {}).items():
        _check_level(jwt.claims, member, accepted)


def _check_level(claims: JsonObject, member: str, accepted: object) -> None:
    """One of the levels that the issuer accepts must be attested (section 12.2.4)."""
    if member not in ("key_storage", "user_authentication") or not isinstance(accepted, list):
        return
    said = claims.get(member)
    if not isinstance(said, list) or not any(level in accepted for level in said):
        raise Unsupported(
            "proof_unsupported",
            f"{member}: the issuer accepts {accepted}, the wallet provider attests {said}",
            rule=_RULE,
        )


def _thumbprints(claims: JsonObject) -> set[str]:
    keys = claims.get("attested_keys")
    if not isinstance(keys, list) or not keys:
        message = "/attested_keys: missing"
        raise ValueError(message)
    found = set()
    for key in keys:
        if not isinstance(key, dict) or "d" in key:
            message = "/attested_keys: not public keys"
            raise ValueError(message)
        found.add(thumbprint(key))
    return found


def _invalid(detail: str) -> PeerBrokeProtocol:
    return PeerBrokeProtocol("wallet_attestation_invalid", detail, rule=_RULE)
