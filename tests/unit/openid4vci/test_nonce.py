"""Nonce Responses (OpenID4VCI 1.0, section 7)."""

from typing import Any

import pytest

from tests.support.answers import answer
from wallet.errors import PeerBrokeProtocol, PeerRefused, WalletError
from wallet.openid4vci.nonce import read_nonce


@pytest.mark.parametrize("status", [200, 201])
def test_non_02_the_example_of_the_specification(status: int) -> None:
    response = answer({"c_nonce": "wKI4LT17ac15ES9bw8ac4"}, status, dpop_nonce="eyJ7S_zG.eyJH0-Z")
    assert read_nonce(response).reveal() == "wKI4LT17ac15ES9bw8ac4"


BAD: dict[str, tuple[Any, type[WalletError], str]] = {
    "no nonce": (answer({}), PeerBrokeProtocol, "nonce_response_invalid"),
    "empty nonce": (answer({"c_nonce": ""}), PeerBrokeProtocol, "nonce_response_invalid"),
    "a number": (answer({"c_nonce": 1}), PeerBrokeProtocol, "nonce_response_invalid"),
    "plain text": (answer(b"abc", 200, "text/plain"), PeerBrokeProtocol, "nonce_response_invalid"),
    "nothing": (answer(b"", 204), PeerBrokeProtocol, "nonce_response_invalid"),
    "not there": (answer(b"", 404, "text/plain"), PeerRefused, "not_found"),
    "not for you": (answer({"error": "denied"}, 403), PeerRefused, "credential_refused"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_answers(name: str) -> None:
    response, fault, code = BAD[name]
    with pytest.raises(fault) as caught:
        read_nonce(response)
    assert caught.value.code == code
