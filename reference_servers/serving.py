"""Serving an application on a port: one line when it is ready, nothing secret in any log."""

import ctypes
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import uvicorn

from reference_servers.configuration import refuse_to_start

BODY_LIMIT_BYTES: Final = 65_536

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class BodyLimit:
    """ASGI middleware: no request body above `BODY_LIMIT_BYTES`."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it with 413."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > BODY_LIMIT_BYTES:
                await send({"type": "http.response.start", "status": 413, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return None
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self._app(scope, whole, send)


def is_loopback(host: str) -> bool:
    """Whether a bind address is reachable from this machine only."""
    return host in ("127.0.0.1", "::1", "localhost")


def serve(app: App, *, program: str, host: str, port: int, public_url: str) -> None:
    """Serve until SIGINT or SIGTERM; prints `ready <public_url>` once connections are accepted."""
    try:
        listener = socket.create_server((host, port), reuse_port=False)
    except OSError as error:
        refuse_to_start(program, f"cannot listen on {host}:{port}: {error.strerror}")
        return
    config = uvicorn.Config(
        BodyLimit(app), log_level="warning", access_log=False, server_header=False
    )
    _AnnouncingServer(config, f"ready {public_url}").run(sockets=[listener])


class _AnnouncingServer(uvicorn.Server):
    """Says on standard output when it accepts connections."""

    def __init__(self, config: uvicorn.Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            print(self._line, flush=True)  # noqa: T201


def end_with_parent() -> None:
    """Have the system end this process when its parent ends, where it can (Linux)."""
    if sys.platform == "linux":
        parent_death_signal = 1
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGTERM)
