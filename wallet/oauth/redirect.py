"""The authorization response in the browser's redirect (RFC 6749, section 4.1.2; RFC 9207)."""

import hmac
from urllib.parse import parse_qsl

from wallet.errors import HolderDeclined, PeerBrokeProtocol, PeerRefused
from wallet.oauth.server_metadata import ServerMetadata
from wallet.records import Secret


def read_authorization_response(
    query: str, *, state: Secret[str], server: ServerMetadata
) -> Secret[str]:
    """The authorization code, if the response belongs to this request and comes from `server`.

    Raises:
        PeerBrokeProtocol: `state_mismatch`, `iss_missing` (the server promised one), `iss_mismatch`
            or `authorization_response_invalid`.
        HolderDeclined: `access_denied`.
        PeerRefused: `authorization_refused` with the server's error.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=50)
    except ValueError:
        raise PeerBrokeProtocol("authorization_response_invalid", "not a query") from None
    answer = dict(pairs)
    if len(answer) != len(pairs):
        raise PeerBrokeProtocol(
            "authorization_response_invalid",
            "a parameter occurs twice",
            rule="RFC 6749, section 3.1",
        )
    got = answer.get("state", "").encode("utf-8", "replace")
    if not hmac.compare_digest(got, state.reveal().encode()):
        raise PeerBrokeProtocol("state_mismatch", rule="RFC 6749, section 10.12")
    issuer = answer.get("iss")
    if issuer is None and server.authorization_response_iss_parameter_supported:
        raise PeerBrokeProtocol("iss_missing", rule="RFC 9207, section 2.4")
    if issuer is not None and issuer != server.issuer:
        raise PeerBrokeProtocol(
            "iss_mismatch",
            f"expected {server.issuer[:200]!r}, got {issuer[:200]!r}",
            rule="RFC 9207, section 2.4",
        )
    if error := answer.get("error"):
        description = answer.get("error_description", "")
        if error == "access_denied":
            raise HolderDeclined("access_denied", description, peer_error="access_denied")
        raise PeerRefused("authorization_refused", description, peer_error=error)
    if not answer.get("code"):
        raise PeerBrokeProtocol(
            "authorization_response_invalid",
            "neither code nor error",
            rule="RFC 6749, section 4.1.2",
        )
    return Secret(answer["code"])
