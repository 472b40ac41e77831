"""An internet for tests: names, public addresses and who listens there. Nothing leaves the machine.

It lies below what is tested: the system's resolver and the `connect` of sockets. Every address that
any socket of this process is connected to is written down, by Python's own audit events too.
"""

import errno
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from unittest.mock import patch

PUBLIC = "93.184.216.34"
"""A public address that only stands for one."""

Endpoint = tuple[str, int]

_audited: list[list[Endpoint]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _audited and isinstance(arguments[1], tuple):
        for endpoints in _audited:
            endpoints.append(arguments[1][:2])


sys.addaudithook(_audit)


@dataclass
class Internet:
    """What there is, and what was asked of it.

    Attributes:
        names: The addresses of a host, for each look-up in turn; the last answer stays. "*" is
            any other host.
        servers: The port on 127.0.0.1 where a public address and port are served.
        look_ups: Every name the resolver was asked for.
        connections: Where sockets were to be connected to, as they were told.
        audited: Where the interpreter connected sockets to.
    """

    names: dict[str, list[Sequence[str]]] = field(
        default_factory=lambda: {"localhost": [["127.0.0.1"]]}
    )
    servers: dict[Endpoint, int] = field(default_factory=dict)
    look_ups: list[str] = field(default_factory=list)
    connections: list[Endpoint] = field(default_factory=list)
    audited: list[Endpoint] = field(default_factory=list)

    def host(self, name: str, port: int, served_at: int, address: str = PUBLIC) -> None:
        """Have `name` on the public internet."""
        self.names[name] = [[address]]
        self.servers[address, port] = served_at

    def resolve(self, host: str) -> Sequence[str]:
        self.look_ups.append(host)
        answers = self.names.get(host) or self.names.get("*", [[]])
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return addresses


@contextmanager
def internet() -> Iterator[Internet]:
    """Have this process, its threads too, live in an `Internet`."""
    world = Internet()
    real_getaddrinfo, real_connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(
        host: Any,
        port: Any,
        family: int = 0,
        type: int = 0,  # noqa: A002 - as the real one
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        def numeric(address: Any) -> Any:
            options = flags | socket.AI_NUMERICHOST
            return real_getaddrinfo(address, port, family, type, proto, options)

        name = host.decode() if isinstance(host, bytes) else host
        try:
            return numeric(name)
        except socket.gaierror:
            if flags & socket.AI_NUMERICHOST:
                raise
        return [entry for address in world.resolve(name) for entry in numeric(address)]

    def connect(self: socket.socket, address: Any) -> None:
        if self.family not in (socket.AF_INET, socket.AF_INET6):
            return real_connect(self, address)
        endpoint: Endpoint = address[:2]
        world.connections.append(endpoint)
        if endpoint in world.servers:
            return real_connect(self, ("127.0.0.1", world.servers[endpoint]))
        if not ip_address(endpoint[0]).is_loopback:
            raise OSError(errno.ENETUNREACH, "there is no such place in this test")
        return real_connect(self, address)

    _audited.append(world.audited)
    try:
        with (
            patch.object(socket, "getaddrinfo", getaddrinfo),
            patch.object(socket.socket, "connect", connect),
        ):
            yield world
    finally:
        _audited.remove(world.audited)
