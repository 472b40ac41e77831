"""Browser mode: the window's contents, served on loopback to one browser tab."""

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import flet as ft
import uvicorn

from wallet.app import Wallet
from wallet.errors import LocalFailure
from wallet.gui.guard import Guard
from wallet.gui.shell import prepare
from wallet.gui.state import WalletState
from wallet.records import Secret


class OneTab:
    """Shows the wallet in one tab; a second one is told so, until the first is closed."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        self._page: ft.Page | None = None
        self.state: WalletState | None = None

    async def main(self, page: ft.Page) -> None:
        """Flet's entry for each new tab."""
        page.on_disconnect = self._left
        page.on_connect = self._came
        if self._page is not None:
            page.add(ft.Text("Your wallet is open in another tab. Close that one, then reload."))
            return
        self._page = page
        if self.state is not None:
            await self.state.retire()  # what an earlier tab shows must not stay behind
        self.state = WalletState(self._wallet)
        prepare(page, self.state)

    def _left(self, event: ft.Event[ft.Page]) -> None:
        if event.page is self._page:
            self._page = None

    def _came(self, event: ft.Event[ft.Page]) -> None:
        if self._page is None:
            self._page = event.page


async def serve(
    wallet: Wallet, assets: Path, port: int, open_url: Callable[[Secret[str]], Awaitable[None]]
) -> None:
    """Serve until SIGINT or SIGTERM; prints `ready <address>` and opens it.

    Raises:
        LocalFailure: `settings_invalid` where the port is taken.
    """
    os.environ.setdefault("FLET_WEB_NO_CDN", "1")
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise LocalFailure("settings_invalid", f"gui_port {port}: {error.strerror}") from None
    app = ft.run(OneTab(wallet).main, export_asgi_app=True, no_cdn=True, assets_dir=str(assets))
    guard = Guard(app, listener.getsockname()[1])
    config = uvicorn.Config(
        guard,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # its window would keep the last messages in memory
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _AnnouncingServer(config, guard.launch_url, open_url)
    async with wallet:
        await server.serve(sockets=[listener])


class _AnnouncingServer(uvicorn.Server):
    """Says where the window is once it can be opened."""

    def __init__(
        self,
        config: uvicorn.Config,
        url: str,
        open_url: Callable[[Secret[str]], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._url = url
        self._open_url = open_url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then open the browser."""
        await super().startup(sockets)
        print(f"ready {self._url}", flush=True)  # noqa: T201
        with contextlib.suppress(LocalFailure):
            await self._open_url(Secret(self._url))
