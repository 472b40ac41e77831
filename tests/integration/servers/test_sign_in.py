"""Guessing, sessions and what is kept of secrets."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.integration.servers.client import Client, session
from tests.support.reference_servers import (
    ReferenceServers,
    hidden,
    issuer_settings,
    program,
    reference_servers,
    server_settings,
)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[ReferenceServers]:
    """A pair of servers of one's own: guessing is remembered for the whole address."""
    with reference_servers(tmp_path) as servers:
        yield servers


class Guesser:
    """A browser at the sign-in page."""

    def __init__(self, servers: ReferenceServers) -> None:
        self.login = f"{servers.server_url}/login"
        self.url = Client(servers).authorize_url()
        browser = session()
        self.form = hidden(browser.get(self.url).text)
        self.cookies = dict(browser.cookies)
        self.browser = browser

    def guess(self, username: str, password: str = "wrong", address: str = "") -> httpx.Response:
        headers = {"X-Forwarded-For": address} if address else {}
        fields = {**self.form, "username": username, "password": password}
        return self.browser.post(self.login, data=fields, headers=headers)


def test_s10_a_thousand_guesses_of_one_password(alone: ReferenceServers) -> None:
    """From as many addresses as the guesser cares to claim."""
    guesser = Guesser(alone)
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(
                lambda n: guesser.guess("erika", address=f"192.0.{n // 250}.{n % 250}"),
                range(1000),
            )
        )
    evaluated = Counter(answer.status_code for answer in answers)
    assert set(evaluated) == {401, 429}
    assert evaluated[401] <= 10
    assert all(int(a.headers["retry-after"]) > 0 for a in answers if a.status_code == 429)
    assert guesser.guess("erika").status_code in (401, 429)
    right = guesser.guess("erika", "demo-erika")
    assert right.status_code == 429  # or the answer would tell right from wrong
    assert guesser.guess("max", "demo-max").status_code == 303


def test_s10_many_accounts_from_one_address(alone: ReferenceServers) -> None:
    guesser = Guesser(alone)
    answers = Counter(guesser.guess(f"somebody-{n}").status_code for n in range(100))
    assert set(answers) == {401, 429}
    assert answers[401] <= 15
    assert guesser.guess("max", "demo-max").status_code == 429


def test_guesses_are_remembered_over_a_restart(alone: ReferenceServers) -> None:
    guesser = Guesser(alone)
    for _ in range(5):
        assert guesser.guess("erika").status_code == 401
    alone.processes["server"].kill()
    alone.processes["server"].wait()
    people = alone.folder / "people.json"
    with program("authorization_server", server_settings(alone, people)):
        assert guesser.guess("erika").status_code in (401, 429)
        assert guesser.guess("erika", "demo-erika").status_code == 429


def test_s15_wrong_name_and_wrong_password_look_the_same(alone: ReferenceServers) -> None:
    guesser = Guesser(alone)
    pages = {re.sub(r'value="[^"]*"', "", guesser.guess(name).text) for name in ("erika", "nobody")}
    assert len(pages) == 1


def test_s2_a_session_that_was_planted_is_not_the_one_signed_in(
    client: Client, servers: ReferenceServers
) -> None:
    """The attacker knows the cookie that the victim came with."""
    guesser = Guesser(servers)
    answer = guesser.guess("erika", "demo-erika")
    assert answer.status_code == 303
    with httpx.Client(trust_env=False, cookies=guesser.cookies) as attacker:
        assert 'name="password"' in attacker.get(client.authorize_url()).text


def test_signing_out_ends_the_session(client: Client, servers: ReferenceServers) -> None:
    browser = session(follow_redirects=True)
    page = browser.get(client.authorize_url())
    login = {**hidden(page.text), "username": "erika", "password": "demo-erika"}
    page = browser.post(f"{servers.server_url}/login", data=login)
    assert "Erika Mustermann" in page.text
    kept = dict(browser.cookies)
    page = browser.post(f"{servers.server_url}/logout", data=hidden(page.text))
    assert 'name="password"' in page.text
    with httpx.Client(trust_env=False, cookies=kept) as before:
        assert 'name="password"' in before.get(client.authorize_url()).text


@pytest.mark.parametrize("path", ["login", "consent", "logout"])
def test_s2_forms_without_a_token(path: str, client: Client, servers: ReferenceServers) -> None:
    browser = session(follow_redirects=True)
    page = browser.get(client.authorize_url())
    login = {**hidden(page.text), "username": "erika", "password": "demo-erika"}
    page = browser.post(f"{servers.server_url}/login", data=login)
    right = hidden(page.text)
    for csrf in ({}, {"csrf": ""}, {"csrf": "é"}, {"csrf": right["csrf"][:-1]}):
        form = {name: value for name, value in right.items() if name != "csrf"}
        answer = browser.post(
            f"{servers.server_url}/{path}", data={**form, **csrf, "decision": "allow"}
        )
        assert answer.status_code == 403, csrf


def test_s12_secrets_at_rest(alone: ReferenceServers, tmp_path: Path) -> None:
    """No file but the two key passwords gives anybody anything."""
    client = Client(alone)
    url = client.authorize_url()
    browser = session(follow_redirects=True)
    page = browser.get(url)
    form = {**hidden(page.text), "username": "erika", "password": "demo-erika"}
    page = browser.post(f"{alone.server_url}/login", data=form)
    form = {**hidden(page.text), "decision": "allow"}
    answer = browser.post(f"{alone.server_url}/consent", data=form, follow_redirects=False)
    code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
    token = client.token(code).json()["access_token"]
    nonce = client.nonce()
    secrets = [
        httpx.URL(url).params["request_uri"],
        code,
        token.split(".")[1],
        nonce,
        browser.cookies["session"],
        "demo-erika",
        "BEGIN PRIVATE KEY",
        "BEGIN EC PRIVATE KEY",
        '"d":',
    ]
    folders = (tmp_path / "issuer", tmp_path / "server")
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"state.db", "key-password", "ca.pem"}
    for file in files:
        assert file.stat().st_mode & 0o077 == 0, file
        kept = file.read_bytes()
        assert [secret for secret in secrets if secret.encode() in kept] == [], file


def test_without_its_password_a_key_is_of_no_use(tmp_path: Path) -> None:
    with reference_servers(tmp_path) as servers:
        for process in servers.processes.values():
            process.kill()
            process.wait()
        for name, settings in (
            ("issuer", issuer_settings(servers, tmp_path / "datasets.json")),
            ("server", server_settings(servers, tmp_path / "people.json")),
        ):
            (tmp_path / name / "key-password").unlink()
            which = "credential_issuer" if name == "issuer" else "authorization_server"
            with pytest.raises(AssertionError, match="did not start"), program(which, settings):
                pass
