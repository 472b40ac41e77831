"""Presentations and DIDs, against the vectors of their specifications."""

from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, OKPKey

from reference_servers.credential_issuer.data_integrity import _check_signature, canonical
from reference_servers.credential_issuer.decentralized_identifiers import BASE58, base58, jwk_of
from reference_servers.credential_issuer.errors import CredentialRequestError
from reference_servers.credential_issuer.key_proofs import ProofRules, proven_keys
from reference_servers.jwts import JwtError

ISSUER = "https://issuer.example"
RULES = ProofRules(ISSUER, ("ES256", "EdDSA"), batch_size=2, kinds=("di_vp",))


def to_base58(octets: bytes) -> str:
    number, text = int.from_bytes(octets), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(octets) - len(octets.lstrip(b"\0"))) + text


class Holder:
    """Somebody with a key and its did:key."""

    def __init__(self, kind: str, domain: str = ISSUER) -> None:
        self.domain = domain
        if kind == "EdDSA":
            self.ed = ed25519.Ed25519PrivateKey.generate()
            code = b"\xed\x01" + self.ed.public_key().public_bytes_raw()
            self.jwk = OKPKey.import_key(self.ed.public_key()).as_dict(private=False)
        else:
            self.ec = ec.generate_private_key(ec.SECP256R1())
            self.jwk = ECKey.import_key(self.ec.public_key()).as_dict(private=False)
            numbers = self.ec.public_key().public_numbers()
            code = b"\x80\x24" + bytes([2 + numbers.y % 2]) + numbers.x.to_bytes(32)
        self.kind = kind
        self.did = f"did:key:z{to_base58(code)}"
        self.url = f"{self.did}#z{to_base58(code)}"

    def _signature(self, message: bytes) -> bytes:
        if self.kind == "EdDSA":
            return self.ed.sign(message)
        r, s = decode_dss_signature(self.ec.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def presentation(self, proof: Mapping[str, Any] = {}, **members: Any) -> dict[str, Any]:
        document = {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiablePresentation"],
            "holder": self.did,
            **members,
        }
        options = {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022" if self.kind == "EdDSA" else "ecdsa-jcs-2019",
            "created": "2026-01-01T00:00:00Z",
            "verificationMethod": self.url,
            "proofPurpose": "authentication",
            "domain": self.domain,
            "challenge": "n",
            "@context": document["@context"],
            **proof,
        }
        options = {name: value for name, value in options.items() if value is not None}
        message = b"".join(_sha256(canonical(one)) for one in (options, document))
        value = f"z{to_base58(self._signature(message))}"
        return {**document, "proof": {**options, "proofValue": value}}


def _sha256(octets: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(octets)
    return digest.finalize()


@pytest.fixture(params=["EdDSA", "ES256"])
def holder(request: pytest.FixtureRequest) -> Holder:
    return Holder(request.param)


def proven(*values: object) -> list[dict[str, str]]:
    keys = proven_keys(
        {"di_vp": list(values)}, RULES, client_id="wallet", use_nonce=lambda nonce: nonce == "n"
    )
    return [dict(key) for key in keys]


def test_div_01_a_presentation_proves_its_key(holder: Holder) -> None:
    expected = [holder.jwk]
    assert proven(holder.presentation()) == expected
    assert proven(holder.presentation(holder={"id": holder.did}, unknown={"a": [1]})) == expected
    without_holder = {n: v for n, v in holder.presentation().items() if n != "holder"}
    with pytest.raises(CredentialRequestError):
        proven(without_holder)  # it was signed with a holder
    in_array = holder.presentation()
    assert proven({**in_array, "proof": [in_array["proof"]]}) == expected
    assert proven(holder.presentation({"@context": None})) == expected


def test_div_01_two_keys_and_one_key_twice() -> None:
    one, other = Holder("EdDSA"), Holder("ES256")
    both = proven(one.presentation(), other.presentation())
    assert both == [one.jwk, other.jwk]
    with pytest.raises(CredentialRequestError, match="two proofs are by one key"):
        proven(one.presentation(), one.presentation())


@pytest.mark.parametrize(
    "proof",
    [
        {"type": "Other"},
        {"cryptosuite": "eddsa-rdfc-2022"},
        {"cryptosuite": None},
        {"proofPurpose": "assertionMethod"},
        {"domain": "https://other.example"},
        {"domain": None},
        {"verificationMethod": "did:web:other.example#1"},
        {"verificationMethod": None},
        {"verificationMethod": "did:key:z6Mk"},
        {"verificationMethod": f"did:key:z{'1' * 5000}#z{'1' * 5000}"},
        {"challenge": None},
        {"challenge": 7},
        {"@context": ["https://other.example"]},
    ],
    ids=str,
)
def test_div_01_presentations_that_are_refused(proof: dict[str, Any], holder: Holder) -> None:
    with pytest.raises(CredentialRequestError) as refused:
        proven(holder.presentation(proof))
    assert refused.value.error == "invalid_proof"


def test_div_01_what_was_changed_after_it_was_signed(holder: Holder) -> None:
    right = holder.presentation()
    other = Holder(holder.kind)
    for wrong in (
        {**right, "type": ["Other"]},
        {**right, "more": 1},
        {**right, "fraction": 0.5},
        {**right, "half": "\ud800"},
        {**right, "holder": other.did},
        {**right, "proof": {**right["proof"], "created": "2027-01-01T00:00:00Z"}},
        {**right, "proof": {**right["proof"], "proofValue": "z0"}},
        {**right, "proof": {**right["proof"], "proofValue": "z" + "2" * 90_000}},
        {**right, "proof": {**right["proof"], "proofValue": None}},
        {**right, "proof": {**right["proof"], "verificationMethod": other.url}},
        {**right, "proof": [right["proof"], right["proof"]]},
        {**right, "proof": []},
        "presentation",
        {},
    ):
        with pytest.raises(CredentialRequestError) as refused:
            proven(wrong)
        assert refused.value.error == "invalid_proof"


def test_a_suite_is_for_its_own_keys() -> None:
    with pytest.raises(CredentialRequestError, match="not for this key"):
        proven(Holder("ES256").presentation({"cryptosuite": "eddsa-jcs-2022"}))


CONTEXTS = [
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/examples/v2",
]
SIGNER = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
PUBLISHED: dict[str, Any] = {
    "@context": CONTEXTS,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {
        "id": "did:example:abcdefgh",
        "alumniOf": "The School of Examples",
    },
}
PUBLISHED_PROOF: dict[str, Any] = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "created": "2023-02-24T23:36:38Z",
    "verificationMethod": f"did:key:{SIGNER}#{SIGNER}",
    "proofPurpose": "assertionMethod",
    "@context": CONTEXTS,
    "proofValue": "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFu"
    "UfjoJdcnTMuVor51aX",
}
"""Data Integrity EdDSA Cryptosuites 1.0, appendix B.2 (W3C Software and Document License)."""


def test_the_published_signature_of_eddsa_jcs_2022() -> None:
    jwk = jwk_of(PUBLISHED_PROOF["verificationMethod"])
    _check_signature(jwk, PUBLISHED, PUBLISHED_PROOF)
    with pytest.raises(JwtError):
        _check_signature(jwk, {**PUBLISHED, "name": "Other"}, PUBLISHED_PROOF)


@pytest.mark.parametrize(
    ("did", "crv"),
    [
        ("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", "P-256"),
        ("did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv", "P-256"),
        (
            "did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9",
            "P-384",
        ),
        ("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", "Ed25519"),
    ],
)
def test_the_published_vectors_of_did_key(did: str, crv: str) -> None:
    assert jwk_of(f"{did}#{did.removeprefix('did:key:')}")["crv"] == crv


def test_the_published_vector_of_did_jwk() -> None:
    did = (
        "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVV"
        "M3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9"
    )
    assert jwk_of(f"{did}#0") == {
        "crv": "P-256",
        "kty": "EC",
        "x": "acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0",
        "y": "_KcyLj9vWMptnmKtm46GqDz8wf74I5LKgrl2GzH3nSE",
    }


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        "#",
        "did:jwk:e30#0",
        "did:jwk:e30#1",
        "did:jwk:!!#0",
        "did:jwk:" + "eyJrdHkiOiJFQyJ9" + "#0",
        "did:key:z6Mk#z6Mk",
        "did:key:z#z",
        "did:key:m6Mk#m6Mk",
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp#key-1",
        "did:web:example.com#1",
        "https://example.com#1",
        "did:jwk:" + "A" * 5000 + "#0",
        "did:key:z\ud800#z\ud800",
    ],
)
def test_dids_without_a_key(url: object) -> None:
    with pytest.raises(JwtError):
        jwk_of(url)


def test_leading_zeros_of_base58() -> None:
    for octets in (b"", b"\0", b"\0\0\x01", bytes(range(40))):
        assert base58(to_base58(octets)) == octets
    with pytest.raises(ValueError, match="substring"):
        base58("0")
