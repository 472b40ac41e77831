"""Verification of a credential with a Data Integrity proof before a holder keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from wallet.credentials import w3c
from wallet.credentials.contract import Expected, Findings, VerifiedCredential, check_promised
from wallet.credentials.ldp_vc.proof import verdict
from wallet.credentials.ldp_vc.proof_reader import KNOWN, SUITE_2020
from wallet.policy import CLOCK_SKEW_S
from wallet.records import Json, JsonObject, Secret
from wallet.strict import json_object
from wallet.trust.issuer import Issuer, Signer, untrusted

LIMIT_BYTES: Final = 64 * 1024
CONTEXTS_LIMIT: Final = 8
PROOF_TYPE: Final = "DataIntegrityProof"
SUITES: Final = ("ecdsa-rdfc-2019", "eddsa-rdfc-2022", "ecdsa-jcs-2019", "eddsa-jcs-2022")
BASE_CONTEXTS: Final = (w3c.BASE_CONTEXT, "https://www.w3.org/ns/credentials/v2")


@dataclass(frozen=True)
class _Secured:
    """A credential with its proof, read but not yet believed.

    Attributes:
        document: With one proof, as an object.
        proof: That.
        issuer: Its `issuer`, or the `id` of that.
        method: `verificationMethod` of the proof.
        credential: What the data model says of it.
    """

    document: JsonObject = field(repr=False)
    proof: JsonObject
    issuer: str
    method: str
    credential: w3c.Credential


def signer(credential: Secret[str], expected: Expected) -> Signer:  # noqa: ARG001 - the contract
    """Who a credential says that signed it: `issuer` and the proof's `verificationMethod`."""
    secured = _form(credential.reveal(), Findings())
    return Signer(issuer=secured.issuer, key_id=secured.method)


def verify(credential: Secret[str], issuer: Issuer, expected: Expected) -> VerifiedCredential:
    """Verify a credential with a Data Integrity proof as its holder must at issuance.

    1. Form: strict JSON, bounded; known contexts; the data model; one proof of a known suite.
    2. Issuer: as it was found out.
    3. Signature of the issuer over the document, in a process of its own; every member is one that
       the contexts define, so that what is shown is what was signed.
    4. Dates: of the credential and of the proof.
    5. Type: `type` and `@context` hold what was asked for.
    6. Binding: the subject is the key of one of this request's proofs.
    7. Claims that the issuer promised are there.

    Raises:
        VerificationFailed: The first check that failed decides the code.
    """
    findings = Findings()
    secured = _form(credential.reveal(), findings)
    findings.checks += issuer.checks
    _signature(secured, issuer, findings)
    expires_at = _dates(secured, expected.now, findings)
    w3c.check_type(secured.credential, expected, findings)
    bound_to = w3c.check_subject(secured.credential, expected, findings)
    check_promised(secured.document, expected, findings)
    return VerifiedCredential(
        credential=credential,
        type=secured.credential.kind,
        claims=secured.credential.claims(bound_to),
        bound_to=bound_to,
        trust=issuer.trust,
        trusted_by=issuer.name,
        expires_at=expires_at,
        status=secured.credential.status,
        report=findings.report(),
    )


def _form(text: str, findings: Findings) -> _Secured:
    name, rule = "Form", "OpenID4VCI 1.0, appendix A.1.3; VC Data Integrity, section 2.1"
    try:
        secured = _read(text)
    except ValueError as error:
        raise findings.stop("credential_malformed", name, str(error), rule) from None
    if secured.issuer.startswith("did:") and secured.method.partition("#")[0] != secured.issuer:
        raise untrusted("the proof is by a method of another than the issuer", rule)
    suite = secured.proof.get("cryptosuite", secured.proof["type"])
    findings.passed(name, f"a credential with one proof, {suite}", rule)
    return secured


