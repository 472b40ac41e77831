"""What a fault is, and how right documents and responses are made wrong."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

OVERSIZE_BYTES: Final = 20_000_000
SLOW_S: Final = 30
ELSEWHERE: Final = "https://elsewhere.example"

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


def having(**members: object) -> Change:
    """Other members, or more."""
    return lambda document: {**document, **members}


def without(*names: str) -> Change:
    """Members left out."""
    return lambda document: {n: v for n, v in document.items() if n not in names}


def instead(response: Callable[[], Response]) -> Change:
    """Another response."""
    return lambda _: response()


def headed(**headers: str) -> Change:
    """The same body under other headers."""

    def change(response: Response) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(response.body, response.status_code, {**dict(response.headers), **named})

    return change


def truncated(response: Response) -> Response:
    """The first half of a response."""
    half = bytes(response.body)[: len(response.body) // 2]
    return Response(half, response.status_code, media_type=response.headers["content-type"])


def oversized(response: Response) -> Response:
    """A response after 20 MB of spaces."""
    body = b" " * OVERSIZE_BYTES + bytes(response.body)
    return Response(body, response.status_code, media_type=response.headers["content-type"])


def nested(_: Response) -> Response:
    """Another document, 50,000 objects deep."""
    return Response(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, media_type="application/json")


def slow(response: Response) -> Response:
    """The same response, late."""
    time.sleep(SLOW_S)
    return response


def repeating(member: str) -> Change:
    """The member a second time, with another value (RFC 8259, section 4)."""

    def change(response: Response) -> Response:
        again = b'{"%s":"https://elsewhere.example",' % member.encode()
        return Response(again + bytes(response.body)[1:], media_type="application/json")

    return change


def nothing() -> Response:
    """An empty object."""
    return JSONResponse({}, 200, {"Cache-Control": "no-store"})


def too_many_requests() -> Response:
    """RFC 6585, section 4."""
    return Response(status_code=429, headers={"Retry-After": "120"})


def refused(error: str, status: int = 400) -> Response:
    """An OAuth error response."""
    return JSONResponse({"error": error}, status, {"Cache-Control": "no-store"})


def broken_down() -> Response:
    """What a program answers that has a bug."""
    return PlainTextResponse("Internal Server Error", 500)


def of_metadata(
    name: str, at: str, endpoint: str, fault: Callable[[str, str, Change], Fault]
) -> Mapping[str, Fault]:
    """The ways in which any metadata can be wrong, whatever they say.

    Args:
        name: What the faults' names begin with.
        at: Where the response is.
        endpoint: A member of the document.
        fault: Makes a fault of place, text and change.
    """
    elsewhere = instead(lambda: RedirectResponse(f"{ELSEWHERE}/metadata", 302))
    ways = {
        "oversized": ("are 20 MB long", oversized),
        "nested": ("are 50,000 objects deep", nested),
        "truncated": ("end in the middle", truncated),
        "repeated-member": ("have a member twice", repeating(endpoint)),
        "wrong-type": ("come as text/html", headed(content_type="text/html")),
        "redirect": ("are redirected to another origin", elsewhere),
        "unavailable": ("end in a server error", instead(broken_down)),
    }
    return {f"{name}-{way}": fault(at, does, change) for way, (does, change) in ways.items()}
