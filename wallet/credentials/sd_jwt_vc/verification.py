"""Verification of an SD-JWT VC before a holder keeps it (RFC 9901, section 7.1; SD-JWT VC)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from wallet.credentials.contract import Expected, Findings, VerifiedCredential, check_promised
from wallet.credentials.jwt import (
    SignedJwt,
    check_audience,
    check_dates,
    check_signature,
    read_signed,
)
from wallet.credentials.sd_jwt_vc.disclosures import Processed, process
from wallet.credentials.sd_jwt_vc.second_verdict import objection
from wallet.errors import VerificationFailed
from wallet.policy import CREDENTIAL_LIMIT_BYTES, DISCLOSURES_LIMIT
from wallet.records import Json, JsonObject, Secret
from wallet.trust.holder_keys import confirms
from wallet.trust.issuer import Issuer, Signer

TYP: Final = "dc+sd-jwt"
NEVER_DISCLOSED: Final = frozenset(
    {"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"}
)
"""Claims that must stand in the signed payload in clear (SD-JWT VC, section 3.2.2.2)."""
TECHNICAL: Final = NEVER_DISCLOSED | {"iat", "sub", "jti", "aud"}


@dataclass(frozen=True)
class _Parts:
    jwt: SignedJwt
    disclosures: tuple[str, ...] = field(repr=False)


def signer(credential: Secret[str], expected: Expected) -> Signer:
    """Who an SD-JWT VC says that signed it: `x5c`, `iss` and `kid` (SD-JWT VC, section 3.5)."""
    return _form(credential.reveal(), expected, Findings()).jwt.signer()


def verify(credential: Secret[str], issuer: Issuer, expected: Expected) -> VerifiedCredential:
    """Verify an SD-JWT VC as its holder must at issuance.

    1. Form: compact SD-JWT without key binding JWT, strict encodings, `typ`, `alg`, `x5c`.
    2. Issuer: as it was found out.
    3. Signature of the issuer over header and payload.
    4. Disclosures: each belongs to one digest; none is missing its place, doubled or reserved.
    5. Audience: where there is an `aud`, the holder is one of it.
    6. Dates: not before, not expired.
    7. Type: `vct`, or a claim expected in its stead, is the one that was asked for.
    8. Binding: `cnf` is the key of one of this request's proofs.
    9. Claims that the issuer promised are there.
    10. Second verdict: openvc agrees about 3 and 4, where the credential has the strict shape.

    Raises:
        VerificationFailed: The first check that failed decides the code.
    """
    findings = Findings()
    parts = _form(credential.reveal(), expected, findings)
    findings.checks += issuer.checks
    key = check_signature(parts.jwt, issuer, findings)
    processed = _disclosures(parts, findings)
    claims = processed.claims
    check_audience(claims, expected.holder_jwks, findings)
    expires_at = check_dates(claims, expected.now, findings)
    vct = _type(claims, expected, findings)
    bound_to = _binding(claims, expected.holder_jwks, findings)
    check_promised(claims, expected, findings)
    findings.report()
    _second_verdict(parts.jwt.header, claims, credential.reveal(), key, findings)
    status = claims.get("status")
    return VerifiedCredential(
        credential=credential,
        type=vct,
        claims={name: value for name, value in claims.items() if name not in TECHNICAL},
        bound_to=bound_to,
        trust=issuer.trust,
        trusted_by=issuer.name,
        expires_at=expires_at,
        status=status if isinstance(status, dict) else {},
        report=findings.report(),
    )


def _form(credential: str, expected: Expected, findings: Findings) -> _Parts:
    name, rule = "Form", "RFC 9901, section 4; SD-JWT VC, section 3.2.1"

    def broken(reason: str) -> VerificationFailed:
        return findings.stop("credential_malformed", name, reason, rule)

    if len(credential) > CREDENTIAL_LIMIT_BYTES or not credential.isascii():
        raise broken("too large, or not ASCII")
    if credential.count("~") > DISCLOSURES_LIMIT + 1:
        raise broken("too many disclosures")
    text, *disclosures = credential.split("~")
    if not disclosures or disclosures.pop():
        raise broken("does not end in ~: a key binding JWT has no place at issuance")
    if "" in disclosures:
        raise broken("an empty disclosure")
    try:
        jwt = read_signed(text)
    except ValueError as error:
        raise broken(f"not a compact JWS of JSON objects: {error}") from None
    if jwt.header.get("typ") not in expected.typ:
        raise broken(f"typ is {str(jwt.header.get('typ'))[:40]!r}, not {expected.typ[0]!r}")
    findings.passed(name, f"compact SD-JWT with {len(disclosures)} disclosures", rule)
    return _Parts(jwt, tuple(disclosures))


def _disclosures(parts: _Parts, findings: Findings) -> Processed:
    name, rule = "Disclosures", "RFC 9901, section 7.1"
    payload = parts.jwt.claims
    try:
        processed = process(payload, parts.disclosures)
    except ValueError as error:
        raise findings.stop("disclosure_invalid", name, str(error), rule) from None
    hidden = {path[0] for path in processed.paths.values()} & NEVER_DISCLOSED
    hidden |= {claim for claim in NEVER_DISCLOSED & payload.keys() if _hides(payload[claim])}
    if hidden:
        raise findings.stop(
            "disclosure_invalid",
            name,
            f"{', '.join(sorted(map(str, hidden)))} must not be disclosed selectively",
            "SD-JWT VC, section 3.2.2.2",
        )
    findings.passed(name, f"all {len(processed.paths)} match what was signed", rule)
    return processed


def _hides(value: Json) -> bool:
    """Whether there are digests below a claim, of disclosures that came or did not."""
    if isinstance(value, dict):
        return not {"_sd", "..."}.isdisjoint(value) or any(map(_hides, value.values()))
    return isinstance(value, list) and any(map(_hides, value))


def _type(claims: JsonObject, expected: Expected, findings: Findings) -> str:
    name, rule = "Type", "SD-JWT VC, section 3.2.2.1; OpenID4VCI 1.0, appendix A.3.2"
    asked = expected.configuration.get("vct")
    claim = next((one for one in expected.type_claims if one in claims), "vct")
    vct = claims.get(claim)
    try:
        others = _also_known_as(claims)
    except ValueError as error:
        raise findings.stop("credential_malformed", name, str(error), rule) from None
    if not isinstance(vct, str) or not vct or asked not in (vct, *others):
        findings.failed("vct_mismatch", name, f"asked {asked!r}, got {str(vct)[:100]!r}", rule)
        return ""
    if claim != "vct":
        findings.skipped(name, f"no vct, so it is of no type; its {claim} is {vct}", rule)
        return ""
    reason = f"vct is {vct}, as asked" if vct == asked else f"vct is {vct}, also known as {asked}"
    findings.passed(name, reason, rule)
    return vct


def _also_known_as(claims: JsonObject) -> list[Json]:
    """Its further types (SD-JWT VC, `aka_vcts`)."""
    if "aka_vcts" not in claims:
        return []
    others = claims["aka_vcts"]
    if not isinstance(others, list) or not others or claims.get("vct") in others:
        message = "aka_vcts is no array of further types"
        raise ValueError(message)
    if not all(isinstance(one, str) and one for one in others):
        message = "aka_vcts holds something that is no type"
        raise ValueError(message)
    return others


def _binding(
    claims: JsonObject, holder_jwks: Sequence[Mapping[str, str]], findings: Findings
) -> Mapping[str, str] | None:
    name, rule = "Holder binding", "SD-JWT VC, section 3.2.2.2; RFC 7800, section 3.2"
    confirmation = claims.get("cnf")
    if not holder_jwks:
        if "cnf" not in claims:
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


def _second_verdict(
    header: JsonObject,
    claims: JsonObject,
    credential: str,
    key: JsonObject | None,
    findings: Findings,
) -> None:
    """What openvc says of a credential that has passed all else."""
    name, rule = "Second verdict", "RFC 9901, section 7.1, by other code"
    if key is None:
        findings.skipped(name, "the issuer's keys could not be had now", rule)
        return
    if header.get("typ") != TYP or not claims.get("iss") or not claims.get("vct"):
        findings.skipped(name, "only for what has the newest typ, an iss and a vct", rule)
        return
    audience = claims.get("aud")
    first = audience[0] if isinstance(audience, list) else audience
    against = objection(credential, key, first if isinstance(first, str) else None)
    if against:
        findings.failed("verdicts_differ", name, f"openvc refuses it: {against}", rule)
    else:
        findings.passed(name, "openvc agrees", rule)
