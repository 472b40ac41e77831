"""Notification Endpoint (OpenID4VCI 1.0, section 11)."""

from wallet.oauth.documents import succeeded
from wallet.ports import HttpResponse
from wallet.records import JsonObject


def accepted(notification_id: str) -> JsonObject:
    """The document of a Notification Request for a credential that was stored (section 11.1)."""
    return {"notification_id": notification_id, "event": "credential_accepted"}


def read_notification_response(response: HttpResponse) -> None:
    """Take note of the answer; any 2xx is success (section 11.2).

    Raises:
        PeerRefused: `notification_refused` with the issuer's error, `server_error`, `not_found`.
    """
    succeeded(response, "notification_refused")
