"""Key proofs (OpenID4VCI 1.0, appendix F.1)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from tests.vectors import vector
from wallet.errors import Unsupported
from wallet.openid4vci.issuer_metadata import CredentialConfiguration
from wallet.openid4vci.proof import needs_proof, proof_algorithm, proof_jwt, proof_signing_input
from wallet.records import HolderKey, Secret
from wallet.strict import base64url

EXAMPLE = vector("oid4vci-1.0/proof_jwt_appendix_f1.json")
ES256 = {"proof_signing_alg_values_supported": ["ES256"]}


def configuration(types: Any, methods: Any = None) -> CredentialConfiguration:
    return CredentialConfiguration.model_validate(
        {
            "format": "dc+sd-jwt",
            "proof_types_supported": types,
            "cryptographic_binding_methods_supported": methods,
        }
    )


@pytest.mark.parametrize("nonce", [None, EXAMPLE["payload"]["nonce"]])
def test_prf_01_02_the_example_of_the_specification(nonce: str | None) -> None:
    key = HolderKey("id", "ES256", EXAMPLE["header"]["jwk"])
    signed = proof_signing_input(
        key,
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


def test_the_signed_proof_verifies_with_its_own_header() -> None:
    private = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    public = {name: str(value) for name, value in private.as_dict(private=False).items()}
    key = HolderKey("id", "ES256", {name: public[name] for name in ("kty", "crv", "x", "y")})
    signed = proof_signing_input(
        key,
        credential_issuer="https://i.example/",
        client_id="w",
        nonce=None,
        now=datetime.now(UTC),
    )
    algorithm = jws.JWSRegistry.algorithms["ES256"]
    proof = proof_jwt(signed, algorithm.sign(signed, private)).reveal()
    verified = jws.deserialize_compact(proof, ECKey.import_key(dict(key.public_jwk)))
    assert json.loads(verified.payload)["aud"] == "https://i.example/"
    assert "d" not in verified.headers()["jwk"]


def test_meta_10_a_proof_where_the_credential_is_bound_to_a_key() -> None:
    assert not needs_proof(configuration(None))
    assert needs_proof(configuration({"jwt": ES256}, ["jwk"]))
    assert needs_proof(configuration({"jwt": ES256}))
    assert needs_proof(configuration(None, ["jwk"]))


def test_cred_04_what_the_wallet_can_sign() -> None:
    several = {"proof_signing_alg_values_supported": ["RS256", "ES256"]}
    assert (
        proof_algorithm(configuration({"attestation": ES256, "jwt": several}, ["jwk"])) == "ES256"
    )
    assert proof_algorithm(configuration({"jwt": ES256}, ["did:key", "jwk"])) == "ES256"


CANNOT: dict[str, tuple[Any, Any]] = {
    "no proof types": (None, ["jwk"]),
    "attestation only": ({"attestation": ES256}, ["jwk"]),
    "Data Integrity only": ({"di_vp": ES256}, ["jwk"]),
    "PRF-04 DID only": ({"jwt": ES256}, ["did:key"]),
    "another algorithm": ({"jwt": {"proof_signing_alg_values_supported": ["RS256"]}}, ["jwk"]),
    "META-11 attestation of any key": (
        {"jwt": {**ES256, "key_attestations_required": {}}},
        ["jwk"],
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_it_cannot(name: str) -> None:
    with pytest.raises(Unsupported) as caught:
        proof_algorithm(configuration(*CANNOT[name]))
    assert caught.value.code == "proof_unsupported"


def test_the_published_configuration_asks_for_an_attested_key() -> None:
    supported = vector("oid4vci-1.0/credential_metadata_sd_jwt_vc.json")
    (document,) = supported["credential_configurations_supported"].values()
    with pytest.raises(Unsupported, match="attestation"):
        proof_algorithm(CredentialConfiguration.model_validate(document))
