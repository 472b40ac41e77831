"""The desktop window."""

import os
import sys
from pathlib import Path

import flet as ft

from wallet.app import Wallet
from wallet.gui.shell import prepare
from wallet.gui.state import WalletState


def window_trouble() -> str:
    """Why there can be no window here; empty where there can."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return "there is no display"
    try:
        import flet_desktop  # noqa: PLC0415 - only where there is a display

        flet_desktop.ensure_client_cached()
    except (ImportError, OSError, RuntimeError) as error:
        return f"the Flet desktop client cannot be had ({type(error).__name__})"
    return ""


def show(wallet: Wallet, assets: Path) -> None:
    """Open the window and stay until it is closed."""

    async def main(page: ft.Page) -> None:
        page.window.width, page.window.height = 460, 860
        page.window.min_width, page.window.min_height = 360, 560
        prepare(page, WalletState(wallet))

    ft.run(main, assets_dir=str(assets))
