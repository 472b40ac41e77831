"""openvc agrees with every SD-JWT VC that is kept, or it is not kept."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.jwts import Key, b64, new_key, public_jwk, signed
from wallet.credentials.contract import Expected
from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc
from wallet.credentials.sd_jwt_vc.second_verdict import objection
from wallet.errors import VerificationFailed
from wallet.records import Secret
from wallet.report import Check, Trust
from wallet.trust.issuer import Issuer

NOW = datetime(2050, 1, 1, tzinfo=UTC)
CLAIMS = {"iss": "https://issuer.example", "vct": "urn:type", "exp": NOW.timestamp() + 60}
EXPECTED = Expected({"vct": "urn:type"}, (), (), NOW)
KEYS = {curve: new_key(curve) for curve in ("P-256", "P-384", "Ed25519")}


def credential(key: Key, typ: str = "dc+sd-jwt", alg: str = "ES256", **claims: Any) -> str:
    return signed({"alg": alg, "typ": typ}, {**CLAIMS, **claims}, key) + "~"


def verdict(text: str, key: Key, expected: Expected = EXPECTED) -> Check:
    issuer = Issuer(Trust.UNKNOWN, "", (public_jwk(key),), ())
    return sd_jwt_vc.verify(Secret(text), issuer, expected).report.checks[-1]


@pytest.mark.parametrize(
    ("curve", "alg"),
    [("P-256", "ES256"), ("P-384", "ES384"), ("Ed25519", "EdDSA"), ("Ed25519", "Ed25519")],
)
def test_it_agrees(curve: str, alg: str) -> None:
    check = verdict(credential(KEYS[curve], alg=alg), KEYS[curve])
    assert (check.name, check.outcome, check.reason) == (
        "Second verdict",
        "passed",
        "openvc agrees",
    )


@pytest.mark.parametrize("name", ["sha-256", "sha-384", "sha-512"])
def test_sdj_02_it_agrees_about_every_hash(name: str) -> None:
    disclosure = b64(json.dumps(["salt", "age", 42]).encode())
    digest = b64(hashlib.new(name.replace("-", ""), disclosure.encode()).digest())
    text = f"{credential(KEYS['P-256'], _sd=[digest], _sd_alg=name)}{disclosure}~"
    assert verdict(text, KEYS["P-256"]).outcome == "passed"


@pytest.mark.parametrize("years", [-49, 30])
def test_the_time_is_the_wallets(years: int) -> None:
    then = NOW + timedelta(days=365 * years)
    text = credential(
        KEYS["P-256"], iat=then.timestamp(), nbf=then.timestamp(), exp=then.timestamp() + 60
    )
    assert verdict(text, KEYS["P-256"], replace(EXPECTED, now=then)).outcome == "passed"


@pytest.mark.parametrize(
    ("typ", "claims"),
    [("vc+sd-jwt", {}), ("dc+sd-jwt", {"iss": ""}), ("dc+sd-jwt", {"vct": "", "type": "t"})],
)
def test_what_it_does_not_know_is_not_asked(typ: str, claims: dict[str, Any]) -> None:
    asked = {"vct": "t"} if "type" in claims else {"vct": "urn:type"}
    expected = replace(EXPECTED, typ=(typ,), configuration=asked, type_claims=("type", "vct"))
    check = verdict(credential(KEYS["P-256"], typ, **claims), KEYS["P-256"], expected)
    assert (check.name, check.outcome) == ("Second verdict", "skipped")


def test_a_disagreement_is_a_refusal() -> None:
    """A W3C status that can be withheld: SD-JWT VC allows it, and openvc does not."""
    disclosure = b64(json.dumps(["salt", "credentialStatus", {}]).encode())
    digest = b64(hashlib.sha256(disclosure.encode()).digest())
    text = f"{credential(KEYS['P-256'], _sd=[digest])}{disclosure}~"
    with pytest.raises(VerificationFailed) as caught:
        verdict(text, KEYS["P-256"])
    assert caught.value.code == "verdicts_differ"
    [*others, last] = caught.value.report.checks
    assert all(check.outcome != "failed" for check in others)
    assert (last.name, last.reason) == ("Second verdict", "openvc refuses it: SdJwtError")


@pytest.mark.parametrize("text", ["", "~", "a.b.c~", "e30.e30.~", "\ud800~"])
def test_whatever_it_raises_is_an_objection(text: str) -> None:
    assert objection(text, {}, None)
    assert objection(text, {"kty": "EC", "x": None}, "a")


def test_a_start_does_not_wait_for_it() -> None:
    modules = "sys, wallet.app, wallet.cli, wallet.gui, wallet.credentials.formats"
    program = f"import {modules}; sys.exit('openvc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
