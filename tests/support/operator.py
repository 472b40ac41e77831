"""The issuer's operator, at a browser without a window."""

import html
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.support.reference_servers import ReferenceServers, hidden


@dataclass
class Operator:
    """Somebody who is signed in at the counter."""

    issuer_url: str
    browser: httpx.Client

    def page(self) -> str:
        """The page, as it is now."""
        answer = self.browser.get(f"{self.issuer_url}/operator")
        assert answer.status_code == 200, answer.text
        return answer.text

    def _forms(self, testid: str) -> Sequence[str]:
        """The forms of a kind, newest state."""
        return [
            form
            for form in re.findall(r"<form.*?</form>", self.page(), re.DOTALL)
            if f'data-testid="{testid}"' in form
        ]

    def _send(self, path: str, fields: dict[str, str | list[str]]) -> httpx.Response:
        answer = self.browser.post(f"{self.issuer_url}/operator/{path}", data=fields)
        assert answer.status_code == 200, answer.text
        return answer

    def decide(self, decision: str) -> None:
        """Approve or deny all that waits."""
        forms = self._forms("waiting")
        assert forms
        for form in forms:
            self._send("decisions", {**hidden(form), "decision": decision})

    def set_status(self, status: str) -> None:
        """Make what was issued last `valid`, `suspended` or `revoked`."""
        newest, *_ = self._forms("issued")
        self._send("statuses", {**hidden(newest), "status": status})

    def events(self) -> Sequence[str]:
        """What wallets told of what was issued, the newest first."""
        found = re.findall(r'data-testid="event">(.*?)</small>', self.page(), re.DOTALL)
        return [html.unescape(" ".join(text.split())) for text in found]

    def offer(
        self,
        *configurations: str,
        subject: str = "5b7c9a1e",
        tx_code: str = "none",
        by: str = "value",
        **fields: str,
    ) -> tuple[str, str]:
        """An offer link for a person, and the transaction code off its message."""
        made = self._send(
            "offers",
            {
                **hidden(self.page()),
                "subject": subject,
                "configuration": list(configurations),
                "tx_code": tx_code,
                **fields,
            },
        ).text
        pages = dict(re.findall(r'href="([^"]*)" data-testid="(offer|message)-page"', made)[::-1])
        links = {kind: url for url, kind in pages.items()}
        offer = self.browser.get(f"{links['offer']}?by={by}").text
        code = self.browser.get(links["message"]).text if "message" in links else ""
        found = re.search(r'data-testid="offer-link">([^<]*)<', offer)
        assert found
        message = re.search(r'data-testid="tx-code">([^<]*)<', code)
        return html.unescape(found[1]), message[1] if message else ""


@contextmanager
def operator(servers: ReferenceServers) -> Iterator[Operator]:
    """The operator of an issuer, signed in."""
    password = (servers.folder / "issuer" / "operator-password").read_text()
    with httpx.Client(
        verify=servers.tls, trust_env=False, timeout=30, follow_redirects=True
    ) as browser:
        page = browser.get(f"{servers.issuer_url}/operator")
        fields = {**hidden(page.text), "password": password}
        page = browser.post(f"{servers.issuer_url}/operator/login", data=fields)
        assert page.status_code == 200, page.text
        yield Operator(servers.issuer_url, browser)
