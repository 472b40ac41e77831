"""Drives the wallet's window in Chromium. Flutter paints a canvas; what can be read and clicked is
its accessibility tree, with the identifiers of `wallet.gui.parts.tid`."""

import hashlib
import os
import re
import shutil
import time
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000
SCREENS = Path(__file__).parents[2] / "build" / "screens"


class Window:
    """The wallet's window in a browser page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)

    def open(self, url: str) -> "Window":
        self.page.goto(url)
        return self.attach()

    def attach(self) -> "Window":
        """Switch the accessibility tree on; the switch is off-screen: only a DOM click works."""
        switch = self.page.locator("flt-semantics-placeholder")
        switch.wait_for(state="attached", timeout=PATIENCE_MS)
        switch.evaluate("element => element.click()")
        self.page.locator("flt-semantics-host flt-semantics").first.wait_for(state="attached")
        return self

    def id(self, identifier: str) -> Locator:
        return self.page.locator(f'[flt-semantics-identifier="{identifier}"]')

    def see(self, identifier: str) -> Locator:
        found = self.id(identifier).first
        found.wait_for(state="attached", timeout=PATIENCE_MS)
        return found

    def tap(self, identifier: str) -> None:
        whole = self.see(identifier)
        inner = whole.locator("[role=button],[flt-tappable]")
        (inner.first if inner.count() else whole).click()

    def type(self, identifier: str, text: str) -> None:
        """Click until the focus stays, then fill and see that the text stays."""
        field = self.see(identifier).locator("input,textarea").first
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            field.click()
            if not self._stays(field, "e => document.activeElement === e", True):
                continue
            field.fill(text)
            if self._stays(field, "e => e.value", text):
                return
        raise AssertionError(f"could not type into {identifier}")

    def _stays(self, field: Locator, script: str, wanted: object) -> bool:
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            if field.evaluate(script) != wanted:
                return False
            self.page.wait_for_timeout(50)
        return True

    def text(self, identifier: str) -> str:
        """All text below an identifier."""
        self.see(identifier)
        return re.sub(r"\s+", " ", self.id(identifier).first.evaluate(READ)).strip()

    def expect_text(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_attached(timeout=PATIENCE_MS)

    def shot(self, name: str) -> bytes:
        """A picture of the window, once two in a row are the same: pixels come after semantics."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        last, picture = b"", b""
        for _ in range(20):
            picture = self.page.screenshot()
            now = hashlib.sha256(picture).digest()
            if now == last:
                break
            last = now
            self.page.wait_for_timeout(200)
        (SCREENS / f"{name}.png").write_bytes(picture)
        return picture


READ = """element => [...element.querySelectorAll('*'), element]
  .map(e => [e.getAttribute('aria-label'), ...[...e.childNodes]
    .filter(n => n.nodeType === 3).map(n => n.textContent)])
  .flat().filter(Boolean).join(' ')"""
