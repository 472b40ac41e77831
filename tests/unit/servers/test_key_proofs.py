"""Key proofs in the forms that a peer's JSON can take: refused in the issuer's own words."""

import base64
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from reference_servers.credential_issuer.errors import CredentialRequestError
from reference_servers.credential_issuer.key_proofs import ProofRules, proven_keys

ISSUER = "https://issuer.example"
RULES = ProofRules(ISSUER, ("ES256",), batch_size=1)
KEY = ec.generate_private_key(ec.SECP256R1())


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def public_jwk() -> dict[str, Any]:
    numbers = KEY.public_key().public_numbers()
    x, y = (b64url(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def proof(header: dict[str, Any] | None = None, payload: str | None = None) -> str:
    """A proof made by hand: no library stands between the test and the octets."""
    whole = {"typ": "openid4vci-proof+jwt", "alg": "ES256", "jwk": public_jwk(), **(header or {})}
    if payload is None:
        payload = claims()
    signed = f"{b64url(json.dumps(whole).encode())}.{b64url(payload.encode())}"
    r, s = decode_dss_signature(KEY.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def claims(**changes: str) -> str:
    """Claims as JSON text; `changes` are JSON texts too."""
    right = {"aud": f'"{ISSUER}"', "iat": str(int(time.time())), "nonce": '"n"', **changes}
    return "{" + ",".join(f'"{name}":{value}' for name, value in right.items()) + "}"


def proven(jwt: str) -> dict[str, str]:
    [key] = proven_keys(
        {"jwt": [jwt]}, RULES, client_id="wallet", use_nonce=lambda nonce: nonce == "n"
    )
    return dict(key)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"unknown": {"a": 1}},
        {"key_attestation": "a" * 4000},
        {"jwk": {**public_jwk(), "kid": "k" * 600, "use": "sig"}},
    ],
    ids=["plain", "unknown parameter", "long parameter", "long jwk"],
)
def test_unknown_header_parameters_are_ignored(header: dict[str, Any]) -> None:
    """RFC 7515, section 4."""
    assert proven(proof(header)) == public_jwk()


@pytest.mark.parametrize(
    "iat",
    ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "true", '"1"', "null", "[]", "-1"],
)
def test_vpr_01_a_time_that_is_none_is_refused(iat: str) -> None:
    with pytest.raises(CredentialRequestError) as refused:
        proven(proof(payload=claims(iat=iat)))
    assert refused.value.error == "invalid_proof"


@pytest.mark.parametrize(
    ("nonce", "error"),
    [
        ('"\\ud800"', "invalid_nonce"),
        ('"\\u0000"', "invalid_nonce"),
        ("7", "invalid_proof"),
        ('""', "invalid_nonce"),
    ],
)
def test_a_nonce_that_no_issuer_gave(nonce: str, error: str) -> None:
    with pytest.raises(CredentialRequestError) as refused:
        proven(proof(payload=claims(nonce=nonce)))
    assert refused.value.error == error


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"typ": "openid4vci-proof+JWT"},
        {"typ": None},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"kid": "did:example:1#1"},
        {"x5c": []},
        {"jwk": "key"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {**public_jwk(), "d": ""}},
        {"jwk": {**public_jwk(), "crv": "P-384"}},
        {"jwk": {**public_jwk(), "crv": "none"}},
        {"jwk": {"kty": "OKP", "crv": "none", "x": "AAAA"}},
        {"jwk": {**public_jwk(), "x": "AAAA"}},
        {"jwk": {**public_jwk(), "x": "=é"}},
        {"jwk": {**public_jwk(), "y": 7}},
        {"jwk": {}},
    ],
)
def test_vpr_01_headers_that_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(CredentialRequestError) as refused:
        proven(proof(header))
    assert refused.value.error == "invalid_proof"


@pytest.mark.parametrize(
    "jwt",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "\ud800.e30.",
        "e30.e30.",
        "W10.e30.",
        "é.é.é",
        b64url(b"[" * 9000) + ".e30.e30",
        b64url(b'{"typ":') + ".e30.",
        b64url(b'["alg", "typ"]') + ".e30.",
        b64url(b'"alg"') + ".e30.",
    ],
)
def test_what_is_no_jwt(jwt: str) -> None:
    with pytest.raises(CredentialRequestError) as refused:
        proven(jwt)
    assert refused.value.error == "invalid_proof"


def test_octets_beside_the_alphabet_are_no_jwt() -> None:
    """A lenient decoder would read past them, and check another text than was signed."""
    head, payload, signature = proof().split(".")
    for bad in (f"{head}*.{payload}.{signature}", f"{head} .{payload}.{signature}"):
        with pytest.raises(CredentialRequestError) as refused:
            proven(bad)
        assert refused.value.error == "invalid_proof"
    with pytest.raises(CredentialRequestError):
        proven(f"{head}.{payload}.{signature}\n")


@pytest.mark.parametrize("description", ["é", '"', "\\", "\n", "\x7f"])
def test_err_02_descriptions_stay_within_their_alphabet(description: str) -> None:
    """Whatever the peer sent, no sentence of ours repeats it."""
    with pytest.raises(CredentialRequestError) as refused:
        proven_keys({description: [proof()]}, RULES, client_id="wallet", use_nonce=lambda _: True)
    allowed = {*range(0x20, 0x22), *range(0x23, 0x5C), *range(0x5D, 0x7F)}
    assert set(refused.value.description.encode()) <= allowed
