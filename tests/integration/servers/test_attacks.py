"""What an attacker, or a careless client, may try on the two servers."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jws

from tests.integration.servers.client import (
    REDIRECT,
    Client,
    error_of,
    payload_of,
    session,
)
from tests.support.reference_servers import (
    ReferenceServers,
    free_port,
    hidden,
    issuer_settings,
    program,
    reference_servers,
    server_settings,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def details(*names: str, **members: object) -> str:
    return json.dumps(
        [
            {"type": "openid_credential", "credential_configuration_id": name, **members}
            for name in names
        ]
    )


# Codes and tokens.


def test_s3_a_code_that_comes_again_ends_the_token_it_gave(client: Client) -> None:
    code = client.code()
    token = client.token(code).json()["access_token"]
    assert client.credential(token).status_code == 200
    assert error_of(client.token(code, code_verifier="x" * 43)) == (400, "invalid_grant")
    refused = client.credential(token)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    other = client.access_token()["access_token"]
    assert client.credential(other).status_code == 200


def test_s3_fifty_redemptions_at_once_give_one_token_and_end_it(client: Client) -> None:
    code = client.code()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: client.token(code), range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
    assert {a.json()["error"] for a in answers if a.status_code == 400} == {"invalid_grant"}
    [good] = [answer for answer in answers if answer.status_code == 200]
    assert client.credential(good.json()["access_token"]).status_code == 401


def test_s3_a_code_and_a_request_uri_belong_to_one_client(client: Client) -> None:
    code = client.code()
    assert error_of(client.token(code, client_id="other")) == (400, "invalid_grant")
    url = client.authorize_url()
    stolen = session().get(url.replace("client_id=oid4vci-wallet", "client_id=other"))
    assert stolen.status_code == 400
    assert client.token(code).status_code == 200


def test_a_request_uri_gives_one_answer_in_a_race(
    client: Client, servers: ReferenceServers
) -> None:
    url = client.authorize_url()
    browser = session(follow_redirects=True)
    page = browser.get(url)
    login = {**hidden(page.text), "username": "erika", "password": "demo-erika"}
    page = browser.post(f"{servers.server_url}/login", data=login)
    form = {**hidden(page.text), "decision": "allow"}
    cookies = dict(browser.cookies)

    def decide(_: int) -> int:
        with httpx.Client(trust_env=False, timeout=60, cookies=cookies) as same:
            return same.post(f"{servers.server_url}/consent", data=form).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(decide, range(20)))
    assert answers == [303] + [400] * 19


# What is asked for.


def test_auth_05_details_beside_a_scope_name_both(client: Client) -> None:
    both = details("diploma", locations=[client.servers.issuer_url])
    answer = client.access_token(scope="pid", authorization_details=both)
    granted = {
        one["credential_configuration_id"]: one["credential_identifiers"][0]
        for one in answer["authorization_details"]
    }
    assert set(granted) == {"pid", "diploma"}
    for identifier in granted.values():
        body = {"credential_identifier": identifier, "proofs": {"jwt": [client.proof()]}}
        assert client.credential(answer["access_token"], body).status_code == 200


def test_tok_05_details_in_the_token_request(client: Client, servers: ReferenceServers) -> None:
    """Section 6.1.1: they narrow what was consented to, and the answer has them."""
    answer = client.token(
        client.code(scope="pid diploma"),
        authorization_details=details("diploma", locations=[servers.issuer_url]),
    ).json()
    [granted] = answer["authorization_details"]
    [identifier] = granted["credential_identifiers"]
    assert granted["credential_configuration_id"] == "diploma"
    assert "scope" not in answer
    body: dict[str, Any] = {
        "credential_identifier": identifier,
        "proofs": {"jwt": [client.proof()]},
    }
    assert client.credential(answer["access_token"], body).status_code == 200
    assert client.credential(answer["access_token"]).status_code == 400


@pytest.mark.parametrize(
    "value",
    [
        details("pid", "diploma"),
        details("nothing"),
        details("pid", locations=["https://other.example"]),
        "[]",
        "{",
    ],
)
def test_details_in_the_token_request_never_widen(value: str, client: Client) -> None:
    code = client.code()
    refused = client.token(code, authorization_details=value)
    assert error_of(refused) == (400, "invalid_authorization_details")
    assert client.token(code).status_code == 200


@pytest.mark.parametrize(
    "value",
    [
        details("pid", claims="given_name"),
        details("pid", locations="here"),
        details("pid", x="\ud800"),
        '[{"type":"openid_credential","credential_configuration_id":"pid","x":NaN}]',
        "[" * 9000,
    ],
    ids=["claims no array", "locations no array", "half a character", "NaN", "deep"],
)
def test_details_that_are_none(value: str, client: Client) -> None:
    refused = client.par(scope=None, authorization_details=value)
    assert error_of(refused) == (400, "invalid_authorization_details")


def test_auth_04_resource(client: Client, servers: ReferenceServers) -> None:
    """RFC 8707."""
    issuer = servers.issuer_url
    answer = client.token(client.code(resource=issuer), resource=issuer)
    assert payload_of(answer.json()["access_token"])["aud"] == issuer
    assert error_of(client.par(resource="https://other.example")) == (400, "invalid_target")
    code = client.code()
    assert error_of(client.token(code, resource="https://x.example")) == (400, "invalid_target")
    both = urlencode({**client.parameters(), "resource": issuer}) + "&resource=https://x.example"
    refused = client.http.post(f"{servers.server_url}/par", content=both, headers=FORM)
    assert error_of(refused) == (400, "invalid_target")


def test_a_resource_tells_issuers_with_the_same_scope_apart(tmp_path: Path) -> None:
    with reference_servers(tmp_path) as servers, ExitStack() as stack:
        url = f"http://127.0.0.1:{free_port()}"
        settings = issuer_settings(servers, tmp_path / "datasets.json")
        port = url.rpartition(":")[2]
        stack.enter_context(
            program(
                "credential_issuer",
                {**settings, "public-url": url, "port": port, "data-dir": str(tmp_path / "two")},
            )
        )
        servers.processes["server"].kill()
        servers.processes["server"].wait()
        issuers = json.dumps([servers.issuer_url, url])
        settings = server_settings(servers, tmp_path / "people.json")
        stack.enter_context(
            program("authorization_server", {**settings, "credential-issuers": issuers})
        )
        client = Client(servers)
        assert error_of(client.par()) == (400, "invalid_scope")
        token = client.access_token(resource=url)["access_token"]
        assert payload_of(token)["aud"] == url
        assert client.credential(token).status_code == 401  # the first issuer


def test_parameters_without_a_value_count_as_left_out(client: Client) -> None:
    """RFC 6749, section 3.1."""
    assert client.par(authorization_details="", resource="", request_uri="").status_code == 201
    assert error_of(client.par(code_challenge="")) == (400, "invalid_request")
    code = client.code()
    assert client.token(code, resource="", authorization_details="").status_code == 200


def test_unknown_parameters_are_ignored(client: Client) -> None:
    code = client.code(unknown="x", scope="pid unknown", issuer_state="made up", ui_locales="de")
    assert client.token(code, unknown="x").status_code == 200


def test_auth_07_an_issuer_state_signs_nobody_in(client: Client, servers: ReferenceServers) -> None:
    [offer] = dict(parse_qsl(urlsplit(servers.offer("pid")).query)).values()
    state = json.loads(offer)["grants"]["authorization_code"]["issuer_state"]
    page = client.http.get(client.authorize_url(issuer_state=state))
    assert "Sign in" in page.text
    assert client.token(client.code(issuer_state="of somebody else")).status_code == 200


# Forms as they should not be.

ENDPOINTS = ("par", "token", "login", "logout", "consent")


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/json", b'{"client_id":"oid4vci-wallet"}'),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"'),
        ("text/plain", b"client_id=oid4vci-wallet"),
        ("", b"client_id=oid4vci-wallet"),
        (FORM["Content-Type"], "client_id=é".encode()),
        (FORM["Content-Type"], b"client_id=%ff"),
        (FORM["Content-Type"], b"client_id=a%00b"),
        (FORM["Content-Type"], b"a%00b=c"),
        (FORM["Content-Type"], b"a=1&a=2"),
        (FORM["Content-Type"], b"&".join(b"a%d=1" % n for n in range(200))),
    ],
    ids=["json", "multipart", "text", "none", "raw", "utf-8", "nul", "nul name", "twice", "many"],
)
def test_forms_that_cannot_be_read(
    name: str, media_type: str, body: bytes, servers: ReferenceServers
) -> None:
    url = f"{servers.server_url}/{name}"
    answer = session().post(url, content=body, headers={"Content-Type": media_type})
    assert error_of(answer) == (400, "invalid_request")
    assert answer.headers["cache-control"] == "no-store"
    page = session().post(
        url, content=body, headers={"Content-Type": media_type, "Accept": "text/html"}
    )
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_a_token_request_with_two_verifiers_is_refused(
    client: Client, servers: ReferenceServers
) -> None:
    code = client.code()
    body = urlencode(
        [
            ("grant_type", "authorization_code"),
            ("client_id", "oid4vci-wallet"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", "x" * 43),
            ("code_verifier", client.verifier),
        ]
    )
    url = f"{servers.server_url}/token"
    refused = client.http.post(url, content=body, headers=FORM)
    assert error_of(refused) == (400, "invalid_request")
    assert client.token(code).status_code == 200


def test_authorize_with_a_parameter_twice(client: Client) -> None:
    refused = client.http.get(client.authorize_url() + "&client_id=other")
    assert refused.status_code == 400
    assert "location" not in refused.headers


@pytest.mark.parametrize("path", ["par", "token", "login", "consent"])
def test_s11_large_bodies(path: str, servers: ReferenceServers) -> None:
    body = b"a=" + b"x" * 70_000
    answer = session().post(f"{servers.server_url}/{path}", content=body, headers=FORM)
    assert answer.status_code == 413
    parts = (body[n : n + 1000] for n in range(0, len(body), 1000))  # no Content-Length
    answer = session().post(f"{servers.server_url}/{path}", content=parts, headers=FORM)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["offers", "credential", "nonce"])
def test_s11_large_bodies_at_the_issuer(path: str, servers: ReferenceServers) -> None:
    answer = session().post(f"{servers.issuer_url}/{path}", content=b"x" * 70_000, headers=FORM)
    assert answer.status_code in (401, 413)


def test_s11_two_hundred_slow_clients_hold_nobody_up(servers: ReferenceServers) -> None:
    url = httpx.URL(servers.server_url)
    with ExitStack() as stack:
        for count in range(200):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", url.port or 0)))
            head = b"POST /token HTTP/1.1\r\nHost: x\r\n"
            body = (
                b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\na="
            )
            slow.sendall(head + (body if count % 2 else b"X-"))
        with session() as client:
            times = []
            for _ in range(50):
                began = time.monotonic()
                assert client.get(f"{servers.server_url}/jwks").status_code == 200
                times.append(time.monotonic() - began)
    assert sorted(times)[48] < 1


# Methods and paths.


def test_wrong_methods(servers: ReferenceServers) -> None:
    for url, right in {
        **{f"{servers.server_url}/{name}": "POST" for name in ENDPOINTS},
        f"{servers.server_url}/authorize": "GET",
        f"{servers.server_url}/jwks": "GET",
        f"{servers.server_url}/challenge": "POST",
        f"{servers.server_url}/pre-authorized-codes": "POST",
        f"{servers.issuer_url}/nonce": "POST",
        f"{servers.issuer_url}/credential": "POST",
        f"{servers.issuer_url}/.well-known/openid-credential-issuer": "GET",
    }.items():
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - {right}:
            answer = session().request(method, url)
            assert answer.status_code == 405, (method, url)
            assert right in answer.headers["allow"], (method, url)


def test_head_is_get_without_a_body(servers: ReferenceServers) -> None:
    """RFC 9110, section 9.1."""
    for url in (
        f"{servers.issuer_url}/",
        f"{servers.issuer_url}/.well-known/openid-credential-issuer",
        f"{servers.server_url}/.well-known/oauth-authorization-server",
    ):
        answer = session().head(url)
        assert (answer.status_code, answer.content) == (200, b"")


def test_people_who_went_astray_see_a_page(servers: ReferenceServers) -> None:
    for url, status in {
        f"{servers.server_url}/nothing": 404,
        f"{servers.server_url}/login": 405,
        f"{servers.issuer_url}/nothing": 404,
        f"{servers.issuer_url}/offers": 405,
        f"{servers.issuer_url}/offers/nothing": 404,
    }.items():
        page = session().get(url, headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.status_code == status, url
        assert "<h1>" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    machine = session().get(f"{servers.server_url}/nothing")
    assert machine.json() == {"detail": "Not Found"}


# The credential endpoint.


def test_odd_access_tokens(client: Client, token: str, servers: ReferenceServers) -> None:
    url = f"{servers.issuer_url}/credential"
    for bad in ("WyJhbGciXQ.e30.", "ImFsZyI.e30.", "e30.e30.", ".", "é"):
        answer = client.http.post(
            url, json={}, headers={b"Authorization": f"Bearer {bad}".encode()}
        )
        assert answer.status_code == 401, bad
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    for missing in ("Bearer", "Basic eDp5", "bearer"):
        answer = client.http.post(url, json={}, headers={"Authorization": missing})
        assert answer.status_code == 401
        challenges = answer.headers.get_list("www-authenticate")
        assert challenges == ['DPoP algs="ES256 ES384 EdDSA"', "Bearer"]
    twice = [("Authorization", f"Bearer {token}")] * 2
    answer = client.http.post(url, json={}, headers=twice)
    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"credential_configuration_id":{}}',
        b'{"credential_configuration_id":"\\ud800"}',
        b'{"credential_identifier":["x"]}',
        b'{"credential_configuration_id":"pid","proofs":"x"}',
        b'{"credential_configuration_id":"pid","proofs":{"jwt":[{}]}}',
        b'{"credential_configuration_id":"pid","proofs":{"jwt":["\\ud800.e30."]}}',
        b'\xff{"credential_configuration_id":"pid"}',
        b"NaN",
        b"",
    ],
)
def test_odd_credential_requests(body: bytes, client: Client, token: str) -> None:
    answer = client.credential(token, body)
    assert answer.status_code == 400
    assert answer.json()["error"] != "invalid_request"
    assert answer.json()["error_description"].isascii()


def test_s8_half_a_character_is_no_nonce(client: Client, token: str) -> None:
    header = {
        "typ": "openid4vci-proof+jwt",
        "alg": "ES256",
        "jwk": client.key.as_dict(private=False),
    }
    claims = {"aud": client.servers.issuer_url, "iat": int(time.time()), "nonce": "\ud800"}
    proof = jws.serialize_compact(header, json.dumps(claims).encode(), client.key)
    body = {"credential_configuration_id": "pid", "proofs": {"jwt": [proof]}}
    assert error_of(client.credential(token, body)) == (400, "invalid_nonce")


# The servers without each other.


def test_the_issuer_without_the_authorization_server(tmp_path: Path) -> None:
    with reference_servers(tmp_path) as servers:
        client = Client(servers)
        token = client.access_token()["access_token"]
        servers.processes["server"].kill()
        servers.processes["server"].wait()
        answer = client.credential(token)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        settings = server_settings(servers, tmp_path / "people.json")
        with program("authorization_server", settings):
            assert client.credential(token).status_code == 200


def test_a_consent_outlives_the_issuers_absence(tmp_path: Path) -> None:
    with reference_servers(tmp_path) as servers:
        client = Client(servers)
        url = client.authorize_url()
        browser = session(follow_redirects=True)
        page = browser.get(url)
        login = {**hidden(page.text), "username": "erika", "password": "demo-erika"}
        page = browser.post(f"{servers.server_url}/login", data=login)
        form = {**hidden(page.text), "decision": "allow"}
        for process in servers.processes.values():
            process.kill()
            process.wait()
        with program("authorization_server", server_settings(servers, tmp_path / "people.json")):
            assert error_of(client.par()) == (503, "temporarily_unavailable")
            assert browser.get(url).status_code == 503
            allow = browser.post(f"{servers.server_url}/consent", data=form, follow_redirects=False)
            assert allow.status_code == 503
            with program("credential_issuer", issuer_settings(servers, tmp_path / "datasets.json")):
                allow = browser.post(
                    f"{servers.server_url}/consent", data=form, follow_redirects=False
                )
                answer = dict(parse_qsl(urlsplit(allow.headers["location"]).query))
                assert client.token(answer["code"]).status_code == 200
