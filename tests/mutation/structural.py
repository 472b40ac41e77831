"""Ways to damage whatever is signed, the same for every format, and the judgement of a verifier.

All are deterministic: the same input gives the same damages in the same order.
"""

import copy
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

from wallet.errors import VerificationFailed
from wallet.report import Outcome

ACCEPTED: Final = "accepted"
"""In place of a code: the verifier found nothing wrong."""

MEMORY_BYTES: Final = 100_000_000
"""What judging one credential may take: Python needs 64 bytes for an array that is `[],`."""

STRANGERS: Final[Sequence[Any]] = (None, True, 0, -1, 1.5, "", "stranger", [], [None], {}, {"a": 1})
"""Values of every kind, to stand where they do not belong."""

Place: TypeAlias = tuple[str | int, ...]


def judged(verify: Callable[[], object]) -> str:
    """The code that `verify` refuses with, or `ACCEPTED`.

    Any other exception goes through. A refusal that carries no failed check is a mistake, too.
    """
    refusal: VerificationFailed | None = None
    try:
        verify()
    except VerificationFailed as error:
        refusal = error
    if refusal is None:
        return ACCEPTED
    assert any(check.outcome is Outcome.FAILED for check in refusal.report.checks)
    return refusal.code


def judged_within(verify: Callable[[], object], memory_bytes: int = MEMORY_BYTES) -> str:
    """As `judged`; fails where Python's own memory grew by more than `memory_bytes`."""
    tracemalloc.start()
    try:
        code = judged(verify)
        assert tracemalloc.get_traced_memory()[1] < memory_bytes
    finally:
        tracemalloc.stop()
    return code


def flipped(data: bytes, count: int = 400) -> Iterator[tuple[str, bytes]]:
    """`data` with one bit turned over, at `count` places all over it."""
    bits = 8 * len(data)
    for number in range(min(count, bits)):
        bit = number * bits // min(count, bits)
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", bytes(changed)


def cut(data: bytes, count: int = 40) -> Iterator[tuple[str, bytes]]:
    """`data` without its end, cut at `count` places all over it."""
    for number in range(min(count, len(data))):
        end = number * len(data) // min(count, len(data))
        yield f"cut at {end}", data[:end]


def trailed(data: bytes) -> Iterator[tuple[str, bytes]]:
    """`data` with something after its end or before its beginning."""
    for name, more in {"zero": b"\0", "newline": b"\n", "blank": b" ", "itself": data}.items():
        yield f"{name} after", data + more
        yield f"{name} before", more + data


def bent(document: Any) -> Iterator[tuple[str, Any]]:
    """A tree with one part taken out, doubled, swapped with its neighbour or of another kind.

    Each is a copy of its own; `document` may hold byte strings and integer keys, too.
    """
    for place in _places(document):
        name = "/".join(map(str, place))
        yield f"without {name}", _changed(document, place, _remove)
        for stranger in STRANGERS:
            yield f"{stranger!r} at {name}", _changed(document, place, _put(stranger))
        if isinstance(place[-1], int) and isinstance(_at(document, place[:-1]), list):
            yield f"{name} twice", _changed(document, place, _double)
    for first, second in pairwise(_places(document)):
        if first[:-1] == second[:-1]:
            changed = copy.deepcopy(document)
            home = _at(changed, first[:-1])
            home[first[-1]], home[second[-1]] = home[second[-1]], home[first[-1]]
            yield f"{first} for {second}", changed


def nested(depth: int, kind: str = "[") -> bytes:
    """JSON of so many arrays, or objects, within each other."""
    opening, closing = {"[": (b"[", b"]"), "{": (b'{"a":', b"}")}[kind]
    return opening * depth + b"1" + closing * depth


def doubled(text: bytes, name: str) -> bytes:
    """The JSON object `text` with the member `name` once more, in front, as another value."""
    return b'{"' + name.encode() + b'":"first",' + text.lstrip()[1:]


def _places(document: Any, path: Place = ()) -> Iterator[Place]:
    if isinstance(document, Mapping):
        inside = list(document.items())
    elif isinstance(document, Sequence) and not isinstance(document, str | bytes):
        inside = list(enumerate(document))
    else:
        return
    for key, value in inside:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _at(document: Any, path: Place) -> Any:
    for key in path:
        document = document[key]
    return document


def _changed(document: Any, place: Place, change: Callable[[Any, str | int], None]) -> Any:
    changed = copy.deepcopy(document)
    change(_at(changed, place[:-1]), place[-1])
    return changed


def _remove(home: Any, key: str | int) -> None:
    del home[key]


def _put(value: Any) -> Callable[[Any, str | int], None]:
    def put(home: Any, key: str | int) -> None:
        home[key] = value

    return put


def _double(home: Any, key: str | int) -> None:
    home.insert(key, copy.deepcopy(home[key]))
