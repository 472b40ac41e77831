"""Verification of a mobile document before a holder keeps it (ISO/IEC 18013-5, section 9.3.1)."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from openvc.cbor import encode
from openvc.cose import COSE_ALG_TO_JOSE, CoseError, CoseSign1, cose_key_to_jwk

from wallet.credentials.contract import Expected, Findings, VerifiedCredential, check_promised
from wallet.credentials.mdoc import driving_licence
from wallet.credentials.mdoc.document_signer import UnfitError, shortcomings
from wallet.credentials.mdoc.issuer_signed import (
    DIGESTS,
    IssuerSigned,
    Item,
    SecurityObject,
    read_issuer_signed,
)
from wallet.credentials.mdoc.second_verdict import objection
from wallet.errors import VerificationFailed
from wallet.oauth.jwt import thumbprint
from wallet.policy import CLOCK_SKEW_S, CREDENTIAL_LIMIT_BYTES
from wallet.records import JsonObject, Secret
from wallet.strict import base64url
from wallet.trust.anchors import Chain, read_chain
from wallet.trust.issuer import Issuer, Signer, untrusted
from wallet.trust.public_keys import public_key

ALGORITHMS: Final[Mapping[int, tuple[str, str]]] = {
    -7: ("ES256", "P-256"),
    -9: ("ES256", "P-256"),
    -35: ("ES384", "P-384"),
    -51: ("ES384", "P-384"),
    -36: ("ES512", "P-521"),
    -52: ("ES512", "P-521"),
    -8: ("Ed25519", "Ed25519"),
    -19: ("Ed25519", "Ed25519"),
}
"""COSE algorithms that may sign, with JOSE's name and the curve (RFC 9053, 2; RFC 9864, 2)."""

RANDOM_BYTES: Final = 16
"""The shortest `random` of an element (ISO/IEC 18013-5, section 9.1.2.5)."""

_PRIVATE: Final = -4
"""Label of a COSE_Key's private half (RFC 9053, section 7)."""


@dataclass(frozen=True)
class _Parts:
    document: IssuerSigned
    chain: Chain


def signer(credential: Secret[str], _expected: Expected) -> Signer:
    """Who a mobile document says that signed it: its `x5chain` (RFC 9360)."""
    return Signer(_form(credential.reveal(), Findings()).chain)


def verify(credential: Secret[str], issuer: Issuer, expected: Expected) -> VerifiedCredential:
    """Verify a mobile document as its holder must at issuance.

    1. Form: base64url of `IssuerSigned`, its parts of the right kinds, algorithm, certificates.
    2. Issuer: as it was found out.
    3. Signature of the issuer over the `MobileSecurityObject` as received.
    4. Signer's certificate: valid now and when it signed, and meant for mobile documents.
    5. Digests: each element, as received, is one that was signed, and is there once.
    6. Driving licence: what only they must say.
    7. Dates: signed before now, not expired; it may begin later.
    8. Type: `docType` is the one that was asked for.
    9. Binding: `deviceKey` is the key of one of this request's proofs.
    10. Claims that the issuer promised are there.
    11. Second verdict: openvc agrees, where it knows the algorithm and takes the certificate.

    Raises:
        VerificationFailed: The first check that failed decides the code.
    """
    findings = Findings()
    parts = _form(credential.reveal(), findings)
    document, mso, claims = parts.document, parts.document.mso, parts.document.claims
    findings.checks += issuer.checks
    key = _signature(document.auth, document.payload, issuer, findings)
    _certificate(parts, expected.now, findings)
    _digests(document, findings)
    if mso.doc_type == driving_licence.DOC_TYPE:
        _driving_licence(claims.get(driving_licence.NAMESPACE, {}), parts.chain, findings)
    _dates(mso, expected.now, findings)
    _type(mso.doc_type, expected, findings)
    bound_to = _binding(mso, expected.holder_jwks, findings)
    check_promised(claims, expected, findings)
    findings.report()
    _second_verdict(parts, key, expected.now, findings)
    return VerifiedCredential(
        credential=credential,
        type=mso.doc_type,
        claims=claims,
        bound_to=bound_to,
        trust=issuer.trust,
        trusted_by=issuer.name,
        expires_at=mso.valid_until,
        status=mso.status,
        report=findings.report(),
    )


