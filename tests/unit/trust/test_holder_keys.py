"""The holder's public keys by their names (did:key; did:jwk; RFC 7800)."""

import json
from typing import Any

import pytest

from tests.vectors import vector
from wallet.oauth.jwt import thumbprint
from wallet.strict import base64url_encode
from wallet.trust.holder_keys import (
    DID_METHODS,
    canonical,
    confirms,
    did_url,
    multibase,
    names_of,
)

PUBLISHED = vector("dids/public_keys.json")["keys"]
P_256 = PUBLISHED[0]["jwk"]
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def from_multibase(text: str) -> bytes:
    assert text[0] == "z"
    number = 0
    for digit in text[1:]:
        number = number * 58 + BASE58.index(digit)
    zeros = len(text[1:]) - len(text[1:].lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one["did"][:20])
def test_prf_04_the_published_dids(published: Any) -> None:
    did = published["did"]
    method = did.rpartition(":")[0]
    fragment = "0" if method == "did:jwk" else did.rpartition(":")[2]
    assert did_url(published["jwk"], method) == f"{did}#{fragment}"


def test_the_published_key_of_the_data_integrity_vectors() -> None:
    proof = vector("vc-di-eddsa/eddsa-jcs-2022/proofConfigJCS.json")
    name = proof["verificationMethod"].rpartition("#")[2]
    raw = from_multibase(name)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(raw[2:])}
    assert did_url(jwk, "did:key") == f"did:key:{name}#{name}"


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0a", b"hello world", bytes(range(256))])
def test_base58_both_ways(data: bytes) -> None:
    assert from_multibase(multibase(data)) == data


def test_what_confirms_a_key() -> None:
    for method in ("did:jwk", "did:key"):
        assert confirms({"kid": did_url(P_256, method)}, P_256)
        assert not confirms({"kid": did_url(PUBLISHED[1]["jwk"], method)}, P_256)
        assert not confirms({"kid": did_url(P_256, method).partition("#")[0]}, P_256)
    assert confirms({"jwk": {**P_256, "use": "sig", "kid": "x"}}, P_256)
    for jwk in (
        {**P_256, "d": "AA"},
        {**P_256, "x": PUBLISHED[1]["jwk"]["x"]},
        {"kty": "oct", "k": "AA"},
        {},
        None,
        "P-256",
    ):
        assert not confirms({"jwk": jwk}, P_256)
    assert not confirms({"jku": "https://k.example/", "kid": "0"}, P_256)


def test_an_ed25519_key_is_confirmed_too() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(bytes(range(32)))}
    assert confirms({"jwk": {**jwk, "alg": "EdDSA"}}, jwk)
    assert not confirms({"jwk": P_256}, jwk)


def test_the_dids_of_a_key_whatever_else_a_did_jwk_says() -> None:
    names = names_of([P_256, PUBLISHED[1]["jwk"]])
    for method in DID_METHODS:
        assert names[canonical(did_url(P_256, method).partition("#")[0])] == P_256
    for document, is_it in (
        ({**dict(reversed(P_256.items())), "use": "sig", "kid": "1"}, True),
        ({**P_256, "d": "AA"}, False),
        ({"kty": "EC"}, False),
        ([P_256], False),
    ):
        did = f"did:jwk:{base64url_encode(json.dumps(document).encode())}"
        assert (canonical(did) in names) is is_it
    known = thumbprint(P_256)
    for other in ("", "did:jwk:", "did:jwk:*", "did:jwk", known, f"did:jwk:{known}"):
        assert canonical(other) not in names
