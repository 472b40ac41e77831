"""From the start of a process to what a person can use."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from playwright.sync_api import Browser, sync_playwright

from tests.bench.rows import Row, timed
from tests.support.flet_browser import ARGUMENTS, CHROMIUM, Window

BARE_PAGE = """
import socket, sys
import flet as ft, uvicorn

def main(page):
    page.add(ft.Semantics(identifier="hello", content=ft.Text("Hello")))

listener = socket.create_server(("127.0.0.1", 0))
app = ft.run(main, export_asgi_app=True, no_cdn=True)
print(f"ready http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_level="error"))
server.run(sockets=[listener])
"""
FIRST_FRAME = "addEventListener('flutter-first-frame', () => { window.painted = Date.now() })"


def start(runs: int) -> Iterator[Row]:
    """The command line, and the window in browser mode."""
    with tempfile.TemporaryDirectory() as folder:
        data = ("--data-folder", f"{folder}/wallet")
        wallet = [sys.executable, "-m", "wallet", *data]
        listing = timed(lambda: subprocess.run([*wallet, "list"], check=True, stderr=-3), runs)
        bare = timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), runs)
        yield Row("process start → `wallet list` has ended", listing, "python -c pass", bare)
        if not CHROMIUM:
            print("the window: not measured, since there is no chromium", file=sys.stderr)
            return
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            window = [*wallet, "--browser", "--browser-command", "true"]
            shown = [_shown(browser, window, "door-create") for _ in range(runs)]
            plain = [
                _shown(browser, [sys.executable, "-c", BARE_PAGE], "hello") for _ in range(runs)
            ]
            browser.close()
    for name, at in (("first painted frame", 0), ("first screen can be used", 1)):
        times, bare_times = (tuple(one[at] for one in both) for both in (shown, plain))
        yield Row(f"process start → {name}", times, "a Flet page with one text", bare_times)


def _shown(browser: Browser, command: Sequence[str], identifier: str) -> tuple[float, float]:
    """Seconds until the first frame is painted, and until a control is in the semantics tree."""
    begun = time.time()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    context = browser.new_context(viewport={"width": 420, "height": 860})
    try:
        assert process.stdout
        url = process.stdout.readline().split()[1]
        page = context.new_page()
        page.add_init_script(FIRST_FRAME)
        page.goto(url)
        Window(page).attach().see(identifier)
        usable = time.time() - begun
        return page.evaluate("window.painted") / 1000 - begun, usable
    finally:
        context.close()
        process.kill()
        process.communicate()
