"""The seal of a record and the manifest: nothing of a record can be exchanged unnoticed."""

import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import LocalFailure
from wallet.vault.sealing import NONCE_BYTES, TAG_BYTES, Manifest, Name, Sealer

KEY = bytes(range(32))
NAME = Name("credential", "id", 3, ("k1", "k2"))
CONTENT = b"sentinel content"

NAMES = st.builds(
    Name,
    st.sampled_from(["credential", "flow", "holder_key"]),
    st.text(max_size=5),
    st.integers(1, 3),
    st.tuples(st.text(max_size=2)) | st.just(()),
)


@pytest.fixture(scope="module")
def sealer() -> Sealer:
    return Sealer(bytearray(KEY))


@given(NAMES, st.binary(max_size=100))
def test_what_is_sealed_opens(name: Name, content: bytes) -> None:
    sealer = Sealer(bytearray(KEY))
    tag, sealed = sealer.seal(name, content)
    assert len(tag) == NONCE_BYTES + TAG_BYTES
    assert len(sealed) == len(content)
    assert sealer.open(name, tag, sealed) == content


@given(NAMES, NAMES)
def test_another_name_opens_nothing(one: Name, other: Name) -> None:
    sealer = Sealer(bytearray(KEY))
    tag, sealed = sealer.seal(one, CONTENT)
    assert (one.bound() == other.bound()) == (one == other)
    assert (sealer.mark(one, tag) == sealer.mark(other, tag)) == (one == other)
    if one != other:
        with pytest.raises(LocalFailure, match="store_damaged"):
            sealer.open(other, tag, sealed)


def test_every_flipped_byte_and_another_key(sealer: Sealer) -> None:
    tag, sealed = sealer.seal(NAME, CONTENT)
    whole = tag + sealed
    for at in range(len(whole)):
        flipped = whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :]
        with pytest.raises(LocalFailure) as caught:
            sealer.open(NAME, flipped[: len(tag)], flipped[len(tag) :])
        assert caught.value.code == "store_damaged"
        assert caught.value.__context__ is None
        assert "sentinel" not in repr(caught.value)
    for size in range(len(tag)):
        with pytest.raises(LocalFailure, match="store_damaged"):
            sealer.open(NAME, tag[:size], sealed)
    with pytest.raises(LocalFailure, match="store_damaged"):
        Sealer(bytearray(32)).open(NAME, tag, sealed)


def test_no_two_seals_are_equal(sealer: Sealer) -> None:
    assert len({sealer.seal(NAME, CONTENT) for _ in range(500)}) == 500


def test_a_mark_needs_the_key(sealer: Sealer) -> None:
    tag, _ = sealer.seal(NAME, CONTENT)
    assert sealer.mark(NAME, tag) == Sealer(bytearray(KEY)).mark(NAME, tag)
    assert sealer.mark(NAME, tag) != Sealer(bytearray(32)).mark(NAME, tag)


@given(st.lists(st.integers(0, (1 << 256) - 1), max_size=8), st.randoms())
def test_the_manifest_is_the_set_whatever_its_order(marks: list[int], order: object) -> None:
    first = second = Manifest(generation=5)
    for mark in marks:
        first = first.with_mark(mark)
    shuffled = list(marks)
    order.shuffle(shuffled)  # type: ignore[attr-defined] # a random.Random
    for mark in shuffled:
        second = second.with_mark(mark)
    assert first == second
    assert 0 <= first.total < 1 << 256
    for mark in marks:
        first = first.without_mark(mark)
    assert first == Manifest(generation=5)


@given(st.integers(0, 1 << 62), st.integers(0, 1 << 40), st.integers(0, (1 << 256) - 1))
def test_the_manifest_is_read_as_written(generation: int, count: int, total: int) -> None:
    sealer, manifest = Sealer(bytearray(KEY)), Manifest(generation, count, total)
    assert sealer.open_manifest(sealer.seal_manifest(manifest)) == manifest


def test_a_manifest_that_is_not_ours(sealer: Sealer) -> None:
    sealed = sealer.seal_manifest(Manifest(7, 2, 1 << 255))
    flips = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    other = Sealer(bytearray(32)).seal_manifest(Manifest())
    record = b"".join(sealer.seal(NAME, CONTENT))
    for wrong in (*flips, b"", sealed[:11], sealed[:-1], sealed + b"\0", other, record):
        with pytest.raises(LocalFailure, match="the manifest is not what the wallet wrote"):
            sealer.open_manifest(wrong)


def test_what_is_forgotten() -> None:
    sealer = Sealer(bytearray(KEY))
    sealer.forget()
    assert sealer._marks == bytearray(32)


def test_a_name_is_not_changed_by_its_parts() -> None:
    """No two names have the same bytes, however their parts are cut."""
    names = [NAME, replace(NAME, kind="credentialid", id=""), replace(NAME, keys=("k1k2",))]
    names += [replace(NAME, id=f'id", {n}') for n in (3, 4)]
    names += [replace(NAME, id=secrets.token_hex(4)), replace(NAME, keys=())]
    assert len({name.bound() for name in names}) == len(names)
