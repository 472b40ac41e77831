"""DPoP proofs (RFC 9449)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from tests.support.answers import answer
from tests.support.keys import TestKey
from tests.vectors import vector
from wallet.oauth.client import Client
from wallet.oauth.dpop import code_binding, dpop_proof_input, nonce_in, token_hash
from wallet.oauth.jwt import read_jwt
from wallet.records import HolderKey, Secret

PUBLISHED = vector("oauth/dpop_pkce.json")


def published_input(proof: Any, token: str | None = None) -> bytes:
    claims = proof["payload"]
    return dpop_proof_input(
        HolderKey("id", "ES256", proof["header"]["jwk"]),
        claims["htu"] + "?a=b",
        jti=claims["jti"],
        now=datetime.fromtimestamp(claims["iat"], UTC),
        access_token=Secret(token) if token else None,
    )


@pytest.mark.parametrize("at", [0, 1])
def test_the_published_proofs_for_the_token_endpoint(at: int) -> None:
    proof = PUBLISHED["dpop_proofs"][at]
    jwt = read_jwt(f"{published_input(proof).decode()}.AA")
    assert (jwt.header, jwt.claims) == (proof["header"], proof["payload"])


def test_the_published_proof_with_an_access_token() -> None:
    proof = PUBLISHED["dpop_proofs"][2]
    token = PUBLISHED["dpop_ath"]["access_token"]
    jwt = read_jwt(f"{published_input(proof, token).decode()}.AA")
    assert jwt.claims == {**proof["payload"], "htm": "POST"}
    assert token_hash(Secret(token)) == PUBLISHED["dpop_ath"]["ath"]


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "Ed25519"])
def test_a_proof_verifies_with_its_own_key(algorithm: str) -> None:
    key = TestKey.new(algorithm)
    signed = dpop_proof_input(
        key.holder, "https://as.example/token", jti="j", now=datetime.now(UTC), nonce="n"
    )
    kind = OKPKey if algorithm == "Ed25519" else ECKey
    public: dict[str, Any] = dict(key.holder.public_jwk)
    proof = jws.deserialize_compact(
        key.jwt(signed), kind.import_key(public), algorithms=[algorithm]
    )
    assert proof.headers()["typ"] == "dpop+jwt"
    assert proof.headers()["jwk"] == public
    assert read_jwt(key.jwt(signed)).claims["nonce"] == "n"


def test_the_nonce_of_an_answer() -> None:
    assert nonce_in(answer(dpop_nonce="eyJ7S_zG.eyJH0-Z.HX4w-7v")) == "eyJ7S_zG.eyJH0-Z.HX4w-7v"
    for strange in ("", "one, two", 'a"b', "a\\b", "ä", "x" * 1_001):
        assert nonce_in(answer(dpop_nonce=strange)) is None
    assert nonce_in(answer()) is None


def test_what_binds_an_authorization_code() -> None:
    jwk = PUBLISHED["dpop_jkt"]["jwk"]
    key = HolderKey("id", "ES256", jwk)
    assert code_binding(Client(client_id="w")) == {}
    client = Client(client_id="w", dpop_key=key)
    assert code_binding(client) == {"dpop_jkt": PUBLISHED["dpop_jkt"]["jkt"]}
    combined = Client(
        client_id="w",
        dpop_key=key,
        instance_key=key,
        authentication="attest_jwt_client_auth_dpop",
    )
    assert code_binding(combined) == {}
    assert combined.keys == ("id",)
