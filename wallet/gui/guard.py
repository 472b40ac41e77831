"""The guard of the browser mode: without it any website could drive the wallet.

Browsers let every page open a WebSocket to 127.0.0.1. So the Host is pinned, the Origin checked,
and a cookie demanded that only who holds the one-time launch token gets.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

COOKIE: Final = "wallet"
POLICY: Final = (
    "default-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'none'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:; "
    "worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data: blob:; manifest-src 'self'; connect-src 'self' data: blob: {socket}"
)
"""Flutter needs inline scripts and WebAssembly; nothing may come from, or go, elsewhere."""


class Guard:
    """ASGI middleware around the wallet's window."""

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._host = f"127.0.0.1:{port}"
        self._origin = f"http://{self._host}"
        self._token = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self._policy = POLICY.format(socket=f"ws://{self._host}").encode()

    @property
    def launch_url(self) -> str:
        """The address that opens the window, once."""
        return f"{self._origin}/?launch={self._token}"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it with 403."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        websocket = scope["type"] == "websocket"
        if not self._from_here(headers, websocket=websocket):
            return await self._refuse(receive, send, websocket=websocket)
        if not websocket and self._launches(scope):
            return await self._welcome(send)
        if not self._known(headers):
            return await self._refuse(receive, send, websocket=websocket)
        return await self._app(scope, receive, send if websocket else self._hardened(send))

    def _from_here(self, headers: list[tuple[bytes, str]], *, websocket: bool) -> bool:
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        expected = [self._origin] if origins or websocket else []
        return hosts == [self._host] and origins == expected

    def _known(self, headers: list[tuple[bytes, str]]) -> bool:
        try:
            jar = SimpleCookie("; ".join(v for name, v in headers if name == b"cookie"))
        except CookieError:
            return False
        given = jar[COOKIE].value if COOKIE in jar else ""
        return hmac.compare_digest(given.encode(), self._cookie.encode())

    def _launches(self, scope: Message) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("launch", [""])[0]
        if not self._token or not hmac.compare_digest(given.encode(), self._token.encode()):
            return False
        self._token = ""  # once
        return True

    async def _welcome(self, send: Send) -> None:
        cookie = f"{COOKIE}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"
        headers = [
            (b"location", b"/"),
            (b"set-cookie", cookie.encode()),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _refuse(self, receive: Receive, send: Send, *, websocket: bool) -> None:
        if websocket:
            await receive()
            return await send({"type": "websocket.close", "code": 4403})
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        body = b"This address opens once only. Start the wallet again for a new one."
        return await send({"type": "http.response.body", "body": body})

    def _hardened(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                open_to_all = b"access-control-allow-origin"
                kept = [h for h in message["headers"] if h[0].lower() != open_to_all]
                message["headers"] = [
                    *kept,
                    (b"content-security-policy", self._policy),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        return sending