def _read(text: str) -> _Secured:
    """Everything that costs little to see, before anything that costs more."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > LIMIT_BYTES:
        message = f"larger than {LIMIT_BYTES} bytes"
        raise ValueError(message)
    document = json_object(data)
    credential = w3c.read_credential(document, BASE_CONTEXTS)
    unknown = [one for one in credential.contexts if one not in KNOWN]
    if unknown or len(_array(document["@context"])) > CONTEXTS_LIMIT:
        message = f"unknown or too many contexts: {', '.join(unknown)[:200]}"
        raise ValueError(message)
    for one in _array(document["@context"]):
        if isinstance(one, dict) and set(one) != {"@vocab"}:
            message = "a context of its own making"
            raise ValueError(message)
    if _has_blank_id(document):
        message = "a node that has no name but a number (_:)"
        raise ValueError(message)
    proof = _proof(document)
    issuer, method = w3c.issuer_of(document), proof.get("verificationMethod")
    if not isinstance(method, str):
        message = "the proof names no verificationMethod"
        raise ValueError(message)
    return _Secured({**document, "proof": proof}, proof, issuer, method, credential)


def _proof(document: JsonObject) -> JsonObject:
    proofs = _array(document.get("proof"))
    if len(proofs) != 1 or not isinstance(proofs[0], dict):
        message = "not exactly one proof"
        raise ValueError(message)
    proof = proofs[0]
    suite = proof.get("cryptosuite") if proof.get("type") == PROOF_TYPE else None
    if suite not in SUITES and not (proof.get("type") == SUITE_2020 and "cryptosuite" not in proof):
        message = f"a proof of {str(suite or proof.get('type'))[:60]!r}"
        raise ValueError(message)
    if proof.get("proofPurpose") != "assertionMethod":
        message = f"its proofPurpose is {str(proof.get('proofPurpose'))[:40]!r}"
        raise ValueError(message)
    if not isinstance(proof.get("proofValue"), str):
        message = "the proof has no proofValue"
        raise ValueError(message)
    return proof


def _has_blank_id(value: Json) -> bool:
    match value:
        case str():
            return value.startswith("_:")
        case dict():
            return any(map(_has_blank_id, [*value, *value.values()]))
        case list():
            return any(map(_has_blank_id, value))
    return False


def _array(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _signature(secured: _Secured, issuer: Issuer, findings: Findings) -> None:
    name, rule = "Signature", "VC Data Integrity, sections 2.4.1 and 4.4"
    if not issuer.keys:
        findings.skipped(name, "the issuer's keys could not be had now", rule)
        return
    found = verdict(secured.document, issuer.keys)
    if found.outcome != "good":
        codes = {
            "bad": "signature_invalid",
            "too_costly": "credential_too_costly",
            "unknown": "proof_not_judged",
        }
        code = codes.get(found.outcome, "credential_malformed")
        raise findings.stop(code, name, found.reason, rule)
    suite = secured.proof.get("cryptosuite", secured.proof["type"])
    findings.passed(name, f"{suite}, by a key of the issuer", rule)


def _dates(secured: _Secured, now: datetime, findings: Findings) -> datetime | None:
    name, rule = "Dates", "VCDM 1.1, section 4.6; VCDM 2.0, section 4.9; VC Data Integrity, 2.1"
    document, proof = secured.document, secured.proof
    try:
        ends = [_date(document, "validUntil"), _date(document, "expirationDate")]
        begins = [_date(document, "validFrom"), _date(document, "issuanceDate")]
        begins.append(_date(proof, "created"))
        proof_ends = _date(proof, "expires")
    except ValueError as error:
        raise findings.stop("credential_malformed", name, str(error), rule) from None
    expires_at = min((one for one in (*ends, proof_ends) if one is not None), default=None)
    latest = max((one for one in begins if one is not None), default=None)
    if expires_at is not None and expires_at <= now:
        findings.failed("credential_expired", name, f"expired {expires_at:%Y-%m-%d}", rule)
    elif latest is not None and latest > now + timedelta(seconds=CLOCK_SKEW_S):
        reason = f"not valid before {latest.isoformat()}"
        findings.failed("credential_not_yet_valid", name, reason, rule)
    else:
        until = f"until {expires_at:%Y-%m-%d}" if expires_at else "without end"
        findings.passed(name, f"valid {until}", rule)
    return expires_at


def _date(members: Mapping[str, Json], name: str) -> datetime | None:
    return w3c.date_time(members[name]) if name in members else None
