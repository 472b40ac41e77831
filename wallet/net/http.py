"""The one HTTP client: every limit a hostile peer can run into."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import httpcore
import httpx

from wallet.errors import PeerBrokeProtocol, Unreachable
from wallet.net.addresses import ForbiddenAddress, judge, spelled
from wallet.net.connections import JudgedTransport
from wallet.net.pictures import PICTURE_LIMIT_BYTES, data_uri_bytes, safe_picture
from wallet.policy import REPLY_LIMIT_BYTES
from wallet.ports import HttpResponse
from wallet.records import Image, Secret
from wallet.trace import Trace
from wallet.urls import is_loopback, read_url, without_query

USER_AGENT: Final = "oid4vci-wallet"
HEADERS_LIMIT: Final = 100
HEADERS_LIMIT_BYTES: Final = 32_768


class GuardedHttp:
    """`Http` over httpx's messages and a transport of our own.

    https only, and to public addresses only; with `loopback` also to this computer, and plain http
    there. Total deadline, bounded headers, size cap on what is read, no content encodings, no
    redirects. There is no `httpx.AsyncClient`: cookies, netrc, proxies of the environment and what
    it does with a `Location` are not switched off but absent.
    """

    def __init__(
        self,
        timeout_s: float,
        languages: tuple[str, ...],
        trace: Trace,
        *,
        tls: ssl.SSLContext,
        loopback: bool = False,
        proxy: str = "",
    ) -> None:
        self._timeout_s = timeout_s
        self._languages = ", ".join(languages)
        self._trace = trace
        self._loopback = loopback
        self._transport = JudgedTransport(tls, loopback=loopback, proxy=proxy)

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    def check(self, url: str) -> None:
        """See `wallet.ports.Http.check`."""
        host = read_url(url).hostname or ""
        with _told(url, self._timeout_s):
            if is_loopback(host) and not self._loopback:
                message = f"{host} is this computer"
                raise ForbiddenAddress(message)
            if (address := spelled(host)) is not None:
                judge(host, address, loopback=self._loopback)

    async def get(self, url: str, *, accept: str) -> HttpResponse:
        """See `wallet.ports.Http.get`."""
        headers = {"Accept": accept, "Accept-Language": self._languages}
        return await self._send("GET", url, headers, b"", REPLY_LIMIT_BYTES)

    async def post(
        self,
        url: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        accept: str = "application/json",
        headers: Mapping[str, Secret[str]] = MappingProxyType({}),
    ) -> HttpResponse:
        """See `wallet.ports.Http.post`."""
        sent = {"Accept": accept}
        if content_type:
            sent["Content-Type"] = content_type
        sent |= {name: value.reveal() for name, value in headers.items()}
        return await self._send("POST", url, sent, body, REPLY_LIMIT_BYTES)

    async def image(self, url: str) -> Image | None:
        """See `wallet.ports.Http.image`: a missing picture never stops an issuance."""
        if url.startswith("data:"):
            data = data_uri_bytes(url)
        else:
            try:
                response = await self._send(
                    "GET", url, {"Accept": "image/png, image/jpeg"}, b"", PICTURE_LIMIT_BYTES
                )
            except (Unreachable, PeerBrokeProtocol):
                return None
            data = response.body if response.status == 200 else None
        return None if data is None else await safe_picture(data)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, limit: int
    ) -> HttpResponse:
        self.check(url)
        own = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        with (
            self._trace.span("network", f"{method} {without_query(url)}") as outcome,
            _told(url, self._timeout_s),
        ):
            async with asyncio.timeout(self._timeout_s):
                request = httpx.Request(method, url, headers={**own, **headers}, content=body)
                response = await self._transport.handle_async_request(request)
                try:
                    outcome.append(str(response.status_code))
                    _check_head(response)
                    data = await _read(response, limit)
                finally:
                    await response.aclose()
        return HttpResponse(url, response.status_code, dict(response.headers.items()), data)


def _check_head(response: httpx.Response) -> None:
    headers = response.headers
    size = sum(len(name) + len(value) for name, value in headers.raw)
    if len(headers.raw) > HEADERS_LIMIT or size > HEADERS_LIMIT_BYTES:
        detail = f"{len(headers.raw)} headers of {size} bytes"
        raise PeerBrokeProtocol("response_too_large", detail)
    if 300 <= response.status_code < 400:
        raise PeerBrokeProtocol(
            "redirected",
            f"HTTP {response.status_code} to {_target(response)}",
            rule="redirects are followed in the browser only",
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise PeerBrokeProtocol("response_malformed", "a content encoding that was not asked for")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    charset = (response.charset_encoding or "utf-8").lower()
    if kind == "application/json" and charset not in ("utf-8", "utf8"):
        raise PeerBrokeProtocol(
            "response_malformed", f"JSON in {charset[:40]!r}", rule="RFC 8259, section 8.1"
        )


async def _read(response: httpx.Response, limit: int) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += chunk
        if len(data) > limit:
            raise PeerBrokeProtocol("response_too_large", f"more than {limit} bytes")
    return bytes(data)


def _target(response: httpx.Response) -> str:
    try:
        location = httpx.URL(response.headers.get("location", ""))
    except httpx.InvalidURL:
        return "no URL"
    return (location.host or location.scheme)[:100] or "the same host"


@contextmanager
def _told(url: str, timeout_s: float) -> Iterator[None]:
    """Tell whatever goes wrong below in the wallet's own words."""
    shown = without_query(url)
    try:
        yield
    except ForbiddenAddress as error:
        raise PeerBrokeProtocol(
            "forbidden_address",
            str(error),
            rule="public addresses only; this computer with loopback_development only",
            url=shown,
        ) from None
    except PeerBrokeProtocol as error:
        error.url = shown
        raise
    except (TimeoutError, httpcore.TimeoutException):
        detail = f"no complete answer in {timeout_s:g} s"
        raise Unreachable("timed_out", detail, url=shown) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
        if (broken := _tls_error(error)) is not None:
            raise Unreachable("tls_failed", broken, url=shown) from None
        ours = isinstance(error, httpcore.ConnectError | httpcore.ProxyError) and str(error)
        raise Unreachable("unreachable", ours or type(error).__name__, url=shown) from None
    except (httpx.InvalidURL, UnicodeError) as error:
        raise PeerBrokeProtocol("response_malformed", type(error).__name__, url=shown) from None


def _tls_error(error: BaseException | None) -> str | None:
    """Why TLS was refused, here or by the peer; None if that is not what happened."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return getattr(error, "verify_message", "") or error.reason or "TLS"
        error = error.__cause__ or error.__context__
    return None
