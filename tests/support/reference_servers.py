"""The two reference servers as separate processes, and a browser without a window for them."""

import html
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urljoin

import httpx

from reference_servers.demo.people import write_seeds


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def program(
    name: str,
    settings: Mapping[str, str],
    errors: IO[str] | None = None,
    command: Sequence[str] = (),
) -> Iterator[subprocess.Popen[str]]:
    """A server as a process, once it says that it is ready; `errors` is what it writes them to.

    `command` is what to start in place of the server itself: a module, and its first arguments.
    """
    flags = [part for key, value in settings.items() for part in (f"--{key}", value)]
    process = subprocess.Popen(
        [sys.executable, "-m", *(command or (f"reference_servers.{name}",)), *flags],
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("ready "), f"{name} did not start"
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@dataclass
class ReferenceServers:
    """Both servers, on two origins.

    Attributes:
        folder: Their data.
        issuer_url: Credential Issuer Identifier.
        server_url: The authorization server's identifier.
        processes: By name, to be killed and started again.
        tls: What a browser checks their certificates against, where they have some.
    """

    folder: Path
    issuer_url: str
    server_url: str
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    username: str = "erika"
    password: str = "demo-erika"
    tls: ssl.SSLContext | bool = True

    @property
    def ca_pem(self) -> Path:
        return self.folder / "issuer" / "ca.pem"

    def offer(self, configuration: str = "pid", by: str = "value") -> str:
        """An offer link, off the issuer's page."""
        with httpx.Client(verify=self.tls, follow_redirects=True, trust_env=False) as browser:
            page = browser.post(f"{self.issuer_url}/offers", data={"configuration": configuration})
            page = browser.get(page.url.copy_with(query=f"by={by}".encode()))
        found = re.search(r'data-testid="offer-link">([^<]*)<', page.text)
        assert found
        return html.unescape(found[1])

    def sign_in(self, url: str, decision: str = "allow") -> str:
        """Play the browser: sign in, decide, and return where the answer leads to."""
        with httpx.Client(
            verify=self.tls, trust_env=False, follow_redirects=True, timeout=30
        ) as browser:
            page = browser.get(url)
            assert page.status_code == 200, page.text
            page = browser.post(
                urljoin(str(page.url), "login"),
                data={**hidden(page.text), "username": self.username, "password": self.password},
            )
            assert page.status_code == 200, page.text
            answer = browser.post(
                urljoin(str(page.url), "consent"),
                data={**hidden(page.text), "decision": decision},
                follow_redirects=False,
            )
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def browser(self, url: str) -> None:
        """Sign in, allow, and go where the answer leads to."""
        httpx.get(self.sign_in(url), trust_env=False)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's first form."""
    form = page.partition("<form")[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


@contextmanager
def reference_servers(
    folder: Path,
    *,
    issuer_path: str = "",
    server_path: str = "",
    issuer: Mapping[str, str] = {},
    server: Mapping[str, str] = {},
) -> Iterator[ReferenceServers]:
    """Both servers with the demo's people. `issuer` and `server` are further settings."""
    folder.mkdir(exist_ok=True)
    people, datasets = write_seeds(folder)
    ports = free_port(), free_port()
    urls = (
        f"http://127.0.0.1:{ports[0]}{issuer_path}",
        f"http://127.0.0.1:{ports[1]}{server_path}",
    )
    both = ReferenceServers(folder, *urls)
    with ExitStack() as stack:
        both.processes["issuer"] = stack.enter_context(
            program("credential_issuer", issuer_settings(both, datasets) | dict(issuer))
        )
        both.processes["server"] = stack.enter_context(
            program("authorization_server", server_settings(both, people) | dict(server))
        )
        yield both


def issuer_settings(both: ReferenceServers, datasets: Path) -> dict[str, str]:
    return {
        "public-url": both.issuer_url,
        "port": str(httpx.URL(both.issuer_url).port),
        "data-dir": str(both.folder / "issuer"),
        "authorization-server": both.server_url,
        "datasets-file": str(datasets),
    }


def server_settings(both: ReferenceServers, people: Path) -> dict[str, str]:
    return {
        "public-url": both.server_url,
        "port": str(httpx.URL(both.server_url).port),
        "data-dir": str(both.folder / "server"),
        "credential-issuers": f'["{both.issuer_url}"]',
        "people-file": str(people),
    }
