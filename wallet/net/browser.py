"""The system browser (RFC 8252, section 8.12: never an embedded one)."""

import asyncio
import shlex
import subprocess
import threading
import webbrowser

from wallet.errors import LocalFailure
from wallet.records import Secret


async def open_in_browser(url: Secret[str], command: str = "") -> None:
    """Open `url` in the system browser, or with `command`, which gets it as last argument.

    Raises:
        LocalFailure: `browser_failed`.
    """
    if not await asyncio.to_thread(_open, url.reveal(), command):
        raise LocalFailure("browser_failed", command or "no browser was found")


def _open(url: str, command: str) -> bool:
    if not command:
        return webbrowser.open(url)
    try:
        process = subprocess.Popen(  # noqa: S603 - the holder's own command; the URL is one argument
            [*shlex.split(command), url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return False
    threading.Thread(target=process.wait, name="wallet-browser", daemon=True).start()
    return True
