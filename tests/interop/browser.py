"""A browser without a window for the pages of other people."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support.certificates import TlsAuthority


@contextmanager
def opened(tls: TlsAuthority, url: str) -> Iterator[tuple[httpx.Client, httpx.Response]]:
    """A browser that opened a page, and where it was led to."""
    trusted = ssl.create_default_context(cafile=tls.file)
    with httpx.Client(verify=trusted, trust_env=False, follow_redirects=True) as browser:
        yield browser, browser.get(url).raise_for_status()


def visit(tls: TlsAuthority, url: str) -> httpx.Response:
    """Open a page and go where it leads."""
    with opened(tls, url) as (_, page):
        return page


def sign_in(
    tls: TlsAuthority, url: str, *, subject: str = "somebody", agree: bool = True
) -> httpx.Response:
    """Go through the pages of oidc-provider, up to the wallet's own."""
    with opened(tls, url) as (browser, login):
        assert "Sign-in" in login.text
        who = {"prompt": "login", "login": subject, "password": "any"}
        consent = browser.post(login.url, data=who)
        assert "Authorize" in consent.text
        if agree:
            return browser.post(consent.url, data={"prompt": "consent"}).raise_for_status()
        return browser.get(f"{consent.url}/abort").raise_for_status()
