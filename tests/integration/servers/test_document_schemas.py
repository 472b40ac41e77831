"""What the issuer publishes fits the JSON schemas of the OpenID Foundation's conformance suite."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jsonschema import Draft202012Validator

from tests.integration.servers.client import session
from tests.support.operator import operator
from tests.support.reference_servers import ReferenceServers
from tests.vectors import vector

UNKNOWN_TO_THE_SUITE = ("jwt_vc_json-ld", "ldp_vc")


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(vector(f"conformance-suite-json-schemas/{name}-1_0.json"))


def offered(link: str) -> Any:
    [offer] = parse_qs(urlsplit(link).query)["credential_offer"]
    return json.loads(offer)


def test_the_metadata(servers: ReferenceServers) -> None:
    url = f"{servers.issuer_url}/.well-known/openid-credential-issuer"
    metadata = session().get(url).json()
    configurations = metadata["credential_configurations_supported"]
    for name, one in list(configurations.items()):
        if one["format"] in UNKNOWN_TO_THE_SUITE:
            del configurations[name]
    assert len(configurations) == 4
    schema("credential_issuer_metadata").validate(metadata)


@pytest.mark.parametrize("configuration", ["pid", "diploma"])
def test_off_05_an_offer(configuration: str, servers: ReferenceServers) -> None:
    schema("credential_offer").validate(offered(servers.offer(configuration)))


@pytest.mark.parametrize("tx_code", ["none", "digits", "text", "undescribed"])
def test_off_10_an_offer_with_a_pre_authorized_code(
    tx_code: str, servers: ReferenceServers
) -> None:
    with operator(servers) as counter:
        link, _ = counter.offer("pid", "diploma", tx_code=tx_code, sign_in="yes")
    offer = offered(link)
    assert len(offer["grants"]) == 2
    schema("credential_offer").validate(offer)
