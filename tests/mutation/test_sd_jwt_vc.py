"""SD-JWT VCs that were damaged on purpose (RFC 9901; SD-JWT VC; OpenID4VCI 1.0, A.3)."""

import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.mutation.chains import NOW, Certified, certified
from tests.mutation.structural import (
    ACCEPTED,
    bent,
    cut,
    doubled,
    flipped,
    judged,
    judged_within,
    nested,
    trailed,
)
from tests.support.jwts import b64, new_key, public_jwk, signed, x5c
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc
from wallet.records import Secret
from wallet.trust.anchors import Anchors
from wallet.trust.issuer import by_certificate, by_metadata

UNKNOWN: Final = "unknown issuer"
"""In place of a code: all is right but who the issuer is; whether to keep it is the holder's."""

ISSUER: Final = "https://issuer.example"
VCT: Final = "urn:example:type"
ROOT = certified("Root", ca=True)
LEAF = certified("Issuer", ROOT)
KEY = LEAF.key
assert isinstance(KEY, ec.EllipticCurvePrivateKey)
DER = KEY.sign(b"x", ec.ECDSA(SHA256()))
HOLDER = public_jwk(new_key())
ANCHORS = Anchors((ROOT.certificate,))

PROMISED = (("given_name",), ("family_name",), ("address", "street"), ("nationalities", 1))
EXPECTED = Expected({"vct": VCT}, (HOLDER,), PROMISED, NOW)
AT = int(NOW.timestamp())

Disclosures = Sequence[str]


def disclosed(*content: Any) -> str:
    return b64(json.dumps(content).encode())


def digest(disclosure: str) -> str:
    return b64(hashlib.sha256(disclosure.encode()).digest())


STREET = disclosed("s1", "street", "Road 1")
NATION = disclosed("s2", "DE")
DISCLOSURES = (
    disclosed("s3", "given_name", "Zita"),
    disclosed("s4", "family_name", "Quark"),
    disclosed("s5", "address", {"_sd": [digest(STREET)], "city": "Köln"}),
    STREET,
    NATION,
)
HEADER: dict[str, Any] = {"alg": "ES256", "typ": "dc+sd-jwt", "x5c": x5c(LEAF.certificate)}
PAYLOAD: dict[str, Any] = {
    "iss": ISSUER,
    "iat": AT,
    "nbf": AT,
    "exp": AT + 60,
    "vct": VCT,
    "cnf": {"jwk": HOLDER},
    "status": {"status_list": {"idx": 1, "uri": "https://status.example/1"}},
    "nationalities": [{"...": digest(NATION)}, {"...": "decoy"}, "FR"],
    "_sd_alg": "sha-256",
    "_sd": [digest(one) for one in DISCLOSURES[:3]] + ["another decoy"],
}


def credential(
    header: Any = HEADER,
    payload: Any = PAYLOAD,
    disclosures: Disclosures = DISCLOSURES,
    key: Any = KEY,
) -> str:
    return "~".join([signed(header, payload, key), *disclosures, ""])


def verified(text: str, expected: Expected = EXPECTED) -> VerifiedCredential:
    """As the engine does it."""
    signer = sd_jwt_vc.signer(Secret(text), expected)
    if signer.chain is None:
        issuer = by_metadata(signer, (), ISSUER)
    else:
        issuer = by_certificate(signer.chain, ANCHORS, NOW)
    return sd_jwt_vc.verify(Secret(text), issuer, expected)


def code(text: str, expected: Expected = EXPECTED) -> str:
    found: list[VerifiedCredential] = []
    refusal = judged(lambda: found.append(verified(text, expected)))
    return UNKNOWN if found and found[0].trust == "unknown" else refusal


GOOD = credential()


def test_the_good_one() -> None:
    assert code(GOOD) == ACCEPTED
    assert verified(GOOD).claims == {
        "given_name": "Zita",
        "family_name": "Quark",
        "address": {"city": "Köln", "street": "Road 1"},
        "nationalities": ["DE", "FR"],
    }
    assert [check.outcome for check in verified(GOOD).report.checks] == ["passed"] * 9


def with_(**members: Any) -> dict[str, Any]:
    return {**PAYLOAD, **members}


def mac(secret: bytes) -> str:
    """The credential with HS256, by something public that was taken for a secret."""
    head = {**HEADER, "alg": "HS256"}
    message = ".".join(b64(json.dumps(one).encode()) for one in (head, PAYLOAD))
    tag = b64(hmac.digest(secret, message.encode(), "sha256"))
    return "~".join([f"{message}.{tag}", *DISCLOSURES, ""])


