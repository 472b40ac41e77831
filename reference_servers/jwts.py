"""JWTs that peers send: what is wrong with one is always said the same way (RFC 7515, RFC 8725)."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, OKPKey

ALGORITHMS: Final = ("ES256", "ES384", "EdDSA")
"""What both servers can verify."""
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

TIMES_END: Final = 1e11
"""Some three thousand years from now; beyond it are numbers that Python cannot reckon with."""

PublicKey = ECKey | OKPKey


class JwtError(Exception):
    """A JWT is broken; the text is ASCII without quotation marks and repeats nothing of it."""


class _Registry(jws.JWSRegistry):
    """Parameters that are not understood are ignored (RFC 7515, section 4); EdDSA is taken."""

    max_header_length = 32_768

    def get_alg(self, name: str) -> JWSAlgModel:
        if not isinstance(name, str) or name not in ALGORITHMS:
            raise JwtError("alg is not one that is taken")
        return self.algorithms[name]


REGISTRY: Final = _Registry(strict_check_header=False)


def header_of(token: object) -> Mapping[str, Any]:
    """The header of a JWT that is not verified yet.

    Raises:
        JwtError: It is no JWT, its `alg` is not asymmetric, or it has a `crit`.
    """
    try:
        header: object = jws.extract_compact(str(token).encode(), registry=REGISTRY).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise JwtError("not a JWT") from None
    if not isinstance(token, str) or not isinstance(header, dict):  # joserfc takes any JSON
        raise JwtError("not a JWT")
    if header.get("alg") not in ALGORITHMS or "crit" in header:
        raise JwtError(f"alg is none of {', '.join(ALGORITHMS)}")
    return header


def public_jwk(jwk: object) -> dict[str, str]:
    """A public JWK of an elliptic curve, without what else may stand in it.

    Raises:
        JwtError: It is not, or holds private members.
    """
    if not isinstance(jwk, dict) or PRIVATE & set(jwk):
        raise JwtError("jwk is not a public key")
    names = {"EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}.get(str(jwk.get("kty")))
    if names is None or not all(isinstance(jwk.get(name), str) for name in names):
        raise JwtError("jwk is not a key of an elliptic curve")
    return {name: jwk[name] for name in names}


def public_key(jwk: object) -> PublicKey:
    """The key of a public JWK.

    Raises:
        JwtError: It is not one.
    """
    members = public_jwk(jwk)
    try:
        return (ECKey if members["kty"] == "EC" else OKPKey).import_key(dict(members))
    except (JoseError, ValueError, TypeError, KeyError):
        raise JwtError("jwk is not a key of an elliptic curve") from None


def claims_of(
    token: str, key: PublicKey, *, algorithms: Collection[str] = ALGORITHMS
) -> Mapping[str, Any]:
    """The claims of a JWT whose signature is right; nothing else about them is checked.

    Raises:
        JwtError: The signature is wrong, or by another algorithm.
    """
    if header_of(token)["alg"] not in algorithms:
        raise JwtError(f"alg is none of {', '.join(algorithms)}")
    try:
        claims: object = jwt.decode(token, key, registry=REGISTRY).claims
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        raise JwtError("the signature is wrong") from None
    if not isinstance(claims, dict):
        raise JwtError("the claims are not an object")
    return claims


def seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519, section 2); None where it is missing or is no time to come."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if 0 <= value < TIMES_END else None


def check_times(claims: Mapping[str, Any]) -> None:
    """What is said of times is said right, also where it does not matter (RFC 7519, section 4.1).

    Raises:
        JwtError: It is not; Python's JSON takes NaN, infinity and numbers of any length.
    """
    for name in ("exp", "nbf", "iat"):
        if name in claims and seconds(claims, name) is None:
            raise JwtError(f"{name} is not a time")
