"""What a holder checks of a mobile document, case by case (ISO/IEC 18013-5, section 9.3.1)."""

import base64
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import isomdoc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, OKPKey

from tests.support.mdocs import (
    DOC_TYPE,
    ELEMENTS,
    NAMESPACE,
    NOW,
    PORTRAIT,
    SERVER,
    Edit,
    Issuance,
    PrivateKey,
    certified,
    cose_key,
    embedded,
    head,
    sign,
)
from tests.vectors import FOLDER, vector
from wallet.credentials import mdoc
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.mdoc import verification
from wallet.errors import VerificationFailed
from wallet.records import Secret
from wallet.report import Check, Outcome, Trust
from wallet.trust.anchors import Anchors
from wallet.trust.issuer import Issuer, by_certificate

HOLDER = ec.generate_private_key(ec.SECP256R1())
ROOT = certified("Root", ca=True)
LEAF = certified("Signer", ROOT)


def public_jwk(key: PrivateKey) -> dict[str, str]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        jwk = OKPKey.import_key(key).as_dict(private=False)
    else:
        jwk = ECKey.import_key(key).as_dict(private=False)
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y") if name in jwk}


JWK = public_jwk(HOLDER)
EXPECTED = Expected({"doctype": DOC_TYPE}, (JWK,), ((NAMESPACE, "family_name"),), NOW)


def issuance(**edits: Edit) -> Issuance:
    return Issuance([LEAF], cose_key(HOLDER), edits=edits)


def judged(text: str, anchors: Anchors | None = None, **changes: Any) -> VerifiedCredential:
    """What a wallet with these anchors thinks of it."""
    expected = replace(EXPECTED, **changes)
    signer = mdoc.signer(Secret(text), expected)
    assert signer.chain is not None
    trusted = Anchors((ROOT.certificate,)) if anchors is None else anchors
    issuer = by_certificate(signer.chain, trusted, expected.now)
    return mdoc.verify(Secret(text), issuer, expected)


def refusal(text: str, **changes: Any) -> VerificationFailed:
    with pytest.raises(VerificationFailed) as caught:
        judged(text, **changes)
    failed = [c for c in caught.value.report.checks if c.outcome is Outcome.FAILED]
    assert failed
    assert caught.value.detail == f"{failed[0].name}: {failed[0].reason}"
    assert caught.value.rule == failed[0].rule
    return caught.value


def check_of(verified: VerifiedCredential, name: str) -> Check:
    [check] = [check for check in verified.report.checks if check.name == name]
    return check


def uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


CLAIMS = {
    **ELEMENTS,
    "birth_date": "1990-02-03",
    "issue_date": "2026-01-02T00:00:00Z",
    "expiry_date": "2031-01-01",
    "portrait": uri("image/jpeg", PORTRAIT),
    "driving_privileges": [
        {"vehicle_category_code": "B", "issue_date": "2010-01-01", "codes": [{"code": "01"}]}
    ],
}


def test_mdo_01_a_good_one() -> None:
    text = issuance().text()
    verified = judged(text)
    assert verified.credential.reveal() == text
    assert verified.claims == {NAMESPACE: CLAIMS}
    assert (verified.type, verified.trust, verified.trusted_by) == (
        DOC_TYPE, Trust.ANCHORED, "Root",
    )  # fmt: skip
    assert verified.bound_to == JWK
    assert verified.expires_at == NOW + timedelta(days=30)
    assert verified.status == {}
    assert [(check.name, check.outcome) for check in verified.report.checks] == [
        ("Form", "passed"),
        ("Issuer", "passed"),
        ("Signature", "passed"),
        ("Signer's certificate", "passed"),
        ("Digests", "passed"),
        ("Driving licence", "passed"),
        ("Dates", "passed"),
        ("Type", "passed"),
        ("Holder binding", "passed"),
        ("Promised claims", "passed"),
        ("Second verdict", "passed"),
    ]
    assert "Quark-Sentinel" not in repr(verified)


# Documents of other people.


def test_one_that_isomdoc_makes() -> None:
    made = isomdoc.create_mdoc(DOC_TYPE, [LEAF.certificate], LEAF.key)
    for name, value in ELEMENTS.items():
        made.add_data_item(NAMESPACE, name, value)
    made.add_data_item("org.example", "since", datetime(2020, 1, 2, tzinfo=UTC))
    end = NOW + timedelta(days=9)
    encoded = made.generate_credential(HOLDER.public_key(), NOW, NOW, end)
    verified = judged(base64.urlsafe_b64encode(encoded).rstrip(b"=").decode())
    assert verified.claims == {
        NAMESPACE: CLAIMS,
        "org.example": {"since": "2020-01-02T00:00:00Z"},
    }
    assert verified.expires_at == end
    assert check_of(verified, "Second verdict").outcome is Outcome.PASSED


