"""The faults of the authorization server: each makes something else of what is right."""

import json

import pytest
from starlette.responses import JSONResponse, Response

from reference_servers.authorization_server.settings import Settings
from reference_servers.faults import FAULTS, SLOW_S, Faults

REDIRECT = "http://127.0.0.1:1/cb?code=c&state=s&iss=http%3A%2F%2F127.0.0.1%3A2"
RIGHT = {
    "server metadata document": {
        "issuer": "http://127.0.0.1:2",
        "token_endpoint": "http://127.0.0.1:2/token",
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code"],
        "response_types_supported": ["code"],
    },
    "par document": {"request_uri": "urn:x", "expires_in": 90},
    "token document": {"access_token": "t", "token_type": "DPoP", "expires_in": 300},
    "authorization response": REDIRECT,
}
OURS = [name for name, fault in FAULTS.items() if fault.server == "authorization_server"]


def said(value: object) -> object:
    """What a wallet meets."""
    if isinstance(value, Response):
        return value.status_code, bytes(value.body), sorted(value.headers.items())
    return value


@pytest.mark.parametrize("name", OURS)
def test_each_changes_what_a_wallet_meets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    at = FAULTS[name].at
    document = {"token_endpoint": "http://127.0.0.1:2/token"}
    right = RIGHT.get(at) or JSONResponse(document, 200)
    before = said(right)
    after = said(Faults(name).at(at, right))
    assert after != before or waited == [SLOW_S]


def test_places_are_those_of_the_server() -> None:
    endpoints = {"server_metadata", "par", "token", "challenge"}
    assert {FAULTS[name].at for name in OURS} <= endpoints | set(RIGHT)


def test_redirects_keep_what_they_are_not_about() -> None:
    wrong = Faults("redirect-another-state").at("authorization response", REDIRECT)
    assert wrong == REDIRECT.replace("state=s", "state=another")


def test_details_are_changed_where_there_are_some() -> None:
    detail = {"credential_configuration_id": "diploma", "credential_identifiers": ["i"]}
    wrong = Faults("token-no-identifiers").at("token document", {"authorization_details": [detail]})
    assert json.loads(json.dumps(wrong)) == {
        "authorization_details": [{**detail, "credential_identifiers": []}]
    }


def test_a_fault_of_the_other_server_is_refused() -> None:
    with pytest.raises(ValueError, match="one of the credential issuer's"):
        Settings.model_validate({"fault": "nonce-missing"})
