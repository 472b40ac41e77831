"""Key proofs: verification as OpenID4VCI 1.0, appendix F.4 asks."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from reference_servers.credential_issuer.errors import CredentialRequestError

TYP: Final = "openid4vci-proof+jwt"
AGE_S: Final = 300
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Parameters that are not understood are ignored (RFC 7515, section 4).
REGISTRY: Final = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
REGISTRY.max_header_length = 32_768


def _bad(description: str) -> CredentialRequestError:
    return CredentialRequestError("invalid_proof", description)


def proven_key(
    proofs: object,
    *,
    credential_issuer: str,
    client_id: str,
    use_nonce: Callable[[str], bool],
) -> Mapping[str, str]:
    """The public JWK that a Credential Request's `proofs` prove possession of.

    Args:
        proofs: The request's member.
        credential_issuer: What `aud` must be.
        client_id: What `iss` must be, where it is there.
        use_nonce: Uses up a `c_nonce`; False where it is not one of ours or was used.

    Raises:
        CredentialRequestError: `invalid_proof`, `invalid_nonce`, `invalid_credential_request`.
    """
    token = _single(proofs)
    header = _header(token)
    if header.get("typ") != TYP:
        raise _bad("typ is not openid4vci-proof+jwt")
    if header.get("alg") != "ES256" or "crit" in header:
        raise _bad("alg is not ES256")
    if len({"jwk", "kid", "x5c"} & set(header)) != 1 or "jwk" not in header:
        raise _bad("the header must name the key by jwk, and only by jwk")
    jwk = header["jwk"]
    if not isinstance(jwk, dict) or PRIVATE & set(jwk):
        raise _bad("jwk is not a public key")
    try:
        public = {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}
        if (public["kty"], public["crv"]) != ("EC", "P-256"):
            raise _bad("jwk is not a P-256 key")
        claims = jwt.decode(token, ECKey.import_key(dict(public)), registry=REGISTRY).claims
    except (JoseError, ValueError, KeyError, TypeError):
        raise _bad("the signature is wrong") from None
    _check_claims(claims, credential_issuer, client_id)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str):
        raise _bad("the c_nonce is missing")
    if not use_nonce(nonce):
        raise CredentialRequestError("invalid_nonce", "the c_nonce is unknown, used or expired")
    return public


def _single(proofs: object) -> str:
    if proofs is None:
        raise _bad("proofs are missing")
    if not isinstance(proofs, dict) or len(proofs) != 1:
        raise CredentialRequestError(
            "invalid_credential_request", "proofs must have exactly one member"
        )
    [(kind, values)] = proofs.items()
    if kind != "jwt":
        raise _bad("only proofs of type jwt are taken")
    if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
        raise _bad("exactly one proof is taken")
    return values[0]


def _header(token: str) -> Mapping[str, Any]:
    try:
        header: object = jws.extract_compact(token.encode(), registry=REGISTRY).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise _bad("not a JWT") from None
    if not isinstance(header, dict):  # joserfc takes any JSON that contains "alg"
        raise _bad("not a JWT")
    return header


def _check_claims(claims: Mapping[str, Any], credential_issuer: str, client_id: str) -> None:
    if claims.get("aud") != credential_issuer:
        raise _bad("aud is not the Credential Issuer Identifier")
    issued_at = claims.get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise _bad("iat is missing")
    now = time.time()
    if not now - AGE_S <= issued_at <= now + AGE_S:
        raise _bad("iat is too far from now")
    if "iss" in claims and claims["iss"] != client_id:
        raise _bad("iss is not the client_id")
