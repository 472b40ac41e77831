"""What the formats have in common whose credentials are signed JWTs (RFC 7515; RFC 7519)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from joserfc.jws import JWSRegistry

from wallet.credentials.contract import Findings
from wallet.oauth.jwt import numeric_date, read_jwt
from wallet.policy import CLOCK_SKEW_S
from wallet.records import JsonObject
from wallet.strict import base64url
from wallet.trust.anchors import Chain, read_x5c
from wallet.trust.holder_keys import canonical, names_of
from wallet.trust.issuer import Issuer, Signer, untrusted
from wallet.trust.public_keys import public_key

ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "Ed25519": ("OKP", "Ed25519"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""What may sign a credential, with its key's `kty` and `crv` (RFC 7518, 3.4; RFC 9864, 2.2)."""

_KEY: Final = ("kty", "crv", "x", "y", "d")
"""The members of a JWK that are the key; the others say what it is for."""


@dataclass(frozen=True)
class SignedJwt:
    """A JWT that says it is an issuer's, read but not yet believed.

    Attributes:
        text: As received; the signature is over these characters.
        header: The protected header.
        claims: The payload.
        algorithm: Its `alg`, one of `ALGORITHMS`.
        chain: Its `x5c`; None where it has none.
    """

    text: str = field(repr=False)
    header: JsonObject
    claims: JsonObject = field(repr=False)
    algorithm: str
    chain: Chain | None

    def signer(self) -> Signer:
        """Who it says that signed it: `x5c`, `iss` and `kid`."""
        issuer, key_id = self.claims.get("iss"), self.header.get("kid")
        return Signer(
            self.chain,
            issuer if isinstance(issuer, str) else "",
            key_id if isinstance(key_id, str) else "",
        )

    def by(self, key: JsonObject) -> bool:
        """Whether the owner of a public JWK signed it (RFC 7515, section 5.2)."""
        signing_input, _, signature = self.text.rpartition(".")
        return _may_verify(key, self.algorithm) and _verifies(
            key, self.algorithm, signing_input.encode(), base64url(signature)
        )


def read_signed(text: str) -> SignedJwt:
    """Read a compact JWS of JSON objects.

    Raises:
        ValueError: It is none, is signed in no way of `ALGORITHMS`, or has extensions (`crit`).
        VerificationFailed: `issuer_untrusted`: its `x5c` holds no chain.
    """
    jwt = read_jwt(text)
    algorithm = jwt.header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        message = f"alg is {str(algorithm)[:40]!r}, none of {', '.join(ALGORITHMS)}"
        raise ValueError(message)
    if "crit" in jwt.header:
        message = "crit asks for extensions, and there are none"
        raise ValueError(message)
    if not isinstance(jwt.claims.get("iss", ""), str):
        message = "iss is not a text"
        raise ValueError(message)
    try:
        chain = read_x5c(jwt.header["x5c"]) if "x5c" in jwt.header else None
    except ValueError as error:
        raise untrusted(f"x5c: {error}", "RFC 7515, section 4.1.6") from None
    return SignedJwt(text, jwt.header, jwt.claims, algorithm, chain)


def check_signature(signed: SignedJwt, issuer: Issuer, findings: Findings) -> JsonObject | None:
    """The one of the issuer's keys that signed; None where they could not be had now.

    Raises:
        VerificationFailed: `signature_invalid`.
    """
    name, rule = "Signature", "RFC 7515, section 5.2"
    if not issuer.keys:
        findings.skipped(name, "the issuer's keys could not be had now", rule)
        return None
    for key in issuer.keys:
        if signed.by(key):
            findings.passed(name, f"{signed.algorithm}, by a key of the issuer", rule)
            return key
    reason = f"{signed.algorithm} by none of the issuer's {len(issuer.keys)} keys"
    raise findings.stop("signature_invalid", name, reason, rule)


def _may_verify(key: JsonObject, algorithm: str) -> bool:
    """Whether a JWK is for this (RFC 7517, sections 4.2 to 4.4)."""
    operations = key.get("key_ops", ["verify"])
    named = key.get("alg", algorithm)
    return (
        (key.get("kty"), key.get("crv")) == ALGORITHMS[algorithm]
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list | tuple)
        and "verify" in operations
        and isinstance(named, str)
        and ALGORITHMS.get(named) == ALGORITHMS[algorithm]
    )


def _verifies(jwk: JsonObject, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
    model = JWSRegistry.algorithms["Ed25519" if algorithm == "EdDSA" else algorithm]
    try:
        key = public_key({name: jwk[name] for name in _KEY if name in jwk})
        model.check_key(key)
        return model.verify(signing_input, signature, key)
    except Exception:  # noqa: BLE001 - whatever it is, it is no signature of this key
        return False


def check_dates(claims: JsonObject, now: datetime, findings: Findings) -> datetime | None:
    """When it ends (`exp`); `nbf` and `iat` must not be to come.

    Raises:
        VerificationFailed: `credential_malformed`: one of them is no date.
    """
    name, rule = "Dates", "RFC 7519, sections 4.1.4 to 4.1.6"
    try:
        expires_at, *starts_at = (_date(claims, claim) for claim in ("exp", "nbf", "iat"))
    except ValueError as error:
        raise findings.stop("credential_malformed", name, str(error), rule) from None
    latest = max(filter(None, starts_at), default=None)
    if expires_at is not None and expires_at <= now:
        findings.failed("credential_expired", name, f"expired {expires_at:%Y-%m-%d}", rule)
    elif latest is not None and latest > now + timedelta(seconds=CLOCK_SKEW_S):
        reason = f"not valid before {latest.isoformat()}"
        findings.failed("credential_not_yet_valid", name, reason, rule)
    else:
        until = f"until {expires_at:%Y-%m-%d}" if expires_at else "without end"
        findings.passed(name, f"valid {until}", rule)
    return expires_at


def _date(claims: JsonObject, name: str) -> datetime | None:
    if name in claims and claims[name] is None:
        message = f"{name} is not a number"
        raise ValueError(message)
    return numeric_date(claims, name)


def check_audience(
    claims: JsonObject, holder_jwks: Sequence[Mapping[str, str]], findings: Findings
) -> None:
    """Whoever takes a JWT with an `aud` must be named there: a holder by the DID of their key."""
    name, rule = "Audience", "RFC 9901, section 7.1; RFC 7519, section 4.1.3"
    if "aud" not in claims:
        return
    audience = claims["aud"]
    named = audience if isinstance(audience, list) else [audience]
    holder = names_of(holder_jwks)
    if any(isinstance(one, str) and canonical(one) in holder for one in named):
        findings.passed(name, "meant for the holder of this request's key", rule)
    else:
        findings.failed("audience_mismatch", name, "meant for somebody else than the holder", rule)
