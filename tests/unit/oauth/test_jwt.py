"""JSON Web Tokens (RFC 7515; RFC 7519; RFC 7638)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.vectors import vector
from wallet.oauth.jwt import (
    best_algorithm,
    compact,
    numeric_date,
    read_jwt,
    signing_input,
    thumbprint,
)
from wallet.strict import base64url_encode


def test_what_is_made_is_read() -> None:
    signed = signing_input({"alg": "ES256"}, {"iss": "ä"})
    token = compact(signed, b"\x00\xff")
    assert "ä" not in repr(token)
    jwt = read_jwt(token.reveal())
    assert (jwt.header, jwt.claims) == ({"alg": "ES256"}, {"iss": "ä"})
    assert "ä" not in repr(jwt)


def part(value: Any) -> str:
    return base64url_encode(value if isinstance(value, bytes) else json.dumps(value).encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        f"{part({})}.{part({})}.{part(b'x')}.",
        f"{part({})}.{part([])}.{part(b'x')}",
        f"{part({})}.{part({})}.x",
        f"{part({})}=.{part({})}.{part(b'x')}",
        f"{part(b'{')}.{part({})}.{part(b'x')}",
    ],
)
def test_what_is_no_jwt(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_jwt(text)


def test_dates() -> None:
    assert numeric_date({}, "exp") is None
    assert numeric_date({"exp": 0.5}, "exp") == datetime.fromtimestamp(0.5, UTC)
    strange: list[Any] = [True, "1", [], 1e300, -1e300]
    for value in strange:
        with pytest.raises(ValueError, match="exp is"):
            numeric_date({"exp": value}, "exp")


def test_the_thumbprint_of_rfc_9449() -> None:
    published = vector("oauth/dpop_pkce.json")["dpop_jkt"]
    assert thumbprint({**published["jwk"], "use": "sig"}) == published["jkt"]


def test_the_thumbprint_of_rfc_8037() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # appendix A.3


@pytest.mark.parametrize("jwk", [{}, {"kty": "oct", "k": "AA"}, {"kty": "EC", "crv": "P-256"}])
def test_what_has_no_thumbprint(jwk: Any) -> None:
    with pytest.raises(ValueError, match="not an EC or OKP public key"):
        thumbprint(jwk)


def test_the_best_algorithm_both_know() -> None:
    assert best_algorithm(["EdDSA", "ES384", "ES256"]) == "ES256"
    assert best_algorithm(["EdDSA", "Ed25519"]) == "Ed25519"
    assert best_algorithm(["RS256", "HS256", "none"]) is None