@pytest.mark.parametrize("alg", ["ES256", "ES384"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mdo_08_one_that_pymdoccbor_makes(alg: str) -> None:
    from pycose.keys.ec2 import EC2Key
    from pymdoccbor.mdoc.issuer import MdocCborIssuer

    now = datetime.now(UTC)  # it knows the system's clock only
    days: Any = {"begins": now - timedelta(days=9), "ends": now + timedelta(days=99)}
    root = certified("Root", ca=True, **days)
    curve = ec.SECP256R1() if alg == "ES256" else ec.SECP384R1()
    middle = certified("Middle", root, ca=True, **days)
    leaf = certified("Signer", middle, key=ec.generate_private_key(curve), **days)
    pem = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key: Any = EC2Key.from_pem_private_key(pem.decode())
    key.alg = alg
    status = {"status_list": {"idx": 7, "uri": "https://status.example/1"}}
    made = MdocCborIssuer(private_key=key, alg=alg).new(
        data={"org.example": {"family_name": "Q", "birth_date": "1990-02-03", "number": -5}},
        doctype="org.example.type",
        validity={
            "issuance_date": f"{now:%Y-%m-%d}",
            "expiry_date": f"{now + timedelta(days=30):%Y-%m-%d}",
        },
        devicekeyinfo=cose_key(HOLDER),
        x509_chain=[leaf.certificate, middle.certificate],
        revocation=status,
    )
    encoded = cbor2.dumps(made["documents"][0]["issuerSigned"])
    verified = judged(
        base64.urlsafe_b64encode(encoded).rstrip(b"=").decode(),
        Anchors((root.certificate,)),
        configuration={"doctype": "org.example.type"},
        mandatory=(("org.example", "number"),),
        now=now,
    )
    assert verified.claims == {
        "org.example": {"family_name": "Q", "birth_date": "1990-02-03", "number": -5}
    }
    assert (verified.status, verified.trust) == (status, Trust.ANCHORED)
    assert check_of(verified, "Second verdict").outcome is Outcome.PASSED


ANNEX_D = bytes.fromhex(vector("mdoc/iso18013-5-annex-d.json")["derived"]["issuer_signed_hex"])
SPRUCE = bytes.fromhex((FOLDER / "mdoc/spruceid-isomdl-issuer_signed.hex").read_text())
IN_2021 = datetime(2021, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("encoded", [ANNEX_D, SPRUCE], ids=["annex d", "spruceid"])
def test_the_published_example(encoded: bytes) -> None:
    text = base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()
    device_key = cbor2.loads(cbor2.loads(cbor2.loads(encoded)["issuerAuth"][2]).value)[
        "deviceKeyInfo"
    ]["deviceKey"]
    x, y = (base64.urlsafe_b64encode(device_key[n]).rstrip(b"=").decode() for n in (-2, -3))
    jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    verified = judged(text, Anchors(), now=IN_2021, holder_jwks=(jwk,))
    assert verified.trust is Trust.UNKNOWN
    elements = verified.claims[NAMESPACE]
    assert isinstance(elements, dict)
    assert {k: v for k, v in elements.items() if k != "portrait"} == {
        "family_name": "Doe",
        "issue_date": "2019-10-20",
        "expiry_date": "2024-10-20",
        "document_number": "123456789",
        "driving_privileges": [
            {
                "vehicle_category_code": "A",
                "issue_date": "2018-08-09",
                "expiry_date": "2024-10-20",
            },
            {
                "vehicle_category_code": "B",
                "issue_date": "2017-02-23",
                "expiry_date": "2024-10-20",
            },
        ],
    }
    assert str(elements["portrait"]).startswith("data:image/jpeg;base64,/9j/")
    passed = {c.name for c in verified.report.checks if c.outcome is Outcome.PASSED}
    assert passed >= {"Signature", "Signer's certificate", "Digests", "Dates", "Second verdict"}
    refused = refusal(text, anchors=Anchors(), holder_jwks=(jwk,))
    assert refused.code == "issuer_untrusted"  # its certificate is one of 2020
    failed = [c.name for c in refused.report.checks if c.outcome is Outcome.FAILED]
    assert failed == ["Signer's certificate", "Dates"]


# What is wrong with one.


def within(path: list[Any], change: Edit) -> Edit:
    """Change what is at `path`; the rest stays."""

    def edit(document: Any) -> Any:
        if not path:
            return change(document)
        copy = list(document) if isinstance(document, list | tuple) else dict(document)
        copy[path[0]] = within(path[1:], change)(copy[path[0]])
        return copy

    return edit


def set_(**members: Any) -> Edit:
    return lambda document: {**document, **members}


def without(name: Any) -> Edit:
    return lambda document: {k: v for k, v in document.items() if k != name}


def only(element: str, change: Edit) -> Edit:
    """Change the item of one element."""
    return lambda item: change(item) if item["elementIdentifier"] == element else item


def dates(**members: Any) -> Edit:
    return within(["validityInfo"], set_(**members))


def tdate(text: str) -> cbor2.CBORTag:
    return cbor2.CBORTag(0, text)


def digest_of(number: int, change: Edit) -> Edit:
    return within(["valueDigests", NAMESPACE, number], change)


def device_key(change: Edit) -> Edit:
    return within(["deviceKeyInfo", "deviceKey"], change)


def swapped(items: list[Any]) -> list[Any]:
    return [items[1], items[0], *items[2:]]


def resigned(change: Callable[[bytes], bytes]) -> Edit:
    return lambda auth: [*auth[:3], change(auth[3])]


BAD: dict[str, tuple[dict[str, Edit], str]] = {
    # MDO-01: form
    "MDO-01 not base64url": ({"text": lambda t: t + "*"}, "credential_malformed"),
    "MDO-01 padded": ({"text": lambda t: t + "="}, "credential_malformed"),
    "MDO-01 not ASCII": ({"text": lambda t: t + "ä"}, "credential_malformed"),
    "MDO-01 in lines": ({"text": lambda t: t[:76] + "\n" + t[76:]}, "credential_malformed"),
    "MDO-01 nothing": ({"text": lambda _: ""}, "credential_malformed"),
    "MDO-01 too large": ({"text": lambda t: t + "A" * 1_000_000}, "credential_malformed"),
    "MDO-01 trailing bytes": ({"bytes": lambda b: b + b"\0"}, "credential_malformed"),
    "MDO-01 cut": ({"bytes": lambda b: b[:-1]}, "credential_malformed"),
    "MDO-01 no map": ({"bytes": lambda b: b"\x81" + b}, "credential_malformed"),
    "MDO-01 a tag": ({"bytes": lambda b: b"\xd8\x18" + b}, "credential_malformed"),
    "MDO-01 not text": ({"bytes": lambda b: b.replace(b"nameSpaces", b"nameSpac\xff\xff")},
                        "credential_malformed"),
    "MDO-01 no nameSpaces": ({"whole": lambda w: w[1:]}, "credential_malformed"),
    "MDO-01 no issuerAuth": ({"whole": lambda w: w[:1]}, "credential_malformed"),
    "MDO-01 nameSpaces twice": ({"whole": lambda w: [*w, w[0]]}, "credential_malformed"),
    "MDO-01 nameSpaces null": ({"whole": lambda w: [(w[0][0], b"\xf6"), w[1]]},
                               "credential_malformed"),
    "MDO-01 no namespaces": ({"name_spaces": lambda _: []}, "credential_malformed"),
    "MDO-01 no elements": ({"sent": lambda _: []}, "credential_malformed"),
    "MDO-01 too many elements": ({"sent": lambda s: s * 200}, "credential_malformed"),
    "MDO-01 a namespace that is no text": ({"name_spaces": lambda n: [(1, n[0][1])]},
                                           "credential_malformed"),
    "MDO-01 an item without tag": ({"encoded": lambda e: e[2:]}, "credential_malformed"),
    "MDO-01 an item of another tag": ({"encoded": lambda e: b"\xd8\x19" + e[2:]},
                                      "credential_malformed"),
    "MDO-01 an item that is no CBOR": ({"encoded": lambda _: embedded(b"\xff")},
                                       "credential_malformed"),
    "MDO-01 an item that is no map": ({"encoded": lambda _: embedded(b"\x01")},
                                      "credential_malformed"),
    "MDO-01 a tagged signature": ({"auth": lambda a: cbor2.CBORTag(18, a)},
                                  "credential_malformed"),
    "MDO-01 three parts of a signature": ({"auth": lambda a: a[:3]}, "credential_malformed"),
    "MDO-01 no payload": ({"auth": within([2], lambda _: None)}, "credential_malformed"),
    "MDO-01 crit": ({"protected": lambda p: {**p, 2: [99]}}, "credential_malformed"),
    "MDO-01 no digestID": ({"item": without("digestID")}, "credential_malformed"),
    "MDO-01 digestID a truth": ({"item": only("given_name", set_(digestID=True))},
                                "credential_malformed"),
    "MDO-01 digestID a text": ({"item": set_(digestID="1")}, "credential_malformed"),
    "MDO-01 digestID too large": ({"item": only("given_name", set_(digestID=2**31))},
                                  "credential_malformed"),
    "MDO-01 no random": ({"item": without("random")}, "credential_malformed"),
    "MDO-01 no elementIdentifier": ({"item": without("elementIdentifier")},
                                    "credential_malformed"),
    "MDO-01 an element without name": ({"item": set_(elementIdentifier="")},
                                       "credential_malformed"),
    "MDO-01 no elementValue": ({"item": without("elementValue")}, "credential_malformed"),
    "MDO-01 a float": ({"item": set_(elementValue=1.5)}, "credential_malformed"),
    "MDO-01 undefined": ({"item": set_(elementValue=cbor2.undefined)}, "credential_malformed"),
    "MDO-01 keys that are one text": ({"item": set_(elementValue={1: 1, "1": 2})},
                                      "credential_malformed"),
    # MDO-02: the signer's certificates
    "MDO-02 no x5chain": ({"unprotected": without(33)}, "issuer_untrusted"),
    "MDO-02 x5chain empty": ({"unprotected": lambda _: {33: []}}, "credential_malformed"),
    "MDO-02 x5chain a text": ({"unprotected": lambda _: {33: "x"}}, "credential_malformed"),
    "MDO-02 no certificate": ({"unprotected": lambda _: {33: b"x"}}, "issuer_untrusted"),
    "MDO-02 x5chain too long": ({"unprotected": lambda u: {33: [u[33]] * 7}},
                                "issuer_untrusted"),
    "MDO-02 x5chain twice": ({"protected": lambda p: {**p, 33: LEAF.der}},
                             "credential_malformed"),
    # MDO-03: the signature
    "MDO-03 no alg": ({"protected": without(1)}, "credential_malformed"),
    "MDO-03 alg not protected": ({"protected": without(1), "unprotected": lambda u: {**u, 1: -7}},
                                 "credential_malformed"),
    "MDO-03 alg twice": ({"unprotected": lambda u: {**u, 1: -7}}, "credential_malformed"),
    "MDO-03 alg HMAC": ({"protected": lambda _: {1: 5}}, "credential_malformed"),
    "MDO-03 alg RS256": ({"protected": lambda _: {1: -257}}, "credential_malformed"),
    "MDO-03 alg a text": ({"protected": lambda _: {1: "ES256"}}, "credential_malformed"),
    "MDO-03 another alg": ({"protected": lambda _: {1: -35}}, "signature_invalid"),
    "MDO-03 signature cut": ({"auth": resigned(lambda s: s[:-1])}, "signature_invalid"),
    "MDO-03 no signature": ({"auth": resigned(lambda _: b"")}, "signature_invalid"),
    "MDO-03 another signature": ({"auth": resigned(lambda s: s[32:] + s[:32])},
                                 "signature_invalid"),
    "MDO-03 signature of zeros": ({"auth": resigned(lambda s: bytes(len(s)))},
                                  "signature_invalid"),
    "MDO-03 signed by another": (
        {"auth": lambda a: [*a[:3], sign(-7, HOLDER, a[0], a[2])]}, "signature_invalid"),
    "MDO-03 payload altered": ({"auth": within([2], lambda p: p.replace(b"mDL", b"mDX"))},
                                "signature_invalid"),
    # MDO-04: the security object
    "MDO-04 no payload tag": ({"payload": lambda p: p[2:]}, "credential_malformed"),
    "MDO-04 version": ({"mso": set_(version="2.0")}, "credential_malformed"),
    "MDO-04 no version": ({"mso": without("version")}, "credential_malformed"),
    "MDO-04 digestAlgorithm": ({"mso": set_(digestAlgorithm="SHA-1")}, "credential_malformed"),
    "MDO-04 digestAlgorithm a number": ({"mso": set_(digestAlgorithm=-16)},
                                        "credential_malformed"),
    "MDO-04 another digestAlgorithm": ({"mso": set_(digestAlgorithm="SHA-512")},
                                       "disclosure_invalid"),
    "MDO-04 no valueDigests": ({"mso": without("valueDigests")}, "credential_malformed"),
    "MDO-04 digests a list": ({"mso": within(["valueDigests", NAMESPACE], lambda _: [])},
                              "credential_malformed"),
    "MDO-04 a digest a text": ({"mso": digest_of(0, lambda _: "x")}, "credential_malformed"),
    "MDO-04 a digest of no number": ({"mso": within(["valueDigests", NAMESPACE], set_(a=b""))},
                                     "credential_malformed"),
    "MDO-04 no docType": ({"mso": without("docType")}, "credential_malformed"),
    "MDO-04 docType empty": ({"mso": set_(docType="")}, "credential_malformed"),
    "MDO-04 another docType": ({"mso": set_(docType="org.iso.18013.5.1.mVRC")},
                               "doctype_mismatch"),
    "MDO-04 an element altered": ({"sent": lambda s: [s[0].replace(b"Quark", b"Quack"), *s[1:]]},
                                  "disclosure_invalid"),
    "MDO-04 another digest": ({"mso": digest_of(3, lambda _: bytes(32))}, "disclosure_invalid"),
    "MDO-04 a short digest": ({"mso": digest_of(3, lambda d: d[:16])}, "disclosure_invalid"),
    "MDO-04 an element without digest": (
        {"mso": within(["valueDigests", NAMESPACE], without(3))}, "disclosure_invalid"),
    "MDO-04 a namespace without digests": ({"mso": set_(valueDigests={})}, "disclosure_invalid"),
    "MDO-04 another namespace": ({"name_spaces": lambda n: [("org.example", n[0][1])]},
                                 "disclosure_invalid"),
    "MDO-04 a namespace besides": (
        {"name_spaces": lambda n: [*n, ("org.example", n[0][1][:1])]}, "disclosure_invalid"),
    "MDO-04 an element twice": ({"sent": lambda s: [*s, s[0]]}, "disclosure_invalid"),
    "MDO-04 a name twice": ({"item": only("given_name", set_(elementIdentifier="family_name"))},
                            "disclosure_invalid"),
    "MDO-04 a digest twice": ({"item": only("given_name", set_(digestID=0))},
                              "disclosure_invalid"),
    "MDO-04 an element named as another": (
        {"sent": lambda s: [s[0].replace(b"family_name", b"fake_naming"), *s[1:]]},
        "disclosure_invalid"),
    "MDO-04 random too short": ({"item": only("portrait", set_(random=bytes(15)))},
                                "disclosure_invalid"),
    # MDO-05: dates
    "MDO-05 no validityInfo": ({"mso": without("validityInfo")}, "credential_malformed"),
    "MDO-05 no signed": ({"mso": within(["validityInfo"], without("signed"))},
                         "credential_malformed"),
    "MDO-05 no validUntil": ({"mso": within(["validityInfo"], without("validUntil"))},
                             "credential_malformed"),
    "MDO-05 no tag": ({"mso": dates(validUntil="2030-01-01T00:00:00Z")}, "credential_malformed"),
    "MDO-05 a number": ({"mso": dates(validUntil=cbor2.CBORTag(0, 1))}, "credential_malformed"),
    "MDO-05 another tag": ({"mso": dates(validUntil=cbor2.CBORTag(1, 1_900_000_000))},
                           "credential_malformed"),
    "MDO-05 no zone": ({"mso": dates(validUntil=tdate("2030-01-01T00:00:00"))},
                       "credential_malformed"),
    "MDO-05 no day": ({"mso": dates(validUntil=tdate("2030-02-30T00:00:00Z"))},
                      "credential_malformed"),
    "MDO-05 before the beginning": ({"mso": dates(signed=tdate("0001-01-01T00:00:00+01:00"))},
                                    "credential_malformed"),
    "MDO-05 expired": ({"mso": dates(validUntil=NOW)}, "credential_expired"),
    "MDO-05 ends before it begins": ({"mso": dates(validFrom=NOW + timedelta(days=40))},
                                     "credential_malformed"),
    "MDO-05 signed in the future": ({"mso": dates(signed=NOW + timedelta(hours=1))},
                                    "credential_not_yet_valid"),
    "MDO-05 signed before the certificate": ({"mso": dates(signed=NOW - timedelta(days=301))},
                                             "issuer_untrusted"),
    # MDO-06: the device key
    "MDO-06 no deviceKeyInfo": ({"mso": without("deviceKeyInfo")}, "key_binding_mismatch"),
    "MDO-06 no deviceKey": ({"mso": set_(deviceKeyInfo={"keyInfo": {}})}, "credential_malformed"),
    "MDO-06 another key": (
        {"mso": device_key(lambda _: cose_key(ec.generate_private_key(ec.SECP256R1())))},
        "key_binding_mismatch"),
    "MDO-06 an Edwards key": (
        {"mso": device_key(lambda _: cose_key(ed25519.Ed25519PrivateKey.generate()))},
        "key_binding_mismatch"),
    "MDO-06 a private key": ({"mso": device_key(lambda k: {**k, -4: bytes(32)})},
                             "key_binding_mismatch"),
    "MDO-06 half a key": ({"mso": device_key(without(-3))}, "key_binding_mismatch"),
    "MDO-06 a compressed key": ({"mso": device_key(lambda k: {**k, -3: True})},
                                "key_binding_mismatch"),
    "MDO-06 a key of a curve that is a truth": ({"mso": device_key(lambda k: {**k, -1: True})},
                                                "key_binding_mismatch"),
    "MDO-06 a key of no kind": ({"mso": device_key(without(1))}, "key_binding_mismatch"),
    # MDO-07: driving licences
    "MDO-07 another country": ({"item": only("issuing_country", set_(elementValue="XX"))},
                               "issuer_untrusted"),
    # MDO-08: status
    "MDO-08 a status that is none": ({"mso": set_(status=[])}, "credential_malformed"),
    "CLM-01 promised claim missing": ({"sent": lambda s: s[1:]}, "claims_missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    edits, code = BAD[name]
    assert refusal(issuance(**edits).text()).code == code


@pytest.mark.parametrize("depth", [17, 63, 10_000])
def test_what_is_nested_too_deep(depth: int) -> None:
    value = b"\x81" * depth + b"\x01"

    def nested(encoded: bytes) -> bytes:
        item = encoded[2:]
        return embedded(item[item.index(b"\xa4") :].replace(b"\x6eQuark-Sentinel", value))

    assert refusal(issuance(encoded=nested).text()).code == "credential_malformed"


def test_everything_that_is_wrong_is_told_and_the_first_decides() -> None:
    edits = {"mso": lambda m: device_key(lambda _: {})(dates(validUntil=NOW)(m)) | {"docType": "x"}}
    error = refusal(issuance(**edits).text())
    assert error.code == "credential_expired"
    failed = [c.name for c in error.report.checks if c.outcome is Outcome.FAILED]
    assert failed == ["Dates", "Type", "Holder binding"]


# Who signed it.


def test_mdo_02_a_chain_by_intermediates() -> None:
    middle = certified("Middle", ROOT, ca=True)
    leaf = certified("Signer", middle)
    made = Issuance([leaf, middle], cose_key(HOLDER))
    assert judged(made.text()).trust is Trust.ANCHORED
    made.chain = [leaf]
    assert judged(made.text()).trust is Trust.UNKNOWN


def test_mdo_02_a_protected_chain() -> None:
    made = issuance(protected=lambda p: {**p, 33: [LEAF.der]}, unprotected=lambda _: {})
    assert judged(made.text()).trust is Trust.ANCHORED


def test_mdo_02_an_issuer_that_nobody_vouches_for_is_told() -> None:
    for anchors in (Anchors(), Anchors((certified("Other", ca=True).certificate,))):
        verified = judged(issuance().text(), anchors)
        assert (verified.trust, verified.trusted_by) == (Trust.UNKNOWN, "")
        skipped = [c.name for c in verified.report.checks if c.outcome is Outcome.SKIPPED]
        assert skipped == ["Issuer"]


def test_mdo_02_a_self_signed_certificate_is_unknown_or_the_anchor_itself() -> None:
    alone = certified("Alone")
    text = Issuance([alone], cose_key(HOLDER)).text()
    assert judged(text).trust is Trust.UNKNOWN
    assert judged(text, Anchors((alone.certificate,))).trust is Trust.ANCHORED


@pytest.mark.parametrize(
    "days",
    [
        {"ends": NOW - timedelta(seconds=1)},
        {"begins": NOW + timedelta(seconds=1)},
        {"begins": NOW - timedelta(days=1)},
    ],
    ids=["expired", "not yet valid", "made after it signed"],
)
def test_mdo_02_a_certificate_of_another_time(days: dict[str, Any]) -> None:
    made = Issuance([certified("Signer", ROOT, **days)], cose_key(HOLDER))
    made.edits["mso"] = dates(signed=NOW - timedelta(days=2))
    error = refusal(made.text())
    assert error.code == "issuer_untrusted"
    failed = [c.name for c in error.report.checks if c.outcome is Outcome.FAILED]
    assert failed == ["Signer's certificate"]


def test_mdo_02_a_certificate_for_other_purposes() -> None:
    leaf = certified("Server", ROOT, purposes=[SERVER])
    error = refusal(Issuance([leaf], cose_key(HOLDER)).text())
    assert error.code == "issuer_untrusted"
    assert "other purposes" in error.detail


def test_mdo_02_a_certificate_that_does_not_say_what_it_is_for() -> None:
    leaf = certified("Signer", ROOT, purposes=[], usage=False)
    verified = judged(Issuance([leaf], cose_key(HOLDER)).text())
    check = check_of(verified, "Signer's certificate")
    assert check.outcome is Outcome.SKIPPED
    assert check.reason == (
        "it does not say that it is for mobile documents; "
        "it does not say that its key is for signatures"
    )
    second = check_of(verified, "Second verdict")
    assert second.outcome is Outcome.SKIPPED


def test_mdo_02_a_certificate_whose_key_must_not_sign() -> None:
    leaf = certified("Signer", ROOT, ca=True)
    assert refusal(Issuance([leaf], cose_key(HOLDER)).text()).code == "issuer_untrusted"


ALGORITHMS: dict[int, Callable[[], Any]] = {
    -7: lambda: ec.generate_private_key(ec.SECP256R1()),
    -35: lambda: ec.generate_private_key(ec.SECP384R1()),
    -36: lambda: ec.generate_private_key(ec.SECP521R1()),
    -8: ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("digest", ["SHA-256", "SHA-384", "SHA-512"])
def test_mdo_03_the_algorithms(alg: int, digest: str) -> None:
    leaf = certified("Signer", ROOT, key=ALGORITHMS[alg]())
    made = Issuance([leaf], cose_key(HOLDER), alg=alg, digest=digest)
    verified = judged(made.text())
    assert verified.trust is Trust.ANCHORED
    second = check_of(verified, "Second verdict").outcome
    assert second is (Outcome.SKIPPED if alg == -36 else Outcome.PASSED)
    made.edits["auth"] = resigned(lambda s: s[:-1] + bytes([s[-1] ^ 1]))
    assert refusal(made.text()).code == "signature_invalid"


@pytest.mark.parametrize(("alg", "other"), [(-9, -7), (-51, -35), (-52, -36), (-19, -8)])
def test_mdo_03_algorithms_that_name_their_curve(alg: int, other: int) -> None:
    leaf = certified("Signer", ROOT, key=ALGORITHMS[other]())
    made = Issuance([leaf], cose_key(HOLDER), alg=other, edits={"protected": lambda _: {1: alg}})
    assert judged(made.text()).trust is Trust.ANCHORED


def test_mdo_03_a_curve_that_is_not_the_algorithms() -> None:
    leaf = certified("Signer", ROOT, key=ALGORITHMS[-35]())
    made = Issuance([leaf], cose_key(HOLDER), alg=-7)
    assert refusal(made.text()).code == "signature_invalid"


def test_keys_that_could_not_be_had_are_told_and_all_else_is_checked() -> None:
    nowhere = Issuer(Trust.UNVERIFIED, "", (), ())
    altered = issuance(auth=resigned(lambda _: b"")).text()
    verified = mdoc.verify(Secret(altered), nowhere, EXPECTED)
    assert verified.trust is Trust.UNVERIFIED
    skipped = [c.name for c in verified.report.checks if c.outcome is Outcome.SKIPPED]
    assert skipped == ["Signature", "Second verdict"]
    for edits, code in (
        ({"mso": digest_of(0, lambda _: bytes(32))}, "disclosure_invalid"),
        ({"mso": set_(docType="x")}, "doctype_mismatch"),
        ({"mso": dates(validUntil=NOW)}, "credential_expired"),
    ):
        with pytest.raises(VerificationFailed) as caught:
            mdoc.verify(Secret(issuance(**edits).text()), nowhere, EXPECTED)
        assert caught.value.code == code


def test_keys_that_are_not_the_certificates() -> None:
    """Whose keys count is not for the credential to say."""
    other = certified("Other", ROOT)
    made = issuance(unprotected=lambda _: {33: other.der})
    signer = mdoc.signer(Secret(issuance().text()), EXPECTED)
    assert signer.chain is not None
    issuer = Issuer(Trust.DOMAIN, "https://a.example", (signer.chain.jwk,), ())
    verified = mdoc.verify(Secret(made.text()), issuer, EXPECTED)
    assert check_of(verified, "Second verdict").outcome is Outcome.SKIPPED
    assert refusal(made.text()).code == "signature_invalid"


def test_verdicts_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first verdict is made blind for what the second sees."""
    altered = issuance(mso=digest_of(0, lambda _: bytes(32))).text()
    monkeypatch.setattr(verification, "_objection", lambda *_: "")
    error = refusal(altered)
    assert error.code == "verdicts_differ"
    assert error.detail == "Second verdict: openvc refuses it: MdocDigestMismatch"


# Its dates, its type, its key.


@pytest.mark.parametrize(("seconds", "early"), [(600, False), (601, True)])
def test_mdo_05_clocks_may_differ_by_ten_minutes(seconds: int, early: bool) -> None:
    at = NOW + timedelta(seconds=seconds)
    text = issuance(mso=dates(signed=at, validFrom=at)).text()
    if early:
        assert refusal(text).code == "credential_not_yet_valid"
    else:
        assert check_of(judged(text), "Dates").outcome is Outcome.PASSED


def test_mdo_05_one_that_begins_later_is_told() -> None:
    verified = judged(issuance(mso=dates(validFrom=NOW + timedelta(days=2))).text())
    check = check_of(verified, "Dates")
    assert (check.outcome, check.reason) == (
        Outcome.SKIPPED, "not valid before 2026-06-03T12:00:00+00:00",
    )  # fmt: skip
    assert check_of(verified, "Second verdict").outcome is Outcome.PASSED


def test_mdo_05_dates_with_zones_and_fractions_and_without_end() -> None:
    edit = dates(
        signed=tdate("2026-06-01T13:59:59.5+02:00"), validUntil=tdate("9999-12-31T23:59:59Z")
    )
    expires_at = judged(issuance(mso=edit).text()).expires_at
    assert expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_mdo_04_a_configuration_without_type_matches_nothing() -> None:
    assert refusal(issuance().text(), configuration={}).code == "doctype_mismatch"


def test_mdo_04_more_digests_than_elements() -> None:
    verified = judged(issuance(sent=lambda s: s[:1]).text())
    assert verified.claims == {NAMESPACE: {"family_name": "Quark-Sentinel"}}


@pytest.mark.parametrize("key", [ALGORITHMS[-7](), ALGORITHMS[-35](), ALGORITHMS[-8]()])
def test_mdo_06_bound_to_one_of_several_keys(key: Any) -> None:
    made = Issuance([LEAF], cose_key(key))
    assert judged(made.text(), holder_jwks=(JWK, public_jwk(key))).bound_to == public_jwk(key)


def test_mdo_06_what_the_key_may_do_is_noted() -> None:
    edit = within(["deviceKeyInfo"], set_(keyAuthorizations={"nameSpaces": [NAMESPACE]}))
    check = check_of(judged(issuance(mso=edit).text()), "Holder binding")
    assert check.reason.endswith("which may sign elements besides the issuer's")


def test_mdo_06_a_credential_without_binding() -> None:
    assert refusal(issuance().text(), holder_jwks=()).code == "key_binding_mismatch"
    verified = judged(Issuance([LEAF], None).text(), holder_jwks=())
    assert verified.bound_to is None
    assert check_of(verified, "Holder binding").outcome is Outcome.SKIPPED


# Driving licences and others.


def test_mdo_07_a_licence_that_lacks_something_is_told() -> None:
    verified = judged(issuance(sent=lambda s: s[:1] + s[2:]).text())
    check = check_of(verified, "Driving licence")
    assert (check.outcome, check.reason) == (
        Outcome.SKIPPED, "not a whole one, without given_name",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "said", "good"),
    [
        ({NameOID.COUNTRY_NAME: "UT", NameOID.STATE_OR_PROVINCE_NAME: "UT-A"}, "UT-A", True),
        ({NameOID.COUNTRY_NAME: "UT", NameOID.STATE_OR_PROVINCE_NAME: "A"}, "UT-A", True),
        ({NameOID.COUNTRY_NAME: "UT", NameOID.STATE_OR_PROVINCE_NAME: "UT-B"}, "UT-A", False),
        ({NameOID.STATE_OR_PROVINCE_NAME: "UT-A"}, None, True),
        ({NameOID.COUNTRY_NAME: "DE"}, None, False),
        ({}, "UT-A", True),
    ],
)
def test_mdo_07_the_place_of_licence_and_certificate(
    subject: dict[Any, str], said: str | None, good: bool
) -> None:
    made = Issuance([certified("Signer", ROOT, subject=subject)], cose_key(HOLDER))
    if said:
        made.elements = {NAMESPACE: {**ELEMENTS, "issuing_jurisdiction": said}}
    if good:
        assert judged(made.text()).report.passed
    else:
        assert refusal(made.text()).code == "issuer_untrusted"


def test_mdo_07_a_certificate_whose_subject_cannot_be_read() -> None:
    country = b"\x06\x03\x55\x04\x06"
    broken = LEAF.der.replace(country + b"\x0c", country + b"\x03")  # a bit string
    broken = broken.replace(country + b"\x13", country + b"\x03")
    assert broken != LEAF.der
    error = refusal(issuance(unprotected=lambda _: {33: broken}).text(), anchors=Anchors())
    assert error.code == "issuer_untrusted"
    assert error.detail == "Driving licence: its subject can't be read"


def test_other_documents_have_no_rules_of_licences() -> None:
    made = issuance(item=only("issuing_country", set_(elementValue="XX")))
    made.doc_type = "org.example"
    verified = judged(made.text(), configuration={"doctype": "org.example"}, mandatory=())
    assert "Driving licence" not in {check.name for check in verified.report.checks}
    assert check_of(verified, "Promised claims").outcome is Outcome.SKIPPED


def test_mdo_08_the_reference_to_a_status_list() -> None:
    status = {
        "status_list": {"idx": 412, "uri": "https://status.example/1"},
        "identifier_list": {"id": b"\1\2", "uri": "https://status.example/2"},
    }
    assert judged(issuance(mso=set_(status=status)).text()).status == {
        "status_list": {"idx": 412, "uri": "https://status.example/1"},
        "identifier_list": {
            "id": "data:application/octet-stream;base64,AQI=",
            "uri": "https://status.example/2",
        },
    }


# Its elements.

VALUES: dict[str, tuple[Any, Any]] = {
    "text": ("ä", "ä"),
    "number": (-3, -3),
    "large": (2**53, str(2**53)),
    "largest": (2**64 - 1, str(2**64 - 1)),
    "least": (-(2**64), str(-(2**64))),
    "truth": (True, True),
    "null": (None, None),
    "full-date": (cbor2.CBORTag(1004, "2026-01-02"), "2026-01-02"),
    "tdate": (cbor2.CBORTag(0, "2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z"),
    "epoch": (cbor2.CBORTag(1, 1_363_896_240), 1_363_896_240),
    "bytes": (b"\0\1", uri("application/octet-stream", b"\0\1")),
    "no bytes": (b"", "data:application/octet-stream;base64,"),
    "JPEG": (b"\xff\xd8\xff\xdb", uri("image/jpeg", b"\xff\xd8\xff\xdb")),
    "PNG": (b"\x89PNG\r\n\x1a\n0", uri("image/png", b"\x89PNG\r\n\x1a\n0")),
    "JPEG 2000": (
        b"\0\0\0\x0cjP  \r\n\x87\n", uri("image/jp2", b"\0\0\0\x0cjP  \r\n\x87\n"),
    ),
    "JPEG 2000 alone": (b"\xff\x4f\xff\x51", uri("image/j2c", b"\xff\x4f\xff\x51")),
    "array": ([1, ["a"], []], [1, ["a"], []]),
    "map": ({"a": {"b": b"\0"}}, {"a": {"b": uri("application/octet-stream", b"\0")}}),
    "map of numbers": ({1: "a", b"\2": "b"}, {"1": "a", "h'02'": "b"}),
    "deep": ([[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]], [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    value, shown = VALUES[name]
    made = issuance()
    made.elements = {NAMESPACE: {"family_name": "Q", "one": value}}
    assert judged(made.text()).claims == {NAMESPACE: {"family_name": "Q", "one": shown}}


def test_mdo_04_digests_are_over_the_bytes_as_received() -> None:
    """Lengths with more bytes than needed, in items, digests and the map around all."""

    def longer(encoded: bytes) -> bytes:
        item = encoded[encoded.index(b"\xa4") :]
        wide = b"\xb9\x00\x04" + item[1:].replace(b"\x68digestID", b"\x78\x08digestID")
        return b"\xda\x00\x00\x00\x18" + head(2, len(wide), 4) + wide

    made = issuance(encoded=longer, bytes=lambda b: b"\xba\x00\x00\x00\x02" + b[1:])
    verified = judged(made.text())
    assert verified.claims == {NAMESPACE: CLAIMS}
    assert check_of(verified, "Second verdict").outcome is Outcome.PASSED


def test_its_readers_are_not_loaded_with_the_wallet() -> None:
    code = "import sys, wallet.credentials.formats; sys.exit('openvc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
