"""Attestation-based client authentication (draft -07, and later ones)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from tests.support.answers import answer
from tests.support.keys import TestKey
from tests.vectors import FOLDER, vector
from wallet.errors import PeerBrokeProtocol, PeerRefused, Unsupported
from wallet.oauth.client_attestation import (
    challenge_in,
    check_client_attestation,
    possession_input,
    read_challenge,
)
from wallet.oauth.jwt import numeric_date, read_jwt, signing_input
from wallet.records import HolderKey, Secret

PUBLISHED = vector("oauth/client_attestation.json")["vectors"]
NEWER, NEWER_POP, OLDER = PUBLISHED[0], PUBLISHED[1], PUBLISHED[3]
NOW = datetime.now(UTC)


def holder_key(attestation: Any) -> HolderKey:
    return HolderKey("id", "ES256", attestation["payload"]["cnf"]["jwk"])


@pytest.mark.parametrize("published", [NEWER, OLDER], ids=lambda one: one["draft"][:5])
def test_ca_02_the_published_attestations(published: Any) -> None:
    expires = numeric_date(published["payload"], "exp")
    assert expires is not None
    checked = check_client_attestation(
        Secret(published["token"]),
        holder_key(published),
        "https://client.example.com",
        expires - timedelta(seconds=1),
    )
    assert checked == expires


def test_ca_02_the_example_of_openid4vci() -> None:
    text = "".join((FOLDER / "oid4vci-1.0/wallet_attestation.jwt.txt").read_text().split())
    claims: Any = read_jwt(text).claims
    key = HolderKey("id", "ES256", claims["cnf"]["jwk"])
    at = datetime.fromtimestamp(claims["exp"], UTC) - timedelta(minutes=1)
    check_client_attestation(Secret(text), key, "https://wallet.example.com", at)


def test_ca_03_the_proof_of_possession_satisfies_every_draft() -> None:
    claims = NEWER_POP["payload"]
    signed = possession_input(
        HolderKey("id", "ES256", {}),
        "https://client.example.com",
        claims["aud"],
        challenge=claims["challenge"],
        jti=claims["jti"],
        now=datetime.fromtimestamp(claims["iat"], UTC),
    )
    jwt = read_jwt(f"{signed.decode()}.AA")
    assert jwt.header == NEWER_POP["header"]
    assert jwt.claims == {**claims, "iss": "https://client.example.com"}  # -07 requires it


def test_ca_03_it_verifies_with_the_attested_key() -> None:
    key = TestKey.new()
    signed = possession_input(
        key.holder, "wallet", "https://as.example", challenge=None, jti="j", now=NOW
    )
    public: dict[str, Any] = dict(key.holder.public_jwk)
    proof = jws.deserialize_compact(key.jwt(signed), ECKey.import_key(public))
    assert "challenge" not in json.loads(proof.payload)


ATTESTED = TestKey.new()
GOOD: dict[str, Any] = {
    "sub": "wallet",
    "exp": int(NOW.timestamp()) + 3_600,
    "cnf": {"jwk": dict(ATTESTED.holder.public_jwk)},
}
HEADER = {"typ": "oauth-client-attestation+jwt", "alg": "ES256"}

BROKEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another type": ({**HEADER, "typ": "JWT"}, GOOD),
    "no algorithm": ({"typ": HEADER["typ"]}, GOOD),
    "another client": (HEADER, {**GOOD, "sub": "other"}),
    "no confirmation": (HEADER, {**GOOD, "cnf": None}),
    "another key": (HEADER, {**GOOD, "cnf": {"jwk": dict(TestKey.new().holder.public_jwk)}}),
    "no key": (HEADER, {**GOOD, "cnf": {"jwk": {"kty": "oct"}}}),
    "a private key": (HEADER, {**GOOD, "cnf": {"jwk": {**GOOD["cnf"]["jwk"], "d": "AA"}}}),
    "expired": (HEADER, {**GOOD, "exp": int(NOW.timestamp()) - 3_600}),
    "no expiry": (HEADER, {name: GOOD[name] for name in ("sub", "cnf")}),
    "a strange expiry": (HEADER, {**GOOD, "exp": "tomorrow"}),
}


def checked(header: dict[str, Any], claims: dict[str, Any]) -> datetime:
    token = Secret(f"{signing_input(header, claims).decode()}.AA")
    return check_client_attestation(token, ATTESTED.holder, "wallet", NOW)


def test_ca_02_a_good_attestation() -> None:
    assert int(checked(HEADER, GOOD).timestamp()) == GOOD["exp"]


@pytest.mark.parametrize("name", BROKEN)
def test_ca_02_what_the_wallet_does_not_show_to_a_server(name: str) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        checked(*BROKEN[name])
    assert caught.value.code == "wallet_attestation_invalid"


def test_ca_05_an_algorithm_that_the_server_does_not_take() -> None:
    token = Secret(f"{signing_input(HEADER, GOOD).decode()}.AA")
    key = ATTESTED.holder
    assert check_client_attestation(token, key, "wallet", NOW, ["ES384", "ES256"])
    with pytest.raises(Unsupported, match="signs with ES256, the server takes ES384") as caught:
        check_client_attestation(token, key, "wallet", NOW, ["ES384"])
    assert caught.value.code == "client_authentication_unsupported"


def test_ca_02_no_jwt() -> None:
    with pytest.raises(PeerBrokeProtocol, match="not a JWT") as caught:
        check_client_attestation(Secret("a~b"), ATTESTED.holder, "wallet", NOW)
    assert caught.value.code == "wallet_attestation_invalid"


def test_ca_04_challenges() -> None:
    assert read_challenge(answer({"attestation_challenge": "c", "other": 1})) == "c"
    assert challenge_in(answer(oauth_client_attestation_challenge="c-1")) == "c-1"
    for strange in ("", "two, of them", "ä", "x" * 1_001):
        assert challenge_in(answer(oauth_client_attestation_challenge=strange)) is None


def test_ca_04_no_challenge() -> None:
    bodies: list[Any] = [{}, {"attestation_challenge": ""}, {"attestation_challenge": 1}, []]
    for body in bodies:
        with pytest.raises(PeerBrokeProtocol) as caught:
            read_challenge(answer(body))
        assert caught.value.code == "challenge_response_invalid"
    with pytest.raises(PeerRefused):
        read_challenge(answer({"error": "x"}, status=400))
