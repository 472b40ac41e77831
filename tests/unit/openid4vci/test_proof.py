"""Proof types (OpenID4VCI 1.0, appendix F)."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from tests.support.keys import TestKey
from tests.unit.trust.test_holder_keys import from_multibase
from tests.vectors import FOLDER, vector
from wallet.errors import Unsupported
from wallet.oauth.jwt import read_jwt
from wallet.openid4vci.issuer_metadata import CredentialConfiguration
from wallet.openid4vci.proof import (
    ProofChoice,
    UnsignedPresentation,
    _with_proof,
    key_reference,
    needs_proof,
    presentation,
    proof_choice,
    proof_signing_input,
)
from wallet.records import HolderKey, JsonObject, Secret
from wallet.strict import base64url
from wallet.vault.holder_keys import signature

EXAMPLE = vector("oid4vci-1.0/proof_jwt_appendix_f1.json")
ISSUER = "https://credential-issuer.example.com"
NOW = datetime.now(UTC)
ES256 = {"proof_signing_alg_values_supported": ["ES256"]}
ATTESTED: dict[str, Any] = {
    **ES256,
    "key_attestations_required": {"key_storage": ["iso_18045_moderate"]},
}


def configuration(types: Any, methods: Any = None) -> CredentialConfiguration:
    return CredentialConfiguration.model_validate(
        {
            "format": "dc+sd-jwt",
            "proof_types_supported": types,
            "cryptographic_binding_methods_supported": methods,
        }
    )


def choice(types: Any, methods: Any = None, *, attester: bool = False) -> ProofChoice:
    return proof_choice(configuration(types, methods), attester=attester)


def signed_input(key: HolderKey, reference: JsonObject, **optional: Any) -> bytes:
    given = {"client_id": "wallet", "nonce": Secret("n"), **optional}
    return proof_signing_input(key, reference, credential_issuer=ISSUER, now=NOW, **given)


# Choosing.


def test_meta_10_a_proof_where_the_credential_is_bound_to_a_key() -> None:
    assert not needs_proof(configuration(None))
    assert needs_proof(configuration({"jwt": ES256}, ["jwk"]))
    assert needs_proof(configuration({"jwt": ES256}))
    assert needs_proof(configuration(None, ["jwk"]))


CHOICES: dict[str, tuple[Any, Any, ProofChoice]] = {
    "the best algorithm": (
        {"jwt": {"proof_signing_alg_values_supported": ["RS256", "EdDSA", "ES384"]}},
        ["jwk"],
        ProofChoice("jwt", "ES384", "jwk"),
    ),
    "EdDSA by its newer name": (
        {"jwt": {"proof_signing_alg_values_supported": ["EdDSA", "Ed25519"]}},
        ["jwk"],
        ProofChoice("jwt", "Ed25519", "jwk"),
    ),
    "a JWK before a DID": ({"jwt": ES256}, ["did:key", "jwk"], ProofChoice("jwt", "ES256", "jwk")),
    "PRF-04 a JWK for a COSE key": (
        {"jwt": ES256},
        ["cose_key"],
        ProofChoice("jwt", "ES256", "jwk"),
    ),
    "no methods": ({"jwt": ES256}, None, ProofChoice("jwt", "ES256", "jwk")),
    "PRF-04 did:jwk": (
        {"jwt": ES256},
        ["did:web", "did:key", "did:jwk"],
        ProofChoice("jwt", "ES256", "did:jwk"),
    ),
    "PRF-04 did:key": ({"jwt": ES256}, ["did:key"], ProofChoice("jwt", "ES256", "did:key")),
    "a signature of the key itself first": (
        {"attestation": ES256, "di_vp": ES256, "jwt": ES256},
        ["jwk"],
        ProofChoice("jwt", "ES256", "jwk"),
    ),
    "PRF-05 with a key attestation": (
        {"jwt": ATTESTED},
        ["jwk"],
        ProofChoice("jwt", "ES256", "jwk", "", ATTESTED["key_attestations_required"], ("ES256",)),
    ),
    "META-11 with any key attestation": (
        {"jwt": {**ES256, "key_attestations_required": {}}},
        ["jwk"],
        ProofChoice("jwt", "ES256", "jwk", "", {}, ("ES256",)),
    ),
    "ATT-01 a key attestation alone": (
        {"attestation": ES256},
        ["jwk"],
        ProofChoice("attestation", "ES256", "jwk", "", {}, ("ES256",)),
    ),
    "DIV-01 EdDSA": (
        {"di_vp": {"proof_signing_alg_values_supported": ["eddsa-rdfc-2022", "eddsa-jcs-2022"]}},
        ["did:key"],
        ProofChoice("di_vp", "EdDSA", "did:key", "eddsa-jcs-2022"),
    ),
    "DIV-01 ECDSA": (
        {"di_vp": {"proof_signing_alg_values_supported": ["ecdsa-jcs-2019"]}},
        None,
        ProofChoice("di_vp", "ES256", "did:jwk", "ecdsa-jcs-2019"),
    ),
    "another type where the first cannot be": (
        {"jwt": {"proof_signing_alg_values_supported": ["RS256"]}, "attestation": ES256},
        ["jwk"],
        ProofChoice("attestation", "ES256", "jwk", "", {}, ("ES256",)),
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_cred_04_how_the_wallet_proves(name: str) -> None:
    types, methods, expected = CHOICES[name]
    assert choice(types, methods, attester=True) == expected


CANNOT: dict[str, tuple[Any, Any, str]] = {
    "no proof types": (None, ["jwk"], "proof types"),
    "an unknown type": ({"ldp_vp": ES256}, ["jwk"], "ldp_vp"),
    "nobody attests": ({"attestation": ES256}, ["jwk"], "key attestation is required"),
    "META-11 nobody attests any key": (
        {"jwt": {**ES256, "key_attestations_required": {}}},
        ["jwk"],
        "key attestation is required",
    ),
    "Data Integrity without a DID": (
        {"di_vp": {"proof_signing_alg_values_supported": ["eddsa-jcs-2022"]}},
        ["jwk"],
        "binding methods",
    ),
    "Data Integrity by RDF": (
        {"di_vp": {"proof_signing_alg_values_supported": ["eddsa-rdfc-2022"]}},
        ["did:key"],
        "cryptosuites",
    ),
    "PRF-04 another DID method": ({"jwt": ES256}, ["did:web"], "binding methods"),
    "another algorithm": (
        {"jwt": {"proof_signing_alg_values_supported": ["RS256", "HS256", "none"]}},
        ["jwk"],
        "algorithms",
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_it_cannot(name: str) -> None:
    types, methods, words = CANNOT[name]
    with pytest.raises(Unsupported, match=words) as caught:
        choice(types, methods)
    assert caught.value.code == "proof_unsupported"


def test_the_published_configuration_asks_for_an_attested_key() -> None:
    supported = vector("oid4vci-1.0/credential_metadata_sd_jwt_vc.json")
    (document,) = supported["credential_configurations_supported"].values()
    published = CredentialConfiguration.model_validate(document)
    with pytest.raises(Unsupported, match="attestation"):
        proof_choice(published, attester=False)
    chosen = proof_choice(published, attester=True)
    assert chosen.attested == {
        "key_storage": ["iso_18045_moderate"],
        "user_authentication": ["iso_18045_moderate"],
    }


# jwt.


@pytest.mark.parametrize("nonce", [None, EXAMPLE["payload"]["nonce"]])
def test_prf_01_02_the_example_of_the_specification(nonce: str | None) -> None:
    key = HolderKey("id", "ES256", EXAMPLE["header"]["jwk"])
    signed = proof_signing_input(
        key,
        key_reference(key, "jwk"),
        credential_issuer=EXAMPLE["payload"]["aud"],
        client_id="wallet",
        nonce=Secret(nonce) if nonce else None,
        now=datetime.fromtimestamp(EXAMPLE["payload"]["iat"], UTC),
    )
    header, claims = (json.loads(base64url(part)) for part in signed.decode().split("."))
    assert header == EXAMPLE["header"]
    optional = {"nonce": nonce} if nonce else {}
    assert claims == {
        "aud": EXAMPLE["payload"]["aud"],
        "iat": EXAMPLE["payload"]["iat"],
        "iss": "wallet",  # PRF-03: the access token was not got anonymously
        **optional,
    }


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "Ed25519"])
def test_the_signed_proof_verifies_with_its_own_header(algorithm: str) -> None:
    key = TestKey.new(algorithm)
    signed = signed_input(key.holder, key_reference(key.holder, "jwk"))
    public: dict[str, Any] = dict(key.holder.public_jwk)
    kind = OKPKey if algorithm == "Ed25519" else ECKey
    verified = jws.deserialize_compact(
        key.jwt(signed), kind.import_key(public), algorithms=[algorithm]
    )
    assert json.loads(verified.payload)["aud"] == ISSUER
    assert verified.headers()["jwk"] == public
    assert "d" not in public


def test_prf_01_one_name_of_the_key_and_no_other() -> None:
    key = TestKey.new().holder
    references: list[JsonObject] = [
        key_reference(key, "jwk"),
        key_reference(key, "did:jwk"),
        key_reference(key, "did:key"),
        {"x5c": ["MIIB"]},
    ]
    for reference in references:
        header = read_jwt(f"{signed_input(key, reference).decode()}.AA").header
        assert {"jwk", "kid", "x5c"} & set(header) == set(reference)
    did = references[2]["kid"]
    assert isinstance(did, str)
    assert did.startswith("did:key:zDn")
    assert "#" in did


def test_prf_03_no_iss_for_an_anonymous_client() -> None:
    key = TestKey.new().holder
    signed = signed_input(key, key_reference(key, "jwk"), client_id="")
    assert "iss" not in read_jwt(f"{signed.decode()}.AA").claims


def test_prf_05_a_key_attestation_in_the_header() -> None:
    key = TestKey.new().holder
    signed = signed_input(key, key_reference(key, "jwk"), key_attestation=Secret("a.b.c"))
    assert read_jwt(f"{signed.decode()}.AA").header["key_attestation"] == "a.b.c"


# di_vp.


def presented(key: TestKey, suite: str, nonce: str | None = "n") -> UnsignedPresentation:
    return presentation(
        key.holder,
        "did:key",
        suite,
        credential_issuer=ISSUER,
        nonce=Secret(nonce) if nonce else None,
        now=datetime(2023, 3, 1, 14, 56, 29, tzinfo=UTC),
    )


def published(name: str) -> str:
    return (FOLDER / "vc-di-eddsa/eddsa-jcs-2022" / name).read_text()


def test_the_published_hashes_of_the_eddsa_jcs_suite() -> None:
    document = vector("vc-di-eddsa/unsigned.json")
    proof = vector("vc-di-eddsa/eddsa-jcs-2022/proofConfigJCS.json")
    _, message = _with_proof(document, proof)
    assert message.hex() == published("combinedHashJCS.txt").strip()
    raw = from_multibase(proof["verificationMethod"].rpartition("#")[2])[2:]
    signed = bytes.fromhex(published("sigHexJCS.txt"))
    ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(signed, message)


def test_the_published_signature_as_it_is_written() -> None:
    document = vector("vc-di-eddsa/eddsa-jcs-2022/signedJCS.json")
    value = document["proof"].pop("proofValue")
    unsigned = UnsignedPresentation(document, b"")
    signed: Any = unsigned.signed(bytes.fromhex(published("sigHexJCS.txt")))
    assert signed["proof"]["proofValue"] == value


def test_div_01_the_members() -> None:
    key = TestKey.new("EdDSA")
    unsigned = presented(key, "eddsa-jcs-2022")
    method = key_reference(key.holder, "did:key")["kid"]
    assert isinstance(method, str)
    assert unsigned.document == {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "holder": method.partition("#")[0],
        "proof": {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "created": "2023-03-01T14:56:29Z",
            "verificationMethod": method,
            "proofPurpose": "authentication",
            "domain": ISSUER,
            "challenge": "n",
        },
    }
    without: Any = presented(key, "eddsa-jcs-2022", nonce=None).document
    assert "challenge" not in without["proof"]


def jcs(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def test_div_01_a_presentation_verifies_by_ecdsa() -> None:
    key = TestKey.new("ES256")
    unsigned = presented(key, "ecdsa-jcs-2019")
    whole: Any = unsigned.signed(signature(key.der, unsigned.message))
    proof = whole.pop("proof")
    value = from_multibase(proof.pop("proofValue"))
    message = hashlib.sha256(jcs(proof)).digest() + hashlib.sha256(jcs(whole)).digest()
    r, s = int.from_bytes(value[:32]), int.from_bytes(value[32:])
    public: dict[str, Any] = dict(key.holder.public_jwk)
    ECKey.import_key(public).public_key.verify(
        encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256())
    )
