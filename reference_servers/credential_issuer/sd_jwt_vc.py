"""Issuing SD-JWT VCs with the `sd-jwt` library: every claim can be disclosed by itself."""

import time
from collections.abc import Mapping
from typing import Any, Final

from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer

from reference_servers.credential_issuer.certificates import SigningKey

TYP: Final = "dc+sd-jwt"
RESERVED: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "cnf", "vct", "status", "_sd", "_sd_alg", "..."}
)
HOUR_S: Final = 3600


def issue(
    claims: Mapping[str, Any],
    *,
    vct: str,
    credential_issuer: str,
    holder_jwk: Mapping[str, str],
    key: SigningKey,
    lifetime_days: int,
) -> str:
    """An SD-JWT VC in compact form.

    Its times are rounded to the hour, so that they do not link credentials to requests
    (OpenID4VCI 1.0, section 15.4.1).

    Raises:
        ValueError: A claim has a reserved name.
    """
    now = int(time.time()) // HOUR_S * HOUR_S
    payload = {
        "iss": credential_issuer,
        "iat": now,
        "exp": now + lifetime_days * 86_400,
        "vct": vct,
        "cnf": {"jwk": dict(holder_jwk)},
        **disclosable(claims),
    }
    issued = SDJWTIssuer(
        payload,
        key.jwk,
        sign_alg="ES256",
        extra_header_parameters={"typ": TYP, "x5c": list(key.x5c)},
    )
    return str(issued.sd_jwt_issuance)


def disclosable(claims: Mapping[str, Any]) -> dict[Any, Any]:
    """The claims, marked so that each can be disclosed by itself, also those within others.

    Raises:
        ValueError: A claim has a reserved name.
    """
    if reserved := RESERVED & set(claims):
        message = f"reserved claim names: {sorted(reserved)}"
        raise ValueError(message)
    return {SDObj(name): _nested(member) for name, member in claims.items()}


def _nested(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, dict):
        return disclosable(value)
    if isinstance(value, list):
        return [SDObj(_nested(element)) for element in value]
    return value
