"""Key attestations (OpenID4VCI 1.0, appendix D.1)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.keys import TestKey
from wallet.errors import PeerBrokeProtocol, Unsupported, WalletError
from wallet.oauth.jwt import signing_input
from wallet.openid4vci.key_attestation import check_key_attestation
from wallet.openid4vci.proof import ProofChoice
from wallet.records import Secret

NOW = datetime.now(UTC)
KEYS = [TestKey.new().holder, TestKey.new("Ed25519").holder]
REQUIRED = {"key_storage": ["iso_18045_high", "iso_18045_moderate"], "something_new": ["x"]}
CHOICE = ProofChoice("jwt", "ES256", "jwk", "", REQUIRED, ("ES256",))
HEADER: dict[str, Any] = {"typ": "key-attestation+jwt", "alg": "ES256"}
CLAIMS: dict[str, Any] = {
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 600,
    "attested_keys": [dict(key.public_jwk) for key in KEYS],
    "key_storage": ["iso_18045_moderate"],
    "nonce": "n",
}


def check(header: Any, claims: Any, choice: ProofChoice = CHOICE) -> None:
    token = Secret(f"{signing_input(header, claims).decode()}.AA")
    check_key_attestation(token, KEYS, choice, nonce=Secret("n"), now=NOW)


def without(name: str) -> dict[str, Any]:
    return {member: value for member, value in CLAIMS.items() if member != name}


def test_att_02_a_good_attestation() -> None:
    check(HEADER, CLAIMS)
    check(HEADER, without("exp"), ProofChoice("attestation", "ES256", "jwk", "", {}, ("ES256",)))


BROKEN: dict[str, tuple[Any, Any]] = {
    "another type": ({**HEADER, "typ": "JWT"}, CLAIMS),
    "no keys": (HEADER, {**CLAIMS, "attested_keys": []}),
    "a key missing": (HEADER, {**CLAIMS, "attested_keys": CLAIMS["attested_keys"][:1]}),
    "keys that are texts": (HEADER, {**CLAIMS, "attested_keys": ["a", "b"]}),
    "private keys": (HEADER, {**CLAIMS, "attested_keys": [{**KEYS[0].public_jwk, "d": "AA"}]}),
    "another nonce": (HEADER, {**CLAIMS, "nonce": "m"}),
    "no nonce": (HEADER, without("nonce")),
    "PRF-05 no expiry": (HEADER, without("exp")),
    "expired": (HEADER, {**CLAIMS, "exp": int(NOW.timestamp()) - 3_600}),
    "a strange expiry": (HEADER, {**CLAIMS, "exp": "soon"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_att_02_what_the_wallet_does_not_show_to_an_issuer(name: str) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        check(*BROKEN[name])
    assert caught.value.code == "wallet_attestation_invalid"


TOO_LITTLE: dict[str, tuple[Any, Any, str]] = {
    "a level too low": (HEADER, {**CLAIMS, "key_storage": ["iso_18045_basic"]}, "key_storage"),
    "no level": (HEADER, without("key_storage"), "key_storage"),
    "PRF-05 another algorithm": ({**HEADER, "alg": "ES384"}, CLAIMS, "signs with ES384"),
}


@pytest.mark.parametrize("name", TOO_LITTLE)
def test_att_03_what_is_not_enough_for_the_issuer(name: str) -> None:
    header, claims, words = TOO_LITTLE[name]
    with pytest.raises(Unsupported, match=words) as caught:
        check(header, claims)
    assert caught.value.code == "proof_unsupported"


def test_no_jwt() -> None:
    with pytest.raises(WalletError) as caught:
        check_key_attestation(Secret("x"), KEYS, CHOICE, nonce=None, now=NOW)
    assert caught.value.code == "wallet_attestation_invalid"
