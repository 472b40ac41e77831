"""JWT VCs that were damaged on purpose (OpenID4VCI 1.0, A.1.1 and A.1.2; VCDM 1.1)."""

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
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
from wallet.credentials.jwt_vc import verification as jwt_vc
from wallet.records import Secret
from wallet.trust.anchors import Anchors
from wallet.trust.holder_keys import did_url
from wallet.trust.issuer import by_certificate, by_metadata

UNKNOWN: Final = "unknown issuer"
"""In place of a code: all is right but who the issuer is; whether to keep it is the holder's."""

ISSUER: Final = "https://issuer.example"
V1: Final = "https://www.w3.org/2018/credentials/v1"
ROOT = certified("Root", ca=True)
LEAF = certified("Issuer", ROOT)
KEY = LEAF.key
HOLDER = public_jwk(new_key())
DID = did_url(HOLDER, "did:key").partition("#")[0]
ANCHORS = Anchors((ROOT.certificate,))
TYPES = ["VerifiableCredential", "Degree"]
EXPECTED = Expected(
    {"credential_definition": {"type": TYPES, "@context": [V1, "https://example.com/v1"]}},
    (HOLDER,),
    (("credentialSubject", "degrees", 1, "name"),),
    NOW,
)
AT = int(NOW.timestamp())

HEADER: dict[str, Any] = {"alg": "ES256", "typ": "JWT", "x5c": x5c(LEAF.certificate)}
VC: dict[str, Any] = {
    "@context": [V1, "https://example.com/v1"],
    "id": "urn:uuid:1",
    "type": TYPES,
    "issuer": ISSUER,
    "issuanceDate": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
    "credentialSubject": {"id": DID, "degrees": [{"name": "B. Sc."}, {"name": "M. Sc."}]},
    "credentialStatus": {"type": "BitstringStatusListEntry"},
}
PAYLOAD: dict[str, Any] = {
    "iss": ISSUER,
    "sub": DID,
    "jti": "urn:uuid:1",
    "nbf": AT,
    "exp": AT + 60,
    "vc": VC,
}


def credential(header: Any = HEADER, payload: Any = PAYLOAD, key: Any = KEY) -> str:
    return signed(header, payload, key)


def verified(text: str) -> VerifiedCredential:
    """As the engine does it."""
    signer = jwt_vc.signer(Secret(text), EXPECTED)
    if signer.chain is None:
        issuer = by_metadata(signer, (), ISSUER)
    else:
        issuer = by_certificate(signer.chain, ANCHORS, NOW)
    return jwt_vc.verify(Secret(text), issuer, EXPECTED)


def code(text: str) -> str:
    found: list[VerifiedCredential] = []
    refusal = judged(lambda: found.append(verified(text)))
    return UNKNOWN if found and found[0].trust == "unknown" else refusal


GOOD = credential()
REFUSALS = {"credential_malformed", "signature_invalid", "issuer_untrusted"}


def test_the_good_one() -> None:
    assert code(GOOD) == ACCEPTED
    assert [check.outcome for check in verified(GOOD).report.checks] == ["passed"] * 8


def with_(vc: Mapping[str, Any], **members: Any) -> str:
    return credential(payload={**PAYLOAD, "vc": {**VC, **vc}, **members})


def mac(secret: bytes) -> str:
    """The credential with HS256, by something public that was taken for a secret."""
    head = {**HEADER, "alg": "HS256"}
    message = ".".join(b64(json.dumps(one).encode()) for one in (head, PAYLOAD))
    return f"{message}.{b64(hmac.digest(secret, message.encode(), 'sha256'))}"


def by(leaf: Certified, *others: Certified) -> str:
    chain = x5c(leaf.certificate, *(one.certificate for one in others))
    return credential({**HEADER, "x5c": chain}, key=leaf.key)


PUBLIC = KEY.public_key()
STRANGER = certified("Stranger", ca=True)
NO_CA = certified("No CA", ROOT)

