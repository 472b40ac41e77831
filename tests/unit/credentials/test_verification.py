"""What a holder checks of an SD-JWT VC, case by case (RFC 9901, section 7.1; SD-JWT VC)."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from tests.support.jwts import signed, unb64, x5c
from tests.support.simulator import CLAIMS, VCT, Authority, Simulator, b64
from tests.vectors import vector
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc
from wallet.errors import VerificationFailed
from wallet.records import Secret
from wallet.report import Outcome, Trust
from wallet.trust.anchors import Anchors
from wallet.trust.holder_keys import did_url
from wallet.trust.issuer import Issuer, by_certificate, by_metadata


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    jwk = ECKey.import_key(key).as_dict(private=False)
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}


HOLDER = ec.generate_private_key(ec.SECP256R1())
JWK = public_jwk(HOLDER)
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("Root")


@pytest.fixture
def issuer(authority: Authority) -> Simulator:
    simulator = Simulator("https://issuer.example")
    simulator.authority = authority
    simulator.now = lambda: NOW
    return simulator


EXPECTED = Expected({"vct": VCT}, (JWK,), (("family_name",),), NOW)


def judged(credential: Secret[str], anchors: Anchors, **changes: Any) -> VerifiedCredential:
    """What a wallet with these anchors thinks of it."""
    expected = replace(EXPECTED, **changes)
    signer = sd_jwt_vc.signer(credential, expected)
    if signer.chain is None:
        return sd_jwt_vc.verify(credential, by_metadata(signer, (), ""), expected)
    return sd_jwt_vc.verify(credential, by_certificate(signer.chain, anchors, NOW), expected)


def verify(issuer: Simulator, anchors: Anchors | None = None, **changes: Any) -> VerifiedCredential:
    trusted = Anchors((issuer.authority.certificate,)) if anchors is None else anchors
    return judged(Secret(issuer.credential(JWK)), trusted, **changes)


def refusal(issuer: Simulator, **changes: Any) -> VerificationFailed:
    with pytest.raises(VerificationFailed) as caught:
        verify(issuer, **changes)
    failed = [c for c in caught.value.report.checks if c.outcome is Outcome.FAILED]
    assert failed
    assert caught.value.detail == f"{failed[0].name}: {failed[0].reason}"
    assert caught.value.rule == failed[0].rule
    return caught.value


def test_a_good_one(issuer: Simulator) -> None:
    verified = verify(issuer)
    assert verified.claims == CLAIMS
    assert (verified.type, verified.trust, verified.trusted_by) == (VCT, Trust.ANCHORED, "Root")
    assert verified.expires_at is not None
    assert verified.expires_at > NOW
    assert [(check.name, check.outcome) for check in verified.report.checks] == [
        ("Form", "passed"),
        ("Issuer", "passed"),
        ("Signature", "passed"),
        ("Disclosures", "passed"),
        ("Dates", "passed"),
        ("Type", "passed"),
        ("Holder binding", "passed"),
        ("Promised claims", "passed"),
        ("Second verdict", "passed"),
    ]
    assert "Quark-Sentinel" not in repr(verified)


def set_(**members: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: {**document, **members}


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: {k: v for k, v in document.items() if k != name}


def hidden(name: str, value: Any) -> dict[str, Callable[[Any], Any]]:
    """Edits that move a claim into a disclosure."""
    disclosure = b64(json.dumps(["salt", name, value]).encode())
    digest = b64(hashlib.sha256(disclosure.encode()).digest())
    return {
        "payload": lambda p: {
            **{k: v for k, v in p.items() if k != name},
            "_sd": [*p["_sd"], digest],
        },
        "disclosures": lambda d: [*d, disclosure],
    }


def _resigned(credential: str, change: Callable[[str], str]) -> str:
    head, payload, signature = credential.split("~", maxsplit=1)[0].split(".")
    return "~".join([f"{head}.{payload}.{change(signature)}", *credential.split("~")[1:]])


def _with_header(credential: str, **members: Any) -> str:
    header = {"alg": "ES256", "typ": "dc+sd-jwt", **members}
    return f"{b64(json.dumps(header).encode())}.{credential.partition('.')[2]}"


LATER = int((NOW + timedelta(hours=1)).timestamp())
EARLIER = int((NOW - timedelta(seconds=1)).timestamp())
BAD: dict[str, tuple[dict[str, Callable[[Any], Any]], str]] = {
    "SDJ-01 ends without ~": ({"credential": lambda c: c[:-1]}, "credential_malformed"),
    "SDJ-01 an empty disclosure": ({"credential": lambda c: c + "~"}, "credential_malformed"),
    "SDJ-01 a key binding JWT": ({"credential": lambda c: c + "a.b.c"}, "credential_malformed"),
    "no JWS": ({"credential": lambda c: "~".join(["ab", *c.split("~")[1:]])},
               "credential_malformed"),
    "four parts": ({"credential": lambda c: "a." + c}, "credential_malformed"),
    "not ASCII": ({"credential": lambda c: c + "ä~"}, "credential_malformed"),
    "too many disclosures": ({"credential": lambda c: c + "a~" * 2_001}, "credential_malformed"),
    "signature padded": ({"credential": lambda c: _resigned(c, lambda s: s + "==")},
                         "credential_malformed"),
    "signature with a stranger": ({"credential": lambda c: _resigned(c, lambda s: s + "!")},
                                  "credential_malformed"),
    "signature cut": ({"credential": lambda c: _resigned(c, lambda s: s[:40])},
                      "signature_invalid"),
    "no signature": ({"credential": lambda c: _resigned(c, lambda s: s[:0])}, "signature_invalid"),
    "SDJ-02 HS256": ({"credential": lambda c: _with_header(c, alg="HS256")},
                     "credential_malformed"),
    "SDJ-02 none": ({"credential": lambda c: _with_header(c, alg="none")}, "credential_malformed"),
    "SDJ-02 no alg": ({"credential": lambda c: _with_header(c, alg=None)}, "credential_malformed"),
    "crit": ({"credential": lambda c: _with_header(c, crit=["x"])}, "credential_malformed"),
    "a header member twice": ({"credential": lambda c: c.replace(
        c.split(".")[0], b64(b'{"alg":"ES256","alg":"ES256","typ":"dc+sd-jwt"}'))},
        "credential_malformed"),
    "VC-01 typ": ({"header": set_(typ="vc+sd-jwt")}, "credential_malformed"),
    "VC-01 no typ": ({"header": without("typ")}, "credential_malformed"),
    "VC-04 no x5c": ({"header": without("x5c")}, "issuer_untrusted"),
    "VC-04 x5c as text": ({"credential": lambda c: _with_header(c, x5c="AAAA")},
                          "issuer_untrusted"),
    "VC-04 empty x5c": ({"header": set_(x5c=[])}, "issuer_untrusted"),
    "VC-04 x5c of numbers": ({"credential": lambda c: _with_header(c, x5c=[1])},
                             "issuer_untrusted"),
    "VC-04 x5c not base64": ({"header": set_(x5c=["*"])}, "issuer_untrusted"),
    "VC-04 x5c not ASCII": ({"header": set_(x5c=["ä"])}, "issuer_untrusted"),
    "VC-04 x5c in lines": ({"header": lambda h: {**h, "x5c": [h["x5c"][0] + "\n"]}},
                           "issuer_untrusted"),
    "VC-04 x5c no certificate": ({"header": set_(x5c=["AAAA"])}, "issuer_untrusted"),
    "VC-04 x5c too long": ({"header": lambda h: {**h, "x5c": h["x5c"] * 7}}, "issuer_untrusted"),
    "VC-04 the key in the header does not count": (
        {"signer": lambda _: HOLDER, "header": set_(jwk=JWK)}, "signature_invalid"),
    "VC-02 hidden exp": (hidden("exp", LATER), "disclosure_invalid"),
    "VC-02 hidden nbf": (hidden("nbf", EARLIER), "disclosure_invalid"),
    "VC-02 hidden cnf": (hidden("cnf", {"jwk": JWK}), "disclosure_invalid"),
    "VC-02 hidden vct": (hidden("vct", VCT), "disclosure_invalid"),
    "VC-02 hidden iss": (hidden("iss", "https://issuer.example"), "disclosure_invalid"),
    "VC-02 hidden status": (hidden("status", {}), "disclosure_invalid"),
    "VC-02 hidden aka_vcts": (hidden("aka_vcts", [VCT]), "disclosure_invalid"),
    "VC-02 hidden vct#integrity": (hidden("vct#integrity", "sha256-x"), "disclosure_invalid"),
    "VC-02 digests below cnf": ({"payload": set_(cnf={"jwk": JWK, "_sd": ["decoy"]})},
                                "disclosure_invalid"),
    "VC-02 digests below status": (
        {"payload": set_(status={"status_list": [{"...": "decoy"}]})}, "disclosure_invalid"),
    "SDJ-02 _sd_alg": ({"payload": set_(_sd_alg="sha-1")}, "disclosure_invalid"),
    "SDJ-06 expired": ({"payload": set_(exp=EARLIER)}, "credential_expired"),
    "SDJ-06 not yet valid": ({"payload": set_(nbf=LATER)}, "credential_not_yet_valid"),
    "SDJ-06 issued in the future": ({"payload": set_(iat=LATER)}, "credential_not_yet_valid"),
    "SDJ-06 hidden iat, in the future": (hidden("iat", LATER), "credential_not_yet_valid"),
    "SDJ-06 exp null": ({"payload": set_(exp=None)}, "credential_malformed"),
    "SDJ-06 another audience": ({"payload": set_(aud="https://verifier.example")},
                                "audience_mismatch"),
    "SDJ-06 other audiences": ({"payload": set_(aud=["https://a.example", "did:jwk:e30"])},
                               "audience_mismatch"),
    "SDJ-06 a hidden audience": (hidden("aud", "https://verifier.example"), "audience_mismatch"),
    "SDJ-06 no audience in aud": ({"payload": set_(aud=[])}, "audience_mismatch"),
    "SDJ-06 aud no text": ({"payload": set_(aud={})}, "audience_mismatch"),
    "SDJ-08 JSON serialization": ({"credential": lambda c: json.dumps(
        {"payload": c.split(".")[1], "protected": c.split(".")[0], "signature": "AA",
         "header": {"disclosures": []}})}, "credential_malformed"),
    "SDJ-06 exp as text": ({"payload": set_(exp=str(LATER))}, "credential_malformed"),
    "SDJ-06 exp as truth": ({"payload": set_(exp=True)}, "credential_malformed"),
    "SDJ-06 exp without end": ({"payload": set_(exp=10**20)}, "credential_malformed"),
    "SDJ-06 nbf without beginning": ({"payload": set_(nbf=-(10**20))}, "credential_malformed"),
    "VC-03 other vct": ({"payload": set_(vct=VCT + ":2")}, "vct_mismatch"),
    "VC-03 empty vct": ({"payload": set_(vct="")}, "vct_mismatch"),
    "VC-03 none of the other types": ({"payload": set_(vct="x", aka_vcts=["y"])}, "vct_mismatch"),
    "VC-03 aka_vcts no array": ({"payload": set_(aka_vcts=VCT)}, "credential_malformed"),
    "VC-03 aka_vcts empty": ({"payload": set_(aka_vcts=[])}, "credential_malformed"),
    "VC-03 aka_vcts with the vct": ({"payload": set_(aka_vcts=[VCT])}, "credential_malformed"),
    "VC-03 aka_vcts of numbers": ({"payload": set_(aka_vcts=[1])}, "credential_malformed"),
    "iss no text": ({"payload": set_(iss=1)}, "credential_malformed"),
    "VC-03 no vct": ({"payload": without("vct")}, "vct_mismatch"),
    "VC-03 vct no text": ({"payload": set_(vct=[VCT])}, "vct_mismatch"),
    "VC-03 no cnf": ({"payload": without("cnf")}, "key_binding_mismatch"),
    "VC-03 cnf no object": ({"payload": set_(cnf=JWK["x"])}, "key_binding_mismatch"),
    "VC-03 key by reference": ({"payload": set_(cnf={"jku": "https://a.example", "kid": "1"})},
                               "key_binding_mismatch"),
    "VC-03 key by reference beside the right one": (
        {"payload": set_(cnf={"jwk": JWK, "jku": "https://a.example"})}, "key_binding_mismatch"),
    "VC-03 cnf null": ({"payload": set_(cnf=None)}, "key_binding_mismatch"),
    "VC-03 another key": (
        {"payload": set_(cnf={"jwk": public_jwk(ec.generate_private_key(ec.SECP256R1()))})},
        "key_binding_mismatch"),
    "VC-03 half a key": ({"payload": set_(cnf={"jwk": {**JWK, "y": ""}})},
                         "key_binding_mismatch"),
    "VC-03 a key without curve": ({"payload": set_(cnf={"jwk": {**JWK, "crv": 1}})},
                                  "key_binding_mismatch"),
    "VC-03 a key of half its members": ({"payload": set_(cnf={"jwk": {"kty": "EC"}})},
                                        "key_binding_mismatch"),
    "VC-03 no point of the curve": ({"payload": set_(cnf={"jwk": {**JWK, "y": JWK["x"]}})},
                                    "key_binding_mismatch"),
    "VC-03 a private key": ({"payload": set_(cnf={"jwk": {**JWK, "d": "AA"}})},
                            "key_binding_mismatch"),
    "CLM-01 promised claim missing": ({"disclosures": lambda d: [d[0], d[2]]}, "claims_missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str, issuer: Simulator) -> None:
    edits, code = BAD[name]
    issuer.edits.update(edits)
    assert refusal(issuer).code == code


def test_everything_that_is_wrong_is_told_and_the_first_decides(issuer: Simulator) -> None:
    issuer.edits["payload"] = set_(exp=EARLIER, vct="x", cnf={})
    error = refusal(issuer)
    assert error.code == "credential_expired"
    failed = [c.name for c in error.report.checks if c.outcome is Outcome.FAILED]
    assert failed == ["Dates", "Type", "Holder binding"]


def test_an_issuer_that_nobody_vouches_for_is_told(issuer: Simulator) -> None:
    verified = verify(issuer, anchors=Anchors())
    assert (verified.trust, verified.trusted_by) == (Trust.UNKNOWN, "")
    skipped = [c.name for c in verified.report.checks if c.outcome is Outcome.SKIPPED]
    assert skipped == ["Issuer"]


def test_keys_that_could_not_be_had_are_told_and_all_else_is_checked(issuer: Simulator) -> None:
    credential, nowhere = Secret(issuer.credential(JWK)), Issuer(Trust.UNVERIFIED, "", (), ())
    verified = sd_jwt_vc.verify(credential, nowhere, EXPECTED)
    assert verified.trust is Trust.UNVERIFIED
    skipped = [c.name for c in verified.report.checks if c.outcome is Outcome.SKIPPED]
    assert skipped == ["Signature", "Second verdict"]
    with pytest.raises(VerificationFailed) as caught:
        sd_jwt_vc.verify(credential, nowhere, replace(EXPECTED, configuration={"vct": "x"}))
    assert caught.value.code == "vct_mismatch"


@pytest.mark.parametrize(("seconds", "early"), [(599, False), (601, True)])
def test_clocks_may_differ_by_ten_minutes(issuer: Simulator, seconds: int, early: bool) -> None:
    issuer.edits["payload"] = set_(nbf=NOW.timestamp() + seconds)
    if early:
        assert refusal(issuer).code == "credential_not_yet_valid"
    else:
        assert verify(issuer).report.passed


def test_a_credential_without_end_and_without_promises(issuer: Simulator) -> None:
    issuer.edits["payload"] = without("exp")
    verified = verify(issuer, mandatory=())
    assert verified.expires_at is None
    assert [c.name for c in verified.report.checks if c.outcome is Outcome.SKIPPED] == [
        "Promised claims"
    ]


def test_a_credential_without_binding(issuer: Simulator) -> None:
    assert refusal(issuer, holder_jwks=()).code == "key_binding_mismatch"
    issuer.edits["payload"] = without("cnf")
    skipped = [
        c.name for c in verify(issuer, holder_jwks=()).report.checks if c.outcome == "skipped"
    ]
    assert skipped == ["Holder binding"]


def test_vc_05_a_credential_without_disclosures(issuer: Simulator) -> None:
    issuer.edits["payload"] = lambda p: {**without("_sd")(p), "family_name": "Q", "sub": "1"}
    issuer.edits["disclosures"] = lambda _: []
    assert verify(issuer).claims == {"family_name": "Q"}


def test_a_configuration_without_type_matches_nothing(issuer: Simulator) -> None:
    assert refusal(issuer, configuration={}).code == "vct_mismatch"


def test_vc_03_asked_for_by_another_of_its_types(issuer: Simulator) -> None:
    issuer.edits["payload"] = set_(vct="urn:new", aka_vcts=["urn:old", VCT])
    assert verify(issuer).type == "urn:new"


@pytest.mark.parametrize("wrap", [str, lambda name: ["https://a.example", name]])
@pytest.mark.parametrize("method", ["did:jwk", "did:key"])
def test_sdj_06_a_credential_for_the_holder(
    wrap: Callable[[str], Any], method: str, issuer: Simulator
) -> None:
    name = did_url(JWK, method).partition("#")[0]
    issuer.edits["payload"] = set_(aud=wrap(name))
    assert verify(issuer).report.passed


def test_sdj_06_a_hidden_iat_counts_where_it_is_not_hidden(issuer: Simulator) -> None:
    issuer.edits.update(hidden("iat", EARLIER))
    assert verify(issuer).claims == CLAIMS


def test_header_members_that_nobody_knows_are_ignored(issuer: Simulator) -> None:
    head = {"alg": "ES256", "typ": "dc+sd-jwt", "vctm": ["e30"], "x5c": x5c(issuer.authority.leaf)}
    payload, _, rest = issuer.credential(JWK).split(".", 1)[1].partition(".")
    jwt = signed(head, unb64(payload), issuer.authority.leaf_key)
    credential = Secret("~".join([jwt, *rest.split("~")[1:]]))
    assert judged(credential, Anchors((issuer.authority.certificate,))).report.passed


@pytest.mark.parametrize("number", range(5))
def test_the_published_examples_have_no_trusted_issuer(number: int, issuer: Simulator) -> None:
    published = vector("sd-jwt-vc-draft/vectors.json")["vectors"][number]
    with pytest.raises(VerificationFailed) as caught:
        judged(Secret(published["token"]), Anchors((issuer.authority.certificate,)))
    bound = published["kind"] == "sd-jwt+kb"
    assert caught.value.code == ("credential_malformed" if bound else "issuer_untrusted")
