"""Both servers together: what one gives, the other takes."""

import base64
import hashlib
import json
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc.jwk import ECKey

from reference_servers.demo.people import write_seeds
from tests.integration.servers.client import error_of
from tests.integration.servers.peers import PRE_AUTHORIZED, Provider, Wallet, payload
from tests.support.certificates import TlsAuthority
from tests.support.operator import operator
from tests.support.reference_servers import (
    ReferenceServers,
    free_port,
    issuer_settings,
    program,
    reference_servers,
    server_settings,
)
from tests.support.tls_front import tls_front


def offer_of(link: str) -> dict[str, Any]:
    [value] = parse_qs(urlsplit(link).query)["credential_offer"]
    return dict(json.loads(value))


def get_credential(
    wallet: Wallet, token: str, body: dict[str, Any], nonce: str | None = None
) -> httpx.Response:
    """A Credential Request with a DPoP proof, once more with a nonce where one is asked for."""
    url = f"{wallet.servers.issuer_url}/credential"
    digest = hashlib.sha256(token.encode()).digest()
    ath = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    proof = wallet.dpop("credential", htu=url, ath=ath, nonce=nonce)
    proofs = {"jwt": [wallet.proof(claims={"iss": wallet.client_id})]}
    answer = wallet.http.post(
        url,
        json={**body, "proofs": proofs},
        headers={"Authorization": f"DPoP {token}", "DPoP": proof},
    )
    if nonce is None and "use_dpop_nonce" in answer.headers.get("www-authenticate", ""):
        return get_credential(wallet, token, body, answer.headers["dpop-nonce"])
    return answer


def test_from_the_counter_to_the_credential_and_back(tmp_path: Path) -> None:
    """An offer with a letter; the token is bound, refreshed, and ended by an old refresh token."""
    with reference_servers(tmp_path) as servers, operator(servers) as counter:
        link, tx_code = counter.offer("pid", "diploma", tx_code="digits")
        grant = offer_of(link)["grants"][PRE_AUTHORIZED]
        assert len(tx_code) == grant["tx_code"]["length"]
        wallet = Wallet(servers, "oid4vci-wallet")
        wallet.dpop_key = ECKey.generate_key("P-256")
        code = grant["pre-authorized_code"]
        assert error_of(wallet.redeem(code)) == (400, "invalid_request")
        first = wallet.redeem(code, tx_code).json()
        pid, diploma = ({"credential_configuration_id": name} for name in ("pid", "diploma"))
        issued = get_credential(wallet, first["access_token"], pid)
        assert issued.status_code == 200, issued.text
        second = wallet.refresh(first["refresh_token"]).json()
        issued = get_credential(wallet, second["access_token"], diploma)
        assert issued.status_code == 200, issued.text
        stranger = Wallet(servers, "oid4vci-wallet")
        stranger.dpop_key = ECKey.generate_key("P-256")
        assert get_credential(stranger, second["access_token"], pid).status_code == 401
        assert error_of(wallet.refresh(first["refresh_token"])) == (400, "invalid_grant")
        assert get_credential(wallet, second["access_token"], pid).status_code == 401