def _form(credential: str, findings: Findings) -> _Parts:
    name, rule = "Form", "ISO/IEC 18013-5, section 9.1.2.4; OpenID4VCI 1.0, appendix A.2.4"

    def broken(reason: str) -> VerificationFailed:
        return findings.stop("credential_malformed", name, reason, rule)

    if len(credential) > CREDENTIAL_LIMIT_BYTES:
        raise broken("too large")
    try:
        document = read_issuer_signed(base64url(credential))
        algorithm = document.auth.alg
    except (CoseError, ValueError) as error:
        raise broken(str(error)) from None
    if algorithm not in ALGORITHMS:
        raise broken(f"signed by algorithm {algorithm}")
    try:
        chain = read_chain(document.certificates)
    except ValueError as error:
        raise untrusted(f"x5chain: {error}", "RFC 9360, section 2") from None
    findings.passed(name, f"IssuerSigned with {len(document.items)} elements", rule)
    return _Parts(document, chain)


def _signature(
    auth: CoseSign1, payload: bytes, issuer: Issuer, findings: Findings
) -> JsonObject | None:
    """The one of the issuer's keys that signed; None where they could not be had now."""
    name, rule = "Signature", "RFC 9052, section 4.4"
    if not issuer.keys:
        findings.skipped(name, "the issuer's keys could not be had now", rule)
        return None
    algorithm, curve = ALGORITHMS[auth.alg]
    signed = encode(["Signature1", auth.protected, b"", payload])
    for key in issuer.keys:
        if key.get("crv") == curve and _verifies(key, algorithm, signed, auth.signature):
            findings.passed(name, f"{algorithm}, by a key of the issuer", rule)
            return key
    reason = f"{algorithm} by none of the issuer's {len(issuer.keys)} keys"
    raise findings.stop("signature_invalid", name, reason, rule)


def _verifies(jwk: JsonObject, algorithm: str, signed: bytes, signature: bytes) -> bool:
    model = JWSRegistry.algorithms[algorithm]
    try:
        key = public_key(jwk)
        model.check_key(key)
        return model.verify(signed, signature, key)
    except (JoseError, ValueError):
        return False


def _certificate(parts: _Parts, now: datetime, findings: Findings) -> None:
    name, rule = "Signer's certificate", "ISO/IEC 18013-5, section 9.3.1 and annex B.1.4"
    try:
        lacks = shortcomings(parts.chain.leaf, parts.document.mso.signed, now)
    except UnfitError as error:
        findings.failed("issuer_untrusted", name, str(error), rule)
        return
    if lacks:
        findings.skipped(name, "; ".join(lacks), rule)
    else:
        findings.passed(name, "valid, and for mobile documents", rule)


def _digests(document: IssuerSigned, findings: Findings) -> None:
    name, rule = "Digests", "ISO/IEC 18013-5, sections 9.1.2.5 and 9.3.1"
    digest_ids: set[tuple[str, int]] = set()
    elements: set[tuple[str, str]] = set()
    for item in document.items:
        reason = _objection(item, document.mso)
        if (item.namespace, item.digest_id) in digest_ids:
            reason = "a digest is used twice"
        if (item.namespace, item.element) in elements:
            reason = "an element is there twice"
        if reason:
            raise findings.stop("disclosure_invalid", name, reason, rule)
        digest_ids.add((item.namespace, item.digest_id))
        elements.add((item.namespace, item.element))
    findings.passed(name, f"all {len(document.items)} match what was signed", rule)


def _objection(item: Item, mso: SecurityObject) -> str:
    if len(item.random) < RANDOM_BYTES:
        return f"the random part of an element is shorter than {RANDOM_BYTES} bytes"
    signed = mso.value_digests.get(item.namespace, {}).get(item.digest_id)
    if signed is None:
        return "an element has no digest: it was added"
    digest = hashlib.new(DIGESTS[mso.digest_algorithm], item.encoded).digest()
    return (
        "" if hmac.compare_digest(digest, signed) else "an element is not the one that was signed"
    )


