"""Serving an application on a port: one line when it is ready, nothing secret in any log."""

import ctypes
import functools
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final

import uvicorn
from fastapi import APIRouter, FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reference_servers.configuration import C, configured, refuse_to_start
from reference_servers.faults import NO_FAULT, Faults

BODY_LIMIT_BYTES: Final = 65_536
ENDING_S: Final = 5

Endpoint = Callable[..., Response]
ErrorPage = Callable[[str, int], Response]


def application(
    path: str,
    well_known: tuple[str, Endpoint],
    routes: Sequence[tuple[str, str, Endpoint]],
    error_page: ErrorPage,
    faults: Faults = NO_FAULT,
) -> FastAPI:
    """An application of plain endpoints.

    Args:
        path: What all paths but the first begin with.
        well_known: Name and endpoint of its metadata, with `path` after the name (RFC 8615).
        routes: Method, path and endpoint of everything else; another `/.well-known/` path also
            has `path` after it.
        error_page: Makes a page of a sentence and a status, for people who went astray.
        faults: Changes the responses of the endpoints by their names.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, max_body_size=BODY_LIMIT_BYTES)
    name, metadata = well_known
    under = APIRouter(prefix=path)
    for method, below, endpoint in routes:
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        well = below.startswith("/.well-known/")
        router, whole = (app, below + path) if well else (under, below)
        faulty = _faulty(endpoint, faults)
        router.add_api_route(whole, faulty, methods=methods, response_model=None)
    app.add_api_route(
        f"/.well-known/{name}{path}", _faulty(metadata, faults), methods=["GET", "HEAD"]
    )
    app.include_router(under)

    @app.exception_handler(HTTPException)
    async def astray(request: Request, error: HTTPException) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
        page = error_page("There is no such page here.", error.status_code)
        page.headers.update(error.headers or {})
        return page

    return app


def _faulty(endpoint: Endpoint, faults: Faults) -> Endpoint:
    @functools.wraps(endpoint)
    def faulty(*arguments: object, **named: object) -> Response:
        return faults.at(endpoint.__name__, endpoint(*arguments, **named))

    return faulty


def run(program: str, kind: type[C], prefix: str, make: Callable[[C], FastAPI]) -> None:
    """Read the settings, make the application, and serve it until SIGINT or SIGTERM."""
    settings = configured(kind, program, prefix)
    if settings.exposed:
        refuse_to_start(program, "an address that others can reach needs --public and https")
    os.umask(0o077)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        app = make(settings)
    except SQLAlchemyError as error:
        refuse_to_start(program, f"the database: {str(error).splitlines()[0]}")
    except (OSError, ValueError) as error:
        refuse_to_start(program, str(error))
    serve(app, program=program, host=settings.host, port=settings.port, url=settings.public_url)


def serve(app: FastAPI, *, program: str, host: str, port: int, url: str) -> None:
    """Serve; prints `ready <url>` once connections are accepted."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        refuse_to_start(program, f"cannot listen on {host}:{port}: {error.strerror}")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=ENDING_S,
    )
    _AnnouncingServer(config, f"ready {url}").run(sockets=[listener])


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
