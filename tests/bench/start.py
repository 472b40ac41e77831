"""From the start of a process to what a person sees."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from playwright.sync_api import Browser

from tests.bench.chromium import MISSING, Paintings, chromium, served, tab
from tests.bench.rows import Baseline, Row, repeated, seconds
from tests.support.flet_browser import Window

BARE_PAGE = """
import socket
import flet as ft, uvicorn

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(f"ready http://127.0.0.1:{sockets[0].getsockname()[1]}/", flush=True)

def main(page):
    page.add(ft.Semantics(identifier="hello", content=ft.Text("Hello")))

app = ft.run(main, export_asgi_app=True, no_cdn=True)
config = uvicorn.Config(app, ws="websockets-sansio", log_level="error", access_log=False)
Server(config).run(sockets=[socket.create_server(("127.0.0.1", 0))])
"""
"""Flet's least, served as the wallet serves its window."""

WINDOW = (
    "process start → the window is served",
    "process start → first frame painted",
    "process start → first screen complete",
)


def start(runs: int) -> Iterator[Row]:
    """Start the command line and the window, of a person without a store.

    `wallet list` is timed until its process has ended. The window is that of `wallet --browser`, in
    a Chromium that runs already, has nothing cached and no graphics processor. It is timed until
    the wallet prints its address; until the first picture after Flutter's blank page is painted;
    and until the first screen is complete, which is when the picture changes no more.
    """
    with tempfile.TemporaryDirectory() as folder:
        wallet = (sys.executable, "-m", "wallet", "--data-folder", f"{folder}/wallet")
        commands = ((*wallet, "list"), (sys.executable, "-c", "pass"))
        ended = repeated(lambda: [_ended(one) for one in commands], runs)
        listed, nothing = zip(*ended, strict=True)
        yield Row(
            "process start → `wallet list` has ended", listed, Baseline("python -c pass", nothing)
        )
        if MISSING:
            yield from (Row(name, missing=MISSING) for name in WINDOW)
            return
        window = (*wallet, "--browser", "--browser-command", "true")
        page = (sys.executable, "-c", BARE_PAGE)
        with chromium() as browser:
            shown = repeated(
                lambda: (_shown(browser, window, "door-create"), _shown(browser, page, "hello")),
                runs,
            )
    for at, name in enumerate(WINDOW):
        times, bare = ([one[which][at] for one in shown] for which in (0, 1))
        yield Row(name, times, Baseline("a Flet page of one text", bare))


def _ended(command: Sequence[str]) -> float:
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True))


def _shown(browser: Browser, command: Sequence[str], identifier: str) -> tuple[float, float, float]:
    """Seconds to each moment of `WINDOW`; `identifier` is on the first screen."""
    with tab(browser) as page, Paintings(page).taken() as paintings:
        begun = time.time()
        with served(command) as url:
            ready = time.time()
            page.goto(url)
            painted, stands = paintings.until_quiet("flutter")
            Window(page).attach().see(identifier)
    return ready - begun, painted - begun, stands - begun
