"""The two reference servers as processes, driven by a client written for these tests only."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography import x509
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from reference_servers.demo.people import PEOPLE
from tests.integration.servers.client import REDIRECT, Client, error_of, payload_of, session
from tests.support.operator import operator
from tests.support.reference_servers import (
    ReferenceServers,
    free_port,
    hidden,
    issuer_settings,
    program,
    reference_servers,
    server_settings,
)

# The whole way.


def test_haip_07_fmt_01_by_scope(client: Client, servers: ReferenceServers) -> None:
    answer = client.access_token()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] <= 300
    assert "authorization_details" not in answer
    issued = client.credential(answer["access_token"])
    assert issued.status_code == 200, issued.text
    credential = issued.json()["credentials"][0]["credential"]
    check_credential(credential, client, servers)


def check_credential(credential: str, client: Client, servers: ReferenceServers) -> None:
    """HAIP-07, VC-01, VC-02 by hand: header, chain, signature, digests."""
    signed, *disclosures = credential.removesuffix("~").split("~")
    head = signed.split(".")[0]
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    assert (header["typ"], header["alg"]) == ("dc+sd-jwt", "ES256")
    [leaf] = [x509.load_der_x509_certificate(base64.b64decode(c)) for c in header["x5c"]]
    anchor = x509.load_pem_x509_certificate(servers.ca_pem.read_bytes())
    leaf.verify_directly_issued_by(anchor)
    assert leaf.issuer != leaf.subject
    public = leaf.public_key()
    registry_key = ECKey.import_key(public)  # type: ignore[arg-type]
    registry = jws.JWSRegistry(algorithms=["ES256"])
    registry.max_header_length = 16_000
    jws.deserialize_compact(signed, registry_key, registry=registry)
    payload = payload_of(signed)
    assert payload["iss"] == servers.issuer_url
    assert payload["vct"] == "urn:example:pid:1"
    assert payload["iat"] % 3600 == 0
    assert {k: payload["cnf"]["jwk"][k] for k in ("x", "y")} == {
        k: client.key.as_dict()[k] for k in ("x", "y")
    }
    assert "given_name" not in payload
    names = [json.loads(base64.urlsafe_b64decode(d + "=="))[1] for d in disclosures]
    assert {"given_name", "portrait", "address", "street_address", "nationalities"} <= set(names)


def test_tok_05_cred_02_by_authorization_details(client: Client, servers: ReferenceServers) -> None:
    details = [
        {
            "type": "openid_credential",
            "credential_configuration_id": "diploma",
            "locations": [servers.issuer_url],
            "unknown": "ignored",
        }
    ]
    answer = client.access_token(scope=None, authorization_details=json.dumps(details))
    [granted] = answer["authorization_details"]
    [identifier] = granted["credential_identifiers"]
    proofs = {"jwt": [client.proof()]}
    body: dict[str, Any] = {"credential_identifier": identifier, "proofs": proofs}
    assert client.credential(answer["access_token"], body).status_code == 200
    body = {"credential_configuration_id": "diploma", "proofs": {"jwt": [client.proof()]}}
    refused = client.credential(answer["access_token"], body)
    assert error_of(refused) == (400, "invalid_credential_request")
    body = {"credential_identifier": "another", "proofs": {"jwt": [client.proof()]}}
    refused = client.credential(answer["access_token"], body)
    assert error_of(refused) == (400, "unknown_credential_identifier")


def test_access_token_is_an_rfc_9068_jwt(token: str, servers: ReferenceServers) -> None:
    claims = payload_of(token)
    assert claims["iss"] == servers.server_url
    assert claims["aud"] == servers.issuer_url
    assert claims["sub"] == PEOPLE[0].subject
    assert claims["exp"] - claims["iat"] <= 300
    metadata = httpx.get(
        f"{servers.server_url}/.well-known/oauth-authorization-server", trust_env=False
    ).json()
    [key] = httpx.get(metadata["jwks_uri"], trust_env=False).json()["keys"]
    assert "d" not in key
    assert jwt.decode(token, ECKey.import_key(key), algorithms=["ES256"]).header["typ"] == "at+jwt"


# Authorization server.

BAD_REQUESTS: dict[str, tuple[dict[str, str | None], str]] = {
    "no PKCE": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "plain PKCE": ({"code_challenge_method": "plain"}, "invalid_request"),
    "PKCE method missing": ({"code_challenge_method": None}, "invalid_request"),
    "short challenge": ({"code_challenge": "short"}, "invalid_request"),
    "unknown client": ({"client_id": "stranger"}, "invalid_client"),
    "no client": ({"client_id": None}, "invalid_client"),
    "implicit": ({"response_type": "token"}, "unsupported_response_type"),
    "unknown scope only": ({"scope": "nothing"}, "invalid_scope"),
    "no scope": ({"scope": None}, "invalid_scope"),
    "request_uri": ({"request_uri": "urn:x"}, "invalid_request"),
    "details no JSON": ({"authorization_details": "{"}, "invalid_authorization_details"),
    "details no array": ({"authorization_details": "{}"}, "invalid_authorization_details"),
    "details of another type": (
        {"authorization_details": '[{"type":"payment"}]'}, "invalid_authorization_details"),
    "details for another issuer": (
        {"authorization_details": '[{"type":"openid_credential","locations":["https://a.example"],'
                                  '"credential_configuration_id":"pid"}]'},
        "invalid_authorization_details"),
    "redirect to localhost by name": (
        {"redirect_uri": "http://localhost:1/cb"}, "invalid_request"),
    "redirect to another host": ({"redirect_uri": "http://evil.example/cb"}, "invalid_request"),
    "redirect with user": ({"redirect_uri": "http://127.0.0.1@evil.example/"}, "invalid_request"),
    "redirect with user on loopback": (
        {"redirect_uri": "http://a@127.0.0.1:1/"}, "invalid_request"),
    "redirect with fragment": ({"redirect_uri": "http://127.0.0.1:1/#x"}, "invalid_request"),
    "redirect to another loopback address": (
        {"redirect_uri": "http://127.0.0.2:1/"}, "invalid_request"),
    "https redirect": ({"redirect_uri": "https://127.0.0.1:1/"}, "invalid_request"),
    "redirect with backslash": (
        {"redirect_uri": "http://127.0.0.1:1\\@evil.example/"}, "invalid_request"),
    "no redirect": ({"redirect_uri": None}, "invalid_request"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_par_refuses(name: str, client: Client) -> None:
    changes, error = BAD_REQUESTS[name]
    answer = client.par(**changes)
    assert error_of(answer)[1] == error, answer.text
    assert answer.status_code in (400, 401)
    assert "location" not in answer.headers


STRANGE = "\\\"'\u00e9\n\x00<script>"


@pytest.mark.parametrize("name", ["response_type", "client_id", "redirect_uri", "scope", "state",
                                  "code_challenge", "code_challenge_method", STRANGE])  # fmt: skip
def test_strange_characters_are_refused_in_order(name: str, client: Client) -> None:
    answer = client.par(**{name: STRANGE})
    assert answer.status_code in (201, 400, 401), answer.text
    described = answer.json().get("error_description", "")
    assert not set(described) & set('"\\')
    assert described.isascii()


@pytest.mark.parametrize("name", ["grant_type", "code", "redirect_uri", "client_id",
                                  "code_verifier", STRANGE])  # fmt: skip
def test_strange_token_requests_are_refused_in_order(name: str, client: Client) -> None:
    answer = client.token("nothing", **{name: STRANGE})
    assert answer.status_code in (400, 401), answer.text
    assert answer.json()["error"].startswith(("invalid_", "unsupported_"))
    assert not set(answer.json().get("error_description", "")) & set('"\\\x00')


def test_par_answers_as_rfc_9126_says(client: Client) -> None:
    answer = client.par()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert 0 < answer.json()["expires_in"] < 600
    ipv6 = client.par(redirect_uri="http://[::1]:5/any/path")
    assert ipv6.status_code == 201


def test_repeated_parameters_are_refused(client: Client, servers: ReferenceServers) -> None:
    body = str(httpx.QueryParams(client.parameters())) + "&state=two"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.http.post(f"{servers.server_url}/par", content=body, headers=form)
    assert error_of(answer) == (400, "invalid_request")


def test_a_request_uri_is_good_for_one_decision(client: Client, servers: ReferenceServers) -> None:
    url = client.authorize_url()
    assert client.http.get(url).status_code == 200
    assert client.http.get(url).status_code == 200  # reloading is harmless
    servers.sign_in(url)
    gone = client.http.get(url)
    assert gone.status_code == 400
    assert "expired or was finished" in gone.text


def test_pushed_requests_only(client: Client, servers: ReferenceServers) -> None:
    query = httpx.QueryParams(client.parameters())
    answer = client.http.get(f"{servers.server_url}/authorize?{query}")
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_denial_goes_back_with_state_and_iss(client: Client, servers: ReferenceServers) -> None:
    location = servers.sign_in(client.authorize_url(), "deny")
    answer = dict(parse_qsl(urlsplit(location).query))
    assert location.startswith(REDIRECT)
    assert answer["error"] == "access_denied"
    assert (answer["state"], answer["iss"]) == ("the-state", servers.server_url)
    assert "code" not in answer


BAD_TOKEN_REQUESTS: dict[str, tuple[dict[str, str | None], str]] = {
    "wrong verifier": ({"code_verifier": "x" * 43}, "invalid_grant"),
    "no verifier": ({"code_verifier": None}, "invalid_grant"),
    "other redirect_uri": ({"redirect_uri": "http://127.0.0.1:9/"}, "invalid_grant"),
    "other client": ({"client_id": "stranger"}, "invalid_client"),
    "unknown code": ({"code": "nothing"}, "invalid_grant"),
    "no code": ({"code": None}, "invalid_request"),
    "other grant": ({"grant_type": "password"}, "unsupported_grant_type"),
}


def test_token_refuses_and_the_code_survives_what_was_wrong(client: Client) -> None:
    code = client.code()
    for name, (changes, error) in BAD_TOKEN_REQUESTS.items():
        assert error_of(client.token(code, **changes))[1] == error, name
    right = client.token(code)
    assert right.status_code == 200
    assert right.headers["cache-control"] == "no-store"
    assert error_of(client.token(code)) == (400, "invalid_grant")


def test_forms_of_another_session_are_refused(client: Client, servers: ReferenceServers) -> None:
    url = client.authorize_url()
    browser = session()
    form = {**hidden(browser.get(url).text), "username": "erika", "password": "demo-erika"}
    for path in ("login", "consent", "logout"):
        stranger = httpx.post(f"{servers.server_url}/{path}", data=form, trust_env=False)
        assert stranger.status_code == 403, path
        forged = browser.post(f"{servers.server_url}/{path}", data={**form, "csrf": "x"})
        assert forged.status_code == 403, path


def test_pages_are_hardened_and_sessions_renewed(client: Client, servers: ReferenceServers) -> None:
    browser = session()
    page = browser.get(client.authorize_url())
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in page.text
    first = browser.cookies["session"]
    cookie = page.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    form = {**hidden(page.text), "username": "erika", "password": "demo-erika"}
    assert browser.post(f"{servers.server_url}/login", data=form).status_code == 303
    assert browser.cookies["session"] != first


# Credential issuer.


def test_meta_01_meta_06_metadata(servers: ReferenceServers) -> None:
    answer = httpx.get(
        f"{servers.issuer_url}/.well-known/openid-credential-issuer", trust_env=False
    )
    assert answer.headers["content-type"] == "application/json"
    metadata = answer.json()
    assert metadata["credential_issuer"] == servers.issuer_url
    assert metadata["authorization_servers"] == [servers.server_url]
    for configuration in metadata["credential_configurations_supported"].values():
        display = configuration["credential_metadata"]["display"]
        assert [entry["locale"] for entry in display] == ["en", "de", "it"]
        for entry in display:
            for picture in ("logo", "background_image"):
                image = httpx.get(entry[picture]["uri"], trust_env=False)
                assert image.headers["content-type"] == "image/png"


def test_off_01_off_03_offers(servers: ReferenceServers) -> None:
    by_value = dict(parse_qsl(urlsplit(servers.offer("pid")).query))
    assert list(by_value) == ["credential_offer"]
    offer = json.loads(by_value["credential_offer"])
    assert offer["credential_issuer"] == servers.issuer_url
    assert offer["credential_configuration_ids"] == ["pid"]
    uris = []
    for _ in range(2):
        query = dict(parse_qsl(urlsplit(servers.offer("pid", "reference")).query))
        assert list(query) == ["credential_offer_uri"]
        uris.append(query["credential_offer_uri"])
        answer = httpx.get(uris[-1], trust_env=False)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["credential_issuer"] == servers.issuer_url
    assert uris[0] != uris[1]
    assert httpx.get(uris[0] + "x", trust_env=False).status_code == 404


def _with_proof(client: Client, *arguments: Any, **named: Any) -> Callable[[], Any]:
    return lambda: {
        "credential_configuration_id": "pid",
        "proofs": {"jwt": [client.proof(*arguments, **named)]},
    }


def bad_bodies(client: Client) -> dict[str, tuple[Callable[[], Any], str]]:
    other = ECKey.generate_key("P-256")
    public = client.key.as_dict(private=False)
    named = {"credential_configuration_id": "pid"}
    good = client.proof
    invalid, proof, unknown = (
        "invalid_credential_request",
        "invalid_proof",
        "unknown_credential_configuration",
    )
    return {
        "not JSON": (lambda: b"{", invalid),
        "no object": (list, invalid),
        "neither": (lambda: {"proofs": {"jwt": [good()]}}, invalid),
        "both": (lambda: {**named, "credential_identifier": "x", "proofs": {"jwt": [good()]}},
                 invalid),
        "unknown configuration": (
            lambda: {"credential_configuration_id": "no", "proofs": {"jwt": [good()]}}, unknown),
        "unknown identifier": (
            lambda: {"credential_identifier": "no", "proofs": {"jwt": [good()]}},
            "unknown_credential_identifier"),
        "encryption": (
            lambda: {**named, "proofs": {"jwt": [good()]}, "credential_response_encryption": {}},
            "invalid_encryption_parameters"),
        "no proofs": (lambda: named, proof),
        "old proof member": (
            lambda: {**named, "proof": {"proof_type": "jwt", "jwt": good()}}, proof),
        "two proof types": (
            lambda: {**named, "proofs": {"jwt": [good()], "attestation": ["x"]}}, invalid),
        "two proofs": (lambda: {**named, "proofs": {"jwt": [good(), good()]}}, proof),
        "empty proofs": (lambda: {**named, "proofs": {"jwt": []}}, proof),
        "no JWT": (lambda: {**named, "proofs": {"jwt": ["hello"]}}, proof),
        "wrong typ": (_with_proof(client, {"typ": "JWT"}), proof),
        "kid and jwk": (_with_proof(client, {"kid": "x"}), proof),
        "no key": (_with_proof(client, {"jwk": None}), proof),
        "private key": (_with_proof(client, {"jwk": client.key.as_dict(private=True)}), proof),
        "signed by another key": (_with_proof(client, {"jwk": public}, key=other), proof),
        "wrong aud": (_with_proof(client, {}, {"aud": "https://other.example"}), proof),
        "aud with slash": (
            _with_proof(client, {}, {"aud": client.servers.issuer_url + "/"}), proof),
        "no iat": (_with_proof(client, {}, {"iat": None}), proof),
        "old iat": (_with_proof(client, {}, {"iat": int(time.time()) - 4000}), proof),
        "future iat": (_with_proof(client, {}, {"iat": int(time.time()) + 4000}), proof),
        "iss of another": (_with_proof(client, {}, {"iss": "stranger"}), proof),
        "no nonce": (_with_proof(client, {}, {"nonce": None}), proof),
        "invented nonce": (_with_proof(client, {}, {"nonce": "invented"}), "invalid_nonce"),
    }  # fmt: skip


def test_err_02_each_code(client: Client, token: str) -> None:
    for name, (body, error) in bad_bodies(client).items():
        answer = client.credential(token, body())
        assert error_of(answer) == (400, error), name
        assert answer.headers["cache-control"] == "no-store"
    wrong_type = client.credential(token, None, **{"Content-Type": "text/plain"})
    assert error_of(wrong_type) == (400, "invalid_credential_request")
    assert client.credential(token).status_code == 200


def test_cred_07_unknown_members_are_ignored(client: Client, token: str) -> None:
    body = {
        "credential_configuration_id": "pid",
        "proofs": {"jwt": [client.proof({}, {"more": 1})]},
        "x": {},
    }
    assert client.credential(token, body).status_code == 200


def test_non_06_a_nonce_is_good_for_one_proof_in_a_race(client: Client, token: str) -> None:
    nonce = client.nonce()
    body = {
        "credential_configuration_id": "pid",
        "proofs": {"jwt": [client.proof({}, {"nonce": nonce})]},
    }
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.credential(token, body), range(50)))
    assert sorted(a.status_code for a in answers) == [200] + [400] * 49
    assert {a.json()["error"] for a in answers if a.status_code == 400} == {"invalid_nonce"}


def test_err_01_bad_access_tokens(client: Client, token: str, servers: ReferenceServers) -> None:
    stranger = ECKey.generate_key("P-256")
    forged = jwt.encode({"alg": "ES256", "typ": "at+jwt"}, payload_of(token), stranger)
    head, _, signature = token.split(".")
    altered = f"{head}.{client.proof().split('.')[1]}.{signature}"
    for bad in (forged, altered, "hello", client.proof()):
        answer = client.credential(bad)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    missing = client.http.post(f"{servers.issuer_url}/credential", json={})
    assert missing.status_code == 401
    challenges = missing.headers.get_list("www-authenticate")
    assert challenges == ['DPoP algs="ES256 ES384 EdDSA"', "Bearer"]
    body = {"credential_configuration_id": "diploma", "proofs": {"jwt": [client.proof()]}}
    other = client.credential(token, body)
    assert other.status_code == 403
    assert "insufficient_scope" in other.headers["www-authenticate"]


def test_large_bodies_are_refused(client: Client, token: str) -> None:
    assert client.credential(token, b" " * 70_000).status_code == 413


# State.


def test_state_survives_kill_9(tmp_path: Path) -> None:
    with reference_servers(tmp_path) as servers:
        client = Client(servers)
        code, nonce, offer = client.code(), client.nonce(), servers.offer("pid", "reference")
        anchor = servers.ca_pem.read_bytes()
        for process in servers.processes.values():
            process.send_signal(signal.SIGKILL)
            process.wait()
        people, datasets = servers.folder / "people.json", servers.folder / "datasets.json"
        with (
            program("credential_issuer", issuer_settings(servers, datasets)),
            program("authorization_server", server_settings(servers, people)),
        ):
            assert servers.ca_pem.read_bytes() == anchor
            token = client.token(code).json()["access_token"]
            body = {
                "credential_configuration_id": "pid",
                "proofs": {"jwt": [client.proof({}, {"nonce": nonce})]},
            }
            assert client.credential(token, body).status_code == 200
            uri = dict(parse_qsl(urlsplit(offer).query))["credential_offer_uri"]
            assert httpx.get(uri, trust_env=False).status_code == 200


def test_things_expire(tmp_path: Path) -> None:
    short = {"nonce-lifetime-s": "0", "offer-lifetime-s": "0"}
    with reference_servers(
        tmp_path, issuer=short, server={"code-lifetime-s": "0", "request-uri-lifetime-s": "0"}
    ) as servers:
        client = Client(servers)
        assert client.http.get(client.authorize_url()).status_code == 400
        uri = f"{servers.issuer_url}/offers"
        page = client.http.post(uri, data={"configuration": "pid"}, follow_redirects=True)
        assert page.status_code == 404
    with reference_servers(tmp_path / "two", issuer=short, server={"code-lifetime-s": "0"}) as two:
        client = Client(two)
        assert error_of(client.token(client.code())) == (400, "invalid_grant")


def test_a_person_without_records_is_denied(tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text("[]")
    with reference_servers(tmp_path / "s", issuer={"datasets-file": str(empty)}) as servers:
        client = Client(servers)
        answer = client.credential(client.access_token()["access_token"])
        assert error_of(answer) == (400, "credential_request_denied")


def test_without_par(tmp_path: Path) -> None:
    settings = {"require-pushed-authorization-requests": ""}
    both = reference_servers(tmp_path, server=settings)
    with pytest.raises(AssertionError), both:
        pass  # a flag without a value is no value: the server says so and ends
    config = tmp_path / "server.toml"
    config.write_text("require_pushed_authorization_requests = false\n")
    with reference_servers(tmp_path / "s", server={"config": str(config)}) as servers:
        client = Client(servers)
        query = httpx.QueryParams(client.parameters())
        url = f"{servers.server_url}/authorize?{query}"
        answer = dict(parse_qsl(urlsplit(servers.sign_in(url)).query))
        assert client.token(answer["code"]).status_code == 200
        bad = httpx.QueryParams(client.parameters(code_challenge=None))
        refused = client.http.get(f"{servers.server_url}/authorize?{bad}")
        answer = dict(parse_qsl(urlsplit(refused.headers["location"]).query))
        assert answer["error"] == "invalid_request"
        assert (answer["state"], answer["iss"]) == ("the-state", servers.server_url)
        implicit = {"response_type": "token"}
        for changes, sentence in (
            ({**implicit, "redirect_uri": "https://evil.example"}, "The response_type must be"),
            ({**implicit, "client_id": "stranger"}, "The response_type must be code."),
            ({"client_id": "stranger"}, "The client does not exist on this server."),
            ({"redirect_uri": "https://evil.example"}, "The redirect_uri is missing or not"),
            ({"redirect_uri": None}, "The redirect_uri is missing or not allowed."),
        ):
            bad = httpx.QueryParams(client.parameters(**changes))
            page = client.http.get(f"{servers.server_url}/authorize?{bad}")
            assert page.status_code in (400, 401)
            assert "location" not in page.headers
            assert sentence in page.text
        bad = httpx.QueryParams(client.parameters(**implicit))
        refused = client.http.get(f"{servers.server_url}/authorize?{bad}")
        answer = dict(parse_qsl(urlsplit(refused.headers["location"]).query))
        assert answer["error"] == "unsupported_response_type"
        assert (answer["state"], answer["iss"]) == ("the-state", servers.server_url)


# PostgreSQL.


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of its own; its SQLAlchemy URL without the database's name."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    binary = str(found[-1]) if found else shutil.which("initdb")
    if binary is None:
        pytest.skip("needs the package postgresql")
    tools = Path(binary).parent
    folder = tmp_path_factory.mktemp("postgresql")
    port = free_port()
    prefix: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        prefix = ["runuser", "-u", "postgres", "--"]
        for part in (folder, *folder.parents):
            if not part.stat().st_mode & 0o001:  # pytest's folders are for their owner only
                part.chmod(0o755)
        shutil.chown(folder, "postgres", "postgres")

    def run(*command: str) -> None:
        subprocess.run(
            [*prefix, *command], check=True, capture_output=True, cwd=folder, timeout=120
        )

    run(str(tools / "initdb"), "-D", str(folder / "db"), "-A", "trust", "-U", "postgres")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    log = str(folder / "log")
    run(str(tools / "pg_ctl"), "-D", str(folder / "db"), "-o", options, "-l", log, "-w", "start")
    try:
        for name in ("issuer", "server"):
            address = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
            run(str(tools / "createdb"), *address, name)
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    finally:
        run(str(tools / "pg_ctl"), "-D", str(folder / "db"), "-m", "immediate", "stop")


def deferred_and_forgiven(client: Client, servers: ReferenceServers) -> None:
    """Approve a credential, fetch it in a race, tell of it, and be forgiven in a race."""
    token = client.access_token(scope="pid diploma")["access_token"]
    body = {"credential_configuration_id": "diploma", "proofs": {"jwt": [client.proof()]}}
    deferred = client.credential(token, body).json()
    bearer = {"Authorization": f"Bearer {token}"}
    url = f"{servers.issuer_url}/deferred-credential"
    with operator(servers) as desk:
        desk.decide("approve")
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda _: client.http.post(url, json=deferred, headers=bearer), range(16))
            )
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 15
        [issued] = [answer.json() for answer in answers if answer.status_code == 200]
        told = {"notification_id": issued["notification_id"], "event": "credential_accepted"}
        noted = client.http.post(f"{servers.issuer_url}/notification", json=told, headers=bearer)
        assert noted.status_code == 204
        assert desk.events()[0] == "credential accepted"
        desk.set_status("revoked")
        with ThreadPoolExecutor(8) as pool:
            misspelt = [client.proof({"typ": "open4vci-proof+jwt"}) for _ in range(8)]
            bodies = [
                {"credential_configuration_id": "pid", "proofs": {"jwt": [p]}} for p in misspelt
            ]
            forgiven = list(pool.map(lambda one: client.credential(token, one), bodies))
        assert {answer.status_code for answer in forgiven} == {200}
        assert "<strong>8 ×</strong>" in desk.page()


def test_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    with reference_servers(
        tmp_path,
        issuer={
            "database-url": f"{postgresql}/issuer",
            "deferred": '["diploma"]',
            "profile": "lenient",
        },
        server={"database-url": f"{postgresql}/server"},
    ) as servers:
        client = Client(servers)
        deferred_and_forgiven(client, servers)
        code = client.code()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: client.token(code).status_code, range(50)))
        assert sorted(answers) == [200] + [400] * 49
        refresh = {
            "grant_type": "refresh_token",
            "refresh_token": client.access_token()["refresh_token"],
            "client_id": "oid4vci-wallet",
        }
        url = f"{servers.server_url}/token"
        with ThreadPoolExecutor(16) as pool:
            renewed = list(pool.map(lambda _: client.http.post(url, data=refresh), range(30)))
        assert sorted(answer.status_code for answer in renewed) == [200] + [400] * 29
        token = client.access_token()["access_token"]
        body = {"credential_configuration_id": "pid", "proofs": {"jwt": [client.proof()]}}
        with ThreadPoolExecutor(16) as pool:
            issued = list(pool.map(lambda _: client.credential(token, body), range(50)))
        assert sorted(answer.status_code for answer in issued) == [200] + [400] * 49
        for process in servers.processes.values():
            process.kill()
            process.wait()
        people, datasets = tmp_path / "people.json", tmp_path / "datasets.json"
        more = {"database-url": f"{postgresql}/issuer"}
        also = {"database-url": f"{postgresql}/server"}
        with (
            program("credential_issuer", issuer_settings(servers, datasets) | more),
            program("authorization_server", server_settings(servers, people) | also),
        ):
            assert client.credential(token).status_code == 200
            for changes in (
                {"client_id": "a\0"},
                {"state": "s\0"},
                {"client_id": "a" * 9000},
                {"scope": None, "authorization_details": json.dumps([{"a": "\ud800"}])},
            ):
                assert client.par(**changes).status_code == 400
            strange = {"state": "\u2028\U0001f600\x01", "unknown\x7f": "\ud7ff"}
            long = f"http://127.0.0.1:1/{'a' * 3000}"
            code = client.code(redirect_uri=long, ui_locales=str(strange))
            assert client.token(code, redirect_uri=long).status_code == 200
            guess = {"username": "a" * 500, "password": "b" * 5000}
            browser = session()
            form = hidden(browser.get(client.authorize_url()).text)
            url = f"{servers.server_url}/login"
            assert browser.post(url, data={**form, **guess}).status_code == 401
            assert browser.post(url, data={**form, "username": "a\0"}).status_code == 400
