"""What a holder checks of a credential with a Data Integrity proof, case by case."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tests.support.data_integrity import Key, secured
from tests.vectors import vector
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.ldp_vc import proof
from wallet.credentials.ldp_vc import verification as ldp_vc
from wallet.errors import VerificationFailed
from wallet.oauth.jwt import thumbprint
from wallet.records import JsonObject, Secret
from wallet.report import Outcome, Trust
from wallet.strict import base64url_encode
from wallet.trust.dids import key_of
from wallet.trust.holder_keys import did_url
from wallet.trust.issuer import Issuer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
V1, V2 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"
TERMS = {"@vocab": "https://issuer.example/terms#"}
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()


def public(key: Key) -> dict[str, str]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        x = base64url_encode(key.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": x}
    point, size = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
    x, y = (base64url_encode(one.to_bytes(size)) for one in (point.x, point.y))
    return {"kty": "EC", "crv": f"P-{key.curve.key_size}", "x": x, "y": y}


HOLDER = public(ec.generate_private_key(ec.SECP256R1()))
KEYS = tuple(public(key) for key in (P384, ED25519, P256))
THEIRS = Issuer(Trust.DOMAIN, "did:example:issuer", KEYS, ())
EXPECTED = Expected(
    {"credential_definition": {"@context": [V2], "type": ["VerifiableCredential", "Degree"]}},
    (HOLDER,),
    (("credentialSubject", "given_name"),),
    NOW,
)
DOCUMENT: dict[str, Any] = {
    "@context": [V2, TERMS],
    "type": ["VerifiableCredential", "Degree"],
    "issuer": "did:example:issuer",
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2027-01-01T00:00:00Z",
    "credentialSubject": {
        "id": did_url(HOLDER, "did:jwk").partition("#")[0],
        "given_name": "Zita-Sentinel",
        "degree": {"type": "Bachelor", "subject": "Mathematics"},
    },
}
OLDER: dict[str, Any] = {
    **{name: value for name, value in DOCUMENT.items() if not name.startswith("valid")},
    "@context": [V1, "https://w3id.org/security/suites/ed25519-2020/v1", TERMS],
    "issuer": {"id": "did:example:issuer"},
    "issuanceDate": "2026-01-01T00:00:00Z",
    "expirationDate": "2027-01-01T00:00:00Z",
}
OF_OLDER = replace(
    EXPECTED,
    configuration={"credential_definition": {"@context": [V1], "type": ["Degree"]}},
)


def judged(
    document: Any, expected: Expected = EXPECTED, issuer: Issuer = THEIRS
) -> VerifiedCredential:
    text = document if isinstance(document, str) else json.dumps(document)
    ldp_vc.signer(Secret(text), expected)
    return ldp_vc.verify(Secret(text), issuer, expected)


def refusal(*arguments: Any, **named: Any) -> str:
    with pytest.raises(VerificationFailed) as caught:
        judged(*arguments, **named)
    failed = [c for c in caught.value.report.checks if c.outcome is Outcome.FAILED]
    assert failed
    return caught.value.code


SUITES: list[tuple[str, Key]] = [
    ("ecdsa-rdfc-2019", P256),
    ("ecdsa-rdfc-2019", P384),
    ("eddsa-rdfc-2022", ED25519),
    ("ecdsa-jcs-2019", P256),
    ("eddsa-jcs-2022", ED25519),
]


@pytest.mark.parametrize(("suite", "key"), SUITES)
def test_good_ones(suite: str, key: Key) -> None:
    verified = judged(secured(DOCUMENT, key, suite))
    assert (verified.type, verified.bound_to, verified.trust) == ("Degree", HOLDER, Trust.DOMAIN)
    subject = {name: value for name, value in DOCUMENT["credentialSubject"].items() if name != "id"}
    assert verified.claims == {"credentialSubject": subject}
    assert verified.expires_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert [(check.name, check.outcome) for check in verified.report.checks] == [
        ("Form", "passed"),
        ("Signature", "passed"),
        ("Dates", "passed"),
        ("Type", "passed"),
        ("Holder binding", "passed"),
        ("Promised claims", "passed"),
    ]
    assert "Zita-Sentinel" not in repr(verified)


def test_the_older_data_model_and_the_older_suite() -> None:
    suite = "Ed25519Signature2020"
    verified = judged(secured(OLDER, ED25519, suite), OF_OLDER)
    assert verified.report.passed
    altered = secured(OLDER, ED25519, suite)
    altered["credentialSubject"] = {**altered["credentialSubject"], "given_name": "Other"}
    assert refusal(altered, OF_OLDER) == "signature_invalid"


def test_a_proof_in_an_array_of_one() -> None:
    one = secured(DOCUMENT, P256, "ecdsa-jcs-2019")
    assert judged({**one, "proof": [one["proof"]]}).report.passed


def test_a_subject_named_by_its_did_key() -> None:
    named = {**DOCUMENT["credentialSubject"], "id": did_url(HOLDER, "did:key").partition("#")[0]}
    of_several = replace(EXPECTED, mandatory=(("credentialSubject", None, "given_name"),))
    document = {**DOCUMENT, "credentialSubject": [named, {"given_name": "Another"}]}
    verified = judged(secured(document, P256, "ecdsa-rdfc-2019"), of_several)
    assert verified.bound_to is not None
    assert thumbprint(verified.bound_to) == thumbprint(HOLDER)


def test_keys_that_could_not_be_had() -> None:
    nowhere = Issuer(Trust.UNVERIFIED, "", (), ())
    verified = judged(secured(DOCUMENT, P256, "ecdsa-rdfc-2019"), issuer=nowhere)
    assert verified.trust is Trust.UNVERIFIED
    assert [c.name for c in verified.report.checks if c.outcome == "skipped"] == ["Signature"]


def test_the_status_it_names() -> None:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://issuer.example/status/1",
    }
    one = secured({**DOCUMENT, "credentialStatus": entry}, P256, "ecdsa-rdfc-2019")
    assert judged(one).status == {"credentialStatus": entry}


Bend = Callable[[dict[str, Any]], Any]


def put(place: str, value: Any) -> Bend:
    """A change of the signed document; a dot goes one object down."""

    def bend(document: dict[str, Any]) -> dict[str, Any]:
        changed = json.loads(json.dumps(document))
        *above, last = place.split(".")
        inside = changed
        for name in above:
            inside = inside[name]
        inside[last] = value
        return dict(changed)

    return bend


def out(name: str) -> Bend:
    return lambda document: {key: value for key, value in document.items() if key != name}


NAME = "https://issuer.example/terms#given_name"
ALTERED: dict[str, tuple[Bend, str]] = {
    "a claim": (put("credentialSubject.given_name", "Other"), "signature_invalid"),
    "a claim more": (put("credentialSubject.more", "x"), "signature_invalid"),
    "the issuer": (put("issuer", "did:example:other"), "issuer_untrusted"),
    "the type": (put("type", ["VerifiableCredential", "Other"]), "signature_invalid"),
    "the end": (put("validUntil", "2030-01-01T00:00:00Z"), "signature_invalid"),
    "no end": (out("validUntil"), "signature_invalid"),
    "the proof's date": (put("proof.created", "2026-11-02T00:00:00Z"), "signature_invalid"),
    "the proof's end": (put("proof.expires", "2030-01-01T00:00:00Z"), "signature_invalid"),
    "the proof's purpose": (put("proof.proofPurpose", "authentication"), "credential_malformed"),
    "the suite": (put("proof.cryptosuite", "eddsa-rdfc-2022"), "signature_invalid"),
    "an unknown suite": (put("proof.cryptosuite", "none"), "credential_malformed"),
    "no suite": (put("proof", {"type": "DataIntegrityProof"}), "credential_malformed"),
    "another kind of proof": (put("proof.type", "RsaSignature2018"), "credential_malformed"),
    "no proof": (out("proof"), "credential_malformed"),
    "proofs": (lambda one: {**one, "proof": [one["proof"]] * 2}, "credential_malformed"),
    "a proof of nothing": (put("proof", []), "credential_malformed"),
    "no proofValue": (put("proof.proofValue", None), "credential_malformed"),
    "a proofValue of nothing": (put("proof.proofValue", ""), "credential_malformed"),
    "a short proofValue": (put("proof.proofValue", "z3"), "signature_invalid"),
    "another base": (put("proof.proofValue", "uAAAA"), "credential_malformed"),
    "no method": (put("proof.verificationMethod", None), "credential_malformed"),
    "another's method": (put("proof.verificationMethod", "did:x:1#k"), "issuer_untrusted"),
    "a term that nothing defines": (put("@context", [V2]), "signature_invalid"),
    "an unknown context": (put("@context", [V2, "https://a.example/c"]), "credential_malformed"),
    "a context of its own": (put("@context", [V2, {"given_name": NAME}]), "credential_malformed"),
    "contexts without end": (put("@context", [V2] * 9), "credential_malformed"),
    "no base context": (put("@context", [TERMS, V2]), "credential_malformed"),
    "a claim by its IRI": (
        lambda one: put("credentialSubject", {
            ("https://issuer.example/terms#given_name" if key == "given_name" else key): value
            for key, value in one["credentialSubject"].items()
        })(one), "credential_malformed"),
    "a node without a name": (put("credentialSubject.id", "_:b0"), "credential_malformed"),
    "no subject": (out("credentialSubject"), "credential_malformed"),
    "a subject of text": (put("credentialSubject", "x"), "credential_malformed"),
    "no issuer": (out("issuer"), "credential_malformed"),
    "a type as text": (put("type", "VerifiableCredential"), "credential_malformed"),
    "a date without a zone": (put("validUntil", "2027-01-01T00:00:00"), "signature_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", ALTERED)
def test_what_was_altered(name: str) -> None:
    bend, code = ALTERED[name]
    assert refusal(bend(secured(DOCUMENT, P256, "ecdsa-rdfc-2019"))) == code


SIGNED: dict[str, tuple[Bend, Any, str]] = {
    "expired": (put("validUntil", "2026-11-25T11:59:59Z"), {}, "credential_expired"),
    "not yet valid": (put("validFrom", "2026-11-25T12:11:00Z"), {}, "credential_not_yet_valid"),
    "a date that is none": (put("validUntil", "tomorrow"), {}, "credential_malformed"),
    "its proof expired": (lambda one: one, {"expires": "2026-11-01T00:00:00Z"},
                          "credential_expired"),
    "its proof made later": (lambda one: one, {"created": "2026-12-01T00:00:00Z"},
                             "credential_not_yet_valid"),
    "of another type": (put("type", ["VerifiableCredential", "Other"]), {}, "vct_mismatch"),
    "of another holder": (put("credentialSubject.id", "did:example:me"), {},
                          "key_binding_mismatch"),
    "a promised claim missing": (
        put("credentialSubject", {"id": DOCUMENT["credentialSubject"]["id"]}), {},
        "claims_missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNED)
def test_what_is_signed_and_wrong(name: str) -> None:
    bend, members, code = SIGNED[name]
    assert refusal(secured(bend(DOCUMENT), P256, "ecdsa-jcs-2019", **members)) == code


def test_by_a_stranger() -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert refusal(secured(DOCUMENT, stranger, "ecdsa-rdfc-2019")) == "signature_invalid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '"x"',
        "{" * 100_000,
        '{"a":' * 40 + "1" + "}" * 40,
        '{"a":1,"a":2}',
        json.dumps({**DOCUMENT, "padding": "x" * 66_000}),
        json.dumps(DOCUMENT) + "x",
        '{"a":"\\ud800"}',
        "\ud800",
    ],
)
def test_what_is_no_document(text: str) -> None:
    assert refusal(text) == "credential_malformed"


def linked(count: int) -> list[dict[str, Any]]:
    """Nodes without names that all point at each other."""
    return [{"knows": [{"knows": [{} for _ in range(count)]} for _ in range(count)]}]


def tree(depth: int) -> dict[str, Any]:
    return {"knows": [tree(depth - 1), tree(depth - 1)]} if depth else {"end": "x"}


def nested(depth: int) -> dict[str, Any]:
    return {"in": nested(depth - 1)} if depth else {"end": "x"}


POISON: dict[str, Any] = {
    "a symmetric tree": tree(9),
    "bushes of bushes": linked(60),
    "deep nesting": nested(26),
    "thousands of subjects": [{"n": str(number)} for number in range(4_000)],
}


@pytest.mark.parametrize("name", POISON)
def test_documents_that_are_made_to_cost(name: str) -> None:
    """Nobody signed them: that is found out, or that it costs too much, and never more."""
    document = {**DOCUMENT, "credentialSubject": POISON[name]}
    proof = secured(DOCUMENT, P256, "ecdsa-rdfc-2019")["proof"]
    codes = ("credential_too_costly", "credential_malformed", "signature_invalid")
    assert refusal({**document, "proof": proof}) in codes


def test_a_document_that_costs_too_much() -> None:
    document = {**DOCUMENT, "credentialSubject": tree(11)}
    proof = secured(DOCUMENT, P256, "ecdsa-rdfc-2019")["proof"]
    assert refusal({**document, "proof": proof}) == "credential_too_costly"


W3C = ("eddsa-rdfc-2022/signedDataInt.json", "eddsa-jcs-2022/signedJCS.json",
       "Ed25519Signature2020/signedEdSig.json")  # fmt: skip


@pytest.mark.parametrize("name", W3C)
def test_the_examples_of_the_w3c(name: str) -> None:
    """Signed for a subject that is no key of this wallet, by a did:key of somebody else's."""
    document = vector(f"vc-di-eddsa/{name}")
    issuer = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    key = key_of(issuer, document["proof"]["verificationMethod"])
    assert key is not None
    expected = Expected({"credential_definition": {"type": ["AlumniCredential"]}}, (), (), NOW)
    theirs = Issuer(Trust.UNKNOWN, issuer, (key,), ())
    assert judged(document, expected, theirs).type == "AlumniCredential"
    document["credentialSubject"]["alumniOf"] = "Another School"
    assert refusal(document, expected, theirs) == "signature_invalid"


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise SystemExit(3)", "proof_not_judged"),
        ("print('x')", "proof_not_judged"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "credential_too_costly"),
        ("import os, json; print(json.dumps(['unfit', ' '.join(os.environ)]))",
         "credential_malformed"),
    ],
)  # fmt: skip
def test_a_program_that_does_not_come_to_a_verdict(
    program: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one tells its environment, which is empty but for what the interpreter sets."""
    reader = tmp_path / "reader.py"
    reader.write_text(program)
    monkeypatch.setattr(proof, "_READER", reader)
    monkeypatch.setenv("SENTINEL_OF_THE_TEST", "x")
    with pytest.raises(VerificationFailed) as caught:
        judged(secured(DOCUMENT, P256, "ecdsa-jcs-2019"))
    assert caught.value.code == code
    assert "SENTINEL" not in caught.value.detail


def test_no_program_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert refusal(secured(DOCUMENT, P256, "ecdsa-jcs-2019")) == "proof_not_judged"


def test_didrooms_live_credential() -> None:
    exchange = vector("didroom/issuance_UniversityDegree_LDP_VC.json")["exchange"]
    [answer] = [one["response"]["body"] for one in exchange if one["step"] == "credential"]
    [issued] = answer["credentials"]
    metadata = vector("didroom/openid-credential-issuer.json")
    name = next(
        one for one, configuration in metadata["credential_configurations_supported"].items()
        if configuration["format"] == "ldp_vc"
    )  # fmt: skip
    configuration: JsonObject = metadata["credential_configurations_supported"][name]
    expected = Expected(configuration, (), (), datetime(2026, 11, 25, tzinfo=UTC))
    issuer = Issuer(Trust.DOMAIN, "DIDroom", tuple(metadata["jwks"]["keys"]), ())
    verified = judged(issued["credential"], expected, issuer)
    assert verified.type == "UniversityDegreeCredential"
    assert verified.bound_to is None
