"""The counter: who may sit there, what its pages look like, and offers to people."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.integration.servers.client import Client, error_of, session
from tests.integration.servers.issuer_peers import (
    CLIENT,
    Issuer,
    credential_issuer,
    credentials_of,
)
from tests.integration.servers.test_pages import look_over, opened
from tests.support.flet_browser import ARGUMENTS, CHROMIUM
from tests.support.operator import operator
from tests.support.reference_servers import ReferenceServers, hidden

PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """An issuer with something of everything on its page."""
    settings: dict[str, Any] = {"deferred": ["diploma"], "approve_after_s": 86_400}
    folder = tmp_path_factory.mktemp("counter")
    with credential_issuer(folder, profile="lenient", **settings) as one:
        told = one.credential(one.asked(one.proof({"typ": "open4vci-proof+jwt"}))).json()
        event = {"event": "credential_failure", "event_description": "The disk is full"}
        one.post("/notification", {**told, **event})
        for _ in range(2):
            one.credential(one.asked(configuration="diploma"))
        yield one


@pytest.fixture
def issuer(busy: Issuer) -> Issuer:
    """The same, for one test."""
    return Issuer(busy.folder, busy.url, busy.server)


def offer_of(link: str) -> dict[str, Any]:
    """What an offer link says."""
    [(name, value)] = parse_qsl(urlsplit(link).query)
    if name == "credential_offer_uri":
        return dict(httpx.get(value, trust_env=False).json())
    return dict(json.loads(value))


# Who may sit there.


def test_nobody_sees_the_counter_without_its_password(issuer: Issuer) -> None:
    browser = session()
    page = browser.get(f"{issuer.url}/operator")
    assert "Erika" not in page.text
    cookie = page.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "default-src 'none'" in page.headers["content-security-policy"]
    form = {**hidden(page.text), "password": "guess"}
    wrong = browser.post(f"{issuer.url}/operator/login", data=form)
    assert wrong.status_code == 401
    assert "The password is wrong." in wrong.text
    for strange in ("", "%ED%A0%80", "%00", "x" * 10_000):
        body = f"csrf={form['csrf']}&password={strange}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        login = browser.post(f"{issuer.url}/operator/login", content=body, headers=headers)
        assert login.status_code == 401


def test_the_password_is_in_a_file_for_the_operator_only(issuer: Issuer) -> None:
    file = issuer.folder / "issuer" / "operator-password"
    assert file.stat().st_mode & 0o077 == 0
    assert len(file.read_text()) > 40
    assert file.read_text() != (issuer.folder / "issuer" / "key-password").read_text()


def test_a_sign_in_gets_another_session_and_may_end(issuer: Issuer) -> None:
    with operator(issuer.as_servers) as desk:
        assert "Erika Mustermann" in desk.page()
        fresh = desk.browser.cookies["operator"]
        other = session()
        other.get(f"{issuer.url}/operator")
        assert other.cookies["operator"] != fresh
        form = hidden(desk.page())
        assert desk.browser.post(f"{issuer.url}/operator/logout", data=form).status_code == 200
        assert "Erika" not in desk.page()
        stale = httpx.get(f"{issuer.url}/operator", cookies={"operator": fresh}, trust_env=False)
        assert "Erika" not in stale.text


@pytest.mark.parametrize("path", ["login", "logout", "decisions", "statuses", "offers"])
def test_forms_of_another_session_are_refused(path: str, issuer: Issuer) -> None:
    url = f"{issuer.url}/operator/{path}"
    password = (issuer.folder / "issuer" / "operator-password").read_text()
    with operator(issuer.as_servers) as desk:
        form = {**hidden(desk.page()), "password": password, "issuance": "1", "status": "revoked"}
        assert httpx.post(url, data=form, trust_env=False).status_code == 403
        assert desk.browser.post(url, data={**form, "csrf": "x"}).status_code == 403
        waiting = session()
        page = waiting.get(f"{issuer.url}/operator")
        if path != "login":
            assert waiting.post(url, data=hidden(page.text)).status_code == 403


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("decisions", {"transaction": "unknown", "decision": "approve"}, 409),
        ("decisions", {"transaction": "unknown", "decision": "perhaps"}, 400),
        ("decisions", {}, 400),
        ("statuses", {"issuance": "1", "status": "lost"}, 400),
        ("statuses", {"issuance": "one", "status": "valid"}, 400),
        ("statuses", {"issuance": "9" * 18, "status": "valid"}, 404),
        ("statuses", {"issuance": "9" * 40, "status": "valid"}, 400),
        ("offers", {"subject": "5b7c9a1e"}, 400),
        ("offers", {"subject": "5b7c9a1e", "configuration": "no"}, 400),
        ("offers", {"configuration": "pid"}, 400),
        ("offers", {"subject": "5b7c9a1e", "configuration": "pid", "tx_code": "loud"}, 400),
        ("offers", {"subject": "5b7c9a1e", "configuration": "pid", "tx_code": "none"}, 502),
    ],
)
def test_forms_that_make_no_sense(
    path: str, fields: dict[str, str], status: int, issuer: Issuer
) -> None:
    """The last one: this authorization server gives no codes."""
    with operator(issuer.as_servers) as desk:
        form = {"csrf": hidden(desk.page())["csrf"], **fields}
        assert desk.browser.post(f"{issuer.url}/operator/{path}", data=form).status_code == status


def test_a_decision_is_made_once(tmp_path: Path) -> None:
    with credential_issuer(tmp_path, deferred=["pid"]) as issuer:
        issuer.credential()
        with operator(issuer.as_servers) as desk:
            form = hidden(desk._forms("waiting")[0])
            desk.decide("approve")
            url = f"{issuer.url}/operator/decisions"
            again = desk.browser.post(url, data={**form, "decision": "deny"})
            assert again.status_code == 409
            assert "Nobody waits." in desk.page()


def test_what_time_has_approved_waits_no_more(tmp_path: Path) -> None:
    with credential_issuer(tmp_path, deferred=["pid"], approve_after_s=0) as issuer:
        issuer.credential()
        with operator(issuer.as_servers) as desk:
            assert "Nobody waits." in desk.page()


def test_a_password_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "operator-password").write_text("letmein\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "reference_servers.credential_issuer"),
            *("--data-dir", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "operator-password: at least 12 characters" in done.stderr
    assert "letmein" not in done.stderr


# Offers.


def test_off_05_all_credentials_in_one_offer(issuer: Issuer) -> None:
    link = issuer.as_servers.offer("pid diploma")
    assert offer_of(link)["credential_configuration_ids"] == ["pid", "diploma"]
    for nothing in ("", " ", "no", "pid no"):
        page = issuer.http.post(f"{issuer.url}/offers", data={"configuration": nothing})
        assert page.status_code == 404
    link = issuer.as_servers.offer("pid pid")
    assert offer_of(link)["credential_configuration_ids"] == ["pid"]


def redeemed(client: Client, offer: dict[str, Any], **more: str) -> httpx.Response:
    code = offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"]
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": code, "client_id": CLIENT, **more}
    return client.http.post(f"{client.servers.server_url}/token", data=form)


@pytest.mark.parametrize(
    ("kind", "described", "pattern"),
    [
        ("digits", {"input_mode": "numeric", "length": 6}, r"[0-9]{6}"),
        ("text", {"input_mode": "text", "length": 8}, r"[A-Z2-9]{8}"),
        ("undescribed", {}, r"[0-9]{6}"),
    ],
)
def test_off_10_an_offer_to_a_person_with_a_code_by_another_channel(
    kind: str, described: dict[str, Any], pattern: str, client: Client, servers: ReferenceServers
) -> None:
    with operator(servers) as desk:
        link, tx_code = desk.offer("pid", "diploma", tx_code=kind)
    assert re.fullmatch(pattern, tx_code)
    assert tx_code not in link
    offer = offer_of(link)
    assert offer["credential_configuration_ids"] == ["pid", "diploma"]
    [(_, grant)] = offer["grants"].items()
    described_as = {n: v for n, v in grant["tx_code"].items() if n != "description"}
    assert described_as == described
    assert error_of(redeemed(client, offer)) == (400, "invalid_request")
    assert error_of(redeemed(client, offer, tx_code="wrong")) == (400, "invalid_grant")
    answer = redeemed(client, offer, tx_code=tx_code)
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert credentials_of(client.credential(token, identified(client, answer.json(), "pid")))
    assert error_of(redeemed(client, offer, tx_code=tx_code)) == (400, "invalid_grant")


def identified(client: Client, answer: dict[str, Any], name: str) -> dict[str, Any]:
    """A Credential Request as the token response wants it (section 8.2)."""
    proofs = {"jwt": [client.proof()]}
    for detail in answer.get("authorization_details", ()):
        if detail["credential_configuration_id"] == name:
            return {"credential_identifier": detail["credential_identifiers"][0], "proofs": proofs}
    return {"credential_configuration_id": name, "proofs": proofs}


def test_tok_10_a_pre_authorized_token_is_for_what_was_offered(
    client: Client, servers: ReferenceServers
) -> None:
    with operator(servers) as desk:
        link, tx_code = desk.offer("pid", by="reference")
    assert tx_code == ""
    offer = offer_of(link)
    assert "tx_code" not in offer["grants"][PRE_AUTHORIZED]
    answer = redeemed(client, offer).json()
    token = answer["access_token"]
    other = {"credential_configuration_id": "diploma", "proofs": {"jwt": [client.proof()]}}
    assert client.credential(token, other).status_code in (400, 403)
    assert credentials_of(client.credential(token, identified(client, answer, "pid")))


def test_off_07_an_offer_may_have_two_grants(servers: ReferenceServers) -> None:
    with operator(servers) as desk:
        link, _ = desk.offer("pid", sign_in="yes")
    assert set(offer_of(link)["grants"]) == {PRE_AUTHORIZED, "authorization_code"}


def test_off_09_a_grant_names_its_server_where_there_are_several(tmp_path: Path) -> None:
    further = "http://127.0.0.1:9"
    with credential_issuer(tmp_path, further_authorization_servers=[further]) as issuer:
        offer = offer_of(issuer.as_servers.offer())
        named = offer["grants"]["authorization_code"]["authorization_server"]
        assert named == issuer.server.url
        with operator(issuer.as_servers) as desk:
            assert f"<option>{further}</option>" in desk.page()


def test_off_13_a_message_is_found_by_nobody_else(servers: ReferenceServers) -> None:
    with operator(servers) as desk:
        link, _ = desk.offer("pid", tx_code="digits", by="reference")
    uri = dict(parse_qsl(urlsplit(link).query))["credential_offer_uri"]
    guess = uri.replace("credential-offers", "messages")
    assert httpx.get(guess, trust_env=False).status_code == 404


# How they look.


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.mark.skipif(not CHROMIUM, reason="needs the package chromium")
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_the_counter(
    scheme: Literal["light", "dark"],
    width: int,
    chromium: Browser,
    issuer: Issuer,
    servers: ReferenceServers,
) -> None:
    with opened(chromium, scheme, width) as page:

        def look(name: str) -> None:
            look_over(page, f"counter-{name}-{scheme}-{width}")

        def sit_down(at: ReferenceServers) -> None:
            page.goto(f"{at.issuer_url}/operator")
            page.get_by_label("Password").fill(
                (at.folder / "issuer" / "operator-password").read_text()
            )
            page.get_by_test_id("login").click()

        page.goto(f"{issuer.url}/operator")
        look("sign-in")
        page.get_by_label("Password").fill("wrong")
        page.get_by_test_id("login").click()
        assert page.get_by_role("alert").inner_text() == "The password is wrong."
        look("sign-in-wrong")
        sit_down(issuer.as_servers)
        for text in ("University Diploma", "Erika Mustermann", "The disk is full", CLIENT):
            assert page.get_by_text(text).count(), text
        assert page.get_by_test_id("waiting").count() == 2
        page.get_by_test_id("revoked").first.click()
        assert page.get_by_test_id("status").first.inner_text() == "revoked"
        look("overview")
        page.get_by_test_id("valid").first.click()
        page.goto(issuer.url)
        page.get_by_test_id("offer-all").click()
        assert (
            page.locator("h1")
            .inner_text()
            .startswith(
                "Person ID and University Diploma and Driving Licence and University Diploma, JWT"
            )
        )
        look("offer-of-all")
        sit_down(servers)
        look("nothing-waits")
        page.get_by_label("Letters and digits").check()
        page.get_by_test_id("make-offer").click()
        look("offer-made")
        offer, message = (
            page.get_by_test_id(name).get_attribute("href")
            for name in ("offer-page", "message-page")
        )
        page.goto(str(offer))
        assert page.get_by_text("the code from the message").count()
        look("offer")
        page.goto(str(message))
        assert len(page.get_by_test_id("tx-code").inner_text()) == 8
        look("message")
