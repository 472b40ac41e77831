"""Whatever is called a mobile document: a verdict, or our own refusal, and nothing else."""

import base64
from contextlib import suppress
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.mutation.structural import judged
from tests.support.mdocs import (
    DOC_TYPE,
    ELEMENTS,
    NAMESPACE,
    NOW,
    Issuance,
    certified,
    cose_key,
    embedded,
)
from tests.unit.credentials.test_mdoc import public_jwk
from wallet.credentials import mdoc
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.mdoc.diagnostic import diagnostic
from wallet.errors import VerificationFailed
from wallet.records import Secret
from wallet.report import Trust
from wallet.strict import base64url, canonical_json, json_value
from wallet.trust.issuer import Issuer

HOLDER = ec.generate_private_key(ec.SECP256R1())
LEAF = certified("Signer")
EXPECTED = Expected({"doctype": DOC_TYPE}, (public_jwk(HOLDER),), (), NOW)

keys = st.one_of(st.text(max_size=8), st.integers(-5, 2**64 - 1), st.binary(max_size=4))
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**64), 2**64 - 1),
        st.text(max_size=20),
        st.binary(max_size=20),
        st.floats(),
        st.builds(cbor2.CBORTag, st.sampled_from([0, 1, 24, 37, 1004]), st.text(max_size=12)),
    ),
    lambda inside: st.one_of(
        st.lists(inside, max_size=4), st.dictionaries(keys, inside, max_size=4)
    ),
    max_leaves=12,
)


def verified(text: str) -> VerifiedCredential:
    signer = mdoc.signer(Secret(text), EXPECTED)
    assert signer.chain is not None
    return mdoc.verify(Secret(text), Issuer(Trust.UNKNOWN, "", (signer.chain.jwk,), ()), EXPECTED)


def judge(encoded: bytes) -> None:
    judged(lambda: verified(base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()))


@given(st.text())
def test_any_text(text: str) -> None:
    with suppress(VerificationFailed):
        verified(text)


@given(st.binary())
def test_any_bytes(encoded: bytes) -> None:
    judge(encoded)


@given(values)
def test_any_cbor(value: Any) -> None:
    judge(cbor2.dumps(value))


@given(values, values, values, values)
def test_any_parts(name_spaces: Any, protected: Any, unprotected: Any, payload: Any) -> None:
    auth = [cbor2.dumps(protected), unprotected, embedded(cbor2.dumps(payload)), bytes(64)]
    judge(cbor2.dumps({"nameSpaces": name_spaces, "issuerAuth": auth}))


@given(st.sampled_from(sorted(Issuance([LEAF], None).elements[NAMESPACE])), values)
def test_any_value_that_an_issuer_signs(element: str, value: Any) -> None:
    """It is refused, or shown as JSON that reads back as it is."""
    made = Issuance([LEAF], cose_key(HOLDER))
    made.elements = {NAMESPACE: {**ELEMENTS, element: value, "issuing_country": "UT"}}
    with suppress(VerificationFailed):
        claims = verified(made.text()).claims
        assert json_value(canonical_json(claims)) == claims


@given(
    st.sampled_from(["version", "digestAlgorithm", "valueDigests", "deviceKeyInfo", "docType",
                     "validityInfo", "status"]),
    values,
)  # fmt: skip
def test_any_security_object_that_an_issuer_signs(member: str, value: Any) -> None:
    edits = {"mso": lambda mso: {**mso, member: value}}
    judge(base64url(Issuance([LEAF], cose_key(HOLDER), edits=edits).text()))


@given(values, st.integers(0, 200))
def test_diagnostic_notation_is_total_and_bounded(value: Any, limit: int) -> None:
    encoded = cbor2.dumps(value)
    with suppress(ValueError):
        text = diagnostic(encoded, limit)
        assert len(text) <= limit + 1
        assert "\n" not in text
