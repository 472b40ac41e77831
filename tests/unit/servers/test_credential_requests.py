"""Which issuers the authorization server asks about what a wallet wants."""

import json
import ssl
from collections.abc import Iterator

import pytest

from reference_servers.authorization_server.credential_requests import (
    InvalidAuthorizationDetailsError,
    Issuers,
    TemporarilyUnavailableError,
    wanted,
)
from reference_servers.authorization_server.leniency import Leniency
from tests.support.simulator import Simulator, simulated_issuer

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def issuer() -> Iterator[Simulator]:
    with simulated_issuer() as issuer:
        yield issuer


def asked(issuer: Simulator, **parameters: str) -> list[tuple[str, str]]:
    """What is wanted of a server that works for an issuer that cannot be reached, too."""
    found = wanted(
        parameters,
        Issuers([NOBODY, issuer.url], ssl.create_default_context()),
        Leniency(lenient=False),
    )
    return [(one.credential_issuer, one.credential_configuration_id) for one in found]


def details(*locations: str) -> str:
    element = {"type": "openid_credential", "credential_configuration_id": "card"}
    return json.dumps([{**element, "locations": list(locations)} if locations else element])


@pytest.mark.parametrize("scope", ["", "openid", "card"])
def test_only_the_issuer_that_locations_name_is_read(scope: str, issuer: Simulator) -> None:
    found = asked(issuer, authorization_details=details(issuer.url), scope=scope)
    assert found == [(issuer.url, "card")]
    assert [path for path, _ in issuer.requests] == ["/.well-known/openid-credential-issuer"]


def test_only_the_issuer_that_the_resource_names_is_read(issuer: Simulator) -> None:
    assert asked(issuer, scope="card", resource=issuer.url) == [(issuer.url, "card")]


@pytest.mark.parametrize("locations", [(), (NOBODY,), (NOBODY, "both")])
def test_all_that_it_may_be_about_are_read(locations: tuple[str, ...], issuer: Simulator) -> None:
    here = [issuer.url if location == "both" else location for location in locations]
    with pytest.raises(TemporarilyUnavailableError):
        asked(issuer, authorization_details=details(*here))


def test_nobody_is_read_for_a_location_elsewhere(issuer: Simulator) -> None:
    with pytest.raises(InvalidAuthorizationDetailsError):
        asked(issuer, authorization_details=details("https://other.example"))
    assert issuer.requests == []
