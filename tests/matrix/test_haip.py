"""HAIP 1.0 from end to end: both servers with its profile, and the wallet at the command line."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from reference_servers.demo.people import write_seeds
from tests.integration.servers.peers import payload
from tests.integration.test_cli import Cli
from tests.matrix.client import Client
from tests.support.recorder import Recorder, recorder
from tests.support.reference_servers import (
    ReferenceServers,
    free_port,
    issuer_settings,
    program,
    server_settings,
)
from wallet.oauth.jwt import read_jwt


@dataclass
class Haip:
    """Both servers, with what reaches them, and their client."""

    both: ReferenceServers
    issuer: Recorder
    server: Recorder
    client: Client


@pytest.fixture(scope="module")
def haip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Haip]:
    folder = tmp_path_factory.mktemp("haip")
    client = Client(folder)
    people, datasets = write_seeds(folder)
    with ExitStack() as stack:
        ports = free_port(), free_port()
        issuer, server = (stack.enter_context(recorder(port)) for port in ports)
        both = ReferenceServers(folder, issuer.url, server.url)
        of_issuer = {
            **issuer_settings(both, datasets),
            "port": str(ports[0]),
            "profile": "haip",
            "request-encryption": "off",  # so that proofs can be seen
            "response-encryption": "off",
            "key-attestation-anchors-file": str(client.provider.file),
            "key-storage": json.dumps(["iso_18045_moderate"]),
        }
        of_server = {
            **server_settings(both, people),
            "port": str(ports[1]),
            "profile": "haip",
            "client-attestation-anchors-file": str(client.provider.file),
        }
        config = folder / "issuer.toml"
        config.write_text("key_attestations_required = true\n")
        stack.enter_context(program("credential_issuer", {**of_issuer, "config": str(config)}))
        stack.enter_context(program("authorization_server", of_server))
        yield Haip(both, issuer, server, client)


@pytest.fixture
def cli(haip: Haip, tmp_path: Path) -> Cli:
    cli = Cli(tmp_path, haip.both)
    for name, value in haip.client.flags("attest_jwt_client_auth").items():
        cli.environment[f"WALLET_{name.upper()}"] = str(value)
    return cli


def header_of(token: str) -> Any:
    return read_jwt(token).header


def attested_by(token: str, haip: Haip) -> None:
    """HAIP-04, HAIP-05: `x5c` without the anchor, nothing in it self-signed; ES256 (HAIP-08)."""
    header = header_of(token)
    chain = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in header["x5c"]]
    assert chain == [haip.client.provider.leaf, haip.client.provider.ca]
    assert all(one.issuer != one.subject for one in chain)
    assert header["alg"] == "ES256"


@pytest.mark.parametrize("scheme", ["openid-credential-offer", "haip-vci"])
def test_haip_01_haip_03_haip_04_haip_05_haip_08_end_to_end(
    scheme: str, cli: Cli, haip: Haip
) -> None:
    given, colon, rest = haip.both.offer("pid").partition(":")
    assert given == "haip-vci"
    offer = scheme + colon + rest
    haip.server.seen.clear()
    haip.issuer.seen.clear()
    code, out, log = cli.add(offer, "--json", "--authorization-request", "scope")
    assert code == 0, log
    [card] = json.loads(out)["credentials"]
    assert {one["outcome"] for one in card["report"]} == {"passed"}

    pushed = haip.server.at("/par")[-1]
    assert (pushed.form["scope"], pushed.form["code_challenge_method"]) == ("pid", "S256")
    assert "authorization_details" not in pushed.form
    assert set(haip.server.at("/authorize")[0].query) == {"client_id", "request_uri"}
    for one in (*haip.server.at("/par"), *haip.server.at("/token")):
        attestation = one.headers["oauth-client-attestation"]
        attested_by(attestation, haip)
        assert payload(attestation)["sub"] == one.form["client_id"] == "oid4vci-wallet"
        assert payload(one.headers["oauth-client-attestation-pop"])["challenge"]

    [asked] = [one for one in haip.issuer.at("/credential") if one.status == 200]
    scheme_of_token, _, token = asked.headers["authorization"].partition(" ")
    assert scheme_of_token == "DPoP"
    assert payload(token)["cnf"]["jkt"]
    taken = [
        *(one for one in haip.server.seen if "dpop" in one.headers and one.status < 400),
        asked,
        *haip.issuer.at("/notification"),
    ]
    assert len(taken) == 4  # PAR, token, credential, notification
    assert all(payload(one.headers["dpop"])["nonce"] for one in taken)

    [proof] = json.loads(asked.body)["proofs"]["jwt"]
    attestation = header_of(proof)["key_attestation"]
    attested_by(attestation, haip)
    assert payload(attestation)["key_storage"] == ["iso_18045_moderate"]
    assert payload(attestation)["nonce"] == payload(proof)["nonce"]


def test_haip_04_who_is_not_attested_is_told_so(cli: Cli, haip: Haip) -> None:
    cli.environment["WALLET_WALLET_PROVIDER"] = ""
    code, out, _ = cli.add(haip.both.offer("pid"), "--json")
    assert (code, json.loads(out)["error"]["code"]) == (8, "proof_unsupported")
    assert cli.json("list") == []
