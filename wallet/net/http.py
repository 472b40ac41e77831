"""The one HTTP client (owner of httpx): every limit a hostile peer can run into."""

import asyncio
import ssl
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Final

import httpx

from wallet.errors import PeerBrokeProtocol, Unreachable
from wallet.net.pictures import PICTURE_LIMIT_BYTES, data_uri_bytes, safe_picture
from wallet.policy import REPLY_LIMIT_BYTES
from wallet.ports import HttpResponse
from wallet.records import Image, Secret
from wallet.trace import Trace
from wallet.urls import read_url, without_query

USER_AGENT: Final = "oid4vci-wallet"


class GuardedHttp:
    """`Http` over httpx.

    https only, plain http on loopback hosts; no redirects, no cookies, no proxy or netrc of the
    environment; total deadline, size cap on what is read, no content encodings.
    """

    def __init__(self, timeout_s: float, languages: tuple[str, ...], trace: Trace) -> None:
        self._timeout_s = timeout_s
        self._languages = ", ".join(languages)
        self._trace = trace
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=8),
        )
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

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
        authorization: Secret[str] | None = None,
    ) -> HttpResponse:
        """See `wallet.ports.Http.post`."""
        headers = {"Accept": "application/json"}
        if content_type:
            headers["Content-Type"] = content_type
        if authorization is not None:
            headers["Authorization"] = authorization.reveal()
        return await self._send("POST", url, headers, body, REPLY_LIMIT_BYTES)

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
        return None if data is None else await asyncio.to_thread(safe_picture, data)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, limit: int
    ) -> HttpResponse:
        read_url(url)
        shown = without_query(url)
        request = self._client.build_request(
            method,
            url,
            headers={"Accept-Encoding": "identity", "User-Agent": USER_AGENT, **headers},
            content=body,
        )
        with self._trace.span("network", f"{method} {shown}") as outcome:
            try:
                async with asyncio.timeout(self._timeout_s):
                    response = await self._client.send(request, stream=True)
                    try:
                        data = await _read(response, limit)
                    finally:
                        await response.aclose()
            except (TimeoutError, httpx.TimeoutException):
                raise Unreachable(
                    "timed_out", f"no complete answer in {self._timeout_s:g} s", url=shown
                ) from None
            except httpx.TransportError as error:
                code = "tls_failed" if _is_tls(error) else "unreachable"
                raise Unreachable(code, type(error).__name__, url=shown) from None
            except (httpx.InvalidURL, httpx.DecodingError, UnicodeError) as error:
                raise PeerBrokeProtocol(
                    "response_malformed", type(error).__name__, url=shown
                ) from None
            outcome.append(str(response.status_code))
        if 300 <= response.status_code < 400:
            raise PeerBrokeProtocol(
                "redirected",
                f"HTTP {response.status_code} to {_target(response)}",
                rule="redirects are followed in the browser only",
                url=shown,
            )
        return HttpResponse(url, response.status_code, dict(response.headers.items()), data)


async def _read(response: httpx.Response, limit: int) -> bytes:
    shown = without_query(str(response.url))
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise PeerBrokeProtocol(
            "response_malformed", "a content encoding that was not asked for", url=shown
        )
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += chunk
        if len(data) > limit:
            raise PeerBrokeProtocol("response_too_large", f"more than {limit} bytes", url=shown)
    return bytes(data)


def _target(response: httpx.Response) -> str:
    try:
        host = httpx.URL(response.headers.get("location", "")).host
    except httpx.InvalidURL:
        host = ""
    return host[:100] or "the same host"


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
