"""Who may sign a credential that is a JWT, and how (RFC 7515; RFC 7517, sections 4.2 to 4.4)."""

from typing import Any

import pytest

from tests.support.jwts import Key, algorithm_of, new_key, public_jwk, signed
from wallet.credentials.contract import Findings
from wallet.credentials.jwt import check_signature, read_signed
from wallet.errors import VerificationFailed
from wallet.records import JsonObject
from wallet.report import Trust
from wallet.trust.issuer import Issuer

KEYS = {curve: new_key(curve) for curve in ("P-256", "P-384", "Ed25519")}


def signer(key: Key, *jwks: JsonObject, **header: Any) -> JsonObject | None:
    jwt = read_signed(signed({"alg": algorithm_of(key), **header}, {}, key))
    return check_signature(jwt, Issuer(Trust.UNKNOWN, "", jwks, ()), Findings())


@pytest.mark.parametrize(
    ("curve", "header"),
    [("P-256", {}), ("P-384", {}), ("Ed25519", {}), ("Ed25519", {"alg": "Ed25519"})],
)
def test_vc_04_what_may_sign(curve: str, header: dict[str, Any]) -> None:
    key, others = KEYS[curve], [public_jwk(one) for one in KEYS.values()]
    assert signer(key, *others, **header) == public_jwk(key)


@pytest.mark.parametrize(
    "members",
    [
        {"use": "sig", "alg": "EdDSA", "key_ops": ["verify"], "kid": "1"},
        {"alg": "Ed25519"},
        {"key_ops": ["sign", "verify"]},
        {"use": "sig", "x5t": "AA"},
    ],
)
def test_what_a_key_may_say_of_itself(members: dict[str, Any]) -> None:
    jwk = {**public_jwk(KEYS["Ed25519"]), **members}
    assert signer(KEYS["Ed25519"], jwk) == jwk


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"use": None},
        {"use": ["sig"]},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": "HS256"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"key_ops": []},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"crv": ["P-256"]},
        {"kty": "OKP"},
        {"kty": "oct"},
        {"kty": None},
        {"y": "AA"},
        {"x": None},
        {"d": "AA"},
    ],
    ids=str,
)
def test_a_key_that_is_for_something_else_or_broken(members: dict[str, Any]) -> None:
    with pytest.raises(VerificationFailed) as caught:
        signer(KEYS["P-256"], {**public_jwk(KEYS["P-256"]), **members})
    assert caught.value.code == "signature_invalid"


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [("P-256", "ES384"), ("P-384", "ES256"), ("P-256", "EdDSA"), ("Ed25519", "ES256")],
)
def test_vc_04_the_curve_fits_the_algorithm(curve: str, algorithm: str) -> None:
    with pytest.raises(VerificationFailed) as caught:
        signer(KEYS[curve], public_jwk(KEYS[curve]), alg=algorithm)
    assert caught.value.code == "signature_invalid"


@pytest.mark.parametrize(
    "algorithm",
    ["none", "None", "", "HS256", "RS256", "PS256", "ES512", "ES256K", "Ed448", "es256", 1, None,
     ["ES256"], {}],
)  # fmt: skip
def test_sdj_02_what_may_not_sign(algorithm: Any) -> None:
    with pytest.raises(ValueError, match="alg"):
        signer(KEYS["P-256"], public_jwk(KEYS["P-256"]), alg=algorithm)
