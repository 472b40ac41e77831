"""Token Requests and Responses (OpenID4VCI 1.0, section 6)."""

from typing import Any

import pytest

from tests.support.answers import answer
from tests.unit.openid4vci.test_authorization import ISSUER, SERVER, request
from wallet.errors import PeerBrokeProtocol, PeerRefused, WalletError
from wallet.openid4vci.token import credential_identifiers, read_token_response, token_parameters
from wallet.records import Secret

TOKEN = {"access_token": "eyJhbGciOiJSUzI1NiIsInR5cCI6Ikp..sHQ", "token_type": "Bearer"}
EXAMPLE = {  # section 6.2
    **TOKEN,
    "expires_in": 86400,
    "authorization_details": [
        {
            "type": "openid_credential",
            "credential_configuration_id": "UniversityDegreeCredential",
            "credential_identifiers": [
                "CivilEngineeringDegree-2023",
                "ElectricalEngineeringDegree-2023",
            ],
        }
    ],
}


def test_tok_01_the_request() -> None:
    assert token_parameters(request(), Secret("SplxlOBeZQQYbYS6WxSbIA")) == {
        "grant_type": "authorization_code",
        "code": "SplxlOBeZQQYbYS6WxSbIA",
        "redirect_uri": "http://127.0.0.1:1234/path",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    assert token_parameters(request(servers=[SERVER]), Secret("c"))["resource"] == ISSUER


def test_tok_06_the_example_of_the_specification() -> None:
    token = read_token_response(answer(EXAMPLE))
    assert token.access_token.get_secret_value() == TOKEN["access_token"]
    assert credential_identifiers(token, ("UniversityDegreeCredential", "other")) == {
        "UniversityDegreeCredential": (
            "CivilEngineeringDegree-2023",
            "ElectricalEngineeringDegree-2023",
        )
    }


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"token_type": "bearer"},
        {"token_type": "BEARER"},
        {"expires_in": "soon", "scope": 1, "c_nonce": "old", "refresh_token": None},
        {"authorization_details": [{"type": "payment", "amount": 1}]},
    ],
)
def test_tok_07_tolerated(members: dict[str, Any]) -> None:
    token = read_token_response(answer({**TOKEN, **members}))
    assert credential_identifiers(token, ("card",)) is None


BAD: dict[str, dict[str, Any]] = {
    "no token": {"access_token": None},
    "empty token": {"access_token": ""},
    "token with a space": {"access_token": "a b"},
    "token with a line break": {"access_token": "a\r\nHost: evil"},
    "token with an umlaut": {"access_token": "ä"},
    "no type": {"token_type": None},
    "details as object": {"authorization_details": {}},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_documents(name: str) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_token_response(answer({**TOKEN, **BAD[name]}))
    assert caught.value.code == "token_response_invalid"


DETAIL = {"type": "openid_credential", "credential_configuration_id": "card"}
BAD_DETAILS: dict[str, list[dict[str, Any]]] = {
    "TOK-05 no identifiers": [DETAIL],
    "TOK-05 empty identifiers": [{**DETAIL, "credential_identifiers": []}],
    "TOK-05 identifiers as text": [{**DETAIL, "credential_identifiers": "one"}],
    "TOK-06 another credential": [
        {**DETAIL, "credential_configuration_id": "other", "credential_identifiers": ["one"]}
    ],
}


@pytest.mark.parametrize("name", BAD_DETAILS)
def test_bad_details(name: str) -> None:
    token = read_token_response(answer({**TOKEN, "authorization_details": BAD_DETAILS[name]}))
    with pytest.raises(PeerBrokeProtocol) as caught:
        credential_identifiers(token, ("card",))
    assert caught.value.code == "token_response_invalid"


ERRORS: dict[str, tuple[Any, type[WalletError], str, str]] = {
    "TOK-08": (answer({"error": "invalid_grant", "error_description": "too late"}, 400),
               PeerRefused, "token_refused", "invalid_grant"),
    "TOK-08 invalid_client": (answer({"error": "invalid_client"}, 401),
                              PeerRefused, "token_refused", "invalid_client"),
    "an error of no kind": (answer({"error": 5}, 400), PeerRefused, "token_refused", ""),
    "an error in HTML": (answer(b"<p>", 400, "text/html"), PeerRefused, "token_refused", ""),
    "the server's own": (answer(b"<p>", 502, "text/html"), PeerRefused, "server_error", ""),
    "success in HTML": (answer(b"<p>", 200, "text/html"), PeerBrokeProtocol,
                        "token_response_invalid", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    response, fault, code, peer_error = ERRORS[name]
    with pytest.raises(fault) as caught:
        read_token_response(response)
    assert (caught.value.code, caught.value.peer_error) == (code, peer_error)


def test_no_token_is_printed() -> None:
    token = read_token_response(answer({**TOKEN, "refresh_token": "sentinel-refresh"}))
    shown = f"{token!r} {token} {[token]}"
    assert "sentinel" not in shown
    assert TOKEN["access_token"] not in shown
