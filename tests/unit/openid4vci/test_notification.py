"""Notification Endpoint (OpenID4VCI 1.0, section 11)."""

import pytest

from wallet.errors import PeerRefused
from wallet.openid4vci.notification import notification, read_notification_response
from wallet.ports import HttpResponse

URL = "https://issuer.example/notification"
JSON = {"content-type": "application/json"}


def test_not_01_the_request() -> None:
    body = notification("n-1", "credential_accepted")
    assert body == {"notification_id": "n-1", "event": "credential_accepted"}


@pytest.mark.parametrize("status", [200, 202, 204])
def test_not_02_any_success_will_do(status: int) -> None:
    read_notification_response(HttpResponse(URL, status, {}, b""))


def test_not_02_a_refusal() -> None:
    body = b'{"error": "invalid_notification_id"}'
    with pytest.raises(PeerRefused) as caught:
        read_notification_response(HttpResponse(URL, 400, JSON, body))
    assert caught.value.code == "notification_refused"
    assert caught.value.peer_error == "invalid_notification_id"
