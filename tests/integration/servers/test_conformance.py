"""What the OpenID Foundation's conformance suite looks at, and no other test of servers does."""

import base64
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey

from tests.integration.servers.issuer_peers import (
    Issuer,
    bound_to,
    claims_of,
    credential_issuer,
    credentials_of,
)
from tests.integration.servers.peers import Issuer as MetadataOnly
from tests.integration.servers.peers import Wallet, authorization_server
from tests.support.reference_servers import ReferenceServers


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with credential_issuer(tmp_path_factory.mktemp("issuer")) as one:
        yield one


@pytest.fixture
def credentials(started: Issuer) -> Issuer:
    """The issuer, and a wallet before it."""
    return Issuer(started.folder, started.url, started.server)


@pytest.fixture(scope="module")
def server(
    issuer: MetadataOnly, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReferenceServers]:
    with authorization_server(tmp_path_factory.mktemp("server"), issuer) as both:
        yield both


@pytest.fixture
def wallet(server: ReferenceServers) -> Wallet:
    return Wallet(server)


def disclosed(credential: str) -> list[list[Any]]:
    """Salt, name and value of each disclosure; of an element of an array, without name."""
    return [json.loads(base64.urlsafe_b64decode(f"{p}==")) for p in credential.split("~")[1:-1]]


# The Credential Endpoint.


def test_res_02_haip_07_copies_of_a_batch_are_alike_and_cannot_be_linked(
    credentials: Issuer,
) -> None:
    keys = [ECKey.generate_key("P-256") for _ in range(5)]
    nonce = credentials.nonce()
    proofs = [credentials.proof({}, {"nonce": nonce}, key) for key in keys]
    batch = credentials_of(credentials.credential(credentials.asked(*proofs)))
    assert bound_to(batch) == {key.thumbprint() for key in keys}

    everything = [disclosed(one) for one in batch]
    datasets = {
        json.dumps(sorted(rest for _, *rest in one if not isinstance(rest[-1], dict | list)))
        for one in everything
    }
    assert len(datasets) == 1
    salts = [salt for one in everything for salt, *_ in one]
    assert len(set(salts)) == len(salts)

    claims = [claims_of(one) for one in batch]
    assert all(one[time_] % 3600 == 0 for one in claims for time_ in ("iat", "exp"))
    references = [one["status"]["status_list"] for one in claims]
    assert len({one["uri"] for one in references}) == 1
    places = [one["idx"] for one in references]
    assert len(set(places)) == len(places)
    assert any(abs(one - other) > 1 for one, other in pairwise(sorted(places)))


@pytest.mark.parametrize(
    "accept", ["application/json;charset=utf-8", "application/json, text/plain, */*", "*/*"]
)
def test_cred_01_what_a_wallet_accepts_in_other_words(accept: str, credentials: Issuer) -> None:
    answer = credentials.credential(None, Accept=accept)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["date"]
    assert credentials_of(answer)


def test_cred_07_headers_of_fapi_change_nothing(credentials: Issuer) -> None:
    headers = {
        "x-fapi-interaction-id": "c770aef3-6784-41f7-8e0e-ff5f97bddb3a",
        "x-fapi-auth-date": "Tue, 11 Sep 2012 19:43:31 GMT",
        "x-fapi-customer-ip-address": "2001:db8::1893:25c8:1946",
    }
    assert credentials_of(credentials.credential(None, **headers))


def test_err_02_an_error_is_never_encrypted(credentials: Issuer) -> None:
    key = ECKey.generate_key("P-256", {"alg": "ECDH-ES", "use": "enc", "kid": "mine"})
    wanted = {"jwk": key.as_dict(private=False), "enc": "A128GCM"}
    body = credentials.asked(configuration="nothing", credential_response_encryption=wanted)
    answer = credentials.encrypted("/credential", body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) <= {"error", "error_description"}
    assert answer.json()["error"] == "unknown_credential_configuration"


def test_non_01_a_nonce_is_all_there_is_in_its_answer(credentials: Issuer) -> None:
    answer = credentials.http.post(f"{credentials.url}/nonce")
    assert set(answer.json()) == {"c_nonce"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("claims", [{"exp": 1}, {"nbf": 4_000_000_000}, {"exp": 1, "nbf": 1}])
def test_haip_09_exp_and_nbf_of_a_dpop_proof_are_not_looked_at(
    claims: dict[str, Any], credentials: Issuer
) -> None:
    """RFC 9449, section 4.3, does not know them; the suite sends good ones, and takes either."""
    token = credentials.bound_token()
    proof = credentials.dpop(token, "/credential", **claims)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    assert credentials_of(credentials.credential(None, **headers))


# The authorization server.


def test_auth_03_a_long_state_comes_back(wallet: Wallet) -> None:
    state = "s" * 1000
    assert wallet.authorization_response(wallet.par(state=state))["state"] == state


def test_auth_03_who_sends_no_state_gets_none(wallet: Wallet) -> None:
    answer = wallet.authorization_response(wallet.par(state=None))
    assert set(answer) == {"code", "iss"}


def test_sec_02_what_is_beside_a_pushed_request_is_not_used(wallet: Wallet) -> None:
    query = {
        "client_id": wallet.client_id,
        "request_uri": wallet.par(state=None).json()["request_uri"],
        "state": "from outside",
        "redirect_uri": "http://127.0.0.1:9/other",
    }
    answer = wallet.http.get(f"{wallet.servers.server_url}/authorize", params=query)
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert (target.port, target.path) == (1234, "/callback")
    assert "state" not in parse_qs(target.query)


def test_sec_02_a_query_of_the_redirect_uri_stays(wallet: Wallet) -> None:
    where = "http://127.0.0.1:1234/callback?dummy1=lorem&dummy2=ipsum"
    answer = wallet.authorization_response(wallet.par(redirect_uri=where))
    assert (answer["dummy1"], answer["dummy2"]) == ("lorem", "ipsum")
    assert wallet.token(answer["code"], redirect_uri=where).status_code == 200


def test_sec_02_codes_and_tokens_are_long_and_short_lived(wallet: Wallet) -> None:
    pushed = wallet.par()
    assert len(pushed.json()["request_uri"].rpartition(":")[2]) >= 22
    code = wallet.authorization_response(pushed)["code"]
    token = wallet.token(code).json()
    assert len(code) >= 22
    assert len(token["refresh_token"]) >= 22
    assert 0 < token["expires_in"] <= 300
    assert claims_of(token["access_token"])["exp"] <= time.time() + 301
