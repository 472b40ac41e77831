"""The bits of a status list, and what they mean."""

import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from wallet.credentials.status.reference import Reference
from wallet.records import Standing

INFLATED_LIMIT_BYTES: Final = 4 * 1024 * 1024
"""Largest list once inflated: 2^22 places of eight bits, 2^25 of one."""

_TOKEN: Final = {0: Standing.VALID, 1: Standing.REVOKED, 2: Standing.SUSPENDED}
"""Token Status List, section 7.1; all other values are an application's own, or reserved."""
_PURPOSES: Final = {"revocation": Standing.REVOKED, "suspension": Standing.SUSPENDED}
"""Bitstring Status List, section 2.1: `statusPurpose`."""


@dataclass(frozen=True)
class StatusList:
    """A verified status list.

    Attributes:
        statuses: The inflated list.
        bits: How many bits a place has: 1, 2, 4 or 8.
        purpose: What a Bitstring Status List is about; empty for a Token Status List.
        until: When it must be fetched again; aware, UTC, or None where it does not say.
    """

    statuses: bytes = field(repr=False)
    bits: int
    purpose: str
    until: datetime | None

    def standing(self, reference: Reference) -> Standing:
        """What the list says of a place.

        Raises:
            ValueError: The place is outside of the list, or the list is of another purpose.
        """
        value = self._value(reference)
        if reference.kind == "token":
            return _TOKEN.get(value, Standing.UNKNOWN)
        if reference.purpose != self.purpose:
            message = f"a list for {self.purpose[:40]!r}, not {reference.purpose[:40]!r}"
            raise ValueError(message)
        return _PURPOSES.get(self.purpose, Standing.UNKNOWN) if value else Standing.VALID

    def _value(self, reference: Reference) -> int:
        """The bits of a place: the least significant first, or in a bitstring the most."""
        byte, place = divmod(reference.index * self.bits, 8)
        if byte >= len(self.statuses):
            message = "the index is outside of the list"
            raise ValueError(message)
        if reference.kind == "bitstring":
            place = 8 - self.bits - place
        return self.statuses[byte] >> place & ((1 << self.bits) - 1)


def inflated(data: bytes, *, gzip: bool) -> bytes:
    """The inflated list (ZLIB, RFC 1950, or GZIP, RFC 1952).

    Raises:
        ValueError: It is not whole, something follows it, or it is larger than
            `INFLATED_LIMIT_BYTES`.
    """
    inflating = zlib.decompressobj(zlib.MAX_WBITS | 16 if gzip else zlib.MAX_WBITS)
    try:
        statuses = inflating.decompress(data, INFLATED_LIMIT_BYTES + 1)
    except zlib.error as error:
        message = f"the list can't be inflated: {error}"
        raise ValueError(message) from None
    if len(statuses) > INFLATED_LIMIT_BYTES:
        message = "the list is too large"
        raise ValueError(message)
    if not inflating.eof or inflating.unused_data:
        message = "the list is cut off, or something follows it"
        raise ValueError(message)
    return statuses
