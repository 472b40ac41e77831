"""Pre-authorized codes and refresh tokens at the authorization server."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.integration.servers.client import error_of
from tests.integration.servers.peers import (
    Issuer,
    Wallet,
    authorization_server,
    payload,
    restarted,
)
from tests.support.reference_servers import ReferenceServers


@pytest.fixture(scope="module")
def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    with authorization_server(tmp_path_factory.mktemp("server"), issuer) as both:
        yield both


@pytest.fixture
def wallet(server: ReferenceServers) -> Wallet:
    return Wallet(server)


# Asking for a pre-authorized code.


def test_an_issuer_gets_a_code_for_what_it_signs(issuer: Issuer, wallet: Wallet) -> None:
    answer = issuer.ask(issuer.request())
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 300
    token = wallet.redeem(answer.json()["pre-authorized_code"])
    claims = payload(token.json()["access_token"])
    assert (claims["aud"], claims["sub"], claims["scope"]) == (issuer.url, "5b7c9a1e", "pid")


def bad_requests(issuer: Issuer) -> dict[str, tuple[str, int]]:
    stranger = ECKey.generate_key("P-256", {"kid": "issuer-key"})
    now = int(time.time())
    return {
        "no JWT": ("hello", 401),
        "nothing": ("", 401),
        "signed by another key": (issuer.request(key=stranger), 401),
        "unknown kid": (issuer.request({"kid": "another"}), 401),
        "another issuer": (issuer.request(iss="https://other.example"), 401),
        "no issuer": (issuer.request(iss=None), 401),
        "issuer no text": (issuer.request(iss=["x"]), 401),
        "another typ": (issuer.request({"typ": "JWT"}), 400),
        "for another server": (issuer.request(aud="https://other.example"), 400),
        "old": (issuer.request(iat=now - 100), 400),
        "of tomorrow": (issuer.request(iat=now + 86_400), 400),
        "no iat": (issuer.request(iat=None), 400),
        "no jti": (issuer.request(jti=None), 400),
        "no subject": (issuer.request(sub=None), 400),
        "subject half a character": (issuer.request(sub="\ud800"), 400),
        "subject NUL": (issuer.request(sub="\0"), 400),
        "configuration half a character": (
            issuer.request(credential_configuration_ids=["\ud800"]),
            400,
        ),
        "unknown configuration": (issuer.request(credential_configuration_ids=["x"]), 400),
        "no configurations": (issuer.request(credential_configuration_ids=[]), 400),
        "configurations no array": (issuer.request(credential_configuration_ids="pid"), 400),
        "tx_code no text": (issuer.request(tx_code=1234), 400),
        "empty tx_code": (issuer.request(tx_code=""), 400),
    }


def test_who_may_not_ask_for_a_code(issuer: Issuer, server: ReferenceServers) -> None:
    for name, (request, status) in bad_requests(issuer).items():
        answer = issuer.ask(request)
        assert answer.status_code == status, (name, answer.text)
        assert answer.json()["error"] == {400: "invalid_request", 401: "invalid_client"}[status]
    assert issuer.ask(issuer.request(), "text/plain").status_code == 400
    assert issuer.ask("x" * 70_000).status_code == 413


def test_a_request_for_a_code_is_good_once(issuer: Issuer, server: ReferenceServers) -> None:
    request = issuer.request()
    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(lambda _: issuer.ask(request).status_code, range(8)))
    assert answers == [201] + [400] * 7


# Redeeming it.


def test_tok_08_with_and_without_a_transaction_code(issuer: Issuer, wallet: Wallet) -> None:
    code = issuer.code(tx_code="0042")
    assert error_of(wallet.redeem(code)) == (400, "invalid_request")
    assert error_of(wallet.redeem(code, "42")) == (400, "invalid_grant")
    assert error_of(wallet.redeem(code, "0042 ")) == (400, "invalid_grant")
    answer = wallet.redeem(code, "0042")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    code = issuer.code()
    assert error_of(wallet.redeem(code, "0042")) == (400, "invalid_request")
    assert wallet.redeem(code).status_code == 200


def test_tok_08_what_is_no_code(issuer: Issuer, wallet: Wallet) -> None:
    assert error_of(wallet.redeem("nothing")) == (400, "invalid_grant")
    assert error_of(wallet.redeem("")) == (400, "invalid_request")
    authorization_code = wallet.code()
    assert error_of(wallet.redeem(authorization_code)) == (400, "invalid_grant")
    assert error_of(wallet.token(issuer.code())) == (400, "invalid_grant")
    assert error_of(wallet.redeem(issuer.code(), client_id="stranger")) == (400, "invalid_client")


def test_s4_wrong_transaction_codes_end_the_code(issuer: Issuer, wallet: Wallet) -> None:
    code = issuer.code(tx_code="493536")
    for guess in range(4):
        assert error_of(wallet.redeem(code, f"{guess:06}")) == (400, "invalid_grant")
    assert wallet.redeem(code, "493536").status_code == 200
    code = issuer.code(tx_code="493536")
    for guess in range(5):
        assert error_of(wallet.redeem(code, f"{guess:06}")) == (400, "invalid_grant")
    assert error_of(wallet.redeem(code, "493536")) == (400, "invalid_grant")


def test_s4_guesses_that_come_together_are_all_counted(issuer: Issuer, wallet: Wallet) -> None:
    code = issuer.code(tx_code="49")
    with ThreadPoolExecutor(20) as pool:
        guesses = [f"{guess:02}" for guess in range(49)]
        answers = list(pool.map(lambda guess: wallet.redeem(code, guess), guesses))
    assert {error_of(answer) for answer in answers} == {(400, "invalid_grant")}
    wrong = [a for a in answers if "is wrong" in a.json()["error_description"]]
    assert len(wrong) == 5
    assert error_of(wallet.redeem(code, "49")) == (400, "invalid_grant")


def test_s4_what_is_missing_is_no_guess(issuer: Issuer, wallet: Wallet) -> None:
    """Only a transaction code that was looked at counts."""
    code = issuer.code(tx_code="493536")
    for _ in range(6):
        assert error_of(wallet.redeem(code)) == (400, "invalid_request")
        assert error_of(wallet.redeem(code, "1", client_id=None)) == (400, "invalid_client")
        refused = wallet.redeem(code, "1", authorization_details='[{"type":"x"}]')
        assert error_of(refused) == (400, "invalid_authorization_details")
        assert error_of(wallet.redeem(code, "1", headers={"DPoP": "x"}))[0] == 400
    assert wallet.redeem(code, "493536").status_code == 200


def test_s4_fifty_redemptions_at_once_give_one_token_and_end_it(
    issuer: Issuer, wallet: Wallet
) -> None:
    code = issuer.code()
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: wallet.redeem(code), range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
    [good] = [answer for answer in answers if answer.status_code == 200]
    assert wallet.revoked(good.json()["access_token"])


def test_off_10_a_pre_authorized_code_is_good_once(issuer: Issuer, wallet: Wallet) -> None:
    code = issuer.code(tx_code="1234")
    token = wallet.redeem(code, "1234").json()
    assert error_of(wallet.redeem(code, "9999")) == (400, "invalid_grant")
    assert not wallet.revoked(token["access_token"])  # somebody saw the offer, but not the letter
    assert error_of(wallet.redeem(code, "1234")) == (400, "invalid_grant")
    assert wallet.revoked(token["access_token"])
    assert error_of(wallet.refresh(token["refresh_token"])) == (400, "invalid_grant")


def test_tok_10_a_token_is_for_what_was_offered(issuer: Issuer, wallet: Wallet) -> None:
    answer = wallet.redeem(issuer.code(credential_configuration_ids=["pid", "diploma"])).json()
    assert set(answer["scope"].split()) == {"pid", "diploma"}
    assert "authorization_details" not in answer
    shared = wallet.redeem(issuer.code(credential_configuration_ids=["one"])).json()
    [detail] = shared["authorization_details"]  # its scope would open another one as well
    assert detail["credential_configuration_id"] == "one"
    assert "scope" not in shared
    nameless = wallet.redeem(issuer.code(credential_configuration_ids=["nameless", "pid"])).json()
    names = [one["credential_configuration_id"] for one in nameless["authorization_details"]]
    assert names == ["nameless", "pid"]


def details(issuer: Issuer, *names: str, **members: object) -> str:
    return json.dumps(
        [
            {
                "type": "openid_credential",
                "credential_configuration_id": name,
                "locations": [issuer.url],
                **members,
            }
            for name in names
        ]
    )


def test_tok_04_details_narrow_a_pre_authorized_token(issuer: Issuer, wallet: Wallet) -> None:
    code = issuer.code(credential_configuration_ids=["pid", "diploma"])
    refused = wallet.redeem(code, authorization_details=details(issuer, "one"))
    assert error_of(refused) == (400, "invalid_authorization_details")
    answer = wallet.redeem(code, authorization_details=details(issuer, "diploma")).json()
    [detail] = answer["authorization_details"]
    assert detail["credential_configuration_id"] == "diploma"
    assert detail["credential_identifiers"]
    assert "scope" not in answer
    claims = payload(answer["access_token"])
    assert claims["authorization_details"] == answer["authorization_details"]


def test_tok_09_tokens_are_short_and_kept_by_nobody_on_the_way(
    issuer: Issuer, wallet: Wallet
) -> None:
    first = wallet.token(wallet.code())
    second = wallet.redeem(issuer.code())
    third = wallet.refresh(second.json()["refresh_token"])
    for answer in (first, second, third):
        assert answer.headers["cache-control"] == "no-store"
        claims = payload(answer.json()["access_token"])
        assert claims["exp"] - claims["iat"] == answer.json()["expires_in"] <= 300


def test_auth_03_what_is_unknown_is_ignored(issuer: Issuer, wallet: Wallet) -> None:
    value = details(issuer, "pid", unknown={"deep": [1]}, claims=[{"path": ["given_name"]}])
    code = wallet.code(scope="unknown", authorization_details=value, unknown="x")
    token = wallet.token(code, unknown="x")
    assert token.status_code == 200, token.text
    [detail] = token.json()["authorization_details"]
    assert detail["unknown"] == {"deep": [1]}
    value = details(issuer, "pid", unknown=1)
    token = wallet.redeem(issuer.code(), authorization_details=value, unknown="x")
    assert token.status_code == 200, token.text


def test_auth_05_details_win_over_the_scope_of_the_same_credential(
    issuer: Issuer, wallet: Wallet
) -> None:
    both = {"scope": "pid diploma", "authorization_details": details(issuer, "pid", mine=1)}
    token = wallet.token(wallet.code(**both)).json()
    granted = {one["credential_configuration_id"]: one for one in token["authorization_details"]}
    assert set(granted) == {"pid", "diploma"}
    assert granted["pid"]["mine"] == 1
    assert token["scope"] == "diploma"


def test_auth_04_resource_in_the_token_request(issuer: Issuer, wallet: Wallet) -> None:
    code = issuer.code()
    refused = wallet.redeem(code, resource="https://other.example")
    assert error_of(refused) == (400, "invalid_target")
    assert wallet.redeem(code, resource=issuer.url).status_code == 200


def test_meta_15_anonymous_access_is_announced_and_off(wallet: Wallet, issuer: Issuer) -> None:
    assert metadata(wallet)["pre-authorized_grant_anonymous_access_supported"] is False
    assert error_of(wallet.redeem(issuer.code(), client_id=None)) == (400, "invalid_client")


def test_tok_03_anonymous_access(issuer: Issuer, tmp_path: Path) -> None:
    with authorization_server(tmp_path, issuer, anonymous_access=True) as both:
        wallet = Wallet(both)
        assert metadata(wallet)["pre-authorized_grant_anonymous_access_supported"] is True
        answer = wallet.redeem(issuer.code(tx_code="12"), "12", client_id=None)
        assert answer.status_code == 200, answer.text
        assert payload(answer.json()["access_token"])["client_id"] == ""
        assert "refresh_token" not in answer.json()
        assert error_of(wallet.token("x", client_id=None)) == (400, "invalid_client")


# Refresh tokens.


def test_a_refresh_token_gives_new_tokens(issuer: Issuer, wallet: Wallet) -> None:
    first = wallet.token(wallet.code(scope="pid diploma")).json()
    second = wallet.refresh(first["refresh_token"])
    assert second.status_code == 200, second.text
    assert second.headers["cache-control"] == "no-store"
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert second.json()["scope"] == first["scope"]
    narrow = wallet.refresh(second.json()["refresh_token"], scope="pid").json()
    assert narrow["scope"] == payload(narrow["access_token"])["scope"] == "pid"
    wide = wallet.refresh(narrow["refresh_token"]).json()
    assert set(wide["scope"].split()) == {"pid", "diploma"}
    refused = wallet.refresh(wide["refresh_token"], scope="pid one")
    assert error_of(refused) == (400, "invalid_scope")


def test_refreshed_details_keep_their_identifiers(issuer: Issuer, wallet: Wallet) -> None:
    code = wallet.code(scope=None, authorization_details=details(issuer, "pid", "diploma"))
    first = wallet.token(code).json()
    again = wallet.refresh(first["refresh_token"]).json()
    assert again["authorization_details"] == first["authorization_details"]
    part = details(issuer, "diploma")
    part = wallet.refresh(again["refresh_token"], authorization_details=part).json()
    assert part["authorization_details"] == first["authorization_details"][1:]


def test_a_refresh_token_that_comes_again_ends_all(wallet: Wallet) -> None:
    first = wallet.token(wallet.code()).json()
    second = wallet.refresh(first["refresh_token"]).json()
    assert not wallet.revoked(second["access_token"])
    assert error_of(wallet.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert wallet.revoked(first["access_token"])
    assert wallet.revoked(second["access_token"])
    assert error_of(wallet.refresh(second["refresh_token"])) == (400, "invalid_grant")


def test_refreshes_at_once_give_one_answer(wallet: Wallet) -> None:
    token = wallet.token(wallet.code()).json()["refresh_token"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: wallet.refresh(token), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    [good] = [answer for answer in answers if answer.status_code == 200]
    assert error_of(wallet.refresh(good.json()["refresh_token"])) == (400, "invalid_grant")


def test_what_is_no_refresh_token(server: ReferenceServers, wallet: Wallet) -> None:
    token = wallet.token(wallet.code()).json()
    assert error_of(wallet.refresh("nothing")) == (400, "invalid_grant")
    assert error_of(wallet.refresh("")) == (400, "invalid_request")
    assert error_of(wallet.refresh(token["access_token"])) == (400, "invalid_grant")
    other = Wallet(server, "oid4vci-wallet")
    assert error_of(other.refresh(token["refresh_token"])) == (400, "invalid_grant")
    assert error_of(wallet.refresh(token["refresh_token"], resource="https://x.example")) == (
        400,
        "invalid_target",
    )
    assert wallet.refresh(token["refresh_token"]).status_code == 200


def test_s3_a_code_that_comes_again_ends_the_refresh_token(wallet: Wallet) -> None:
    code = wallet.code()
    token = wallet.token(code).json()
    renewed = wallet.refresh(token["refresh_token"]).json()
    assert error_of(wallet.token(code)) == (400, "invalid_grant")
    assert wallet.revoked(renewed["access_token"])
    assert error_of(wallet.refresh(renewed["refresh_token"])) == (400, "invalid_grant")


def test_tokens_and_codes_outlive_a_kill(issuer: Issuer, tmp_path: Path) -> None:
    with authorization_server(tmp_path, issuer) as both:
        wallet = Wallet(both)
        code = issuer.code(tx_code="493536")
        assert error_of(wallet.redeem(code, "1")) == (400, "invalid_grant")
        refresh = wallet.token(wallet.code()).json()["refresh_token"]
        both.processes["server"].kill()
        both.processes["server"].wait()
        with restarted(both):
            for guess in range(2, 5):
                assert error_of(wallet.redeem(code, str(guess))) == (400, "invalid_grant")
            assert wallet.redeem(code, "493536").status_code == 200
            renewed = wallet.refresh(refresh).json()
            assert error_of(wallet.refresh(refresh)) == (400, "invalid_grant")
            assert wallet.revoked(renewed["access_token"])


def test_they_expire(issuer: Issuer, tmp_path: Path) -> None:
    short = {"pre_authorized_code_lifetime_s": 0, "refresh_token_lifetime_s": 0}
    with authorization_server(tmp_path, issuer, **short) as both:
        wallet = Wallet(both)
        assert error_of(wallet.redeem(issuer.code())) == (400, "invalid_grant")
        token = wallet.token(wallet.code()).json()["refresh_token"]
        assert error_of(wallet.refresh(token)) == (400, "invalid_grant")


def test_nothing_secret_is_kept_in_clear(issuer: Issuer, tmp_path: Path) -> None:
    with authorization_server(tmp_path, issuer) as both:
        wallet = Wallet(both)
        pre_authorized, tx_code = issuer.code(tx_code="a long transaction code"), "a long trans"
        code = wallet.code()
        token = wallet.token(code).json()
        secrets = (pre_authorized, tx_code, code, token["access_token"], token["refresh_token"])
        files = [file for file in (tmp_path / "server").iterdir() if file.name.startswith("state")]
        kept = b"".join(file.read_bytes() for file in files)
        assert not [secret for secret in secrets if secret.encode() in kept]


# What is announced.


def metadata(wallet: Wallet) -> dict[str, Any]:
    url = f"{wallet.servers.server_url}/.well-known/oauth-authorization-server"
    return dict(wallet.http.get(url).json())


@pytest.mark.parametrize(
    "grant_types",
    [
        ["authorization_code"],
        ["urn:ietf:params:oauth:grant-type:pre-authorized_code"],
        ["authorization_code", "refresh_token"],
    ],
    ids=["code", "pre-authorized", "refresh"],
)
def test_off_07_only_the_grants_that_are_announced_are_taken(
    grant_types: list[str], issuer: Issuer, tmp_path: Path
) -> None:
    with authorization_server(tmp_path, issuer, grant_types=grant_types) as both:
        wallet = Wallet(both)
        announced = metadata(wallet)
        assert announced["grant_types_supported"] == grant_types
        by_code = "authorization_code" in grant_types
        for member in ("response_types_supported", "authorization_endpoint",
                       "pushed_authorization_request_endpoint"):  # fmt: skip
            assert (member in announced) is by_code
        if by_code:
            answer = wallet.token(wallet.code()).json()
            assert ("refresh_token" in answer) is ("refresh_token" in grant_types)
            assert error_of(wallet.redeem("x")) == (400, "unsupported_grant_type")
        else:
            assert wallet.par().json()["error"] == "unsupported_response_type"
            assert "refresh_token" not in wallet.redeem(issuer.code()).json()
        if "refresh_token" not in grant_types:
            assert error_of(wallet.refresh("x")) == (400, "unsupported_grant_type")
