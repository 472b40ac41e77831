"""The rows of the matrix."""

import pytest

from tests.matrix.covering import Row, covering, pairs, possible
from tests.matrix.rows import COLUMNS, IMPOSSIBLE, ROWS


def every_pair(rows: list[Row]) -> set[frozenset[tuple[str, str]]]:
    return set().union(*map(pairs, rows))


def test_every_pair_that_can_occur_is_in_a_row() -> None:
    can_occur = every_pair(possible(COLUMNS, IMPOSSIBLE.values()))
    assert can_occur == every_pair(ROWS)
    assert len(ROWS) < len(possible(COLUMNS, IMPOSSIBLE.values())) / 10


def test_what_does_not_occur_has_a_reason() -> None:
    for missing in every_pair(possible(COLUMNS, [])) - every_pair(ROWS):
        assert any(set(one.items()) <= missing or len(one) == 1 for one in IMPOSSIBLE.values())
    for reason, one in IMPOSSIBLE.items():
        assert all(value in COLUMNS[name] for name, value in one.items()), reason


@pytest.mark.parametrize("reason", IMPOSSIBLE)
def test_what_is_impossible_is_in_no_row(reason: str) -> None:
    assert not [row for row in ROWS if IMPOSSIBLE[reason].items() <= row.items()]


def test_two_columns_meet_in_full() -> None:
    columns = {"a": "12", "b": "xy"}
    assert len(covering(columns, [])) == 4
    assert covering(columns, [{"a": "1", "b": "x"}]) == [
        {"a": "1", "b": "y"},
        {"a": "2", "b": "x"},
        {"a": "2", "b": "y"},
    ]


def test_the_rows_are_the_same_each_time() -> None:
    assert covering(COLUMNS, IMPOSSIBLE.values()) == ROWS
