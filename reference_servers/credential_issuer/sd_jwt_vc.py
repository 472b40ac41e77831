"""Issuing SD-JWT VCs with the `sd-jwt` library: every claim can be disclosed by itself."""

import time
from collections.abc import Mapping
from typing import Any, Final

from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer

from reference_servers.credential_issuer.certificates import SigningKey
from reference_servers.faults import NO_FAULT, Faults

TYP: Final = "dc+sd-jwt"
RESERVED: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "cnf", "vct", "status", "_sd", "_sd_alg", "..."}
)
HOUR_S: Final = 3600


def lifetime(days: int) -> tuple[int, int]:
    """`iat` and `exp` of a credential that is issued now.

    They are rounded to the hour, so that they do not link credentials to requests
    (OpenID4VCI 1.0, section 15.4.1).
    """
    now = int(time.time()) // HOUR_S * HOUR_S
    return now, now + days * 86_400


def issue(
    claims: Mapping[str, Any],
    *,
    registered: Mapping[str, Any],
    holder_jwk: Mapping[str, str] | None,
    key: SigningKey,
    issuer_key: str = "x5c",
    faults: Faults = NO_FAULT,
) -> str:
    """An SD-JWT VC in compact form.

    Args:
        claims: What can be disclosed.
        registered: What always is: `iss`, `iat`, `exp`, `vct`, `status`.
        holder_jwk: The key it is bound to; None for none.
        key: The issuer's.
        issuer_key: How the header names that key: `x5c` or `kid`.
        faults: What is made wrong on purpose.

    Raises:
        ValueError: A claim has a reserved name.
    """
    payload: dict[Any, Any] = {**registered}
    if holder_jwk is not None:
        payload["cnf"] = {"jwk": dict(faults.at("holder jwk", holder_jwk))}
    header: dict[str, Any] = {"typ": TYP}
    header |= {"x5c": list(key.x5c)} if issuer_key == "x5c" else {"kid": key.kid}
    issued = SDJWTIssuer(
        faults.at("credential payload", {**payload, **disclosable(claims)}),
        key.jwk,
        sign_alg="ES256",
        extra_header_parameters=faults.at("credential header", header),
    )
    return faults.at("sd-jwt", str(issued.sd_jwt_issuance))


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
