"""Claims path pointers (OpenID4VCI 1.0, Appendix C)."""

from collections.abc import Sequence

from wallet.records import Json


def select(claims: Json, path: Sequence[str | int | None]) -> list[Json]:
    """The claims a path pointer selects (Appendix C.1).

    Raises:
        ValueError: The pointer does not fit the claims, or selects nothing.
    """
    if not path:
        message = "the pointer is empty"
        raise ValueError(message)
    selected: list[Json] = [claims]
    for part in path:
        following: list[Json] = []
        for value in selected:
            following += _step(value, part)
        selected = following
    if not selected:
        message = "the pointer selects nothing"
        raise ValueError(message)
    return selected


def _step(value: Json, part: str | int | None) -> list[Json]:
    if isinstance(part, str):
        if not isinstance(value, dict):
            message = "a name where there is no object"
            raise ValueError(message)
        return [value[part]] if part in value else []
    if not isinstance(value, list):
        message = "an index where there is no array"
        raise ValueError(message)
    if part is None:
        return list(value)
    if isinstance(part, bool) or part < 0:
        message = "an index that is negative or no number"
        raise ValueError(message)
    return [value[part]] if part < len(value) else []


def has_claim(claims: Json, path: Sequence[str | int | None]) -> bool:
    """Whether a path pointer selects at least one claim."""
    try:
        return bool(select(claims, path))
    except ValueError:
        return False
