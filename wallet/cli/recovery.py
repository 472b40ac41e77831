"""Handing a new recovery code to the holder: once, at a terminal or in a file of their own."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wallet.app import Wallet
from wallet.cli.holder import ask
from wallet.cli.output import line, note
from wallet.errors import LocalFailure
from wallet.records import Secret

RECOVERY_FLAG = "--recovery-code-file"


def can_show(*, as_json: bool) -> bool:
    """Whether there is a person to show a code to; it never goes into a pipe or among JSON."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not as_json


@contextmanager
def code_file(path: Path | None) -> Iterator[None]:
    """Make the new file for a code first of all; it is gone again if it stays empty.

    Raises:
        LocalFailure: `settings_invalid` where it is there already or cannot be written.
    """
    if path is None:
        yield
        return
    with _telling(path):
        path.touch(mode=0o600, exist_ok=False)
    try:
        yield
    finally:
        if path.stat().st_size == 0:
            path.unlink()


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        detail = f"{RECOVERY_FLAG}: {path}: {error.strerror}"
        raise LocalFailure("settings_invalid", detail) from None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl+C waits for a second or two, where stopping would leave things half done."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def hand_over_new_code(wallet: Wallet, path: Path | None) -> None:
    """Make a new recovery code, write it into the file or show it, and have it confirmed.

    What was written is confirmed by reading the file; what was shown, by typing it back.
    """
    note("· Making a recovery code …")
    with uninterrupted():  # from here on an older code opens nothing: the new one must get out
        code = await wallet.new_recovery_code()
        if path is None:
            line(f"Recovery code: {code.reveal()}")
        else:
            with _telling(path):
                written = _written(path, code)
            await wallet.confirm_recovery(written)
    if path is None:
        note("It opens this wallet where passphrase or keyring are lost. It is never shown again.")
        note("Write it down on paper.")
        await _typed_back(wallet)
    else:
        note(f"Wrote the recovery code into {path}. Keep it where this wallet is not.")


def _written(path: Path, code: Secret[str]) -> Secret[str]:
    """Write the code durably; gives what the file holds then."""
    with path.open("w", encoding="ascii") as out:
        out.write(f"{code.reveal()}\n")
        out.flush()
        os.fsync(out.fileno())
    return Secret(path.read_text("ascii").strip())


async def _typed_back(wallet: Wallet) -> None:
    while typed := ask("Type it here, off the paper (Enter alone: later):"):
        try:
            await wallet.confirm_recovery(Secret(typed))
        except LocalFailure as failure:
            if failure.code != "recovery_wrong":
                raise
            note(f"{failure.sentence} {failure.advice}")
        else:
            note("Confirmed.")
            return
