"""A record and its document: the same after a round trip, or refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.records import record
from wallet.errors import LocalFailure
from wallet.records import Check, Copy, CredentialRecord, Image, Outcome, Report, Trust
from wallet.vault.document import MAX_DEPTH, document_of, record_of

texts = st.text(max_size=30)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(
    leaves.filter(lambda one: one not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(texts, values, max_size=5)
zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1), timezones=zones)  # noqa: DTZ001
checks = st.builds(Check, texts, st.sampled_from([Outcome.PASSED, Outcome.SKIPPED]), texts, texts)
records = st.builds(
    CredentialRecord,
    id=texts,
    format=texts,
    copies=st.lists(st.builds(Copy, texts, texts), min_size=1, max_size=3).map(tuple),
    credential_issuer=texts,
    credential_configuration_id=texts,
    configuration=objects,
    issuer_display=st.lists(objects, max_size=3).map(tuple),
    claims=objects,
    images=st.dictionaries(texts, st.builds(Image, texts, st.binary(max_size=50)), max_size=3),
    trusted_by=texts,
    received_at=moments,
    expires_at=st.none() | moments,
    trust=st.sampled_from(Trust),
    status=objects,
    report=st.lists(checks, min_size=1, max_size=4).map(lambda some: Report(tuple(some))),
)


@settings(deadline=None, max_examples=200)
@given(records)
def test_a_round_trip_changes_nothing(one: CredentialRecord) -> None:
    back = record_of(document_of(one))
    assert back == one
    assert json.dumps(back.claims) == json.dumps(one.claims)  # also order, 1 and 1.0, -0.0
    assert back.received_at.tzinfo is UTC


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def test_claims_deeper_than_one_document_may_be_are_kept() -> None:
    """Disclosures within disclosures; such a record once closed the whole store."""
    deep = replace(record(), claims={"a": nested(MAX_DEPTH - 2)})
    assert record_of(document_of(deep)) == deep


@pytest.mark.parametrize(
    "claims",
    [
        {"a": nested(MAX_DEPTH)},
        {"a": nested(100_000)},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": "\ud800"},
        {"a": b"bytes"},
        {1: "not a name"},
    ],
    ids=["deep", "very deep", "nan", "inf", "surrogate", "bytes", "name"],
)
def test_what_could_not_be_read_back_is_not_kept(claims: Any) -> None:
    with pytest.raises(LocalFailure) as caught:
        document_of(replace(record(), claims=claims))
    assert caught.value.code == "internal"
    assert caught.value.__context__ is None  # the codec's error would carry the document


def test_a_time_without_a_zone_is_not_kept() -> None:
    with pytest.raises(LocalFailure, match="internal"):
        document_of(replace(record(), received_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def changed(**members: Any) -> bytes:
    return json.dumps({**json.loads(document_of(record())), **members}).encode()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        changed(version=4),
        changed(unknown=1),
        changed(id=1),
        changed(claims=[]),
        changed(issuer_display=[1]),
        changed(images={"u": ["image/png", "%%"]}),
        changed(received_at="2026-01-01T00:00:00"),
        changed(received_at="2026-01-01T00:00:00+01:00"),
        changed(report=[]),
        changed(report=[["Signature", "failed", "", ""]]),
        document_of(record())[:-1] + b',"id":"twice"}',
    ],
)
def test_anything_else_is_damage(document: bytes) -> None:
    with pytest.raises(LocalFailure) as caught:
        record_of(document)
    assert caught.value.code == "store_damaged"
    assert caught.value.__context__ is None
