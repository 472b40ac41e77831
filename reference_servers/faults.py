"""Faults: ways of being wrong on purpose, to try wallets with (`--fault NAME`).

`python -m reference_servers.faults` prints the table. A server hands what it is about to use to
`Faults.at` with the name of the place; the fault in force changes it there, every other place is
left alone. The places `<endpoint>` are whole HTTP responses (`serving.application` sees to these),
`<endpoint> document` are JSON documents before they are signed, encrypted or sent.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode

from joserfc import jws
from joserfc.jwk import ECKey
from sd_jwt.common import SDObj
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

OVERSIZE_BYTES: Final = 20_000_000
SLOW_S: Final = 30
ELSEWHERE: Final = "https://elsewhere.example"

T = TypeVar("T")
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Fault:
    """One way of being wrong.

    Attributes:
        server: The server that has it.
        at: The place where something is changed.
        does: What a wallet meets, as a sentence.
        change: Makes the wrong value out of the right one.
    """

    server: Literal["credential_issuer", "authorization_server"]
    at: str
    does: str
    change: Change


def _with(**members: object) -> Change:
    return lambda document: {**document, **members}


def _without(*names: str) -> Change:
    return lambda document: {n: v for n, v in document.items() if n not in names}


def _instead(response: Callable[[], Response]) -> Change:
    return lambda _: response()


def _headed(**headers: str) -> Change:
    """The same body under other headers."""

    def change(response: Response) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(response.body, response.status_code, {**dict(response.headers), **named})

    return change


def _truncated(response: Response) -> Response:
    half = bytes(response.body)[: len(response.body) // 2]
    return Response(half, response.status_code, media_type=response.headers["content-type"])


def _oversized(response: Response) -> Response:
    body = b" " * OVERSIZE_BYTES + bytes(response.body)
    return Response(body, response.status_code, media_type=response.headers["content-type"])


def _nested(_: Response) -> Response:
    return Response(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, media_type="application/json")


def _slow(response: Response) -> Response:
    time.sleep(SLOW_S)
    return response


def _twice(member: str) -> Change:
    """The member a second time, with another value (RFC 8259, section 4)."""

    def change(response: Response) -> Response:
        again = b'{"%s":"https://elsewhere.example",' % member.encode()
        return Response(again + bytes(response.body)[1:], media_type="application/json")

    return change


def _nothing() -> Response:
    return JSONResponse({}, 200, {"Cache-Control": "no-store"})


def _too_many_requests() -> Response:
    return Response(status_code=429, headers={"Retry-After": "120"})


def _refused(error: str, status: int = 400) -> Response:
    return JSONResponse({"error": error}, status, {"Cache-Control": "no-store"})


def _broken_down() -> Response:
    return PlainTextResponse("Internal Server Error", 500)


def _each(change: Callable[[str], str]) -> Change:
    """Change every credential of a Credential Response."""

    def changed(document: Mapping[str, Any]) -> Mapping[str, Any]:
        given = document.get("credentials", ())
        return {**document, "credentials": [{"credential": change(c["credential"])} for c in given]}

    return changed


def _listed(change: Callable[[Sequence[Any]], Sequence[Any]]) -> Change:
    """Change the array of credentials of a Credential Response."""

    def changed(document: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**document, "credentials": change(document["credentials"])}

    return changed


def _b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decoded(part: str) -> Any:  # noqa: ANN401 - a JSON value
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _signed_by_another_key(sd_jwt: str) -> str:
    signed, *disclosures = sd_jwt.split("~")
    header, payload, _ = signed.split(".")
    registry = jws.JWSRegistry(strict_check_header=False)
    registry.max_header_length = len(header) * 2
    octets = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    key = ECKey.generate_key("P-256")
    again = jws.serialize_compact(_decoded(header), octets, key, registry=registry)
    return "~".join((again, *disclosures))


def _unsigned(sd_jwt: str) -> str:
    signed, *disclosures = sd_jwt.split("~")
    header, payload, _ = signed.split(".")
    none = _b64url(json.dumps({**_decoded(header), "alg": "none"}).encode())
    return "~".join((f"{none}.{payload}.", *disclosures))


def _altered_disclosure(sd_jwt: str) -> str:
    signed, first, *rest = sd_jwt.split("~")
    *before, value = _decoded(first)
    altered = _b64url(json.dumps([*before, f"{value}!"]).encode())
    return "~".join((signed, altered, *rest))


def _further_disclosure(sd_jwt: str) -> str:
    disclosure = _b64url(json.dumps([secrets.token_urlsafe(16), "admin", True]).encode())
    return f"{sd_jwt}{disclosure}~"


def _repeated_disclosure(sd_jwt: str) -> str:
    signed, first, *rest = sd_jwt.split("~")
    return "~".join((signed, first, first, *rest))


def _disclosable_vct(payload: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return {**_without("vct")(payload), SDObj("vct"): payload["vct"]}


def _another_jwk(_: object) -> Mapping[str, Any]:
    return ECKey.generate_key("P-256").as_dict(private=False)


def _in_hours(hours: int) -> int:
    return int(time.time()) // 3600 * 3600 + hours * 3600


def _endpoints_elsewhere(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**document, "credential_endpoint": f"{ELSEWHERE}/credential"}


def _metadata(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"Credential issuer metadata {does}.", change)


def _nonce(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The nonce endpoint {does}.", change)


def _answer(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The credential endpoint {does}.", change)


def _credential(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The credential {does}.", change)


def _deferred(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The deferred credential endpoint {does}.", change)


def _notification(does: str, change: Change) -> Fault:
    return Fault("credential_issuer", "notification", f"The notification endpoint {does}.", change)


def _offer(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The offer {does}.", change)


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
    # Offers.
    "offer-unknown-configuration": _offer(
        "offer document",
        "names a configuration that is not in the metadata",
        _with(credential_configuration_ids=["nothing"]),
    ),
    "offer-repeated-configuration": _offer(
        "offer document",
        "names a configuration twice",
        lambda offer: {
            **offer,
            "credential_configuration_ids": offer["credential_configuration_ids"] * 2,
        },
    ),
    "offer-unknown-server": _offer(
        "offer document",
        "names an authorization server that is not in the metadata",
        lambda offer: {
            **offer,
            "grants": {
                name: {**grant, "authorization_server": ELSEWHERE}
                for name, grant in offer["grants"].items()
            },
        },
    ),
    "offer-wrong-type": _offer(
        "document", "by reference is not application/json", _headed(content_type="application/jwt")
    ),
    # Metadata.
    "metadata-issuer-mismatch": _metadata(
        "metadata document", "names another issuer", _with(credential_issuer=ELSEWHERE)
    ),
    "metadata-no-endpoint": _metadata(
        "metadata document", "lack the credential endpoint", _without("credential_endpoint")
    ),
    "metadata-endpoint-elsewhere": _metadata(
        "metadata document", "name an endpoint that cannot be reached", _endpoints_elsewhere
    ),
    "metadata-oversized": _metadata("metadata", "are 20 MB long", _oversized),
    "metadata-nested": _metadata("metadata", "are 50,000 objects deep", _nested),
    "metadata-truncated": _metadata("metadata", "end in the middle", _truncated),
    "metadata-repeated-member": _metadata(
        "metadata", "have a member twice", _twice("credential_endpoint")
    ),
    "metadata-wrong-type": _metadata(
        "metadata", "come as text/html", _headed(content_type="text/html")
    ),
    "metadata-redirect": _metadata(
        "metadata",
        "are redirected to another origin",
        _instead(lambda: RedirectResponse(f"{ELSEWHERE}/metadata", 302)),
    ),
    "metadata-unavailable": _metadata("metadata", "end in a server error", _instead(_broken_down)),
    "metadata-signed-by-another-key": _metadata(
        "signed metadata",
        "are signed by another key than their certificate's",
        _signed_by_another_key,
    ),
    # Nonces.
    "nonce-missing": _nonce("nonce document", "answers without c_nonce", _without("c_nonce")),
    "nonce-reused": _nonce(
        "nonce document", "gives a c_nonce that is used up", _with(c_nonce="used-long-ago")
    ),
    "nonce-wrong-type": _nonce(
        "nonce", "answers as text/plain", _headed(content_type="text/plain")
    ),
    "nonce-unavailable": _nonce("nonce", "ends in a server error", _instead(_broken_down)),
    # Credential responses.
    "credential-too-many-requests": _answer(
        "credential", "answers 429 with Retry-After", _instead(_too_many_requests)
    ),
    "credential-unavailable": _answer(
        "credential", "ends in a server error", _instead(_broken_down)
    ),
    "credential-slow": _answer("credential", f"takes {SLOW_S} seconds", _slow),
    "credential-truncated": _answer("credential", "ends in the middle", _truncated),
    "credential-oversized": _answer("credential", "answers 20 MB", _oversized),
    "credential-wrong-type": _answer(
        "credential", "answers as text/html", _headed(content_type="text/html")
    ),
    "credential-denied": _answer(
        "credential",
        "denies for good",
        _instead(lambda: _refused("credential_request_denied")),
    ),
    "credential-unknown-error": _answer(
        "credential", "refuses with an unknown code", _instead(lambda: _refused("no_such_code"))
    ),
    "credential-none": _answer(
        "credential document", "answers with an empty array", _with(credentials=[])
    ),
    "credential-no-array": _answer(
        "credential document", "answers without credentials", _without("credentials")
    ),
    "credential-too-many": _answer(
        "credential document",
        "gives a credential more than was asked for",
        _listed(lambda given: [*given, given[0]]),
    ),
    "credential-and-transaction": _answer(
        "credential document",
        "answers with credentials and a transaction_id",
        _with(transaction_id="both", interval=5),
    ),
    "credential-plaintext": _answer(
        "encrypted credential",
        "answers in plaintext though encryption was asked for",
        lambda _: None,
    ),
    "credential-encrypted-for-another": _answer(
        "encryption key", "encrypts for another key", _another_jwk
    ),
    # Credentials.
    "credential-another-signature": _credential(
        "sd-jwt", "is signed by another key than its certificate's", _signed_by_another_key
    ),
    "credential-unsigned": _credential("sd-jwt", "has alg none and no signature", _unsigned),
    "credential-digest-mismatch": _credential(
        "sd-jwt", "has a disclosure that was altered", _altered_disclosure
    ),
    "credential-further-disclosure": _credential(
        "sd-jwt", "has a disclosure that nothing refers to", _further_disclosure
    ),
    "credential-repeated-disclosure": _credential(
        "sd-jwt", "has a disclosure twice", _repeated_disclosure
    ),
    "credential-key-binding": _credential(
        "sd-jwt", "ends in a key binding JWT", lambda sd_jwt: f"{sd_jwt}e30.e30.AA"
    ),
    "credential-disclosable-vct": _credential(
        "credential payload", "hides its type in a disclosure", _disclosable_vct
    ),
    "credential-bound-to-another-key": _credential(
        "holder jwk", "is bound to a key of somebody else", _another_jwk
    ),
    "credential-unbound": _credential("credential payload", "is bound to no key", _without("cnf")),
    "credential-expired": _credential(
        "credential payload",
        "has expired on arrival",
        lambda payload: {**payload, "iat": _in_hours(-48), "exp": _in_hours(-24)},
    ),
    "credential-not-yet-valid": _credential(
        "credential payload",
        "begins tomorrow",
        lambda payload: {**payload, "nbf": _in_hours(24)},
    ),
    "credential-another-type": _credential(
        "credential payload", "is of another type", _with(vct="urn:example:other:1")
    ),
    "credential-wrong-typ": _credential(
        "credential header", "has another typ in its header", _with(typ="JWT")
    ),
    "credential-no-certificate": _credential(
        "credential header", "has no certificate in its header", _without("x5c")
    ),
    # Deferred credentials, and notifications.
    "deferred-no-interval": _answer(
        "transaction document", "defers without interval", _without("interval")
    ),
    "deferred-another-transaction": _deferred(
        "deferred document",
        "answers with another transaction_id",
        lambda answer: (
            _with(transaction_id="another")(answer) if "transaction_id" in answer else answer
        ),
    ),
    "deferred-forgotten": _deferred(
        "deferred_credential",
        "does not know the transaction",
        _instead(lambda: _refused("invalid_transaction_id")),
    ),
    "deferred-unavailable": _deferred(
        "deferred_credential", "ends in a server error", _instead(_broken_down)
    ),
    "notification-unavailable": _notification("ends in a server error", _instead(_broken_down)),
    "notification-refused": _notification(
        "does not know the notification_id", _instead(lambda: _refused("invalid_notification_id"))
    ),
    # Metadata of the authorization server.
    "server-metadata-issuer-mismatch": _server(
        "server metadata document", "name another issuer", _with(issuer=ELSEWHERE)
    ),
    "server-metadata-no-endpoint": _server(
        "server metadata document", "lack the token endpoint", _without("token_endpoint")
    ),
    "server-metadata-endpoint-elsewhere": _server(
        "server metadata document",
        "name a token endpoint of another origin",
        _with(token_endpoint=f"{ELSEWHERE}/token"),
    ),
    "server-metadata-plain-pkce": _server(
        "server metadata document",
        "announce PKCE without S256",
        _with(code_challenge_methods_supported=["plain"]),
    ),
    "server-metadata-no-grant": _server(
        "server metadata document",
        "announce no grant of OpenID4VCI",
        _with(grant_types_supported=["client_credentials"]),
    ),
    "server-metadata-oversized": _server("server_metadata", "are 20 MB long", _oversized),
    "server-metadata-nested": _server("server_metadata", "are 50,000 objects deep", _nested),
    "server-metadata-truncated": _server("server_metadata", "end in the middle", _truncated),
    "server-metadata-repeated-member": _server(
        "server_metadata", "have a member twice", _twice("token_endpoint")
    ),
    "server-metadata-wrong-type": _server(
        "server_metadata", "come as text/html", _headed(content_type="text/html")
    ),
    "server-metadata-redirect": _server(
        "server_metadata",
        "are redirected to another origin",
        _instead(lambda: RedirectResponse(f"{ELSEWHERE}/metadata", 302)),
    ),
    "server-metadata-unavailable": _server(
        "server_metadata", "end in a server error", _instead(_broken_down)
    ),
    # Pushed authorization requests, and challenges.
    "par-no-request-uri": _par(
        "par document", "answers without request_uri", _without("request_uri")
    ),
    "par-refused": _par(
        "par", "refuses the request", _instead(lambda: _refused("invalid_request"))
    ),
    "par-unknown-client": _par(
        "par", "does not know the client", _instead(lambda: _refused("invalid_client", 401))
    ),
    "par-nonce-forever": _par(
        "par", "asks for another DPoP nonce each time", _instead(_asking_for_a_nonce)
    ),
    "par-challenge-forever": _par(
        "par", "asks for another challenge each time", _instead(_asking_for_a_challenge)
    ),
    "par-too-many-requests": _par(
        "par", "answers 429 with Retry-After", _instead(_too_many_requests)
    ),
    "par-unavailable": _par("par", "ends in a server error", _instead(_broken_down)),
    "par-wrong-type": _par("par", "answers as text/html", _headed(content_type="text/html")),
    "challenge-missing": _challenge("challenge", "answers without a challenge", _instead(_nothing)),
    "challenge-unavailable": _challenge(
        "challenge", "ends in a server error", _instead(_broken_down)
    ),
    # Authorization responses.
    "redirect-no-iss": _redirect("lacks iss", _answering(iss=None)),
    "redirect-another-iss": _redirect("is of another issuer", _answering(iss=ELSEWHERE)),
    "redirect-no-state": _redirect("lacks state", _answering(state=None)),
    "redirect-another-state": _redirect("has another state", _answering(state="another")),
    "redirect-no-code": _redirect("has neither code nor error", _answering(code=None)),
    "redirect-error": _redirect(
        "is an error of the server", _answering(code=None, error="server_error")
    ),
    "redirect-denied": _redirect("denies access", _answering(code=None, error="access_denied")),
    "redirect-to-another-origin": _redirect("goes to another origin", _to_another_origin),
    # Token responses.
    "token-refused": _token(
        "token", "refuses the code", _instead(lambda: _refused("invalid_grant"))
    ),
    "token-unknown-error": _token(
        "token", "refuses with an unknown code", _instead(lambda: _refused("no_such_code"))
    ),
    "token-nonce-forever": _token(
        "token", "asks for another DPoP nonce each time", _instead(_asking_for_a_nonce)
    ),
    "token-challenge-forever": _token(
        "token", "asks for another challenge each time", _instead(_asking_for_a_challenge)
    ),
    "token-too-many-requests": _token(
        "token", "answers 429 with Retry-After", _instead(_too_many_requests)
    ),
    "token-unavailable": _token("token", "ends in a server error", _instead(_broken_down)),
    "token-slow": _token("token", f"takes {SLOW_S} seconds", _slow),
    "token-truncated": _token("token", "ends in the middle", _truncated),
    "token-oversized": _token("token", "answers 20 MB", _oversized),
    "token-wrong-type": _token("token", "answers as text/html", _headed(content_type="text/html")),
    "token-redirect": _token(
        "token",
        "is redirected to another origin",
        _instead(lambda: RedirectResponse(f"{ELSEWHERE}/token", 307)),
    ),
    "token-missing": _token("token document", "gives no token", _without("access_token")),
    "token-no-type": _token("token document", "does not name the type", _without("token_type")),
    "token-another-type": _token(
        "token document",
        "gives a token of an unknown type",
        _with(token_type="mac"),  # noqa: S106
    ),
    "token-not-bound": _token(
        "token document",
        "gives a bearer token for a DPoP proof",
        _with(token_type="Bearer"),  # noqa: S106
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
    "token-unusable": _token(
        "token document",
        "gives a token that the issuer refuses",
        lambda document: {**document, "access_token": secrets.token_urlsafe(32)},
    ),
}


class Faults:
    """The fault in force; the empty name stands for none."""

    def __init__(self, name: str = "") -> None:
        self._fault = FAULTS.get(name)

    def at(self, place: str, value: T) -> T:
        """The value to go on with at a place."""
        if self._fault is None or self._fault.at != place:
            return value
        changed: T = self._fault.change(value)
        return changed


NO_FAULT: Final = Faults()


def known(name: str) -> str:
    """The name of a fault, or the empty one.

    Raises:
        ValueError: There is no such fault.
    """
    if name and name not in FAULTS:
        message = "no such fault; python -m reference_servers.faults prints them"
        raise ValueError(message)
    return name


if __name__ == "__main__":
    for name, fault in FAULTS.items():
        print(f"{name:34} {fault.server:22} {fault.does}")  # noqa: T201
