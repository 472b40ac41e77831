"""What verification takes where a rule said so, and what it still refuses."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from tests.support.simulator import Simulator
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc
from wallet.errors import VerificationFailed
from wallet.records import Secret
from wallet.report import Outcome, Trust
from wallet.trust.anchors import Anchors
from wallet.trust.issuer import by_certificate, by_metadata


def public(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    jwk = ECKey.import_key(key).as_dict(private=False)
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}


HOLDER = public(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def issuer() -> Simulator:
    """One whose credentials name no certificate and no `vct`."""
    simulator = Simulator("https://issuer.example")
    simulator.edits["header"] = lambda _header: {"alg": "ES256", "typ": "dc+sd-jwt"}
    simulator.edits["payload"] = lambda payload: {
        **{name: value for name, value in payload.items() if name != "vct"},
        "type": "card",
    }
    return simulator


EXPECTED = Expected(
    configuration={"vct": "card"},
    holder_jwks=(HOLDER,),
    mandatory=(),
    now=datetime.now(UTC),
    typ=("dc+sd-jwt", "vc+sd-jwt"),
    type_claims=("vct", "type"),
)


def verify(issuer: Simulator, keys: Any = None, **changes: Any) -> VerifiedCredential:
    credential = Secret(issuer.credential(HOLDER, "card"))
    expected = replace(EXPECTED, now=datetime.now(UTC), **changes)
    signer = sd_jwt_vc.signer(credential, expected)
    if signer.chain is not None:
        known = by_certificate(signer.chain, Anchors(), expected.now)
    else:
        theirs = (ec.generate_private_key(ec.SECP256R1()), issuer.authority.leaf_key)
        named = tuple(map(public, theirs)) if keys is None else keys
        known = by_metadata(signer, named, "https://issuer.example")
    return sd_jwt_vc.verify(credential, known, expected)


def refusal(issuer: Simulator, **changes: Any) -> str:
    with pytest.raises(VerificationFailed) as caught:
        verify(issuer, **changes)
    return caught.value.code


def test_what_is_tolerated_is_told(issuer: Simulator) -> None:
    verified = verify(issuer)
    assert verified.type == ""  # of no type: nothing will match its `vct`
    assert verified.trusted_by == "https://issuer.example"
    outcomes = {check.name: check.outcome for check in verified.report.checks}
    assert outcomes["Issuer"] is outcomes["Type"] is Outcome.SKIPPED
    assert outcomes["Signature"] is outcomes["Holder binding"] is Outcome.PASSED


def test_the_older_typ(issuer: Simulator) -> None:
    issuer.edits["header"] = lambda _header: {"alg": "ES256", "typ": "vc+sd-jwt"}
    assert verify(issuer).claims
    assert refusal(issuer, typ=("dc+sd-jwt",)) == "credential_malformed"


def test_keys_are_for_a_credential_without_certificates(issuer: Simulator) -> None:
    assert refusal(issuer, keys=()) == "issuer_untrusted"
    issuer.edits["header"] = lambda header: header  # with `x5c`, which leads to no anchor
    assert verify(issuer).trust is Trust.UNKNOWN
    issuer.edits["header"] = lambda _header: {"alg": "ES256", "typ": "dc+sd-jwt", "x5c": []}
    assert refusal(issuer) == "issuer_untrusted"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("https://another.example", "issuer_untrusted"),
        ("https://issuer.example/", "issuer_untrusted"),
        ("", "issuer_untrusted"),
        (None, "credential_malformed"),
        (1, "credential_malformed"),
    ],
)
def test_keys_are_for_their_issuer(issuer: Simulator, name: Any, code: str) -> None:
    right = issuer.edits["payload"]
    issuer.edits["payload"] = lambda payload: {**right(payload), "iss": name}
    assert refusal(issuer) == code


@pytest.mark.parametrize(
    "keys",
    [
        (public(ec.generate_private_key(ec.SECP256R1())),),
        (public(ec.generate_private_key(ec.SECP384R1())),),
        ({"kty": "EC"},),
        ({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},),
        ({},),
    ],
)
def test_the_signature_is_by_one_of_them(issuer: Simulator, keys: Any) -> None:
    assert refusal(issuer, keys=keys) == "signature_invalid"


def test_a_vct_that_is_there_counts(issuer: Simulator) -> None:
    right = issuer.edits["payload"]
    issuer.edits["payload"] = lambda payload: {**right(payload), "vct": "another"}
    assert refusal(issuer) == "vct_mismatch"


@pytest.mark.parametrize("told", ["another", None, ["card"]])
def test_another_type_is_another(issuer: Simulator, told: Any) -> None:
    right = issuer.edits["payload"]
    issuer.edits["payload"] = lambda payload: {**right(payload), "type": told}
    assert refusal(issuer) == "vct_mismatch"


def test_a_type_is_no_vct_without_the_rule(issuer: Simulator) -> None:
    assert refusal(issuer, type_claims=("vct",)) == "vct_mismatch"
