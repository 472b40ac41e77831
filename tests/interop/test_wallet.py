"""@openid4vc/openid4vci as wallet, at our two servers."""

import json
from collections.abc import Iterator

import pytest

from tests.interop.programs import start
from tests.support.reference_servers import ReferenceServers, reference_servers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    with reference_servers(tmp_path_factory.mktemp("servers")) as both:
        yield both


@pytest.mark.parametrize("by", ["value", "reference"])
def test_a_credential_for_a_wallet_of_other_people(by: str, servers: ReferenceServers) -> None:
    with start("openid4vci_wallet", {"offer": servers.offer("pid", by)}) as process:
        assert process.stdout
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "authorize"
        out, _ = process.communicate(servers.sign_in(url) + "\n")
    got = json.loads(out)
    assert got["version"] == "V1"
    assert got["claims"]["given_name"] == "Erika"
    assert got["claims"]["cnf"]["jwk"] == got["holder"]