def further(*content: Any, **members: Any) -> str:
    """The credential with one more disclosure, and its digest among the others."""
    one = disclosed(*content)
    payload = with_(_sd=[*PAYLOAD["_sd"], digest(one)], **members)
    return credential(payload=payload, disclosures=(*DISCLOSURES, one))


PUBLIC = KEY.public_key()
STRANGER = certified("Stranger", ca=True)
NO_CA = certified("No CA", ROOT, ca=False)
CA = certified("Between", ROOT, ca=True)
EXPIRED_CA = certified("Past", ROOT, ca=True, ends=timedelta(days=-1))


def by(leaf: Certified, *others: Certified) -> str:
    chain = x5c(leaf.certificate, *(one.certificate for one in others))
    return credential({**HEADER, "x5c": chain}, key=leaf.key)


SWAPPED = (disclosed("s3", "family_name", "Zita"), disclosed("s4", "given_name", "Quark"))
HEAD, TAIL = GOOD.split(".", 1)

TABLE: Mapping[str, tuple[str, str]] = {
    # Algorithms and headers.
    "SDJ-02 alg none": (credential({**HEADER, "alg": "none"}), "credential_malformed"),
    "SDJ-02 alg none, no signature": (
        "~".join([signed({**HEADER, "alg": "none"}, PAYLOAD, KEY).rpartition(".")[0] + ".",
                  *DISCLOSURES, ""]), "credential_malformed"),
    "SDJ-02 HS256 by the public key in PEM": (
        mac(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        "credential_malformed"),
    "SDJ-02 HS256 by the public key in DER": (
        mac(PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        "credential_malformed"),
    "SDJ-02 HS256 by the JWK": (mac(json.dumps(public_jwk(KEY)).encode()),
                                "credential_malformed"),
    "SDJ-02 ES384 by a key of ES256": (credential({**HEADER, "alg": "ES384"}),
                                       "signature_invalid"),
    "VC-01 wrong typ": (credential({**HEADER, "typ": "JWT"}), "credential_malformed"),
    "VC-01 typ of drafts": (credential({**HEADER, "typ": "vc+sd-jwt"}), "credential_malformed"),
    "a critical extension": (credential({**HEADER, "crit": ["b64"], "b64": False}),
                             "credential_malformed"),
    "the key in the header": (
        credential({**HEADER, "jwk": public_jwk(STRANGER.key)}, key=STRANGER.key),
        "signature_invalid"),
    "a header member twice": (
        credential(doubled(json.dumps(HEADER).encode(), "alg")), "credential_malformed"),
    "a payload member twice": (
        credential(payload=doubled(json.dumps(PAYLOAD).encode(), "vct")),
        "credential_malformed"),
    "a nested member twice": (
        credential(payload=json.dumps(PAYLOAD).encode().replace(
            b'{"jwk"', b'{"jwk":{},"jwk"')), "credential_malformed"),
    "a payload that is compressed": (
        credential({**HEADER, "zip": "DEF"}, zlib.compress(b"a" * 10**8)),
        "credential_malformed"),
    "a payload after a byte order mark": (
        credential(payload=b"\xef\xbb\xbf" + json.dumps(PAYLOAD).encode()),
        "credential_malformed"),
    "a payload in UTF-16": (credential(payload=json.dumps(PAYLOAD).encode("utf-16")),
                            "credential_malformed"),
    "a payload with NaN": (credential(payload=with_(height=float("nan"))),
                           "credential_malformed"),
    "a payload with a number of 5000 digits": (
        credential(payload=json.dumps(with_(height=0)).encode().replace(
            b'"height": 0', b'"height": ' + b"1" * 5_000)), "credential_malformed"),
    "a payload with something after it": (
        credential(payload=json.dumps(PAYLOAD).encode() + b"{}"), "credential_malformed"),
    "a payload that is an array": (credential(payload=[PAYLOAD]), "credential_malformed"),
    # Signatures.
    "the signature of another key": (credential(key=new_key()), "signature_invalid"),
    "the signature in DER": (
        GOOD.replace(GOOD.split("~")[0].rpartition(".")[2],
                     b64(DER)), "signature_invalid"),
    "a signature of zeros": (
        GOOD.replace(GOOD.split("~")[0].rpartition(".")[2], b64(bytes(64))),
        "signature_invalid"),
    "another header before the signature": (
        f"{b64(json.dumps({**HEADER, 'kid': '1'}).encode())}.{TAIL}", "signature_invalid"),
    # Disclosures.
    "SDJ-05 swapped names": (credential(disclosures=(*SWAPPED, *DISCLOSURES[2:])),
                             "disclosure_invalid"),
    "SDJ-05 a disclosure twice": (credential(disclosures=(*DISCLOSURES, DISCLOSURES[0])),
                                  "disclosure_invalid"),
    "SDJ-05 a disclosure of another credential": (
        credential(disclosures=(*DISCLOSURES, disclosed("s", "age", 42))), "disclosure_invalid"),
    "SDJ-05 a nested one without its parent": (
        credential(disclosures=(*DISCLOSURES[:2], *DISCLOSURES[3:])), "disclosure_invalid"),
    "SDJ-03 the same content, written otherwise": (
        credential(disclosures=(b64(b'["s3","given_name","Zita"]'), *DISCLOSURES[1:])),
        "disclosure_invalid"),
    "SDJ-03 with padding": (
        credential(disclosures=(DISCLOSURES[0] + "=", *DISCLOSURES[1:])), "disclosure_invalid"),
    "CLM-01 one left out": (credential(disclosures=DISCLOSURES[1:]), "claims_missing"),
    "SDJ-01 the last tilde left out": (GOOD[:-1], "credential_malformed"),
    "SDJ-01 a key binding JWT": (GOOD + GOOD.split("~")[0], "credential_malformed"),
    "SDJ-01 an empty disclosure": (GOOD + "~", "credential_malformed"),
    "SDJ-01 no tilde": (GOOD.split("~")[0], "credential_malformed"),
    # Digests.
    "SDJ-05 a digest twice in one object": (
        credential(payload=with_(_sd=[*PAYLOAD["_sd"], PAYLOAD["_sd"][0]])),
        "disclosure_invalid"),
    "SDJ-05 a digest in two objects": (
        credential(payload=with_(a={"_sd": [PAYLOAD["_sd"][0]]})), "disclosure_invalid"),
    "SDJ-05 a digest in an object and an array": (
        credential(payload=with_(a=[{"...": PAYLOAD["_sd"][0]}])), "disclosure_invalid"),
    "SDJ-05 a decoy twice": (credential(payload=with_(a={"_sd": ["d"]}, b={"_sd": ["d"]})),
                             "disclosure_invalid"),
    "SDJ-04 an element among members": (
        credential(payload=with_(_sd=[*PAYLOAD["_sd"], digest(disclosed("e", 1))]),
                   disclosures=(*DISCLOSURES, disclosed("e", 1))), "disclosure_invalid"),
    "SDJ-04 a member among elements": (
        credential(payload=with_(a=[{"...": digest(disclosed("m", "n", 1))}]),
                   disclosures=(*DISCLOSURES, disclosed("m", "n", 1))), "disclosure_invalid"),
    "SDJ-02 _sd_alg unknown": (credential(payload=with_(_sd_alg="sha-1")),
                               "disclosure_invalid"),
    "SDJ-02 _sd_alg of other digests": (credential(payload=with_(_sd_alg="sha-512")),
                                        "disclosure_invalid"),
    # Names.
    "SDJ-04 named _sd": (further("s", "_sd", [digest("x")]), "disclosure_invalid"),
    "SDJ-04 named ...": (further("s", "...", digest("x")), "disclosure_invalid"),
    "SDJ-04 named _sd_alg": (further("s", "_sd_alg", "sha-256"), "disclosure_invalid"),
    "SDJ-04 a name that is there": (further("s", "iat", AT), "disclosure_invalid"),
    "SDJ-04 a name disclosed twice": (further("s", "given_name", "Other"), "disclosure_invalid"),
    "SDJ-04 four elements": (further("s", "a", 1, 2), "disclosure_invalid"),
    "SDJ-04 one element": (further("s"), "disclosure_invalid"),
    "SDJ-04 a salt that is a number": (further(1, "a", 1), "disclosure_invalid"),
    "SDJ-04 a name that is a number": (further("s", 1, 1), "disclosure_invalid"),
    **{f"VC-02 {name} disclosed": (
        credential(
            payload={**{k: v for k, v in PAYLOAD.items() if k != name},
                     "_sd": [*PAYLOAD["_sd"], digest(disclosed("s", name, value))]},
            disclosures=(*DISCLOSURES, disclosed("s", name, value))), "disclosure_invalid")
       for name, value in {**PAYLOAD, "aka_vcts": ["a"], "vct#integrity": "x"}.items()
       if name in sd_jwt_vc.NEVER_DISCLOSED},
    "VC-02 below cnf": (
        credential(payload=with_(cnf={"_sd": [digest(disclosed("s", "jwk", HOLDER))]}),
                   disclosures=(*DISCLOSURES, disclosed("s", "jwk", HOLDER))),
        "disclosure_invalid"),
    "VC-02 withheld below status": (credential(payload=with_(status={"_sd": ["d"]})),
                                    "disclosure_invalid"),
    # Certificates.
    "VC-04 by a CA between": (by(certified("Issuer", CA), CA), ACCEPTED),
    "VC-04 a root that nobody knows": (by(certified("Issuer", STRANGER), STRANGER), UNKNOWN),
    "VC-04 self-signed": (by(certified("Issuer")), UNKNOWN),
    "VC-04 a stranger with the root's name": (
        by(certified("Issuer", certified("Root", ca=True))), UNKNOWN),
    "VC-04 an expired leaf": (by(certified("I", ROOT, ends=timedelta(days=-1))), UNKNOWN),
    "VC-04 a leaf to come": (by(certified("I", ROOT, begins=timedelta(days=1))), UNKNOWN),
    "VC-04 a CA between that is none": (by(certified("Issuer", NO_CA), NO_CA), UNKNOWN),
    "VC-04 a CA between that has expired": (by(certified("I", EXPIRED_CA), EXPIRED_CA), UNKNOWN),
    "VC-04 the CA between left out": (by(certified("Issuer", CA)), UNKNOWN),
    "VC-04 the chain upside down": (
        credential({**HEADER, "x5c": x5c(ROOT.certificate, LEAF.certificate)}),
        "issuer_untrusted"),
    "VC-04 a leaf that must not sign": (by(certified("Issuer", ROOT, signs=False)),
                                        "issuer_untrusted"),
    "VC-04 the chain of another": (credential(key=new_key()), "signature_invalid"),
    "VC-04 no chain": (credential({k: v for k, v in HEADER.items() if k != "x5c"}),
                       "issuer_untrusted"),
    "VC-04 a certificate with something after it": (
        credential({**HEADER, "x5c": [b64(LEAF.certificate.public_bytes(Encoding.DER) + b"x")]}),
        "issuer_untrusted"),
    # Nesting.
    "nested arrays": (credential(payload=b'{"a":' + nested(100_000) + b"}"),
                      "credential_malformed"),
    "nested objects": (credential(payload=nested(100_000, "{")), "credential_malformed"),
    "a nested header": (credential(nested(100_000, "{")), "credential_malformed"),
    "a nested disclosure": (
        credential(disclosures=(*DISCLOSURES, b64(nested(100_000)))), "disclosure_invalid"),
    "arrays that are never closed": (credential(payload=b"[" * 500_000), "credential_malformed"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_each_damage_has_its_code(name: str) -> None:
    text, expected = TABLE[name]
    assert code(text) == expected


def test_vc_04_a_leaf_with_an_rsa_key() -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    leaf = certified("Issuer", ROOT, key=key)  # type: ignore[arg-type]
    assert code(credential({**HEADER, "x5c": x5c(leaf.certificate)})) == "issuer_untrusted"


def test_sdj_04_the_order_of_disclosures_is_free() -> None:
    assert code(credential(disclosures=DISCLOSURES[::-1])) == ACCEPTED


REFUSALS = {"credential_malformed", "signature_invalid", "disclosure_invalid", "issuer_untrusted"}


@pytest.mark.timeout(60)
def test_no_bit_can_be_turned_over() -> None:
    for name, data in flipped(GOOD.encode(), 1_500):
        assert code(data.decode("latin-1")) in REFUSALS, name


def test_nothing_can_be_cut_off() -> None:
    for name, data in cut(GOOD.encode(), 200):
        assert code(data.decode()) in REFUSALS, name
    for end, character in enumerate(GOOD):
        if character == "~":
            found = code(GOOD[: end + 1])
            assert found == (ACCEPTED if end + 1 == len(GOOD) else "claims_missing"), end


def test_nothing_can_be_added() -> None:
    for name, data in trailed(GOOD.encode()):
        assert code(data.decode("latin-1")) in REFUSALS, name


CODES = REFUSALS | {
    ACCEPTED,
    "credential_expired",
    "credential_not_yet_valid",
    "vct_mismatch",
    "key_binding_mismatch",
    "claims_missing",
}
"""What an issuer can cause who signs nonsense. `verdicts_differ` is not among it."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", ["header", "payload"])
def test_an_issuer_may_sign_any_nonsense(part: str) -> None:
    document = {"header": HEADER, "payload": PAYLOAD}[part]
    for name, changed in bent(document):
        assert code(credential(**{part: changed})) in CODES, name


@pytest.mark.timeout(120)
def test_a_disclosure_may_hold_any_nonsense() -> None:
    content = ["s", "name", {"a": [1, {"_sd": ["x"], "b": {"...": "y"}}]}]
    for name, changed in bent(content):
        text = further(*changed) if isinstance(changed, list) else credential()
        assert code(text) in CODES, name


LARGE: Mapping[str, Callable[[], str]] = {
    "text": lambda: "a" * 10**7,
    "tildes": lambda: GOOD + "~" * 10**7,
    "dots": lambda: "." * 10**7 + "~",
    "a payload": lambda: credential(payload=b'{"a":"' + b"a" * 10**7 + b'"}'),
    "brackets": lambda: credential(payload=b"[" * 10**7),
    "a disclosure": lambda: credential(disclosures=(b64(b"a" * 10**7),)),
    "disclosures": lambda: credential(disclosures=[DISCLOSURES[0]] * 300_000),
    "a certificate": lambda: credential({**HEADER, "x5c": ["A" * 10**7]}),
    "not ASCII": lambda: "ä" * 10**7,
}
WITHIN: Mapping[str, tuple[Callable[[], str], str]] = {
    "numbers": (lambda: credential(payload=with_(a=[1] * 360_000)), ACCEPTED),
    "arrays": (lambda: credential(payload=with_(a=[[]] * 240_000)), ACCEPTED),
    "objects": (lambda: credential(payload=with_(a=[{}] * 240_000)), ACCEPTED),
    "members": (
        lambda: credential(payload=with_(**{f"{n:05}": n for n in range(40_000)})), ACCEPTED),
    "decoys": (
        lambda: credential(payload=with_(a={"_sd": [f"{n:05}" for n in range(60_000)]})),
        ACCEPTED),
    "placeholders": (
        lambda: credential(payload=with_(a=[{"...": f"{n:05}"} for n in range(30_000)])),
        ACCEPTED),
    "disclosures": (
        lambda: credential(
            payload=with_(a={"_sd": [digest(disclosed("s", f"{n}", n)) for n in range(1_990)]}),
            disclosures=[*DISCLOSURES, *(disclosed("s", f"{n}", n) for n in range(1_990))]),
        ACCEPTED),
    "disclosures that nobody asked for": (
        lambda: credential(disclosures=[disclosed("s", f"{n}", n) for n in range(2_000)]),
        "disclosure_invalid"),
    "certificates": (lambda: credential({**HEADER, "x5c": HEADER["x5c"] * 1_000}),
                     "issuer_untrusted"),
    "a certificate": (lambda: credential({**HEADER, "x5c": ["A" * 700_000]}),
                      "issuer_untrusted"),
    "audiences": (lambda: credential(payload=with_(aud=["did:jwk:e30"] * 40_000)),
                  "audience_mismatch"),
    "audiences of another kind": (
        lambda: credential(payload=with_(aud=["did:key:z1"] * 40_000)), "audience_mismatch"),
    "types": (lambda: credential(payload=with_(aka_vcts=["a"] * 180_000)), ACCEPTED),
}  # fmt: skip
"""Of the largest size that is read at all."""


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", LARGE)
def test_ten_megabytes_are_not_read(name: str) -> None:
    text = LARGE[name]()
    assert len(text) > 5 * 10**6
    assert judged_within(lambda: verified(text), 1_000_000) == "credential_malformed"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", WITHIN)
def test_a_megabyte_takes_bounded_memory(name: str) -> None:
    build, expected = WITHIN[name]
    text = build()
    assert judged_within(lambda: verified(text)) == expected


def test_disclosures_cannot_nest_without_end() -> None:
    chain = [disclosed("s", "a", 1)]
    for _ in range(1_900):
        chain.append(disclosed("s", "a", {"_sd": [digest(chain[-1])]}))
    text = credential(payload=with_(_sd=[digest(chain[-1])]), disclosures=chain)
    assert judged_within(lambda: verified(text)) == "disclosure_invalid"
