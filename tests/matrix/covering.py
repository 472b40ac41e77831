"""Rows of a table such that each two values of different columns meet in one of them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, product

Row = Mapping[str, str]
"""A value for each column."""
Pair = frozenset[tuple[str, str]]
"""Two columns, each with a value."""


def pairs(row: Row) -> set[Pair]:
    """What meets in a row."""
    return {frozenset(two) for two in combinations(row.items(), 2)}


def possible(columns: Mapping[str, Sequence[str]], impossible: Iterable[Row]) -> list[Row]:
    """All rows but those that agree with an impossible one in each column that it names."""
    rows = [dict(zip(columns, values, strict=True)) for values in product(*columns.values())]
    return [row for row in rows if not any(one.items() <= row.items() for one in impossible)]


def covering(columns: Mapping[str, Sequence[str]], impossible: Iterable[Row]) -> list[Row]:
    """Few of the possible rows, in which all pairs meet that can: the best next one, each time."""
    rows = possible(columns, impossible)
    missing = set[Pair]().union(*map(pairs, rows))
    chosen = []
    while missing:
        best = max(rows, key=lambda row: len(pairs(row) & missing))
        missing -= pairs(best)
        chosen.append(best)
    return chosen
