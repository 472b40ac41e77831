"""What crosses the pipe to the vault's process comes out as it went in."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.records import record
from wallet.errors import LocalFailure
from wallet.records import Flow, HolderKey, Protection, Secret
from wallet.vault.wire import FRAME_LIMIT_BYTES, HEAD, frame, length, message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def crossed(*values: object) -> tuple[object, ...]:
    whole = frame(*values)
    packed = whole[HEAD.size :]
    assert length(whole[: HEAD.size]) == len(packed)
    return message(packed)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**63),
        "text \ud800 with half a letter",
        b"\x00\xff",
        (),
        ("a", ("b",), ["c", {"d": ()}]),
        Path("/a/b c/\udcff"),
        record(3, "key"),
        HolderKey("id", "ES256", {"kty": "EC"}),
        Flow("id", ("a", "b"), {"stage": "consent", "n": 2**80, "deep": [[], {}]}),
        Protection(passphrase=True, keyring=False, recovery=True, recovery_confirmed=False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_crosses(value: object) -> None:
    assert crossed(value) == (value,)
    assert type(crossed(value)[0]) is type(value)


@given(JSON)
def test_any_document_of_a_flow_crosses(document: object) -> None:
    flow = Flow("id", (), {"document": document})  # type: ignore[dict-item]
    assert crossed(flow) == (flow,)


def test_a_secret_crosses_without_showing_itself() -> None:
    (secret,) = crossed(Secret("sentinel"))
    assert isinstance(secret, Secret)
    assert secret.reveal() == "sentinel"
    assert crossed(Secret(None), None)[1] is None


def test_what_has_no_way_across_is_refused() -> None:
    with pytest.raises(LocalFailure, match="object does not cross"):
        frame(object())
    with pytest.raises(LocalFailure, match="too large"):
        frame(bytes(FRAME_LIMIT_BYTES))
    with pytest.raises(ValueError, match="no frame"):
        length(HEAD.pack(FRAME_LIMIT_BYTES + 1))
