"""Clients that authenticate: by a signed assertion, by a wallet provider's attestation."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from tests.integration.servers.client import error_of
from tests.integration.servers.peers import (
    CLIENT_KEY,
    Issuer,
    Provider,
    Wallet,
    authorization_server,
    certificate,
    signed,
)
from tests.support.reference_servers import ReferenceServers

CHALLENGE = "oauth-client-attestation-challenge"


@pytest.fixture(scope="module")
def server(
    issuer: Issuer, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReferenceServers]:
    settings = {"client_attestation_anchors_file": str(provider.file)}
    with authorization_server(tmp_path_factory.mktemp("server"), issuer, **settings) as both:
        yield both


@pytest.fixture
def keyed(server: ReferenceServers) -> Wallet:
    return Wallet(server, "keyed")


@pytest.fixture
def attested(server: ReferenceServers, provider: Provider) -> Wallet:
    wallet = Wallet(server, "attested")
    wallet.provider = provider
    return wallet


def test_what_is_announced(server: ReferenceServers) -> None:
    url = f"{server.server_url}/.well-known/oauth-authorization-server"
    metadata = Wallet(server).http.get(url).json()
    assert metadata["token_endpoint_auth_methods_supported"] == [
        "attest_jwt_client_auth", "private_key_jwt", "none"]  # fmt: skip
    assert metadata["token_endpoint_auth_signing_alg_values_supported"] == ["ES256"]
    assert "ES256" in metadata["client_attestation_signing_alg_values_supported"]
    assert "ES256" in metadata["client_attestation_pop_signing_alg_values_supported"]
    assert metadata["challenge_endpoint"] == f"{server.server_url}/challenge"


# private_key_jwt.


def test_a_client_with_a_key(issuer: Issuer, keyed: Wallet) -> None:
    token = keyed.token(keyed.code(), client_id=None)
    assert token.status_code == 200, token.text
    renewed = keyed.refresh(token.json()["refresh_token"], client_id=None)
    assert renewed.status_code == 200, renewed.text
    assert keyed.redeem(issuer.code(), client_id=None).status_code == 200


def bad_assertions(wallet: Wallet) -> dict[str, dict[str, str | None]]:
    now, url = int(time.time()), wallet.servers.server_url
    public = CLIENT_KEY.as_dict(private=False)
    hmac = signed(
        {"alg": "HS256"},
        {"iss": "keyed", "sub": "keyed", "aud": url, "jti": "x", "exp": now + 60},
        OctKey.import_key(str(public["x"]) * 2),  # type: ignore[arg-type]
    )
    used = wallet.assertion(jti="the same")
    assert wallet.par(**used).status_code == 201
    return {
        "none at all": {"client_assertion": None, "client_assertion_type": None},
        "another type": {"client_assertion_type": "urn:x"},
        "signed by another key": dict(wallet.assertion(key=ECKey.generate_key("P-256"))),
        "not signed": {
            "client_assertion": wallet.assertion()["client_assertion"].rpartition(".")[0] + "."
        },
        "alg HS256": {"client_assertion": hmac},
        "no JWT": {"client_assertion": "hello"},
        "another iss": dict(wallet.assertion(iss="public")),
        "another sub": dict(wallet.assertion(sub="public", iss="public")),
        "unknown sub": dict(wallet.assertion(sub="nobody", iss="nobody")),
        "no sub": dict(wallet.assertion(sub=None)),
        "sub no text": dict(wallet.assertion(sub=["keyed"])),
        "for another server": dict(wallet.assertion(aud="https://other.example")),
        "for an endpoint": dict(wallet.assertion(aud=f"{url}/token")),
        "for several": dict(wallet.assertion(aud=[url, "https://other.example"])),
        "no aud": dict(wallet.assertion(aud=None)),
        "expired": dict(wallet.assertion(exp=now - 100)),
        "no exp": dict(wallet.assertion(exp=None)),
        "exp no number": dict(wallet.assertion(exp="soon")),
        "for ever": dict(wallet.assertion(exp=now + 10**6)),
        "not yet": dict(wallet.assertion(nbf=now + 1000)),
        "no jti": dict(wallet.assertion(jti=None)),
        "jti no text": dict(wallet.assertion(jti=5)),
        "long jti": dict(wallet.assertion(jti="x" * 501)),
        "the same again": dict(used),
    }


def test_haip_09_assertions_that_are_refused(keyed: Wallet) -> None:
    code = keyed.code()
    for name, changes in bad_assertions(keyed).items():
        for answer in (keyed.par(**changes), keyed.token(code, **changes)):
            assert error_of(answer) == (400, "invalid_client"), (name, answer.text)
    assert keyed.token(code).status_code == 200


def test_an_assertion_is_good_once_in_a_race(keyed: Wallet) -> None:
    assertion = keyed.assertion()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: keyed.par(**assertion).status_code, range(10)))
    assert sorted(answers) == [201] + [400] * 9


def test_a_client_says_one_thing_of_itself(server: ReferenceServers, keyed: Wallet) -> None:
    code = keyed.code()
    assert error_of(keyed.par(client_id="public")) == (400, "invalid_client")
    assert error_of(keyed.token(code, client_id="public")) == (400, "invalid_client")
    bare = {"client_assertion": None, "client_assertion_type": None}
    assert error_of(keyed.token(code, **bare)) == (400, "invalid_client")
    stranger = Wallet(server)
    stranger.verifier = keyed.verifier
    assert error_of(stranger.token(code)) == (400, "invalid_grant")
    public = Wallet(server)
    assert error_of(public.par(**public.assertion())) == (400, "invalid_client")
    assert keyed.token(code).status_code == 200


# attest_jwt_client_auth.


def test_ca_01_a_client_that_is_attested(issuer: Issuer, attested: Wallet) -> None:
    pushed = attested.par()
    assert pushed.headers[CHALLENGE]
    code = attested.authorization_response(pushed)["code"]
    token = attested.token(code, client_id=None)
    assert token.status_code == 200, token.text
    assert token.headers[CHALLENGE]
    renewed = attested.refresh(token.json()["refresh_token"], client_id=None)
    assert renewed.status_code == 200, renewed.text
    assert attested.redeem(issuer.code(), client_id=None).status_code == 200


def test_ca_04_a_challenge_of_any_answer_is_taken(attested: Wallet) -> None:
    challenge = attested.par().headers[CHALLENGE]
    pop = attested.pop(challenge=challenge)
    assert attested.par(attested.attested(pop=pop)).status_code == 201


def bad_attestations(wallet: Wallet) -> dict[str, Callable[[], dict[str, str]]]:
    provider, instance = wallet.provider, wallet.instance
    assert provider
    now = int(time.time())
    other = Provider(Path(provider.file).parent)
    own = certificate("Attester", other.leaf_key, "Attester", other.leaf_key)
    old = certificate("Attester", provider.leaf_key, "Authority", provider.ca_key, days=-1)
    minor = certificate("Attester", other.leaf_key, "Attester", provider.leaf_key)

    def attestation(*arguments: Any, **claims: Any) -> Callable[[], dict[str, str]]:
        return lambda: wallet.attested(provider.attestation(instance, *arguments, **claims))

    def pop(*arguments: Any, **claims: Any) -> Callable[[], dict[str, str]]:
        return lambda: wallet.attested(pop=wallet.pop(*arguments, **claims))

    return {
        "no PoP": lambda: {"OAuth-Client-Attestation": provider.attestation(instance)},
        "PoP only": lambda: {"OAuth-Client-Attestation-PoP": wallet.pop()},
        "no JWTs": lambda: wallet.attested("hello", "hello"),
        "another typ": attestation({"typ": "JWT"}),
        "no typ": attestation({"typ": None}),
        "signed by another key": attestation({}, other.leaf_key),
        "another chain": lambda: wallet.attested(other.attestation(instance)),
        "no chain": attestation({"x5c": None}),
        "chain no certificates": attestation({"x5c": ["AAAA"]}),
        "chain with a gap": attestation({"x5c": provider.x5c(provider.leaf)}),
        "chain with the anchor": attestation(
            {"x5c": provider.x5c(provider.leaf, provider.ca, provider.root)}
        ),
        "self-signed": attestation({"x5c": provider.x5c(own)}, other.leaf_key),
        "out of date": attestation({"x5c": provider.x5c(old, provider.ca)}),
        "leaf that certifies": attestation(
            {"x5c": provider.x5c(minor, provider.leaf, provider.ca)}, other.leaf_key
        ),
        "no iss": attestation(iss=None),
        "no sub": attestation(sub=None),
        "sub no text": attestation(sub=["attested"]),
        "another client": attestation(sub="public"),
        "no cnf": attestation(cnf=None),
        "cnf no key": attestation(cnf={"jwk": {}}),
        "cnf private": attestation(cnf={"jwk": instance.as_dict(private=True)}),
        "no exp": attestation(exp=None),
        "not yet": attestation(nbf=now + 1000),
        "PoP of another typ": pop({"typ": "JWT"}),
        "PoP by another key": pop({}, ECKey.generate_key("P-256")),
        "PoP iss missing": pop(iss=None),
        "PoP of another client": pop(iss="public"),
        "PoP for another server": pop(aud="https://other.example"),
        "PoP for nobody": pop(aud=None),
        "PoP old": pop(iat=now - 1000),
        "PoP of tomorrow": pop(iat=now + 1000),
        "PoP without iat": pop(iat=None),
        "PoP without jti": pop(jti=None),
    }


def test_ca_02_ca_03_attestations_that_are_refused(attested: Wallet) -> None:
    code = attested.code()
    for name, headers in bad_attestations(attested).items():
        for answer in (attested.par(headers()), attested.token(code, headers())):
            assert answer.json()["error"] in ("invalid_client_attestation", "invalid_client"), name
            general = answer.json()["error"] == "invalid_client"
            assert general or answer.status_code == 400, name  # RFC 6749, section 5.2
    assert attested.token(code).status_code == 200


def test_ca_04_errors_that_say_what_to_do(attested: Wallet) -> None:
    assert attested.provider
    for challenge in (None, "made up", 5):
        headers = attested.attested(pop=attested.pop(challenge=challenge))
        refused = attested.par(headers)
        assert error_of(refused) == (400, "use_attestation_challenge")
        pop = attested.pop(challenge=refused.headers[CHALLENGE])
        assert attested.par(attested.attested(pop=pop)).status_code == 201
    stale = attested.provider.attestation(attested.instance, exp=int(time.time()) - 1)
    assert error_of(attested.par(attested.attested(stale))) == (400, "use_fresh_attestation")


def test_ca_03_a_pop_is_good_once(attested: Wallet) -> None:
    headers = attested.attested()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: attested.par(headers), range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 9


def test_ca_01_headers_come_once(attested: Wallet) -> None:
    for name in attested.attested():
        headers = attested.attested()
        twice = [*headers.items(), (name, headers[name])]
        assert error_of(attested.par(twice)) == (400, "invalid_client_attestation")


def test_ca_06_codes_and_refresh_tokens_belong_to_an_instance(attested: Wallet) -> None:
    code, own = attested.code(), attested.instance
    attested.instance = ECKey.generate_key("P-256")
    assert error_of(attested.token(code)) == (400, "invalid_grant")
    attested.instance = own
    refresh = attested.token(code).json()["refresh_token"]
    attested.instance = ECKey.generate_key("P-256")
    assert error_of(attested.refresh(refresh)) == (400, "invalid_grant")
    attested.instance = own
    assert attested.refresh(refresh).status_code == 200


def test_ca_06_the_first_use_of_a_pre_authorized_code_binds(
    issuer: Issuer, attested: Wallet
) -> None:
    refresh = attested.redeem(issuer.code()).json()["refresh_token"]
    attested.instance = ECKey.generate_key("P-256")
    assert error_of(attested.refresh(refresh)) == (400, "invalid_grant")


def test_one_way_at_a_time(attested: Wallet) -> None:
    refused = attested.par(**attested.assertion())
    assert error_of(refused) == (400, "invalid_request")


def test_an_attested_client_does_not_go_without(server: ReferenceServers) -> None:
    assert error_of(Wallet(server, "attested").par()) == (400, "invalid_client")


def test_no_anchors_no_attestations(issuer: Issuer, tmp_path: Path) -> None:
    with authorization_server(tmp_path, issuer) as both:
        wallet = Wallet(both, "attested")
        wallet.provider = Provider(tmp_path)
        url = f"{both.server_url}/.well-known/oauth-authorization-server"
        metadata = wallet.http.get(url).json()
        assert metadata["token_endpoint_auth_methods_supported"] == ["private_key_jwt", "none"]
        assert not [name for name in metadata if name.startswith("c") and "attestation" in name]
        assert "challenge_endpoint" not in metadata
        assert error_of(wallet.par()) == (400, "invalid_client")
