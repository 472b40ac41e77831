"""@openid4vc/openid4vci as wallet, at our two servers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.authorities import write_authority
from tests.interop.programs import start
from tests.support.operator import operator
from tests.support.reference_servers import ReferenceServers, reference_servers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    with reference_servers(tmp_path_factory.mktemp("servers")) as both:
        yield both


def received(servers: ReferenceServers, offer: str, **settings: object) -> Any:
    """What the wallet says that it got; Erika signs in where it asks for that."""
    with start("openid4vci_wallet", {"offer": offer, **settings}) as process:
        assert process.stdout
        line = process.stdout.readline()
        if line.startswith("authorize "):
            url = line.split()[1]
            line, _ = process.communicate(servers.sign_in(url) + "\n")
    return json.loads(line)


@pytest.mark.parametrize("by", ["value", "reference"])
def test_a_credential_for_a_wallet_of_other_people(by: str, servers: ReferenceServers) -> None:
    got = received(servers, servers.offer("pid", by))
    assert (got["version"], got["signed"], got["notified"]) == ("V1", False, True)
    [claims], [key] = got["claims"], got["keys"]
    assert (claims["given_name"], claims["cnf"]["jwk"]) == ("Erika", key)


@pytest.mark.parametrize("tx_code", ["none", "digits", "text", "undescribed"])
def test_a_pre_authorized_code_for_a_wallet_of_other_people(
    tx_code: str, servers: ReferenceServers
) -> None:
    with operator(servers) as counter:
        offer, code = counter.offer("pid", tx_code=tx_code)
        got = received(servers, offer, tx_code=code)
        assert "credential accepted" in counter.events()[0]
    assert got["claims"][0]["given_name"] == "Erika"


def test_copies_for_a_wallet_of_other_people(servers: ReferenceServers) -> None:
    got = received(servers, servers.offer("diploma"), copies=3, signed=True)
    assert got["signed"]
    bound = {claims["cnf"]["jwk"]["x"] for claims in got["claims"]}
    assert bound == {key["x"] for key in got["keys"]}
    assert len(bound) == 3


def test_a_deferred_credential_for_a_wallet_of_other_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its reader of deferred answers refuses a notification_id beside the credentials.
    monkeypatch.setenv("CREDENTIAL_ISSUER_NOTIFICATIONS", "false")
    later = {"deferred": '["pid"]', "deferred-interval-s": "1", "approve-after-s": "1"}
    with reference_servers(tmp_path, issuer=later) as servers:
        got = received(servers, servers.offer("pid"))
    assert got["deferred"]
    assert got["claims"][0]["given_name"] == "Erika"


def test_a_wallet_of_other_people_proves_possession(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for server in ("AUTHORIZATION_SERVER", "CREDENTIAL_ISSUER"):
        monkeypatch.setenv(f"{server}_REQUIRE_DPOP", "true")
        monkeypatch.setenv(f"{server}_DPOP_NONCES", "true")
    with reference_servers(tmp_path) as servers:
        got = received(servers, servers.offer("pid"), dpop=True)
    assert got["claims"][0]["given_name"] == "Erika"
    assert got["notified"]


@pytest.mark.parametrize("profile", ["strict", "lenient"])
def test_a_wallet_of_other_people_ignores_the_identifier_it_was_given(
    profile: str, tmp_path: Path
) -> None:
    """It asks by configuration although the Token Response names a credential_identifier."""
    chosen = {"profile": profile}
    with reference_servers(tmp_path, issuer=chosen, server=chosen) as servers:
        got = received(servers, servers.offer("pid"), details=True)
    if profile == "strict":
        assert got["refused"]["error"] == "invalid_credential_request"
    else:
        assert got["claims"][0]["given_name"] == "Erika"


def test_haip_with_a_wallet_of_other_people(tmp_path: Path) -> None:
    anchor, provider = write_authority(tmp_path, "wallet-provider")
    haip = {"profile": "haip"}
    attesting = haip | {"client-attestation-anchors": str(anchor)}
    with reference_servers(tmp_path / "servers", issuer=haip, server=attesting) as servers:
        got = received(servers, servers.offer("pid"), dpop=True, provider=str(provider))
    assert got["claims"][0]["given_name"] == "Erika"
