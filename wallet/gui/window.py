"""The desktop window."""

import os
import socket
import sys
from pathlib import Path
from typing import Final

import flet as ft

from wallet.app import Wallet
from wallet.gui.shell import prepare
from wallet.gui.state import WalletState

DOWNLOAD_STALLS_S: Final = 10.0
"""How long the download of the desktop client, at the first start, may stand still."""


def window_trouble() -> str:
    """Why there can be no window here; empty where there can.

    At the very first start Flet downloads its desktop client, and says so on the terminal.
    """
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return "there is no display"
    if os.environ.get("FLET_VIEW_PATH"):  # a client of the person's own
        return ""
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_STALLS_S)
    try:
        import flet_desktop  # noqa: PLC0415 - only where there is a display

        flet_desktop.ensure_client_cached()
    except Exception as error:  # noqa: BLE001 - download, archive, disk: whatever it was
        return f"the Flet desktop client cannot be had ({type(error).__name__})"
    finally:
        socket.setdefaulttimeout(patience)
    return ""


async def show(wallet: Wallet, assets: Path) -> None:
    """Open the window and stay until it is closed."""

    async def main(page: ft.Page) -> None:
        page.window.width, page.window.height = 460, 860
        page.window.min_width, page.window.min_height = 360, 560
        prepare(page, WalletState(wallet))

    async with wallet:
        await ft.run_async(main, assets_dir=str(assets))
