"""What the issuer publishes fits the JSON schemas of the OpenID Foundation's conformance suite."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from jsonschema import Draft202012Validator

from tests.integration.servers.client import session
from tests.support.reference_servers import ReferenceServers
from tests.vectors import vector


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(vector(f"conformance-suite-json-schemas/{name}-1_0.json"))


def test_the_metadata(servers: ReferenceServers) -> None:
    url = f"{servers.issuer_url}/.well-known/openid-credential-issuer"
    schema("credential_issuer_metadata").validate(session().get(url).json())


@pytest.mark.parametrize("configuration", ["pid", "diploma"])
def test_off_05_an_offer(configuration: str, servers: ReferenceServers) -> None:
    [offer] = parse_qs(urlsplit(servers.offer(configuration)).query)["credential_offer"]
    schema("credential_offer").validate(json.loads(offer))