def test_haip_01_both_in_the_profile(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    server = {
        "profile": "haip",
        "client-attestation-anchors-file": str(provider.file),
        "test-person": "erika",
    }
    with reference_servers(tmp_path / "s", issuer={"profile": "haip"}, server=server) as servers:
        wallet = Wallet(servers, "oid4vci-wallet")
        wallet.provider, wallet.dpop_key = provider, ECKey.generate_key("P-256")
        assert error_of(wallet.par()) == (400, "use_dpop_nonce")
        token = wallet.token(wallet.code(scope="pid"))
        assert token.status_code == 200, token.text
        body = {"credential_configuration_id": "pid"}
        issued = get_credential(wallet, token.json()["access_token"], body)
        assert issued.status_code == 200, issued.text


def test_meta_13_two_authorization_servers(tmp_path: Path) -> None:
    other = f"http://127.0.0.1:{free_port()}"
    issuer = {"further-authorization-servers": json.dumps([other])}
    with reference_servers(tmp_path, issuer=issuer) as servers, ExitStack() as stack:
        second = ReferenceServers(tmp_path, servers.issuer_url, other)
        settings = server_settings(second, tmp_path / "people.json")
        more = {"data-dir": str(tmp_path / "second"), "test-person": "max"}
        stack.enter_context(program("authorization_server", settings | more))
        wallet = Wallet(second, "oid4vci-wallet")
        wallet.dpop_key = ECKey.generate_key("P-256")
        token = wallet.token(wallet.code()).json()["access_token"]
        assert payload(token)["iss"] == other
        body = {"credential_configuration_id": "pid"}
        issued = get_credential(wallet, token, body)
        assert issued.status_code == 200, issued.text
        first = Wallet(servers, "oid4vci-wallet")
        first.verifier = wallet.verifier
        assert error_of(first.token(wallet.code())) == (400, "invalid_grant")


def test_prf_03_a_wallet_without_a_name(tmp_path: Path) -> None:
    server = {"config": str(tmp_path / "server.toml")}
    (tmp_path / "server.toml").write_text("anonymous_access = true\n")
    with reference_servers(tmp_path / "s", server=server) as servers, operator(servers) as counter:
        link, tx_code = counter.offer("pid", tx_code="text")
        code = offer_of(link)["grants"][PRE_AUTHORIZED]["pre-authorized_code"]
        wallet = Wallet(servers)
        token = wallet.redeem(code, tx_code, client_id=None).json()["access_token"]
        for iss, status in (("oid4vci-wallet", 400), ("", 400), (None, 200)):
            proofs = {"jwt": [wallet.proof(claims={"iss": iss})]}
            body = {"credential_configuration_id": "pid", "proofs": proofs}
            assert wallet.credential(token, body).status_code == status


def test_tok_06_credentials_by_the_identifiers_of_the_token(tmp_path: Path) -> None:
    server = {"config": str(tmp_path / "server.toml")}
    (tmp_path / "server.toml").write_text('details_always = true\ntest_person = "erika"\n')
    with reference_servers(tmp_path / "s", server=server) as servers:
        wallet = Wallet(servers, "oid4vci-wallet")
        token = wallet.token(wallet.code(scope="pid diploma")).json()
        for detail in token["authorization_details"]:
            [identifier] = detail["credential_identifiers"]
            body = {"credential_identifier": identifier, "proofs": {"jwt": [wallet.proof()]}}
            assert wallet.credential(token["access_token"], body).status_code == 200
        by_name = wallet.credential(token["access_token"])
        assert error_of(by_name) == (400, "invalid_credential_request")


def test_both_trust_an_authority_of_their_own_for_tls(tmp_path: Path) -> None:
    """A code of the counter and its token: each server asks the other, behind TLS."""
    tls = TlsAuthority(tmp_path)
    people, datasets = write_seeds(tmp_path)
    plain, front = (free_port(), free_port()), (free_port(), free_port())
    issuer_url, server_url = (f"https://localhost:{port}" for port in front)
    trusted = ssl.create_default_context(cafile=tls.file)
    both = ReferenceServers(tmp_path, issuer_url, server_url, tls=trusted)
    ca = {"ca-file": str(tls.file)}
    issuer = {**issuer_settings(both, datasets), **ca, "port": str(plain[0])}
    server = {**server_settings(both, people), **ca, "port": str(plain[1])}
    with ExitStack() as stack:
        for one, other in zip(front, plain, strict=True):
            stack.enter_context(tls_front(tls.server("localhost"), one, other))
        stack.enter_context(program("credential_issuer", issuer))
        stack.enter_context(program("authorization_server", server))
        link, _ = stack.enter_context(operator(both)).offer("pid")
        wallet = Wallet(both, "oid4vci-wallet")
        wallet.http = stack.enter_context(httpx.Client(verify=trusted, trust_env=False))
        token = wallet.redeem(offer_of(link)["grants"][PRE_AUTHORIZED]["pre-authorized_code"])
        assert token.status_code == 200, token.text
