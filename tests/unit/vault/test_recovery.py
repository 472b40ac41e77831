"""The recovery code: what people write down, mistype and type in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.records import Secret
from wallet.vault.recovery import ALPHABET, _check, canonical, new_code

NUMBERS = st.integers(0, (1 << 128) - 1)


def code_of(number: int) -> str:
    symbols = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(26)))
    return symbols + _check(symbols)


def test_a_code_has_seven_groups_and_128_random_bits() -> None:
    codes = [new_code().reveal() for _ in range(200)]
    assert len(set(codes)) == len(codes)
    for code in codes:
        groups = code.split("-")
        assert [len(group) for group in groups] == [4] * 7
        assert set("".join(groups)) <= set(ALPHABET)
        read = canonical(Secret(code))
        assert read is not None
        assert read.reveal() == "".join(groups)
    # 26 symbols of 5 bits hold 130: the first has but 3 of them; every other place varies fully.
    assert {code[0] for code in codes} <= set(ALPHABET[:8])
    for place in (1, 2, 3, 5, 31):
        assert len({code[place] for code in codes}) > 24


@given(NUMBERS, st.data())
def test_what_people_add_or_confuse_does_not_matter(number: int, data: st.DataObject) -> None:
    plain = code_of(number)
    confused = {"0": "0oO", "1": "1iIlL"}
    typed = "".join(
        data.draw(st.sampled_from(confused.get(one, one + one.lower())))
        + data.draw(st.sampled_from(["", "", " ", "-", "\n", "\u00a0", "\u2011", "\u2013", "\t"]))
        for one in plain
    )
    read = canonical(Secret(typed))
    assert read is not None
    assert read.reveal() == plain


def test_a_slip_in_one_character_is_noticed_at_once() -> None:
    """Ten bits check it: of 868 possible slips in a code about one is left to the derivation."""
    unnoticed = tried = 0
    for number in range(1, 1 << 127, 1 << 122):
        plain = code_of(number)
        for at in range(len(plain)):
            for other in ALPHABET.replace(plain[at], ""):
                tried += 1
                slip = plain[:at] + other + plain[at + 1 :]
                unnoticed += canonical(Secret(slip)) is not None
    assert tried == 32 * 28 * 31
    assert unnoticed < tried / 500


def test_two_neighbours_exchanged_are_noticed() -> None:
    unnoticed = 0
    for number in range(7, 1 << 127, 1 << 119):
        plain = code_of(number)
        for at in range(len(plain) - 1):
            swapped = plain[:at] + plain[at + 1] + plain[at] + plain[at + 2 :]
            unnoticed += swapped != plain and canonical(Secret(swapped)) is not None
    assert unnoticed < 256 * 27 / 500


@pytest.mark.parametrize("text", ["", "-", "0", "U" * 28, "\ud800" * 28, "é" * 28, "0" * 10_000])
def test_what_cannot_be_a_code(text: str) -> None:
    assert canonical(Secret(text)) is None


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_none(text: str) -> None:
    read = canonical(Secret(text))
    assert read is None or len(read.reveal()) == 28
