"""Faults: ways of being wrong on purpose, to try wallets with (`--fault NAME`).

`python -m reference_servers.faults` prints the table. A server hands what it is about to use to
`Faults.at` with the name of the place; the fault in force changes it there, every other place is
left alone. The places `<endpoint>` are whole HTTP responses (`serving.application` sees to these),
`<endpoint> document` are JSON documents before they are signed, encrypted or sent.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

from reference_servers.faults import authorization_server, credential_issuer
from reference_servers.faults.changes import SLOW_S, Fault

__all__ = ("FAULTS", "NO_FAULT", "SLOW_S", "Fault", "Faults", "known")

FAULTS: Final[Mapping[str, Fault]] = {**credential_issuer.FAULTS, **authorization_server.FAULTS}

T = TypeVar("T")


class Faults:
    """The fault in force; the empty name stands for none."""

    def __init__(self, name: str = "") -> None:
        self._fault = FAULTS.get(name)

    def at(self, place: str, value: T) -> T:
        """The value to go on with at a place."""
        if self._fault is None or self._fault.at != place:
            return value
        changed: T = self._fault.change(value)
        return changed


NO_FAULT: Final = Faults()


def known(name: str) -> str:
    """The name of a fault, or the empty one.

    Raises:
        ValueError: There is no such fault.
    """
    if name and name not in FAULTS:
        message = "no such fault; python -m reference_servers.faults prints them"
        raise ValueError(message)
    return name
