"""Chromium as a stopwatch: moments are those of the pictures that it paints, and of a page's clock.

Playwright's waits end late, since they look at last every half second only, and the accessibility
tree stands up to half a second before its pixels do.
"""

import base64
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any, Final, Self

import cv2
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.flet_browser import ARGUMENTS, CHROMIUM, PATIENCE_MS

MISSING: Final = "" if CHROMIUM else "there is no Chromium (Debian's package: chromium)"

CLOCK: Final = """
const moments = window.moments = {};
const note = name => { moments[name] ??= Date.now() / 1000; };
addEventListener('flutter-first-frame', () => note('flutter'));
addEventListener('pointerup', event => {
  const within = event.target.closest?.('[flt-semantics-identifier]');
  if (within) note('clicked ' + within.getAttribute('flt-semantics-identifier'));
}, true);
new MutationObserver(() => {
  for (const one of document.querySelectorAll('[flt-semantics-identifier]'))
    note('laid out ' + one.getAttribute('flt-semantics-identifier'));
}).observe(document, {subtree: true, childList: true, attributes: true});
"""
"""Notes when Flutter took the place of the loading picture, and when each identifier was clicked
and first stood in the accessibility tree."""

QUIET_S: Final = 1.0
ALIKE: Final = 16
"""Of 255: pictures that differ less, at every pixel, look the same."""

Picture = cv2.typing.MatLike


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that runs already, as a person's does."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(browser: Browser) -> Iterator[Page]:
    """An empty tab the size of the wallet's window, with nothing cached, and with `CLOCK`."""
    context = browser.new_context(viewport={"width": 420, "height": 860})
    context.add_init_script(CLOCK)
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def served(command: Sequence[str]) -> Iterator[str]:
    """The address that a program prints behind "ready"; the program is killed at the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready", f"{command} did not start"
        yield url
    finally:
        process.kill()
        process.communicate()


class Paintings:
    """The pictures of a page as they are painted, small, each with its time (seconds, epoch)."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._pictures: list[tuple[float, Picture]] = []

    @contextmanager
    def taken(self) -> Iterator[Self]:
        """Take the pictures; costs Chromium a little of its time."""
        devtools = self._page.context.new_cdp_session(self._page)

        def take(event: dict[str, Any]) -> None:
            devtools.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
            picture = cv2.imdecode(np.frombuffer(base64.b64decode(event["data"]), np.uint8), 1)
            assert picture is not None
            self._pictures.append((event["metadata"]["timestamp"], picture))

        devtools.on("Page.screencastFrame", take)
        size = {"maxWidth": 210, "maxHeight": 430}
        devtools.send("Page.startScreencast", {"format": "jpeg", "quality": 60, **size})
        yield self
        devtools.remove_listener("Page.screencastFrame", take)
        devtools.send("Page.stopScreencast")

    def until_quiet(self, moment: str) -> tuple[float, float]:
        """Wait until nothing changes any more after a moment of the page's clock.

        Returns:
            When anything was first painted on a blank page then, and when the last picture stood.
        """
        deadline = time.time() + PATIENCE_MS / 1000
        while time.time() < deadline:
            self._page.wait_for_timeout(100)
            after = self.moment(moment)
            pictures = [(when, one) for when, one in self._pictures if when > after]
            if not pictures or blank(last := pictures[-1][1]):
                continue
            if time.time() - pictures[-1][0] > QUIET_S:
                painted = next(when for when, one in pictures if not blank(one))
                standing = takewhile(lambda one: alike(one[1], last), reversed(pictures))
                return painted, min(when for when, _ in standing)
        raise TimeoutError("the page never came to rest")

    def moment(self, name: str) -> float:
        """A moment of the page's clock."""
        return float(self._page.evaluate("name => moments[name] ?? Infinity", name))


def blank(picture: Picture) -> bool:
    """Whether a picture is of one colour."""
    return alike(picture, picture[:1, :1])


def alike(picture: Picture, other: Picture) -> bool:
    return bool(np.abs(picture.astype(int) - other).max() < ALIKE)
