"""The faults of the authorization server."""

import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response

from reference_servers.faults.changes import (
    ELSEWHERE,
    SLOW_S,
    Change,
    Fault,
    broken_down,
    having,
    headed,
    instead,
    nothing,
    of_metadata,
    oversized,
    refused,
    slow,
    too_many_requests,
    truncated,
    without,
)


def _server(at: str, does: str, change: Change) -> Fault:
    return Fault("authorization_server", at, f"The authorization server's metadata {does}.", change)


def _par(at: str, does: str, change: Change) -> Fault:
    return Fault("authorization_server", at, f"The PAR endpoint {does}.", change)


def _redirect(does: str, change: Change) -> Fault:
    return Fault(
        "authorization_server",
        "authorization response",
        f"The authorization response {does}.",
        change,
    )


def _challenge(at: str, does: str, change: Change) -> Fault:
    return Fault("authorization_server", at, f"The challenge endpoint {does}.", change)


def _token(at: str, does: str, change: Change) -> Fault:
    return Fault("authorization_server", at, f"The token endpoint {does}.", change)


def _answering(**parameters: str | None) -> Change:
    """Another query of the redirect; None takes a parameter away."""

    def change(location: str) -> str:
        target, _, query = location.partition("?")
        changed = {**dict(parse_qsl(query)), **parameters}
        return f"{target}?{urlencode({n: v for n, v in changed.items() if v is not None})}"

    return change


def _to_another_origin(location: str) -> str:
    return f"{ELSEWHERE}/callback?{location.partition('?')[2]}"


def _with_details(**members: object) -> Change:
    """Other `authorization_details`, made up where there are none."""

    def change(document: Mapping[str, Any]) -> Mapping[str, Any]:
        made_up = {
            "type": "openid_credential",
            "credential_configuration_id": "pid",
            "credential_identifiers": ["made-up"],
        }
        given = document.get("authorization_details", [made_up])
        details = [{**detail, **members} for detail in given]
        return {**document, "authorization_details": details}

    return change


def _asking_for_a_nonce() -> Response:
    nonce = {"DPoP-Nonce": secrets.token_urlsafe(18), "Cache-Control": "no-store"}
    return JSONResponse({"error": "use_dpop_nonce"}, 400, nonce)


def _asking_for_a_challenge() -> Response:
    headers = {"OAuth-Client-Attestation-Challenge": secrets.token_urlsafe(18)}
    return JSONResponse({"error": "use_attestation_challenge"}, 400, headers)


