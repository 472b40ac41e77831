"""A reference server that changes its fault while it runs.

`python -m tests.support.faulty credential_issuer …` is the issuer, with its settings and its data;
`POST /fault` with a fault's name as body is heard by this process alone, and puts it into force.
It has no pictures: wallets would spend most of their time on these.
"""

import sys
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reference_servers import authorization_server, credential_issuer, serving
from reference_servers.authorization_server import application as server
from reference_servers.authorization_server.settings import Settings as ServerSettings
from reference_servers.configuration import Configuration
from reference_servers.credential_issuer import application as issuer
from reference_servers.credential_issuer.settings import Settings as IssuerSettings

CONTROL: Final = "/fault"


def put_into_force(url: str, fault: str) -> None:
    """Let a faulty server have a fault, or none."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST", CONTROL, fault.encode())
        assert connection.getresponse().status == 204
    finally:
        connection.close()


class Faulty:
    """An application for each fault, on the same data; one of them answers."""

    def __init__(self, make: Callable[[Any], FastAPI], settings: Configuration) -> None:
        self._make, self._settings = make, settings
        self._made: dict[str, FastAPI] = {}
        self._answers = self._with("")

    def _with(self, fault: str) -> FastAPI:
        if fault not in self._made:
            self._made[fault] = self._make(self._settings.model_copy(update={"fault": fault}))
        return self._made[fault]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == CONTROL:
            self._answers = self._with((await Request(scope, receive).body()).decode())
            await Response(status_code=204)(scope, receive, send)
        elif path.endswith(".png"):
            await Response(status_code=404)(scope, receive, send)
        else:
            await self._answers(scope, receive, send)


PROGRAMS: Final[dict[str, tuple[type[Configuration], Callable[[Any], FastAPI]]]] = {
    credential_issuer.__name__: (IssuerSettings, issuer.application),
    authorization_server.__name__: (ServerSettings, server.application),
}

if __name__ == "__main__":
    name = f"reference_servers.{sys.argv.pop(1)}"
    kind, make = PROGRAMS[name]
    serving.run(name, kind, "FAULTY_", lambda settings: Faulty(make, settings))  # type: ignore[arg-type,return-value]
