"""Verification of a W3C credential as a JWT before a holder keeps it (OpenID4VCI 1.0, A.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wallet.credentials.contract import Expected, Findings, VerifiedCredential, check_promised
from wallet.credentials.jwt import (
    SignedJwt,
    check_audience,
    check_dates,
    check_signature,
    read_signed,
)
from wallet.credentials.jwt_vc.data_model import BASE_TYPE, Credential, read_vc
from wallet.errors import VerificationFailed
from wallet.policy import CREDENTIAL_LIMIT_BYTES
from wallet.records import Json, JsonObject, Secret
from wallet.trust.holder_keys import canonical, confirms, names_of
from wallet.trust.issuer import Issuer, Signer

TYP: Final = "JWT"
SUBJECT: Final = "credentialSubject"


def signer(credential: Secret[str], expected: Expected) -> Signer:  # noqa: ARG001 - the contract
    """Who a JWT VC says that signed it: `x5c`, `iss` and `kid`."""
    return _form(credential.reveal(), Findings()).signer()


def verify(credential: Secret[str], issuer: Issuer, expected: Expected) -> VerifiedCredential:
    """Verify a JWT VC as its holder must at issuance.

    1. Form: compact JWS, strict encodings, `typ`, `alg`, `x5c`.
    2. Issuer: as it was found out.
    3. Signature of the issuer over header and payload.
    4. Data model: the `vc` claim is a credential, and the JWT's claims say the same.
    5. Audience: where there is an `aud`, the holder is one of it.
    6. Dates: not before, not expired.
    7. Type: `type`, and `@context` where it was asked for, hold what was asked for.
    8. Binding: `cnf`, or else the subject, is the key of one of this request's proofs.
    9. Claims that the issuer promised are there.

    Raises:
        VerificationFailed: The first check that failed decides the code.
    """
    findings = Findings()
    jwt = _form(credential.reveal(), findings)
    findings.checks += issuer.checks
    check_signature(jwt, issuer, findings)
    one = _data_model(jwt, findings)
    check_audience(jwt.claims, expected.holder_jwks, findings)
    expires_at = check_dates(jwt.claims, expected.now, findings)
    _type(one, expected, findings)
    bound_to = _binding(jwt.claims, one, expected, findings)
    check_promised(one.vc, expected, findings)
    status = jwt.claims.get("status")
    return VerifiedCredential(
        credential=credential,
        type=next((name for name in reversed(one.types) if name != BASE_TYPE), BASE_TYPE),
        claims=_claims(one.vc[SUBJECT], bound_to),
        bound_to=bound_to,
        trust=issuer.trust,
        trusted_by=issuer.name,
        expires_at=expires_at,
        status=status if isinstance(status, dict) else one.status,
        report=findings.report(),
    )


def _form(credential: str, findings: Findings) -> SignedJwt:
    name, rule = "Form", "OpenID4VCI 1.0, appendix A.1.1; VCDM 1.1, section 6.3.1"

    def broken(reason: str) -> VerificationFailed:
        return findings.stop("credential_malformed", name, reason, rule)

    if len(credential) > CREDENTIAL_LIMIT_BYTES or not credential.isascii():
        raise broken("too large, or not ASCII")
    try:
        jwt = read_signed(credential)
    except ValueError as error:
        raise broken(f"not a compact JWS of JSON objects: {error}") from None
    if jwt.header.get("typ", TYP) != TYP:
        raise broken(f"typ is {str(jwt.header['typ'])[:40]!r}, not {TYP!r}")
    findings.passed(name, "compact JWT", rule)
    return jwt


def _data_model(jwt: SignedJwt, findings: Findings) -> Credential:
    name, rule = "Data model", "VCDM 1.1, sections 4 and 6.3.1"
    try:
        credential = read_vc(jwt.claims)
    except ValueError as error:
        raise findings.stop("credential_malformed", name, str(error), rule) from None
    findings.passed(name, "a credential, and the JWT's claims say the same", rule)
    return credential


def _type(credential: Credential, expected: Expected, findings: Findings) -> None:
    name, rule = "Type", "OpenID4VCI 1.0, appendices A.1.1.2 and A.1.2.2"
    asked = _Asked.of(expected.configuration)
    if not asked.types or not asked.types <= {*credential.types}:
        got = ", ".join(credential.types)[:100]
        findings.failed("vct_mismatch", name, f"asked {sorted(asked.types)}, got {got}", rule)
    elif not asked.contexts <= {*credential.contexts}:
        findings.failed("vct_mismatch", name, "@context lacks some of what was asked", rule)
    else:
        findings.passed(name, f"is {', '.join(sorted(asked.types))}, as asked", rule)


@dataclass(frozen=True)
class _Asked:
    """What `credential_definition` asks for; `contexts` is of `jwt_vc_json-ld` only."""

    types: frozenset[str]
    contexts: frozenset[str]

    @classmethod
    def of(cls, configuration: JsonObject) -> "_Asked":
        definition = configuration.get("credential_definition")
        members = definition if isinstance(definition, dict) else {}
        return cls(_texts(members.get("type")), _texts(members.get("@context")))


def _texts(value: Json) -> frozenset[str]:
    each = value if isinstance(value, list) else []
    return frozenset(one for one in each if isinstance(one, str))


def _binding(
    claims: JsonObject, credential: Credential, expected: Expected, findings: Findings
) -> Mapping[str, str] | None:
    name, rule = "Holder binding", "VCDM 1.1, section 6.3.1; RFC 7800, section 3"
    confirmation = claims.get("cnf")
    if not expected.holder_jwks:
        if "cnf" not in claims:
            findings.skipped(name, "this credential is not bound to a key", rule)
        else:
            reason = "bound to a key although none was sent"
            findings.failed("key_binding_mismatch", name, reason, rule)
        return None
    if "cnf" in claims:
        named = [
            jwk
            for jwk in expected.holder_jwks
            if isinstance(confirmation, dict) and confirms(confirmation, jwk)
        ]
    else:
        holder = names_of(expected.holder_jwks)
        identities = (claims.get("sub"), *(subject.get("id") for subject in credential.subjects))
        known = (canonical(one) for one in identities if isinstance(one, str))
        named = [holder[one] for one in known if one in holder]
    if named:
        by = "cnf" if "cnf" in claims else "the subject"
        findings.passed(name, f"{by} is the key of this request's proof", rule)
        return named[0]
    reason = "neither cnf nor the subject is the key of this request's proof"
    findings.failed("key_binding_mismatch", name, reason, rule)
    return None


def _claims(subject: Json, bound_to: Mapping[str, str] | None) -> JsonObject:
    """The subject's claims where path pointers find them, without the name of the holder's key."""
    holder = names_of((bound_to,)) if bound_to else {}

    def told(one: Json) -> Json:
        if not isinstance(one, dict):
            return one
        named = one.get("id")
        if not isinstance(named, str) or canonical(named) not in holder:
            return one
        return {name: value for name, value in one.items() if name != "id"}

    return {SUBJECT: [told(one) for one in subject] if isinstance(subject, list) else told(subject)}
