"""Credentials with Data Integrity proofs that were damaged on purpose (VC Data Integrity).

The program that judges proofs is called here instead of started: thousands of damages would be
thousands of processes. That it is killed in time is shown where it is started, in
`tests/unit/credentials/test_ldp_vc.py`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.mutation.structural import (
    ACCEPTED,
    bent,
    cut,
    doubled,
    flipped,
    judged,
    judged_within,
    nested,
    trailed,
)
from tests.support.data_integrity import secured
from tests.unit.credentials.test_ldp_vc import DOCUMENT, ED25519, EXPECTED, P256, THEIRS
from wallet.credentials.ldp_vc import proof_reader
from wallet.credentials.ldp_vc import verification as ldp_vc
from wallet.credentials.ldp_vc.proof import Verdict
from wallet.records import JsonObject, Secret

SUITES = {
    "ecdsa-rdfc-2019": secured(DOCUMENT, P256, "ecdsa-rdfc-2019"),
    "eddsa-rdfc-2022": secured(DOCUMENT, ED25519, "eddsa-rdfc-2022"),
    "ecdsa-jcs-2019": secured(DOCUMENT, P256, "ecdsa-jcs-2019"),
    "eddsa-jcs-2022": secured(DOCUMENT, ED25519, "eddsa-jcs-2022"),
}
ONE_SET = {
    "('type', 0) for ('type', 1)",
    *(f"{name}/{at} twice" for name in ("@context", "type") for at in (0, 1)),
}
"""RDF knows no order of types, and none of these twice: what they say stays the same."""


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    def verdict(document: JsonObject, keys: Sequence[JsonObject]) -> Verdict:
        asked: Mapping[str, Any] = json.loads(json.dumps({"document": document, "keys": keys}))
        try:
            return Verdict(*proof_reader.verdict(asked["document"], asked["keys"]))
        except Exception as error:  # noqa: BLE001 - as the program does
            return Verdict("unfit", type(error).__name__)

    monkeypatch.setattr(ldp_vc, "verdict", verdict)


def verify(text: str) -> object:
    ldp_vc.signer(Secret(text), EXPECTED)
    return ldp_vc.verify(Secret(text), THEIRS, EXPECTED)


def code(text: str) -> str:
    return judged(lambda: verify(text))


@pytest.mark.parametrize("suite", SUITES)
def test_no_part_can_be_changed(suite: str) -> None:
    good = SUITES[suite]
    assert code(json.dumps(good)) == ACCEPTED
    accepted = {name for name, one in bent(good) if code(json.dumps(one)) == ACCEPTED}
    assert accepted <= (ONE_SET if "rdfc" in suite else set())


@pytest.mark.parametrize("suite", ["ecdsa-jcs-2019", "eddsa-rdfc-2022"])
def test_no_bit_can_be_turned(suite: str) -> None:
    text = json.dumps(SUITES[suite]).encode()
    for name, changed in flipped(text):
        document = changed.decode("utf-8", "surrogateescape")
        assert code(document) != ACCEPTED, name


def test_no_end_can_be_missing_and_nothing_can_follow() -> None:
    text = json.dumps(SUITES["ecdsa-jcs-2019"]).encode()
    harmless = {"newline after", "newline before", "blank after", "blank before"}
    for name, changed in (*cut(text), *trailed(text)):
        assert code(changed.decode()) == (
            ACCEPTED if name in harmless else "credential_malformed"
        ), name


@pytest.mark.parametrize("member", ["issuer", "validUntil", "credentialSubject", "proof", "type"])
def test_no_member_twice(member: str) -> None:
    text = doubled(json.dumps(SUITES["ecdsa-jcs-2019"]).encode(), member)
    assert code(text.decode()) == "credential_malformed"


@pytest.mark.parametrize(
    "data",
    [nested(1_000_000), nested(1_000_000, "{"), b"[" * 10_000_000, b'"' + b"a" * 10_000_000 + b'"'],
)
def test_what_is_large_or_deep_is_refused_at_once(data: bytes) -> None:
    assert judged_within(lambda: verify(data.decode()), 64_000_000) == "credential_malformed"