def _dates(mso: SecurityObject, now: datetime, findings: Findings) -> None:
    name, rule = "Dates", "ISO/IEC 18013-5, section 9.1.2.4 (validityInfo)"
    latest = now + timedelta(seconds=CLOCK_SKEW_S)
    if mso.valid_until <= now:
        findings.failed("credential_expired", name, f"expired {mso.valid_until:%Y-%m-%d}", rule)
    elif mso.valid_until < mso.valid_from:
        findings.failed("credential_malformed", name, "it ends before it begins", rule)
    elif mso.signed > latest:
        reason = f"signed in the future, {mso.signed.isoformat()}"
        findings.failed("credential_not_yet_valid", name, reason, rule)
    elif mso.valid_from > latest:
        findings.skipped(name, f"not valid before {mso.valid_from.isoformat()}", rule)
    else:
        findings.passed(name, f"valid until {mso.valid_until:%Y-%m-%d}", rule)


def _type(doc_type: str, expected: Expected, findings: Findings) -> None:
    name, rule = "Type", "OpenID4VCI 1.0, appendix A.2.2"
    asked = expected.configuration.get("doctype")
    if doc_type == asked:
        findings.passed(name, f"docType is {doc_type}, as asked", rule)
    else:
        reason = f"asked {str(asked)[:100]!r}, got {doc_type[:100]!r}"
        findings.failed("doctype_mismatch", name, reason, rule)


def _binding(
    mso: SecurityObject, holder_jwks: Sequence[Mapping[str, str]], findings: Findings
) -> Mapping[str, str] | None:
    name, rule = "Holder binding", "ISO/IEC 18013-5, section 9.1.2.4 (deviceKeyInfo)"
    if mso.device_key is None and not holder_jwks:
        findings.skipped(name, "this credential is not bound to a key", rule)
        return None
    named = _named(mso)
    for jwk in holder_jwks:
        if named == thumbprint(jwk):
            besides = ", which may sign elements besides the issuer's" if mso.authorized else ""
            findings.passed(name, f"deviceKey is the key of this request's proof{besides}", rule)
            return jwk
    reason = "deviceKey is not the key of this request's proof"
    if not holder_jwks:
        reason = "bound to a key although none was sent"
    findings.failed("key_binding_mismatch", name, reason, rule)
    return None


def _named(mso: SecurityObject) -> str:
    """The thumbprint of the device key; empty where it is no public key that a wallet can have."""
    if mso.device_key is None or _PRIVATE in mso.device_key:
        return ""
    try:
        return thumbprint(cose_key_to_jwk(mso.device_key))
    except CoseError:
        return ""


def _driving_licence(elements: JsonObject, chain: Chain, findings: Findings) -> None:
    name, rule = "Driving licence", "ISO/IEC 18013-5, section 7.2.1 and annex B.1.4"
    missing = driving_licence.missing(elements)
    try:
        driving_licence.check_place(elements, chain.leaf)
    except UnfitError as error:
        findings.failed("issuer_untrusted", name, str(error), rule)
        return
    if missing:
        findings.skipped(name, f"not a whole one, without {', '.join(missing)}", rule)
    else:
        findings.passed(name, "all that it must say is there", rule)


def _second_verdict(
    parts: _Parts, key: JsonObject | None, now: datetime, findings: Findings
) -> None:
    """What openvc says of a credential that has passed all else."""
    name, rule = "Second verdict", "ISO/IEC 18013-5, section 9.3.1, by other code"
    if key is None:
        findings.skipped(name, "the issuer's keys could not be had now", rule)
        return
    document, leaf = parts.document, parts.chain.leaf
    at = max(now, document.mso.valid_from)
    against: str | None = None
    if key == parts.chain.jwk and document.auth.alg in COSE_ALG_TO_JOSE:
        against = objection(document.decoded, document.mso.doc_type, leaf, at)
    if against is None:
        findings.skipped(name, "openvc does not know the algorithm or such a certificate", rule)
    elif against:
        findings.failed("verdicts_differ", name, f"openvc refuses it: {against}", rule)
    else:
        findings.passed(name, "openvc agrees", rule)
