import json
from collections.abc import Iterator

import pytest

from tests.integration.servers.client import OPENED, Client
from tests.integration.servers.peers import Issuer, Provider, listening
from tests.support.reference_servers import ReferenceServers, reference_servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    """Both servers, for tests that leave them as they are."""
    folder = tmp_path_factory.mktemp("servers")
    clients = folder / "clients.json"
    clients.write_text(json.dumps([{"client_id": "other", "name": "Other", "native": True}]))
    with reference_servers(folder, server={"clients-file": str(clients)}) as both:
        yield both


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
def client(servers: ReferenceServers) -> Client:
    return Client(servers)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """A credential issuer of the tests, for an authorization server alone."""
    with listening(Issuer()) as one:
        yield one


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """A wallet provider of the tests."""
    return Provider(tmp_path_factory.mktemp("provider"))


@pytest.fixture(scope="module")
def token(servers: ReferenceServers) -> str:
    """An access token for `pid` by scope; it lives five minutes."""
    return str(Client(servers).access_token()["access_token"])
