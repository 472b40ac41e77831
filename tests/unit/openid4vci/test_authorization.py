"""Authorization Requests (OpenID4VCI 1.0, section 5)."""

import json
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.answers import answer
from tests.vectors import vector
from wallet.oauth.pkce import pkce_of
from wallet.oauth.server_metadata import ServerMetadata
from wallet.openid4vci.authorization import (
    AuthorizationRequest,
    authorization_url,
    form,
    request_for,
)
from wallet.openid4vci.issuer_metadata import read_issuer_metadata
from wallet.openid4vci.offer import AuthorizationCodeGrant
from wallet.records import Secret

ISSUER = "https://credential-issuer.example.com"
SERVER = "https://server.example.com"
NAME = "UniversityDegreeCredential"
DETAILS = {"authorization_details_types_supported": ["openid_credential"]}
Preference = Literal["auto", "scope", "authorization_details"]


def request(
    preference: Preference = "auto",
    *,
    scope: str | None = "degree",
    servers: list[str] | None = None,
    issuer_state: str | None = None,
    **server: Any,
) -> AuthorizationRequest:
    configuration = {"format": "dc+sd-jwt", "vct": "urn:degree", "scope": scope}
    document = {
        "credential_issuer": ISSUER,
        "credential_endpoint": f"{ISSUER}/credential",
        "credential_configurations_supported": {NAME: configuration},
        "authorization_servers": servers,
    }
    return request_for(
        (NAME,),
        AuthorizationCodeGrant(issuer_state=issuer_state),
        read_issuer_metadata(answer(document), ISSUER),
        ServerMetadata(issuer=SERVER, **server),
        preference=preference,
        client_id="wallet",
        redirect_uri="http://127.0.0.1:1234/path",
        state=Secret("the-state"),
        pkce=pkce_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    )


def test_auth_01_06_08_what_every_request_holds() -> None:
    assert request().parameters() == {
        "response_type": "code",
        "client_id": "wallet",
        "redirect_uri": "http://127.0.0.1:1234/path",
        "state": "the-state",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "scope": "degree",
    }


@pytest.mark.parametrize(
    ("preference", "scope", "server", "asks_by"),
    [
        ("auto", "degree", {}, "scope"),
        ("auto", "degree", DETAILS, "authorization_details"),
        ("auto", None, {}, "authorization_details"),
        ("scope", "degree", DETAILS, "scope"),
        ("scope", None, {}, "authorization_details"),  # META-12
        ("authorization_details", "degree", {}, "authorization_details"),
    ],
)
def test_meta_12_scope_or_authorization_details(
    preference: Preference, scope: str | None, server: dict[str, Any], asks_by: str
) -> None:
    parameters = request(preference, scope=scope, **server).parameters()
    assert {"scope", "authorization_details"} & set(parameters) == {asks_by}


def test_auth_02_the_examples_of_the_specification() -> None:
    for servers, name in (
        (None, "authorization_details"),
        ([SERVER], "authorization_details_with_as"),
    ):
        sent = request("authorization_details", servers=servers).parameters()
        assert json.loads(sent["authorization_details"]) == vector(f"oid4vci-1.0/{name}.json")
        assert "resource" not in sent


def test_auth_02_locations_also_for_the_issuer_itself() -> None:
    sent = request("authorization_details", servers=[ISSUER]).parameters()["authorization_details"]
    assert json.loads(sent)[0]["locations"] == [ISSUER]


def test_auth_04_resource_beside_a_scope() -> None:
    assert request(servers=[SERVER]).parameters()["resource"] == ISSUER
    assert "resource" not in request().parameters()


@pytest.mark.parametrize("state", ["", "plain", "ä/+&= %"])
def test_off_08_issuer_state_is_sent_unchanged(state: str) -> None:
    asked = request(issuer_state=state)
    assert asked.parameters()["issuer_state"] == state
    sent = parse_qs(form(asked.parameters()).decode(), keep_blank_values=True)
    assert sent["issuer_state"] == [state]


def test_the_url_keeps_the_endpoints_own_query() -> None:
    for endpoint, own in (
        (f"{SERVER}/authorize", {}),
        (f"{SERVER}/authorize?realm=a", {"realm": ["a"]}),
    ):
        server = ServerMetadata(issuer=SERVER, authorization_endpoint=endpoint)
        url = authorization_url(server, {"client_id": "wallet", "request_uri": "urn:a:b"}).reveal()
        assert url.startswith(f"{SERVER}/authorize?")
        sent = parse_qs(urlsplit(url).query)
        assert sent == {**own, "client_id": ["wallet"], "request_uri": ["urn:a:b"]}


def test_secrets_are_not_printed() -> None:
    shown = repr(request())
    assert "the-state" not in shown
    assert "dBjftJeZ" not in shown
