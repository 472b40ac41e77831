"""The command line as a process gets every format that the reference issuer issues."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_cli import Cli
from tests.support.reference_servers import ReferenceServers, reference_servers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    with reference_servers(tmp_path_factory.mktemp("servers")) as both:
        yield both


@pytest.fixture
def cli(tmp_path: Path, servers: ReferenceServers) -> Cli:
    return Cli(tmp_path, servers)


def test_a_credential_with_a_proof_is_known_by_its_did(cli: Cli, servers: ReferenceServers) -> None:
    offer = servers.offer("diploma-ldp")
    code, out, log = cli.add(offer, "--json", "--accept-issuer", "domain")
    assert code == 0, out + log
    [card] = json.loads(out)["credentials"]
    assert card["trust"] == "domain"
    outcomes = {check["check"]: check["outcome"] for check in card["report"]}
    assert outcomes["Signature"] == "passed"
    did = json.loads(card["credential"])["issuer"]
    assert did.startswith("did:web:")
    assert cli("trust", "add", did).returncode == 0
    assert cli.json("verify", card["id"])["trust"] == "anchored"


@pytest.mark.parametrize(
    ("configuration", "name", "line"),
    [
        ("diploma-jwt", "Hochschulzeugnis, JWT", "Abschluss: Master of Science"),
        ("diploma-jwt-ld", "Hochschulzeugnis, JSON-LD JWT", "Abschluss: Master of Science"),
        ("mdl", "Führerschein", "Führerscheinnummer: D1A2B3C4E5"),
    ],
)
def test_add_and_show(
    configuration: str, name: str, line: str, cli: Cli, servers: ReferenceServers
) -> None:
    code, out, log = cli.add(servers.offer(configuration), "--json")
    assert code == 0, out + log
    received = json.loads(out)
    [card] = received["credentials"]
    assert (received["pending"], received["failed"]) == (None, [])
    assert (card["name"], card["trusted_by"]) == (name, "OID4VCI Demo CA")
    assert {check["outcome"] for check in card["report"]} == {"passed"}
    assert cli.json("show", card["id"]) == card
    shown = cli("show", card["id"]).stdout
    assert line in shown
    assert "Mustermann" in shown
