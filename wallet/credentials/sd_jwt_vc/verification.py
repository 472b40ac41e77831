"""Verification of an SD-JWT VC before a holder keeps it (RFC 9901, section 7.1; SD-JWT VC)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError

from wallet.credentials.claims_path import has_claim
from wallet.credentials.contract import Expected, Findings, VerifiedCredential
from wallet.credentials.sd_jwt_vc.disclosures import Processed, process
from wallet.errors import VerificationFailed
from wallet.oauth.jwt import numeric_date
from wallet.policy import CLOCK_SKEW_S, CREDENTIAL_LIMIT_BYTES, DISCLOSURES_LIMIT
from wallet.records import JsonObject, Secret
from wallet.strict import base64url, json_object
from wallet.trust.anchors import Chain, read_x5c
from wallet.trust.holder_keys import confirms
from wallet.trust.issuer import Issuer, Signer, untrusted
from wallet.trust.public_keys import public_key

ALGORITHM: Final = "ES256"
NEVER_DISCLOSED: Final = frozenset(
    {"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"}
)
"""Claims that must stand in the signed payload in clear (SD-JWT VC, section 3.2.2.2)."""
TECHNICAL: Final = NEVER_DISCLOSED | {"iat", "sub", "jti", "aud"}

_REGISTRY: Final = jws.JWSRegistry(algorithms=[ALGORITHM])
_REGISTRY.max_header_length = 16_384  # an x5c header is longer than the default of 512
_REGISTRY.max_payload_length = CREDENTIAL_LIMIT_BYTES


@dataclass(frozen=True)
class _Parts:
    jwt: str = field(repr=False)
    disclosures: tuple[str, ...] = field(repr=False)
    header: JsonObject
    payload: JsonObject = field(repr=False)
    chain: Chain | None


def signer(credential: Secret[str], expected: Expected) -> Signer:
    """Who an SD-JWT VC says that signed it: `x5c`, `iss` and `kid` (SD-JWT VC, section 3.5)."""
    parts = _form(credential.reveal(), expected, Findings())
    issuer, key_id = parts.payload.get("iss"), parts.header.get("kid")
    return Signer(
        parts.chain,
        issuer if isinstance(issuer, str) else "",
        key_id if isinstance(key_id, str) else "",
    )


def verify(credential: Secret[str], issuer: Issuer, expected: Expected) -> VerifiedCredential:
    """Verify an SD-JWT VC as its holder must at issuance.

    1. Form: compact SD-JWT without key binding JWT, strict encodings, `typ`, `alg`, `x5c`.
    2. Issuer: as it was found out.
    3. Signature of the issuer over header and payload.
    4. Disclosures: each belongs to one digest; none is missing its place, doubled or reserved.
    5. Dates: not before, not expired.
    6. Type: `vct`, or a claim expected in its stead, is the one that was asked for.
    7. Binding: `cnf` is the key of one of this request's proofs.
    8. Claims that the issuer promised are there.

    Raises:
        VerificationFailed: The first check that failed decides the code.
    """
    findings = Findings()
    parts = _form(credential.reveal(), expected, findings)
    findings.checks += issuer.checks
    _signature(parts, issuer, findings)
    processed = _disclosures(parts, findings)
    expires_at = _dates(parts.payload, expected.now, findings)
    vct = _type(parts.payload, expected, findings)
    bound_to = _binding(parts.payload, expected.holder_jwks, findings)
    _promised(processed.claims, expected, findings)
    report = findings.report()
    claims = {name: value for name, value in processed.claims.items() if name not in TECHNICAL}
    status = parts.payload.get("status")
    return VerifiedCredential(
        credential=credential,
        type=vct,
        claims=claims,
        bound_to=bound_to,
        trust=issuer.trust,
        trusted_by=issuer.name,
        expires_at=expires_at,
        status=status if isinstance(status, dict) else {},
        report=report,
    )


def _form(credential: str, expected: Expected, findings: Findings) -> _Parts:
    name, rule = "Form", "RFC 9901, section 4; SD-JWT VC, section 3.2.1"

    def broken(reason: str) -> VerificationFailed:
        return findings.stop("credential_malformed", name, reason, rule)

    if len(credential) > CREDENTIAL_LIMIT_BYTES or not credential.isascii():
        raise broken("too large, or not ASCII")
    jwt, *disclosures = credential.split("~")
    if not disclosures or disclosures.pop():
        raise broken("does not end in ~: a key binding JWT has no place at issuance")
    if len(disclosures) > DISCLOSURES_LIMIT or "" in disclosures:
        raise broken("an empty disclosure, or too many")
    try:
        encoded_header, encoded_payload, encoded_signature = jwt.split(".")
        header = json_object(base64url(encoded_header))
        payload = json_object(base64url(encoded_payload))
        base64url(encoded_signature)
    except ValueError as error:
        raise broken(f"not a compact JWS of JSON objects: {error}") from None
    if header.get("typ") not in expected.typ:
        raise broken(f"typ is {str(header.get('typ'))[:40]!r}, not {expected.typ[0]!r}")
    if header.get("alg") != ALGORITHM or "crit" in header:
        raise broken(f"alg is {str(header.get('alg'))[:40]!r}, not {ALGORITHM!r}, or crit is used")
    try:
        chain = read_x5c(header["x5c"]) if "x5c" in header else None
    except ValueError as error:
        raise untrusted(f"x5c: {error}", "SD-JWT VC, section 3.5") from None
    findings.passed(name, f"compact SD-JWT with {len(disclosures)} disclosures", rule)
    return _Parts(jwt, tuple(disclosures), header, payload, chain)


def _signature(parts: _Parts, issuer: Issuer, findings: Findings) -> None:
    name, rule = "Signature", "RFC 7515, section 5.2"
    if not issuer.keys:
        findings.skipped(name, "the issuer's keys could not be had now", rule)
        return
    refused = ""
    for key in issuer.keys:
        try:
            jws.deserialize_compact(parts.jwt, public_key(key), registry=_REGISTRY)
        except (JoseError, ValueError) as error:
            refused = type(error).__name__
        else:
            findings.passed(name, f"{ALGORITHM}, by a key of the issuer", rule)
            return
    raise findings.stop("signature_invalid", name, refused, rule)


def _disclosures(parts: _Parts, findings: Findings) -> Processed:
    name, rule = "Disclosures", "RFC 9901, section 7.1"
    try:
        processed = process(parts.payload, parts.disclosures)
    except ValueError as error:
        raise findings.stop("disclosure_invalid", name, str(error), rule) from None
    hidden = {path[0] for path in processed.paths.values()} & NEVER_DISCLOSED
    if hidden:
        raise findings.stop(
            "disclosure_invalid",
            name,
            f"{', '.join(sorted(map(str, hidden)))} must not be disclosed selectively",
            "SD-JWT VC, section 3.2.2.2",
        )
    findings.passed(name, f"all {len(processed.paths)} match what was signed", rule)
    return processed


def _dates(payload: JsonObject, now: datetime, findings: Findings) -> datetime | None:
    name, rule = "Dates", "RFC 7519, sections 4.1.4 and 4.1.5"
    try:
        expires_at = numeric_date(payload, "exp")
        starts_at = [date for claim in ("nbf", "iat") if (date := numeric_date(payload, claim))]
    except ValueError as error:
        raise findings.stop("credential_malformed", name, str(error), rule) from None
    if expires_at is not None and expires_at <= now:
        findings.failed("credential_expired", name, f"expired {expires_at:%Y-%m-%d}", rule)
    elif any(date > now + timedelta(seconds=CLOCK_SKEW_S) for date in starts_at):
        reason = f"not valid before {max(starts_at).isoformat()}"
        findings.failed("credential_not_yet_valid", name, reason, rule)
    else:
        until = f"until {expires_at:%Y-%m-%d}" if expires_at else "without end"
        findings.passed(name, f"valid {until}", rule)
    return expires_at


def _type(payload: JsonObject, expected: Expected, findings: Findings) -> str:
    name, rule = "Type", "SD-JWT VC, section 3.2.2.1; OpenID4VCI 1.0, appendix A.3.2"
    asked = expected.configuration.get("vct")
    claim = next((one for one in expected.type_claims if one in payload), "vct")
    vct = payload.get(claim)
    if not isinstance(vct, str) or vct != asked:
        findings.failed("vct_mismatch", name, f"asked {asked!r}, got {str(vct)[:100]!r}", rule)
        return ""
    if claim != "vct":
        findings.skipped(name, f"no vct, so it is of no type; its {claim} is {vct}", rule)
        return ""
    findings.passed(name, f"vct is {vct}, as asked", rule)
    return vct


def _binding(
    payload: JsonObject, holder_jwks: Sequence[Mapping[str, str]], findings: Findings
) -> Mapping[str, str] | None:
    name, rule = "Holder binding", "SD-JWT VC, section 3.2.2.2; RFC 7800, section 3.2"
    confirmation = payload.get("cnf")
    if not holder_jwks:
        if confirmation is None:
            findings.skipped(name, "this credential is not bound to a key", rule)
        else:
            reason = "bound to a key although none was sent"
            findings.failed("key_binding_mismatch", name, reason, rule)
        return None
    for jwk in holder_jwks:
        if isinstance(confirmation, dict) and confirms(confirmation, jwk):
            findings.passed(name, "cnf is the key of this request's proof", rule)
            return jwk
    reason = "cnf is not the key of this request's proof"
    findings.failed("key_binding_mismatch", name, reason, rule)
    return None


def _promised(claims: JsonObject, expected: Expected, findings: Findings) -> None:
    name, rule = "Promised claims", "OpenID4VCI 1.0, appendix B.2"
    if not expected.mandatory:
        findings.skipped(name, "the issuer promises none", rule)
        return
    missing = [path for path in expected.mandatory if not has_claim(claims, path)]
    if missing:
        findings.failed("claims_missing", name, f"{len(missing)} missing", rule)
    else:
        findings.passed(name, f"all {len(expected.mandatory)} are there", rule)
