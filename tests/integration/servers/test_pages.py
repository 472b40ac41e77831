"""The pages of the two servers in Chromium: what people see, in light and dark, small and wide."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.integration.servers.client import Client
from tests.support.flet_browser import ARGUMENTS, CHROMIUM, SCREENS
from tests.support.reference_servers import ReferenceServers

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs the package chromium")

HARMLESS = "Failed to load resource: the server responded with a status of"

SEEN = "input:not([type=hidden], [hidden])"
NAMELESS = f"""() => [...document.querySelectorAll('{SEEN}, select, textarea')]
  .filter(e => !e.labels.length).map(e => e.outerHTML)"""
SMALL = f"""() => [...document.querySelectorAll('button, {SEEN}, select, a.button, nav a')]
  .map(e => e.closest('label:has([type=checkbox], [type=radio])') || e)
  .filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
FAINT = """() => {
  const parse = color => (color.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
  };
  const texts = [...document.querySelectorAll('body *')].filter(e => !e.closest('.card')
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
  const drawn = ':not([type=hidden], [hidden], [type=checkbox], [type=radio])';
  const edges = [...document.querySelectorAll(`input${drawn}, select, textarea`)];
  const contrast = (one, two) => {
    const [a, b] = [light(one), light(two)].sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  };
  return [
    ...texts.filter(e => contrast(parse(getComputedStyle(e).color), ground(e)) < 4.5),
    ...edges.filter(e => contrast(parse(getComputedStyle(e).borderTopColor), ground(e)) < 3),
  ].map(e => e.outerHTML);
}"""
"""WCAG 2.2: text below 4.5 to 1 (1.4.3), fields whose border is below 3 to 1 (1.4.11)."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
    language: str = "en",
) -> Iterator[Page]:
    """A page that may not complain of anything but statuses."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 860}, locale=language
    )
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_default_timeout(20_000)
    yield page
    context.close()
    assert [text for text in said if not text.startswith(HARMLESS)] == []


def look_over(page: Page, name: str) -> None:
    """Keep a picture of the page, which must be accessible and fit."""
    page.wait_for_load_state("networkidle")
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)
    assert page.evaluate(OVERFLOW) <= 0
    for fault in (NAMELESS, SMALL, FAINT):
        assert page.evaluate(fault) == [], (name, fault[:60])
    assert page.locator("h1").count() == 1
    assert page.locator("script").count() == 0


def sign_in(page: Page, password: str = "demo-erika") -> None:
    """By keyboard: the focus stands where one types next."""
    if not page.input_value("[name=username]"):
        page.keyboard.type("erika")
        page.keyboard.press("Tab")
    page.keyboard.type(password)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("width", [320, 420, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page(
    scheme: Literal["light", "dark"],
    width: int,
    chromium: Browser,
    client: Client,
    servers: ReferenceServers,
) -> None:
    with opened(chromium, scheme, width) as page:

        def look(name: str) -> None:
            look_over(page, f"page-{name}-{scheme}-{width}")

        page.goto(servers.issuer_url)
        look("issuer")
        page.click('[data-testid="offer-diploma"]')
        look("offer-by-value")
        page.click('[data-testid="by-reference"]')
        assert page.get_by_label("The link as text").input_value().startswith("openid-credential-")
        look("offer-by-reference")
        page.goto(f"{servers.issuer_url}/offers/nothing")
        look("no-offer")
        page.goto(client.authorize_url(scope="pid diploma"))
        look("sign-in")
        sign_in(page, "wrong")
        assert page.get_by_role("alert").inner_text() == "User name or password is wrong."
        look("sign-in-wrong")
        sign_in(page)
        for text in ("Civic Registry", "OID4VCI Wallet", "Erika Mustermann", "Person ID"):
            assert page.get_by_text(text).count(), text
        assert page.get_by_role("listitem").all_inner_texts()[:2] == ["Portrait", "Given name"]
        look("consent")
        page.goto(f"{servers.server_url}/authorize?client_id=x&request_uri=y")
        look("error")


def test_a_focus_is_seen(chromium: Browser, client: Client, servers: ReferenceServers) -> None:
    outline = "() => parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
    with opened(chromium) as page:
        for url, stops in ((servers.issuer_url, 4), (client.authorize_url(), 3)):
            page.goto(url)
            for _ in range(stops):
                assert page.evaluate("() => document.activeElement.tagName") is not None
                page.keyboard.press("Tab")
                if page.evaluate("() => document.activeElement !== document.body"):
                    assert page.evaluate(outline) >= 2


def test_the_consent_speaks_the_holders_language(chromium: Browser, client: Client) -> None:
    with opened(chromium, language="de") as page:
        page.goto(client.authorize_url())
        sign_in(page)
        assert page.locator("section[lang=de] h2").inner_text() == "Personenausweis"
        assert "Geburtsdatum" in page.get_by_role("listitem").all_inner_texts()


class Arrived(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"arrived")

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


class IPv6Server(HTTPServer):
    address_family = socket.AF_INET6


@pytest.mark.parametrize("decision", ["allow", "deny"])
@pytest.mark.parametrize(
    ("kind", "host"), [(HTTPServer, "127.0.0.1"), (IPv6Server, "::1")], ids=["IPv4", "IPv6"]
)
def test_the_browser_gets_back_to_the_wallet(
    kind: type[HTTPServer], host: str, decision: str, chromium: Browser, client: Client
) -> None:
    """A browser lets a form end only where the policy of its page allows, redirects included."""
    with kind((host, 0), Arrived) as wallet, opened(chromium) as page:
        thread = threading.Thread(target=wallet.serve_forever)
        thread.start()
        try:
            named = f"[{host}]" if ":" in host else host
            redirect = f"http://{named}:{wallet.server_port}/back"
            page.goto(client.authorize_url(redirect_uri=redirect))
            sign_in(page)
            page.click(f'[data-testid="{decision}"]')
            page.wait_for_url(f"{redirect}?**")
            assert page.inner_text("body") == "arrived"
        finally:
            wallet.shutdown()
            thread.join()
