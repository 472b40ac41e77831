"""Profiles of the authorization server, its test mode, and what it forgives."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey

from reference_servers.authorization_server.leniency import FORGIVABLE
from tests.integration.servers.client import error_of
from tests.integration.servers.peers import (
    Issuer,
    Provider,
    Wallet,
    authorization_server,
)
from tests.support.reference_servers import reference_servers


def metadata(wallet: Wallet) -> dict[str, Any]:
    url = f"{wallet.servers.server_url}/.well-known/oauth-authorization-server"
    return dict(wallet.http.get(url).json())


def details(issuer: Issuer, **members: object) -> str:
    element = {
        "type": "openid_credential",
        "credential_configuration_id": "pid",
        "locations": [issuer.url],
        **members,
    }
    return json.dumps([{name: value for name, value in element.items() if value is not None}])


# HAIP.


def test_haip_01_haip_02_haip_04_the_profile_turns_on_all_of_it(
    issuer: Issuer, tmp_path: Path
) -> None:
    provider = Provider(tmp_path)
    weaker = {
        "require_pushed_authorization_requests": False,
        "require_dpop": False,
        "anonymous_access": True,
        "client_authentication": ["none"],
        "client_attestation_anchors_file": str(provider.file),
    }
    with authorization_server(tmp_path / "s", issuer, profile="haip", **weaker) as both:
        wallet = Wallet(both, "oid4vci-wallet")
        announced = metadata(wallet)
        assert announced["require_pushed_authorization_requests"] is True
        assert announced["authorization_response_iss_parameter_supported"] is True
        assert announced["code_challenge_methods_supported"] == ["S256"]
        assert announced["dpop_signing_alg_values_supported"]
        assert announced["pre-authorized_grant_anonymous_access_supported"] is False
        assert announced["token_endpoint_auth_methods_supported"] == [
            "attest_jwt_client_auth", "private_key_jwt"]  # fmt: skip
        assert error_of(wallet.par()) == (400, "invalid_client")
        query = httpx.QueryParams(wallet.parameters())
        assert wallet.http.get(f"{both.server_url}/authorize?{query}").status_code == 400
        wallet.provider = provider
        code = wallet.code()
        assert error_of(wallet.token(code)) == (400, "invalid_dpop_proof")
        wallet.dpop_key, wallet.dpop_nonce = ECKey.generate_key("P-256"), None
        assert error_of(wallet.token(code)) == (400, "use_dpop_nonce")
        assert wallet.token(code).json()["token_type"] == "DPoP"
        wallet.provider = None
        assert error_of(wallet.redeem(issuer.code())) == (400, "invalid_client")
        assert error_of(wallet.redeem(issuer.code(), client_id=None)) == (400, "invalid_client")


def test_haip_01_haip_08_refresh_tokens_stay(issuer: Issuer, tmp_path: Path) -> None:
    """FAPI 2.0, section 5.3.2.1, item 9: they are bound to the client, and not replaced."""
    provider = Provider(tmp_path)
    anchors = {"client_attestation_anchors_file": str(provider.file)}
    with authorization_server(tmp_path / "s", issuer, profile="haip", **anchors) as both:
        wallet = Wallet(both, "oid4vci-wallet")
        wallet.provider, wallet.dpop_key = provider, ECKey.generate_key("P-256")
        wallet.par()
        first = wallet.token(wallet.code()).json()
        for _ in range(2):
            again = wallet.refresh(first["refresh_token"])
            assert again.status_code == 200, again.text
            assert "refresh_token" not in again.json()
            assert again.json()["access_token"] != first["access_token"]
        own, wallet.dpop_key = wallet.dpop_key, None
        assert error_of(wallet.refresh(first["refresh_token"])) == (400, "invalid_dpop_proof")
        wallet.dpop_key, wallet.instance = own, ECKey.generate_key("P-256")
        assert error_of(wallet.refresh(first["refresh_token"])) == (400, "invalid_grant")


def test_haip_09_numbers(issuer: Issuer, tmp_path: Path) -> None:
    with authorization_server(tmp_path, issuer) as both:
        wallet = Wallet(both)
        assert wallet.par().json()["expires_in"] < 600
        assert error_of(wallet.par(redirect_uri=None)) == (400, "invalid_request")


def test_meta_14_metadata_of_a_server_with_a_path(tmp_path: Path) -> None:
    with reference_servers(tmp_path, server_path="/tenant") as both:
        origin = both.server_url.removesuffix("/tenant")
        url = f"{origin}/.well-known/oauth-authorization-server/tenant"
        found = httpx.get(url, trust_env=False).json()
        assert found["issuer"] == both.server_url
        for name, value in found.items():
            if name.endswith("_endpoint") or name == "jwks_uri":
                assert value.startswith(f"{both.server_url}/")
        appended = f"{both.server_url}/.well-known/oauth-authorization-server"
        assert httpx.get(appended, trust_env=False).status_code == 404
        wallet = Wallet(both, "oid4vci-wallet")
        wallet.dpop_key = ECKey.generate_key("P-256")
        assert wallet.par().status_code == 201


# Test mode.


def test_test_mode_approves_at_once_and_may_be_looked_at(issuer: Issuer, tmp_path: Path) -> None:
    with authorization_server(tmp_path, issuer) as both:
        wallet = Wallet(both)
        pushed = wallet.par()
        first = wallet.authorization_response(pushed)
        assert (first["state"], first["iss"]) == ("the-state", both.server_url)
        again = wallet.authorization_response(pushed)  # a preview of the link burns nothing
        assert wallet.token(again["code"]).status_code == 200
        query = {"client_id": "public", "request_uri": pushed.json()["request_uri"]}
        gone = wallet.http.get(f"{both.server_url}/authorize", params=query)
        assert gone.status_code == 400


def test_test_mode_is_off_and_loud(issuer: Issuer, tmp_path: Path) -> None:
    for person in ("", "max"):
        with authorization_server(tmp_path, issuer, test_person=person) as both:
            wallet = Wallet(both)
            query = {"client_id": "public", "request_uri": wallet.par().json()["request_uri"]}
            page = wallet.http.get(f"{both.server_url}/authorize", params=query)
            assert ("Sign in" in page.text) is (person == "")
            said = (tmp_path / "errors.txt").read_text()
            assert ("TEST MODE" in said) is (person != "")


def test_test_mode_needs_somebody(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reference_servers.authorization_server",
         "--data-dir", str(tmp_path), "--test-person", "nobody"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "test_person: there is no such user" in done.stderr


# What is forgiven.


def test_each_rule_is_refused_by_the_strict_profile_and_noted_by_the_lenient(
    issuer: Issuer, tmp_path: Path
) -> None:
    provider = Provider(tmp_path)
    anchors = {"client_attestation_anchors_file": str(provider.file)}
    for profile in ("strict", "lenient"):
        folder = tmp_path / profile
        with authorization_server(folder, issuer, profile=profile, **anchors) as both:
            rules = wrongs(Wallet(both), issuer, provider)
            assert set(rules) == set(FORGIVABLE)
            for rule, answers in rules.items():
                for answer in answers():
                    assert (answer.status_code < 300) is (profile == "lenient"), (rule, answer.text)
                noted = f"forgiven: {rule}: " in (folder / "errors.txt").read_text()
                assert noted is (profile == "lenient"), rule


def wrongs(
    wallet: Wallet, issuer: Issuer, provider: Provider
) -> dict[str, Callable[[], tuple[httpx.Response, ...]]]:
    """Requests that each break one rule."""
    keyed, attested = Wallet(wallet.servers, "keyed"), Wallet(wallet.servers, "attested")
    attested.provider = provider
    url = wallet.servers.server_url
    return {
        "anonymous_access": lambda: (wallet.redeem(issuer.code(), client_id=None),),
        "unexpected_tx_code": lambda: (wallet.redeem(issuer.code(), "1234"),),
        "unknown_resource": lambda: (
            wallet.par(resource=f"{issuer.url}/"),
            wallet.redeem(issuer.code(), resource=f"{issuer.url}/"),
        ),
        "missing_locations": lambda: (
            wallet.par(authorization_details=details(issuer, locations=None)),
        ),
        "sent_identifiers": lambda: (
            wallet.par(authorization_details=details(issuer, credential_identifiers=["x"])),
        ),
        "assertion_audience": lambda: (
            keyed.par(**keyed.assertion(aud=f"{url}/token")),
            keyed.par(**keyed.assertion(aud=f"{url}/par")),
        ),
        "attestation_iss": lambda: (
            attested.par(attested.attested(provider.attestation(attested.instance, iss=None))),
            attested.par(attested.attested(pop=attested.pop(iss=None))),
        ),
    }


def test_details_always(issuer: Issuer, tmp_path: Path) -> None:
    with authorization_server(tmp_path, issuer, details_always=True) as both:
        wallet = Wallet(both)
        for answer in (wallet.token(wallet.code()), wallet.redeem(issuer.code())):
            [detail] = answer.json()["authorization_details"]
            assert detail["credential_configuration_id"] == "pid"
            assert detail["credential_identifiers"]
