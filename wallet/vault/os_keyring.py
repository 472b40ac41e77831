"""The operating system's keyring (owner of `keyring`): known backends only, never a fallback.

`keyring` by itself may choose a backend that forgets, asks on the console or writes plain text; an
environment variable can name any class. Here the backends are made by name and tried out.
"""

import asyncio
import base64
import importlib
import secrets
from collections.abc import Callable
from typing import Any, Final, TypeVar

from wallet.errors import LocalFailure

BACKENDS: Final = (
    ("keyring.backends.macOS", "Keyring"),
    ("keyring.backends.Windows", "WinVaultKeyring"),
    ("keyring.backends.SecretService", "Keyring"),
    ("keyring.backends.libsecret", "Keyring"),
    ("keyring.backends.kwallet", "DBusKeyring"),
)
"""What may hold a key, best first; each is used only where it says it can work."""

TIMEOUT_S: Final = 60.0
"""A locked keyring with a display asks its owner; they get this long to answer."""

T = TypeVar("T")


def _backend() -> Any:  # noqa: ANN401 - keyring's backends share no useful type
    for module, name in BACKENDS:
        try:
            backend_class = getattr(importlib.import_module(module), name)
            backend = backend_class() if backend_class.priority > 0 else None
        except Exception:  # noqa: BLE001, S112 - a backend that cannot be made is none
            continue
        if backend is not None:
            if name == "WinVaultKeyring":
                backend.persist = "local machine"
            return backend
    raise LocalFailure("keyring_unavailable", "no known keyring service runs in this session")


async def _call(action: Callable[[], T]) -> T:
    """Run a keyring call off the event loop, within `TIMEOUT_S`."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await asyncio.to_thread(action)
    except LocalFailure:
        raise
    except TimeoutError:
        raise LocalFailure("keyring_unavailable", f"no answer in {TIMEOUT_S:g} s") from None
    except Exception as error:  # noqa: BLE001 - each backend has errors of its own
        raise LocalFailure("keyring_unavailable", type(error).__name__) from None


async def store_secret(service: str, secret: bytes) -> None:
    """Put `secret` into the keyring and read it back.

    Raises:
        LocalFailure: `keyring_unavailable`, also where the keyring forgets or changes it.
    """
    text = base64.b64encode(secret).decode("ascii")

    def put() -> str | None:
        backend = _backend()
        backend.set_password(service, service, text)
        kept: str | None = backend.get_password(service, service)
        return kept

    if await _call(put) != text:
        raise LocalFailure("keyring_unavailable", "the keyring does not keep what it is given")


async def load_secret(service: str) -> bytes:
    """Take a secret from the keyring.

    Raises:
        LocalFailure: `keyring_unavailable`, or `keyring_entry_missing`.
    """
    text = await _call(lambda: _backend().get_password(service, service))
    if not isinstance(text, str):
        raise LocalFailure("keyring_entry_missing", service)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise LocalFailure("keyring_entry_missing", "the entry was changed") from None


async def delete_secret(service: str) -> None:
    """Remove a secret. Raises `LocalFailure("keyring_unavailable")`."""
    await _call(lambda: _backend().delete_password(service, service))


async def keyring_usable() -> bool:
    """Whether the keyring keeps a secret, tried with a random one."""
    service = f"oid4vci-wallet/probe-{secrets.token_hex(8)}"
    try:
        await store_secret(service, secrets.token_bytes(32))
        await delete_secret(service)
    except LocalFailure:
        return False
    return True
