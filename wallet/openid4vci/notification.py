"""Notification Endpoint (OpenID4VCI 1.0, section 11)."""

from typing import Literal

from wallet.oauth.documents import succeeded
from wallet.ports import HttpResponse
from wallet.records import JsonObject

Event = Literal["credential_accepted", "credential_deleted", "credential_failure"]
"""It was stored; the holder did not want it; anything else went wrong."""


def notification(notification_id: str, event: Event) -> JsonObject:
    """The document of a Notification Request (section 11.1)."""
    return {"notification_id": notification_id, "event": event}


def read_notification_response(response: HttpResponse) -> None:
    """Take note of the answer; any 2xx is success (section 11.2).

    Raises:
        PeerRefused: `notification_refused` with the issuer's error, `server_error`, `not_found`.
    """
    succeeded(response, "notification_refused")
