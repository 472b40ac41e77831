"""Pushed Authorization Requests (RFC 9126)."""

from typing import Any

import pytest

from tests.support.answers import answer
from wallet.errors import PeerBrokeProtocol, PeerRefused, WalletError
from wallet.oauth.par import read_pushed_request

PUSHED = {"request_uri": "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"}


@pytest.mark.parametrize("status", [200, 201])
def test_section_2_2(status: int) -> None:
    pushed = read_pushed_request(answer({**PUSHED, "expires_in": 60, "new": 1}, status))
    assert pushed.request_uri == PUSHED["request_uri"]


BAD: dict[str, tuple[Any, type[WalletError], str]] = {
    "no request_uri": (answer({"expires_in": 60}, 201), PeerBrokeProtocol,
                       "authorization_response_invalid"),
    "empty request_uri": (answer({"request_uri": "", "expires_in": 60}, 201), PeerBrokeProtocol,
                          "authorization_response_invalid"),
    "no expires_in": (answer(PUSHED, 201), PeerBrokeProtocol, "authorization_response_invalid"),
    "expired": (answer({**PUSHED, "expires_in": 0}, 201), PeerBrokeProtocol,
                "authorization_response_invalid"),
    "HTML": (answer(b"<p>", 201, "text/html"), PeerBrokeProtocol,
             "authorization_response_invalid"),
    "refused": (answer({"error": "invalid_request"}, 400), PeerRefused, "authorization_refused"),
    "not allowed": (answer(b"", 405, "text/plain"), PeerRefused, "authorization_refused"),
    "too many": (answer(b"", 429, "text/plain"), PeerRefused, "busy"),
    "down": (answer(b"", 500, "text/plain"), PeerRefused, "server_error"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_answers(name: str) -> None:
    response, fault, code = BAD[name]
    with pytest.raises(fault) as caught:
        read_pushed_request(response)
    assert caught.value.code == code
