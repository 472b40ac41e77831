"""Verification of a W3C credential as a JWT before a holder keeps it (OpenID4VCI 1.0, A.1)."""

from collections.abc import Mapping
from typing import Final

from wallet.credentials import w3c
from wallet.credentials.contract import Expected, Findings, VerifiedCredential, check_promised
from wallet.credentials.jwt import (
    SignedJwt,
    check_audience,
    check_dates,
    check_signature,
    read_signed,
)
from wallet.credentials.jwt_vc.data_model import read_vc
from wallet.errors import VerificationFailed
from wallet.policy import CREDENTIAL_LIMIT_BYTES
from wallet.records import JsonObject, Secret
from wallet.trust.holder_keys import confirms
from wallet.trust.issuer import Issuer, Signer

TYP: Final = "JWT"


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
    w3c.check_type(one, expected, findings)
    bound_to = _binding(jwt.claims, one, expected, findings)
    check_promised(one.vc, expected, findings)
    status = jwt.claims.get("status")
    return VerifiedCredential(
        credential=credential,
        type=one.kind,
        claims=one.claims(bound_to),
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


def _data_model(jwt: SignedJwt, findings: Findings) -> w3c.Credential:
    name, rule = "Data model", "VCDM 1.1, sections 4 and 6.3.1"
    try:
        credential = read_vc(jwt.claims)
    except ValueError as error:
        raise findings.stop("credential_malformed", name, str(error), rule) from None
    findings.passed(name, "a credential, and the JWT's claims say the same", rule)
    return credential


def _binding(
    claims: JsonObject, credential: w3c.Credential, expected: Expected, findings: Findings
) -> Mapping[str, str] | None:
    if "cnf" not in claims:
        return w3c.check_subject(credential, expected, findings, claims.get("sub"))
    name, rule = "Holder binding", "RFC 7800, section 3"
    confirmation = claims["cnf"]
    for jwk in expected.holder_jwks:
        if isinstance(confirmation, dict) and confirms(confirmation, jwk):
            findings.passed(name, "cnf is the key of this request's proof", rule)
            return jwk
    reason = "cnf is not the key of this request's proof"
    if not expected.holder_jwks:
        reason = "bound to a key although none was sent"
    findings.failed("key_binding_mismatch", name, reason, rule)
    return None
