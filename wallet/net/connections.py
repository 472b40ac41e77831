"""Connections to judged addresses only, and what TLS trusts."""

import ssl
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import certifi
import httpcore
import httpx

from wallet.errors import LocalFailure
from wallet.net.addresses import judge, resolve
from wallet.urls import is_loopback

CONNECTIONS_LIMIT: Final = 8
KEEPALIVE_S: Final = 5.0
HEAD_START_S: Final = 2.0
"""How long a host's address may take to connect while there are others to try."""


@cache
def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """What TLS trusts: Mozilla's authorities, this machine's, and those in `ca_file`.

    The machine's are read where they are built in, not where the environment points
    (`SSL_CERT_FILE`, `SSL_CERT_DIR`). Takes some 20 ms, once.

    Raises:
        LocalFailure: `settings_invalid`.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    if sys.platform == "win32":
        context.load_default_certs()
    else:
        own = ssl.get_default_verify_paths()
        if Path(own.openssl_cafile).is_file():
            context.load_verify_locations(own.openssl_cafile)
        if Path(own.openssl_capath).is_dir():
            context.load_verify_locations(capath=own.openssl_capath)
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise LocalFailure(
                "settings_invalid", f"ca_file {ca_file}: {type(error).__name__}"
            ) from None
    return context


class JudgedNetwork(httpcore.AsyncNetworkBackend):
    """TCP connections by name: every address of the name is judged, and one of them connected to.

    There is no second look-up between the two. TLS and `Host` go by the name, as httpcore does it.
    """

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to `host`.

        Raises:
            ForbiddenAddress: One of its addresses is not allowed.
            httpcore.ConnectError: It cannot be looked up or connected to.
        """
        try:
            addresses = await resolve(host, port)
        except OSError as error:
            message = f"{host[:100]} cannot be looked up"
            raise httpcore.ConnectError(message) from error
        for address in addresses:
            judge(host, address, loopback=self._loopback)
        *others, last = map(str, addresses)
        for other in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(
                    other, port, HEAD_START_S, local_address, socket_options
                )
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)


class JudgedTransport(httpx.AsyncBaseTransport):
    """httpx over `JudgedNetwork`, or through the holder's own proxy.

    A proxy looks names up by itself, so what they lead to is judged by the proxy alone. Loopback
    hosts are connected to directly: they are not the proxy's.
    """

    def __init__(self, tls: ssl.SSLContext, *, loopback: bool, proxy: str) -> None:
        self._direct = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=CONNECTIONS_LIMIT,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=JudgedNetwork(loopback=loopback),
        )
        self._others = self._direct
        if proxy:
            self._others = httpcore.AsyncHTTPProxy(
                proxy,
                ssl_context=tls,
                max_connections=CONNECTIONS_LIMIT,
                keepalive_expiry=KEEPALIVE_S,
            )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises `ForbiddenAddress`, and what httpcore raises."""
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - an async client's
        url = request.url
        pool = self._direct if is_loopback(url.host) else self._others
        response = await pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), request=request
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._direct.aclose()
        await self._others.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_stream()

    async def aclose(self) -> None:
        await self._response.aclose()