FAULTS: Final[Mapping[str, Fault]] = {
    # Metadata of the authorization server.
    "server-metadata-issuer-mismatch": _server(
        "server metadata document", "name another issuer", having(issuer=ELSEWHERE)
    ),
    "server-metadata-no-endpoint": _server(
        "server metadata document", "lack the token endpoint", without("token_endpoint")
    ),
    "server-metadata-endpoint-elsewhere": _server(
        "server metadata document",
        "name a token endpoint of another origin",
        having(token_endpoint=f"{ELSEWHERE}/token"),
    ),
    "server-metadata-plain-pkce": _server(
        "server metadata document",
        "announce PKCE without S256",
        having(code_challenge_methods_supported=["plain"]),
    ),
    "server-metadata-no-grant": _server(
        "server metadata document",
        "announce no grant of OpenID4VCI",
        having(grant_types_supported=["client_credentials"]),
    ),
    **of_metadata("server-metadata", "server_metadata", "token_endpoint", _server),
    "server-metadata-unknown-members": _server(
        "server metadata document",
        "have members that nobody knows, as they may",
        having(x=1, unknown_endpoint={"deep": [None]}),
    ),
    "server-metadata-no-response-types": _server(
        "server metadata document",
        "lack response_types_supported, as many do",
        without("response_types_supported", "response_modes_supported"),
    ),
    # Pushed authorization requests, and challenges.
    "par-no-request-uri": _par(
        "par document", "answers without request_uri", without("request_uri")
    ),
    "par-refused": _par("par", "refuses the request", instead(lambda: refused("invalid_request"))),
    "par-unknown-client": _par(
        "par", "does not know the client", instead(lambda: refused("invalid_client", 401))
    ),
    "par-nonce-forever": _par(
        "par", "asks for another DPoP nonce each time", instead(_asking_for_a_nonce)
    ),
    "par-challenge-forever": _par(
        "par", "asks for another challenge each time", instead(_asking_for_a_challenge)
    ),
    "par-too-many-requests": _par(
        "par", "answers 429 with Retry-After", instead(too_many_requests)
    ),
    "par-unavailable": _par("par", "ends in a server error", instead(broken_down)),
    "par-wrong-type": _par("par", "answers as text/html", headed(content_type="text/html")),
    "par-unknown-members": _par(
        "par document", "answers with members that nobody knows, as it may", having(x={"y": [1]})
    ),
    "challenge-missing": _challenge("challenge", "answers without a challenge", instead(nothing)),
    "challenge-unavailable": _challenge(
        "challenge", "ends in a server error", instead(broken_down)
    ),
    # Authorization responses.
    "redirect-no-iss": _redirect("lacks iss", _answering(iss=None)),
    "redirect-another-iss": _redirect("is of another issuer", _answering(iss=ELSEWHERE)),
    "redirect-no-state": _redirect("lacks state", _answering(state=None)),
    "redirect-another-state": _redirect("has another state", _answering(state="another")),
    "redirect-no-code": _redirect("has neither code nor error", _answering(code=None)),
    "redirect-unknown-parameters": _redirect(
        "has parameters that nobody knows, as it may", _answering(x="1", session_state="2")
    ),
    "redirect-error": _redirect(
        "is an error of the server", _answering(code=None, error="server_error")
    ),
    "redirect-denied": _redirect("denies access", _answering(code=None, error="access_denied")),
    "redirect-to-another-origin": _redirect("goes to another origin", _to_another_origin),
    # Token responses.
    "token-refused": _token("token", "refuses the code", instead(lambda: refused("invalid_grant"))),
    "token-unknown-error": _token(
        "token", "refuses with an unknown code", instead(lambda: refused("no_such_code"))
    ),
    "token-nonce-forever": _token(
        "token", "asks for another DPoP nonce each time", instead(_asking_for_a_nonce)
    ),
    "token-challenge-forever": _token(
        "token", "asks for another challenge each time", instead(_asking_for_a_challenge)
    ),
    "token-too-many-requests": _token(
        "token", "answers 429 with Retry-After", instead(too_many_requests)
    ),
    "token-unavailable": _token("token", "ends in a server error", instead(broken_down)),
    "token-slow": _token("token", f"takes {SLOW_S} seconds", slow),
    "token-truncated": _token("token", "ends in the middle", truncated),
    "token-oversized": _token("token", "answers 20 MB", oversized),
    "token-wrong-type": _token("token", "answers as text/html", headed(content_type="text/html")),
    "token-redirect": _token(
        "token",
        "is redirected to another origin",
        instead(lambda: RedirectResponse(f"{ELSEWHERE}/token", 307)),
    ),
    "token-missing": _token("token document", "gives no token", without("access_token")),
    "token-no-type": _token("token document", "does not name the type", without("token_type")),
    "token-another-type": _token(
        "token document",
        "gives a token of an unknown type",
        having(token_type="mac"),  # noqa: S106
    ),
    "token-not-bound": _token(
        "token document",
        "gives a bearer token for a DPoP proof",
        having(token_type="Bearer"),  # noqa: S106
    ),
    "token-other-details": _token(
        "token document",
        "names a credential that was not asked for",
        _with_details(credential_configuration_id="another"),
    ),
    "token-no-identifiers": _token(
        "token document",
        "names details without credential_identifiers",
        _with_details(credential_identifiers=[]),
    ),
    "token-unknown-members": _token(
        "token document",
        "answers with members that nobody knows, as it may",
        having(x={"y": [1]}, z=None),
    ),
    "token-c-nonce": _token(
        "token document",
        "gives a c_nonce, as drafts have it",
        having(c_nonce="of-no-use", c_nonce_expires_in=86_400),
    ),
    "token-no-expiry": _token(
        "token document", "does not say when the token ends, as it may", without("expires_in")
    ),
    "token-another-case": _token(
        "token document",
        "writes the type in another case, as it may",
        lambda document: {**document, "token_type": document["token_type"].swapcase()},
    ),
    "token-unusable": _token(
        "token document",
        "gives a token that the issuer refuses",
        lambda document: {**document, "access_token": secrets.token_urlsafe(32)},
    ),
}
