"""The window of the wallet, in Flet: on the desktop or, guarded, in a browser."""

import asyncio
import signal
import sys
from pathlib import Path
from types import FrameType

from wallet.app import Wallet
from wallet.errors import WalletError


def assets() -> Path:
    """The folder of fonts and pictures: inside an installed package, or beside it."""
    package = Path(__file__).parents[1]
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"


def run(wallet: Wallet) -> int:
    """Show the wallet until its window or browser mode ends; returns the exit code."""
    from wallet.gui.browser import serve  # noqa: PLC0415 - Flet is loaded for the window only
    from wallet.gui.window import show, window_trouble  # noqa: PLC0415

    settings = wallet.in_force.settings
    in_browser = settings.gui == "browser"
    if not in_browser and (trouble := window_trouble()):
        print(f"wallet: no window, since {trouble}; using the browser.", file=sys.stderr)  # noqa: T201
        in_browser = True
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if in_browser:
            asyncio.run(serve(wallet, assets(), settings.gui_port, wallet.open_in_browser))
        else:
            asyncio.run(show(wallet, assets()))
    except KeyboardInterrupt:
        pass
    except WalletError as error:
        print(f"wallet: {error.sentence} {error.detail}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as by Ctrl+C: the store is closed on the way out."""
    raise KeyboardInterrupt
