"""The recovery code: 128 random bits as a person writes them down."""

import hashlib
import secrets
from typing import Final

from wallet.records import Secret

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O and U, which are taken for other characters or words."""
_READ_AS: Final = str.maketrans({"I": "1", "L": "1", "O": "0"})
_SYMBOLS: Final = 26
_CHECK: Final = 2
GROUP: Final = 4


def new_code() -> Secret[str]:
    """A fresh code: seven groups of four characters, the last two of them a check."""
    number = secrets.randbits(128)
    symbols = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(_SYMBOLS)))
    whole = symbols + _check(symbols)
    groups = (whole[at : at + GROUP] for at in range(0, len(whole), GROUP))
    return Secret("-".join(groups))


def canonical(code: Secret[str]) -> Secret[str] | None:
    """The code without what people add, or None where it cannot be one: a slip of the pen."""
    text = "".join(one for one in code.reveal().upper() if one.isalnum()).translate(_READ_AS)
    if len(text) != _SYMBOLS + _CHECK or not set(text) <= set(ALPHABET):
        return None
    return Secret(text) if _check(text[:_SYMBOLS]) == text[_SYMBOLS:] else None


def _check(symbols: str) -> str:
    digest = hashlib.sha256(symbols.encode()).digest()
    return "".join(ALPHABET[byte & 31] for byte in digest[:_CHECK])
