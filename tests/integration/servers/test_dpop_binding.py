"""DPoP at the authorization server (RFC 9449, sections 5, 8 and 10)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from tests.integration.servers.client import error_of
from tests.integration.servers.peers import (
    Issuer,
    Wallet,
    authorization_server,
    jkt,
    payload,
)
from tests.support.reference_servers import ReferenceServers


@pytest.fixture(scope="module")
def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    folder = tmp_path_factory.mktemp("server")
    with authorization_server(folder, issuer, dpop_nonces=True) as both:
        yield both


@pytest.fixture
def wallet(server: ReferenceServers) -> Wallet:
    """A wallet with a DPoP key, that knows a nonce."""
    return proving(Wallet(server))


def proving(wallet: Wallet) -> Wallet:
    wallet.dpop_key = ECKey.generate_key("P-256")
    wallet.par()
    return wallet


def key_of(wallet: Wallet) -> ECKey:
    assert wallet.dpop_key
    return wallet.dpop_key


def test_a_nonce_is_asked_for(server: ReferenceServers) -> None:
    wallet = Wallet(server)
    wallet.dpop_key = ECKey.generate_key("P-256")
    refused = wallet.par()
    assert error_of(refused) == (400, "use_dpop_nonce")
    assert refused.headers["cache-control"] == "no-store"
    pushed = wallet.par()
    assert pushed.status_code == 201, pushed.text
    assert pushed.headers["dpop-nonce"]
    code = wallet.authorization_response(pushed)["code"]
    wallet.dpop_nonce = "made up"
    assert error_of(wallet.token(code)) == (400, "use_dpop_nonce")
    assert wallet.token(code).status_code == 200


def test_haip_01_tokens_are_bound(issuer: Issuer, wallet: Wallet) -> None:
    code = issuer.code(tx_code="1")
    wallet.dpop_nonce = None
    assert error_of(wallet.redeem(code, "1")) == (400, "use_dpop_nonce")
    for answer in (wallet.token(wallet.code()), wallet.redeem(code, "1")):
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "DPoP"
        assert answer.headers["dpop-nonce"]
        assert payload(answer.json()["access_token"])["cnf"] == {"jkt": jkt(key_of(wallet))}
        renewed = wallet.refresh(answer.json()["refresh_token"]).json()
        assert renewed["token_type"] == "DPoP"
        assert payload(renewed["access_token"])["cnf"] == {"jkt": jkt(key_of(wallet))}


def test_without_a_proof_the_token_is_a_bearer_token(server: ReferenceServers) -> None:
    wallet = Wallet(server)
    answer = wallet.token(wallet.code())
    assert answer.json()["token_type"] == "Bearer"
    assert "cnf" not in payload(answer.json()["access_token"])
    assert "dpop-nonce" not in answer.headers


def test_a_code_is_bound_by_the_proof_at_par(wallet: Wallet) -> None:
    code, own = wallet.code(), wallet.dpop_key
    assert error_of(wallet.token(code, {})) == (400, "invalid_grant")
    wallet.dpop_key = ECKey.generate_key("P-256")
    assert error_of(wallet.token(code)) == (400, "invalid_grant")
    wallet.dpop_key = own
    assert wallet.token(code).status_code == 200


def test_a_code_is_bound_by_dpop_jkt(wallet: Wallet) -> None:
    own = key_of(wallet)
    pushed = wallet.par({}, dpop_jkt=jkt(own))
    code = wallet.authorization_response(pushed)["code"]
    assert error_of(wallet.token(code, {})) == (400, "invalid_grant")
    assert wallet.token(code).status_code == 200
    assert wallet.par(dpop_jkt=jkt(own)).status_code == 201
    other = jkt(ECKey.generate_key("P-256"))
    assert error_of(wallet.par(dpop_jkt=other)) == (400, "invalid_dpop_proof")
    assert error_of(wallet.par({}, dpop_jkt="short")) == (400, "invalid_request")


def test_a_refresh_token_of_a_public_client_is_bound(wallet: Wallet) -> None:
    refresh = wallet.token(wallet.code()).json()["refresh_token"]
    assert error_of(wallet.refresh(refresh, {})) == (400, "invalid_grant")
    own, wallet.dpop_key = wallet.dpop_key, ECKey.generate_key("P-256")
    assert error_of(wallet.refresh(refresh)) == (400, "invalid_grant")
    wallet.dpop_key = own
    assert wallet.refresh(refresh).status_code == 200


def test_a_client_that_authenticates_may_change_its_key(server: ReferenceServers) -> None:
    wallet = proving(Wallet(server, "keyed"))
    refresh = wallet.token(wallet.code()).json()["refresh_token"]
    wallet.dpop_key = ECKey.generate_key("P-256")
    renewed = wallet.refresh(refresh).json()
    assert payload(renewed["access_token"])["cnf"] == {"jkt": jkt(key_of(wallet))}


def test_s7_proofs_that_are_refused(issuer: Issuer, wallet: Wallet) -> None:
    code, pre_authorized = wallet.code(), issuer.code()
    url = wallet.servers.server_url
    other = ECKey.generate_key("P-256")
    bad = {
        "no JWT": "hello",
        "another typ": wallet.dpop("token", {"typ": "JWT"}),
        "another key": wallet.dpop("token", {"jwk": other.as_dict(private=False)}),
        "private key": wallet.dpop("token", {"jwk": key_of(wallet).as_dict(private=True)}),
        "another method": wallet.dpop("token", htm="GET"),
        "another endpoint": wallet.dpop("par"),
        "another server": wallet.dpop("token", htu="https://other.example/token"),
        "no time": wallet.dpop("token", iat=None),
        "no jti": wallet.dpop("token", jti=None),
    }
    for name, proof in bad.items():
        for answer in (
            wallet.token(code, {"DPoP": proof}),
            wallet.redeem(pre_authorized, headers={"DPoP": proof}),
        ):
            assert error_of(answer) == (400, "invalid_dpop_proof"), name
            assert answer.headers["dpop-nonce"]
    twice = [("DPoP", wallet.dpop("token")), ("DPoP", wallet.dpop("token"))]
    assert error_of(wallet.token(code, twice)) == (400, "invalid_dpop_proof")
    query = wallet.dpop("token", htu=f"{url}/token?a=b#c")
    assert wallet.token(code, {"DPoP": query}).status_code == 200
    assert wallet.redeem(pre_authorized).status_code == 200


def test_s7_a_proof_is_good_once(wallet: Wallet) -> None:
    proof = wallet.dpop("par")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: wallet.par({"DPoP": proof}), range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 9


def test_dpop_may_be_required(issuer: Issuer, tmp_path: Path) -> None:
    with authorization_server(tmp_path, issuer, require_dpop=True) as both:
        wallet = Wallet(both)
        code = wallet.code()
        assert error_of(wallet.token(code)) == (400, "invalid_dpop_proof")
        assert error_of(wallet.redeem(issuer.code())) == (400, "invalid_dpop_proof")
        wallet.dpop_key = ECKey.generate_key("P-256")
        answer = wallet.token(code)  # no nonce is needed
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "DPoP"
