"""The operating system's keyring (owner of `keyring`): known backends only, never a fallback.

`keyring` by itself may choose a backend that forgets, asks on the console or writes plain text; an
environment variable can name any class. Here the backends are made by name and tried out.
"""

import asyncio
import base64
import configparser
import importlib
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeVar

from wallet.errors import LocalFailure

BACKENDS: Final = {
    "darwin": ("keyring.backends.macOS.Keyring",),
    "win32": ("keyring.backends.Windows.WinVaultKeyring",),
}.get(
    sys.platform,
    (
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
    ),
)
"""What may hold a key here; each is used only where it says it can work, by its own priority.

Those of other systems are not even imported: that would start programs.
"""

CHAINER: Final = "keyring.backends.chainer.ChainerBackend"
"""No store of its own; what it would choose from is looked at here."""

TIMEOUT_S: Final = 60.0
"""A locked keyring with a display asks its owner; they get this long to answer."""

T = TypeVar("T")


def _configured() -> str:
    """The backend that the person or their system has named for all programs, or empty."""
    if name := os.environ.get("PYTHON_KEYRING_BACKEND", ""):
        return name
    from keyring.util import platform_  # noqa: PLC0415

    # Only read: keyring itself would add a folder of this file to where code is loaded from.
    config = configparser.RawConfigParser()
    with suppress(configparser.Error, OSError, UnicodeDecodeError):
        config.read(platform_.config_root() / "keyringrc.cfg", encoding="utf-8")
    return config.get("backend", "default-keyring", fallback="").strip()


def _backends() -> list[Any]:
    """The backends that can work here, best first; never empty."""
    configured = _configured()
    if configured and configured not in (*BACKENDS, CHAINER):
        # Whoever switched the keyring off meant it; and no other class is trusted with a key.
        raise LocalFailure("keyring_unavailable", f"keyring is set to {configured[:100]}")
    found: list[tuple[float, Any]] = []
    for name in [configured] if configured in BACKENDS else BACKENDS:
        module, _, class_name = name.rpartition(".")
        try:
            backend_class = getattr(importlib.import_module(module), class_name)
            priority, backend = float(backend_class.priority), backend_class()
            if class_name == "WinVaultKeyring":
                backend.persist = "local machine"  # else it roams to other machines
        except Exception:  # noqa: BLE001, S112 - a backend that cannot be made is none
            continue
        found.append((priority, backend))
    if not found:
        raise LocalFailure("keyring_unavailable", "no known keyring service runs in this session")
    return [backend for _, backend in sorted(found, key=lambda one: one[0], reverse=True)]


async def _call(action: Callable[[], T]) -> T:
    """Run a keyring call off the event loop, within `TIMEOUT_S`.

    On a thread of its own that the end of the program does not wait for: a call that hangs cannot
    be stopped.
    """
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # from here on a waiter that leaves cannot cancel it

    def work() -> None:
        try:
            done.set_result(action())
        except LocalFailure as failure:
            done.set_exception(failure)
        except Exception as error:  # noqa: BLE001 - each backend has errors of its own
            done.set_exception(LocalFailure("keyring_unavailable", type(error).__name__))

    threading.Thread(target=work, name="wallet-keyring", daemon=True).start()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await asyncio.wrap_future(done)
    except TimeoutError:
        raise LocalFailure("keyring_unavailable", f"no answer in {TIMEOUT_S:g} s") from None


def _keeps(backend: Any, service: str, text: str) -> bool:  # noqa: ANN401
    backend.set_password(service, service, text)
    return bool(backend.get_password(service, service) == text)


def _proved() -> Any:  # noqa: ANN401 - keyring's backends share no useful type
    """The best backend that keeps and forgets a random value."""
    for backend in _backends():
        service = f"oid4vci-wallet/probe-{secrets.token_hex(8)}"
        try:
            kept = _keeps(backend, service, secrets.token_hex(32))
            backend.delete_password(service, service)
            if kept and backend.get_password(service, service) is None:
                return backend
        except Exception:  # noqa: BLE001, S112 - the next one may work
            continue
    raise LocalFailure("keyring_unavailable", "the keyring does not keep what it is given")


async def store_secret(service: str, secret: bytes) -> str:
    """Put `secret` into the keyring and read it back; gives the name of the backend.

    Raises:
        LocalFailure: `keyring_unavailable`, also where the keyring forgets or changes it.
    """
    text = base64.b64encode(secret).decode("ascii")

    def store() -> str:
        backend = _proved()
        if not _keeps(backend, service, text):
            raise LocalFailure("keyring_unavailable", "the keyring does not keep what it is given")
        return f"{type(backend).__module__}.{type(backend).__qualname__}"

    return await _call(store)


async def load_secret(service: str) -> bytes:
    """Take a secret from the keyring; where several run, from the one that has it.

    Raises:
        LocalFailure: `keyring_unavailable`, or `keyring_entry_missing`.
    """

    def get() -> object:
        failed = ""
        for backend in _backends():
            try:
                text = backend.get_password(service, service)
            except Exception as error:  # noqa: BLE001 - the next one may have it
                failed = type(error).__name__
                continue
            if text is not None:
                return text
        if failed:  # the entry may be in the keyring that did not answer
            raise LocalFailure("keyring_unavailable", failed)
        return None

    text = await _call(get)
    if not isinstance(text, str):
        raise LocalFailure("keyring_entry_missing", service)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise LocalFailure("keyring_entry_missing", "the entry was changed") from None


async def remember(service: str, text: str) -> None:
    """Keep a short text that may be lost. Raises `LocalFailure("keyring_unavailable")`."""
    await _call(lambda: _backends()[0].set_password(service, service, text))


async def recall(service: str) -> str | None:
    """What was remembered, or None. Raises `LocalFailure("keyring_unavailable")`."""

    def get() -> object:
        return _backends()[0].get_password(service, service)

    text = await _call(get)
    return text if isinstance(text, str) else None


async def delete_secret(service: str) -> None:
    """Remove a secret. Raises `LocalFailure("keyring_unavailable")`."""
    await _call(lambda: _backends()[0].delete_password(service, service))


async def keyring_usable() -> bool:
    """Whether a keyring keeps a secret, tried with a random one."""
    try:
        await _call(_proved)
    except LocalFailure:
        return False
    return True
