"""What a holder checks of a JWT VC (OpenID4VCI 1.0, A.1.1 and A.1.2; VCDM 1.1, section 6.3.1)."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.jwts import b64, new_key, public_jwk, signed, x5c
from tests.support.simulator import Authority
from tests.vectors import http_answer, vector, wrapped
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.formats import FORMATS
from wallet.credentials.jwt_vc import verification as jwt_vc
from wallet.engine.cards import claims_of
from wallet.errors import VerificationFailed
from wallet.openid4vci.credential import Delivery, read_credential_response
from wallet.openid4vci.issuer_metadata import CredentialConfiguration
from wallet.records import Secret
from wallet.report import Outcome, Trust
from wallet.strict import base64url, json_object
from wallet.trust.anchors import Anchors
from wallet.trust.holder_keys import did_url
from wallet.trust.issuer import Issuer, by_certificate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT = int(NOW.timestamp())
KEY = new_key()
HOLDER = public_jwk(new_key())
DID = did_url(HOLDER, "did:jwk").partition("#")[0]
KEY_DID = did_url(HOLDER, "did:key").partition("#")[0]
ISSUER = "https://issuer.example"
V1 = "https://www.w3.org/2018/credentials/v1"
DEGREE = "UniversityDegreeCredential"

HEADER: dict[str, Any] = {"alg": "ES256", "typ": "JWT", "kid": "1"}
VC: dict[str, Any] = {
    "@context": [V1, "https://example.com/v1"],
    "id": "urn:uuid:1",
    "type": ["VerifiableCredential", DEGREE],
    "issuer": {"id": ISSUER, "name": "Example"},
    "issuanceDate": "2025-12-31T23:59:00.25Z",
    "expirationDate": "2026-02-01T00:00:00Z",
    "credentialSubject": {"id": DID, "given_name": "Zita-Sentinel", "degree": {"gpa": 1.5}},
    "credentialStatus": {"type": "BitstringStatusListEntry", "statusListIndex": "1"},
}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": DID,
    "jti": "urn:uuid:1",
    "nbf": AT - 60,
    "iat": AT - 60,
    "exp": int(datetime(2026, 2, 1, tzinfo=UTC).timestamp()),
    "vc": VC,
}
DEFINITION = {"type": ["VerifiableCredential", DEGREE]}
EXPECTED = Expected(
    {"credential_definition": DEFINITION},
    (HOLDER,),
    (("credentialSubject", "given_name"), ("credentialSubject", "degree", "gpa")),
    NOW,
)
KNOWN = Issuer(Trust.DOMAIN, ISSUER, (public_jwk(KEY),), ())


def claims(vc: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """The claims with these members, in the `vc`, too; `...` takes one out."""
    document = copy.deepcopy(CLAIMS)
    for home, changes in ((document, members), (document["vc"], vc or {})):
        home.update(changes)
        for name in [name for name, value in home.items() if value is ...]:
            del home[name]
    return document


def verify(document: Any = CLAIMS, header: Any = HEADER, **changes: Any) -> VerifiedCredential:
    text = Secret(signed(header, document, KEY))
    return jwt_vc.verify(text, KNOWN, replace(EXPECTED, **changes))


def test_a_good_one() -> None:
    verified = verify()
    assert [(check.name, check.outcome) for check in verified.report.checks] == [
        ("Form", "passed"),
        ("Signature", "passed"),
        ("Data model", "passed"),
        ("Dates", "passed"),
        ("Type", "passed"),
        ("Holder binding", "passed"),
        ("Promised claims", "passed"),
    ]
    assert verified.type == DEGREE
    assert verified.claims == {
        "credentialSubject": {"given_name": "Zita-Sentinel", "degree": {"gpa": 1.5}}
    }
    assert verified.bound_to == HOLDER
    assert (verified.trust, verified.trusted_by) == (Trust.DOMAIN, ISSUER)
    assert verified.expires_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert verified.status == {"credentialStatus": VC["credentialStatus"]}
    assert "Sentinel" not in repr(verified)


def test_fmt_03_who_signed_it() -> None:
    signer = jwt_vc.signer(Secret(signed(HEADER, CLAIMS, KEY)), EXPECTED)
    assert (signer.chain, signer.issuer, signer.key_id) == (None, ISSUER, "1")


GOOD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "FMT-06 properties only as claims": (
        claims(vc={"id": ..., "issuer": ..., "issuanceDate": ..., "expirationDate": ...}), {}),
    "FMT-06 issuer as text": (claims(vc={"issuer": ISSUER}), {}),
    "FMT-06 an issuer without name": (claims(vc={"issuer": ISSUER}), {}),
    "FMT-06 without end": (claims(vc={"expirationDate": ...}, exp=...), {}),
    "FMT-06 the end in another zone": (
        claims(vc={"expirationDate": "2026-02-01T01:00:00+01:00"}), {}),
    "bound by sub alone": (claims(vc={"credentialSubject": {
        "given_name": "a", "degree": {"gpa": 1}}}), {}),
    "bound by did:key": (claims(vc={"credentialSubject": {
        "id": KEY_DID, "given_name": "a", "degree": {"gpa": 1}}}, sub=KEY_DID), {}),
    "bound by cnf": (claims(vc={"credentialSubject": {
        "id": "urn:a", "given_name": "a", "degree": {"gpa": 1}}}, sub="urn:a",
        cnf={"jwk": HOLDER}), {}),
    "bound as one of several": (
        claims(vc={"credentialSubject": [{"id": "urn:a"}, {"id": DID}]}), {"mandatory": ()}),
    "not bound": (claims(sub="urn:a", vc={"credentialSubject": {"id": "urn:a", "b": 1}}),
                  {"holder_jwks": (), "mandatory": ()}),
    "more special than asked": (claims(vc={"type": ["VerifiableCredential", DEGREE, "More"]}), {}),
    "SDJ-06 for the holder": (claims(aud=["https://a.example", DID]), {}),
    "FMT-05 the contexts that were asked for": (CLAIMS, {"configuration": {
        "credential_definition": {**DEFINITION, "@context": VC["@context"]}}}),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_else_is_good(name: str) -> None:
    document, changes = GOOD[name]
    assert verify(document, **changes).report.passed


def test_a_did_jwk_with_further_members_is_the_same_key() -> None:
    other = "did:jwk:" + b64(json.dumps({"use": "sig", **dict(reversed(HOLDER.items()))}).encode())
    assert verify(claims(sub=other, vc={"credentialSubject": {"id": other}}), mandatory=())


BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no vc": (claims(vc={}) | {"vc": "text"}, {}, "credential_malformed"),
    "no context": (claims(vc={"@context": ...}), {}, "credential_malformed"),
    "context as text": (claims(vc={"@context": V1}), {}, "credential_malformed"),
    "empty context": (claims(vc={"@context": []}), {}, "credential_malformed"),
    "FMT-06 data model 2.0": (claims(vc={"@context": ["https://www.w3.org/ns/credentials/v2"]}),
                              {}, "credential_malformed"),
    "base context not first": (claims(vc={"@context": ["https://example.com/v1", V1]}), {},
                               "credential_malformed"),
    "a context that is a number": (claims(vc={"@context": [V1, 1]}), {}, "credential_malformed"),
    "type as text": (claims(vc={"type": "VerifiableCredential"}), {}, "credential_malformed"),
    "no base type": (claims(vc={"type": [DEGREE]}), {}, "credential_malformed"),
    "a type that is no text": (claims(vc={"type": ["VerifiableCredential", DEGREE, {}]}), {},
                               "credential_malformed"),
    "no subject": (claims(vc={"credentialSubject": ...}), {}, "credential_malformed"),
    "an empty subject": (claims(vc={"credentialSubject": {}}), {}, "credential_malformed"),
    "no subjects": (claims(vc={"credentialSubject": []}), {}, "credential_malformed"),
    "a subject that is text": (claims(vc={"credentialSubject": ["a"]}), {},
                               "credential_malformed"),
    "FMT-06 no iss": (claims(iss=...), {}, "credential_malformed"),
    "FMT-06 another issuer": (claims(vc={"issuer": "https://other.example"}), {},
                              "credential_malformed"),
    "FMT-06 issuer without id": (claims(vc={"issuer": {}}), {}, "credential_malformed"),
    "FMT-06 no nbf": (claims(nbf=...), {}, "credential_malformed"),
    "FMT-06 another issuanceDate": (claims(vc={"issuanceDate": "2026-01-01T00:00:00Z"}), {},
                                    "credential_malformed"),
    "FMT-06 issuanceDate no date": (claims(vc={"issuanceDate": "2025-12-31"}), {},
                                    "credential_malformed"),
    "FMT-06 issuanceDate in no month": (claims(vc={"issuanceDate": "2025-13-31T23:59:00Z"}), {},
                                        "credential_malformed"),
    "FMT-06 no exp": (claims(exp=...), {}, "credential_malformed"),
    "FMT-06 another expirationDate": (claims(vc={"expirationDate": "2030-02-01T00:00:00Z"}), {},
                                      "credential_malformed"),
    "FMT-06 at the end of time": (
        claims(vc={"expirationDate": "9999-12-31T23:59:59-23:59"}), {}, "credential_malformed"),
    "FMT-06 no jti": (claims(jti=...), {}, "credential_malformed"),
    "FMT-06 another jti": (claims(jti="urn:uuid:2"), {}, "credential_malformed"),
    "FMT-06 an id that is no text": (claims(vc={"id": {}}, jti={}), {}, "credential_malformed"),
    "FMT-06 no sub": (claims(sub=...), {}, "credential_malformed"),
    "FMT-06 another sub": (claims(sub="urn:a"), {}, "credential_malformed"),
    "exp as text": (claims(exp="1", vc={"expirationDate": ...}), {}, "credential_malformed"),
    "exp null": (claims(exp=None, vc={"expirationDate": ...}), {}, "credential_malformed"),
    "expired": (CLAIMS, {"now": NOW + timedelta(days=40)}, "credential_expired"),
    "not yet valid": (CLAIMS, {"now": NOW - timedelta(minutes=12)}, "credential_not_yet_valid"),
    "issued in the future": (claims(iat=AT + 3_600), {}, "credential_not_yet_valid"),
    "SDJ-06 another audience": (claims(aud="https://a.example"), {}, "audience_mismatch"),
    "another type": (claims(vc={"type": ["VerifiableCredential", "Other"]}), {}, "vct_mismatch"),
    "nothing was asked for": (CLAIMS, {"configuration": {}}, "vct_mismatch"),
    "FMT-05 another context": (CLAIMS, {"configuration": {"credential_definition": {
        **DEFINITION, "@context": [V1, "https://other.example/v1"]}}}, "vct_mismatch"),
    "bound to another key": (CLAIMS, {"holder_jwks": (public_jwk(new_key()),)},
                             "key_binding_mismatch"),
    "bound to nobody": (claims(sub=..., vc={"credentialSubject": {"given_name": "a"}}), {},
                        "key_binding_mismatch"),
    "bound by cnf to another key": (claims(cnf={"jwk": public_jwk(new_key())}), {},
                                    "key_binding_mismatch"),
    "cnf null": (claims(cnf=None), {}, "key_binding_mismatch"),
    "bound although no key was sent": (claims(cnf={"jwk": HOLDER}), {"holder_jwks": ()},
                                       "key_binding_mismatch"),
    "a did:jwk of a private key": (
        claims(sub="did:jwk:" + b64(json.dumps({**HOLDER, "d": "AA"}).encode()),
               vc={"credentialSubject": {"given_name": "a"}}), {}, "key_binding_mismatch"),
    "a did:jwk of nothing": (claims(sub="did:jwk:*", vc={"credentialSubject": {"b": "a"}}), {},
                             "key_binding_mismatch"),
    "CLM-01 promised claim missing": (CLAIMS, {"mandatory": (("credentialSubject", "x"),)},
                                      "claims_missing"),
}  # fmt: skip


def refusal(document: Any = CLAIMS, header: Any = HEADER, **changes: Any) -> VerificationFailed:
    with pytest.raises(VerificationFailed) as caught:
        verify(document, header, **changes)
    failed = [c for c in caught.value.report.checks if c.outcome is Outcome.FAILED]
    assert caught.value.detail == f"{failed[0].name}: {failed[0].reason}"
    return caught.value


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    document, changes, code = BAD[name]
    assert refusal(document, **changes).code == code


@pytest.mark.parametrize(
    "header",
    [{"typ": typ} for typ in ("dc+sd-jwt", "vc+jwt", "statuslist+jwt", "at+jwt", "", None, ["JWT"])]
    + [{"alg": "none"}, {"alg": "HS256"}, {"crit": ["b64"], "b64": False}],
    ids=str,
)
def test_headers_that_are_refused(header: dict[str, Any]) -> None:
    assert refusal(header={**HEADER, **header}).code == "credential_malformed"


def test_typ_may_be_missing() -> None:
    assert verify(header={"alg": "ES256"}).report.passed


@pytest.mark.parametrize("more", ["~", "ä", "A" * 10**6])
def test_forms_that_are_refused(more: str) -> None:
    text = signed(HEADER, CLAIMS, KEY) + more
    with pytest.raises(VerificationFailed) as caught:
        jwt_vc.signer(Secret(text), EXPECTED)
    assert caught.value.code == "credential_malformed"


def test_everything_that_is_wrong_is_told_and_the_first_decides() -> None:
    error = refusal(claims(aud="x"), configuration={}, now=NOW + timedelta(days=40), mandatory=())
    failed = [c.name for c in error.report.checks if c.outcome is Outcome.FAILED]
    assert failed == ["Audience", "Dates", "Type"]
    assert error.code == "audience_mismatch"


def test_another_key_signed_it() -> None:
    text = Secret(signed(HEADER, CLAIMS, new_key()))
    with pytest.raises(VerificationFailed) as caught:
        jwt_vc.verify(text, KNOWN, EXPECTED)
    assert caught.value.code == "signature_invalid"


def test_by_a_certificate() -> None:
    authority = Authority("Root")
    text = Secret(signed({**HEADER, "x5c": x5c(authority.leaf)}, CLAIMS, authority.leaf_key))
    found = jwt_vc.signer(text, EXPECTED)
    assert found.chain is not None
    now = datetime.now(UTC)
    issuer = by_certificate(found.chain, Anchors((authority.certificate,)), now)
    assert jwt_vc.verify(text, issuer, EXPECTED).trusted_by == "Root"


def test_a_status_of_the_jwt_itself() -> None:
    status = {"status_list": {"idx": 1, "uri": "https://status.example"}}
    assert verify(claims(status=status)).status == status
    assert verify(claims(vc={"credentialStatus": ...})).status == {}


def test_pth_01_the_published_example_of_openid4vci() -> None:
    name = "oid4vci-1.0/credential_response_jwt_vc_json.txt"
    answer = read_credential_response(http_answer(name))
    assert isinstance(answer, Delivery)
    [credential] = answer.credentials
    [configuration] = vector("oid4vci-1.0/credential_metadata_jwt_vc_json.json")[
        "credential_configurations_supported"
    ].values()
    keys = wrapped("oid4vci-1.0/issuer_jwks.json")["jwks"]["keys"]
    subject = json_object(base64url(credential.reveal().split(".")[1]))["sub"]
    assert isinstance(subject, str)
    holder = json_object(base64url(subject.removeprefix("did:jwk:")))
    expected = Expected(
        configuration,
        ({name: str(holder[name]) for name in ("kty", "crv", "x", "y")},),
        (),
        datetime(2025, 1, 2, tzinfo=UTC),
    )
    issuer = Issuer(Trust.DOMAIN, "", tuple(keys), ())
    verified = FORMATS["jwt_vc_json"].verify(credential, issuer, expected)
    degree = {"type": "BachelorDegree", "name": "Bachelor of Science and Arts"}
    assert verified.claims == {"credentialSubject": {"degree": degree}}
    assert verified.type == "UniversityDegreeCredential"
    metadata = CredentialConfiguration.model_validate(configuration).credential_metadata
    [claim] = claims_of(verified.claims, metadata, ["en"], {})
    assert (claim.path, claim.label) == (("credentialSubject", "degree"), "Degree")
    promised = replace(expected, mandatory=(("credentialSubject", "gpa"),))
    with pytest.raises(VerificationFailed) as caught:
        jwt_vc.verify(credential, issuer, promised)
    assert caught.value.code == "claims_missing"
