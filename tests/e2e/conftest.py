"""The whole thing: two servers, the wallet's window and a browser, all real."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.support.flet_browser import ARGUMENTS, CHROMIUM, Window
from tests.support.reference_servers import ReferenceServers, free_port, reference_servers

OPENER = """
import sys, urllib.parse, urllib.request
address = "http://127.0.0.1:{port}/json/new?" + urllib.parse.quote(sys.argv[1], safe="")
urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=20).read()
"""
"""The system browser of the test: it opens a tab in the running Chromium."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not CHROMIUM:
        for item in items:
            if "/e2e/" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="needs the package chromium"))


@dataclass
class Desk:
    """A person's desk: a browser, and the wallet as a process of its own.

    Attributes:
        folder: Where everything is written.
        servers: The reference servers.
        context: The browser; the wallet opens its tabs.
        opener: The command that opens a tab there.
        trusting: Whether the demo CA is the wallet's trust anchor.
        environment: Further variables of the wallet's.
    """

    folder: Path
    servers: ReferenceServers
    context: BrowserContext
    opener: str
    trusting: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "wallet.log"

    @property
    def data_folder(self) -> Path:
        return self.folder / "wallet"

    def start_wallet(self, *flags: str) -> Window:
        """Start the wallet, whose window opens as a tab of the browser."""
        with self.context.expect_page() as opened, self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wallet", "--browser", *self.settings(), *flags],
                stdout=log,
                stderr=log,
                env=clean_environment(self.folder) | self.environment,
            )
        return Window(opened.value).attach()

    def settings(self) -> list[str]:
        trust = ("--trust-anchor", str(self.servers.ca_pem))
        return [
            *("--data-folder", str(self.data_folder)),
            *("--browser-command", self.opener),
            *("--language", "en"),
            *("--key-derivation-ms", "0"),
            "--loopback-development",
            *(trust if self.trusting else ()),
        ]

    def end_wallet(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.process = None
        return code

    def sign_in(
        self, page: Page, *, allow: bool = True, look: Callable[[], object] = lambda: None
    ) -> None:
        """What a person does on the authorization server's pages; `look` at the consent page."""
        page.wait_for_load_state()
        if page.locator("[name=username]").count():
            page.fill("[name=username]", self.servers.username)
            page.fill("[name=password]", self.servers.password)
            page.click("[data-testid=login]")
            page.wait_for_load_state()
        look()
        page.click("[data-testid=allow]" if allow else "[data-testid=deny]")
        page.wait_for_load_state()


def clean_environment(folder: Path) -> dict[str, str]:
    names = ("PATH", "PYTHONPATH", "LANG", "LC_ALL")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "HOME": str(folder)}


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    with reference_servers(tmp_path_factory.mktemp("servers")) as both:
        yield both


@pytest.fixture
def desk(tmp_path: Path, servers: ReferenceServers) -> Iterator[Desk]:
    port = free_port()
    opener = tmp_path / "open.py"
    opener.write_text(OPENER.format(port=port))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            str(tmp_path / "chromium"),
            executable_path=CHROMIUM,
            args=[*ARGUMENTS, f"--remote-debugging-port={port}"],
            viewport={"width": 420, "height": 860},
        )
        one = Desk(tmp_path, servers, browser, shlex.join([sys.executable, str(opener)]))
        try:
            yield one
        finally:
            if one.process:
                one.process.kill()
                one.process.wait()
            browser.close()