TABLE: Mapping[str, tuple[str, str]] = {
    "alg none": (credential({**HEADER, "alg": "none"}), "credential_malformed"),
    "alg none, no signature": (
        credential({**HEADER, "alg": "none"}).rpartition(".")[0] + ".", "credential_malformed"),
    "HS256 by the public key in PEM": (
        mac(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        "credential_malformed"),
    "HS256 by the JWK": (mac(json.dumps(public_jwk(KEY)).encode()), "credential_malformed"),
    "ES384 by a key of ES256": (credential({**HEADER, "alg": "ES384"}), "signature_invalid"),
    **{f"typ {typ}": (credential({**HEADER, "typ": typ}), "credential_malformed")
       for typ in ("dc+sd-jwt", "vc+sd-jwt", "kb+jwt", "statuslist+jwt", "vp+jwt", "jwt")},
    "the key in the header": (
        credential({**HEADER, "jwk": public_jwk(STRANGER.key)}, key=STRANGER.key),
        "signature_invalid"),
    "a critical extension": (credential({**HEADER, "crit": ["x"]}), "credential_malformed"),
    "a header member twice": (
        credential(doubled(json.dumps(HEADER).encode(), "alg")), "credential_malformed"),
    "a payload member twice": (
        credential(payload=doubled(json.dumps(PAYLOAD).encode(), "iss")),
        "credential_malformed"),
    "a property twice": (
        credential(payload=json.dumps(PAYLOAD).encode().replace(
            b'"type": [', b'"type": [], "type": [')), "credential_malformed"),
    "a payload after a byte order mark": (
        credential(payload=b"\xef\xbb\xbf" + json.dumps(PAYLOAD).encode()),
        "credential_malformed"),
    "a payload with something after it": (
        credential(payload=json.dumps(PAYLOAD).encode() + b" 1"), "credential_malformed"),
    "the signature of another key": (credential(key=new_key()), "signature_invalid"),
    "a tilde after it": (GOOD + "~", "credential_malformed"),
    "a fourth part": (GOOD + ".e30", "credential_malformed"),
    "another issuer in the credential": (with_({"issuer": "https://a.example"}),
                                         "credential_malformed"),
    "another subject in the credential": (
        with_({"credentialSubject": {**VC["credentialSubject"], "id": "did:key:z1"}}),
        "credential_malformed"),
    "another subject": (with_({"credentialSubject": {"a": 1}}, sub="did:key:z1"),
                        "key_binding_mismatch"),
    "another date in the credential": (with_({"issuanceDate": "2020-01-01T00:00:00Z"}),
                                       "credential_malformed"),
    "an end in the credential only": (
        with_({"expirationDate": "2020-01-01T00:00:00Z"}), "credential_malformed"),
    "another type": (with_({"type": ["VerifiableCredential", "Other"]}), "vct_mismatch"),
    "another context": (with_({"@context": [V1]}), "vct_mismatch"),
    "expired": (with_({}, exp=AT), "credential_expired"),
    "for somebody else": (with_({}, aud="https://verifier.example"), "audience_mismatch"),
    "a claim left out": (with_({"credentialSubject": {"id": DID, "degrees": [{}]}}),
                         "claims_missing"),
    "a root that nobody knows": (by(certified("Issuer", STRANGER), STRANGER), UNKNOWN),
    "an expired leaf": (by(certified("I", ROOT, ends=timedelta(days=-1))), UNKNOWN),
    "a CA between that is none": (by(certified("Issuer", NO_CA), NO_CA), UNKNOWN),
    "a leaf that must not sign": (by(certified("Issuer", ROOT, signs=False)),
                                  "issuer_untrusted"),
    "no chain": (credential({k: v for k, v in HEADER.items() if k != "x5c"}),
                 "issuer_untrusted"),
    "nested arrays": (credential(payload=b'{"vc":' + nested(100_000) + b"}"),
                      "credential_malformed"),
    "nested objects": (credential(payload=nested(100_000, "{")), "credential_malformed"),
    "a nested did:jwk": (
        with_({"credentialSubject": {"a": 1}}, sub=f"did:jwk:{b64(nested(90_000))}"),
        "key_binding_mismatch"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_each_damage_has_its_code(name: str) -> None:
    text, expected = TABLE[name]
    assert code(text) == expected


@pytest.mark.timeout(60)
def test_no_bit_can_be_turned_over() -> None:
    for name, data in flipped(GOOD.encode(), 1_500):
        assert code(data.decode("latin-1")) in REFUSALS, name


def test_nothing_can_be_cut_off_or_added() -> None:
    for name, data in (*cut(GOOD.encode(), 200), *trailed(GOOD.encode())):
        assert code(data.decode("latin-1")) in REFUSALS, name


CODES = REFUSALS | {
    ACCEPTED,
    "audience_mismatch",
    "credential_expired",
    "credential_not_yet_valid",
    "vct_mismatch",
    "key_binding_mismatch",
    "claims_missing",
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", ["header", "payload"])
def test_an_issuer_may_sign_any_nonsense(part: str) -> None:
    document = {"header": HEADER, "payload": {**PAYLOAD, "aud": [DID], "cnf": {"jwk": HOLDER}}}
    for name, changed in bent(document[part]):
        assert code(credential(**{part: changed})) in CODES, name


LARGE: Mapping[str, Callable[[], str]] = {
    "text": lambda: "a" * 10**7,
    "dots": lambda: "." * 10**7,
    "a payload": lambda: credential(payload=b'{"vc":"' + b"a" * 10**7 + b'"}'),
    "brackets": lambda: credential(payload=b"[" * 10**7),
    "a certificate": lambda: credential({**HEADER, "x5c": ["A" * 10**7]}),
}
WITHIN: Mapping[str, tuple[Callable[[], str], str]] = {
    "types": (lambda: with_({"type": TYPES + ["a"] * 180_000}), ACCEPTED),
    "contexts": (lambda: with_({"@context": [*VC["@context"], *[{}] * 240_000]}), ACCEPTED),
    "subjects": (
        lambda: with_({"credentialSubject": [VC["credentialSubject"]] * 5_000}),
        "claims_missing"),
    "subjects without name": (
        lambda: with_({"credentialSubject": [{"a": 1}] * 90_000}, cnf={"jwk": HOLDER}),
        "claims_missing"),
    "numbers": (lambda: with_({"a": [1] * 360_000}), ACCEPTED),
    "status": (lambda: with_({"credentialStatus": [{}] * 240_000}), ACCEPTED),
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
