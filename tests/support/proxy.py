"""An HTTP proxy that tunnels (CONNECT) to servers of the test."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """A listening proxy.

    Attributes:
        port: On 127.0.0.1.
        hosts: The port on 127.0.0.1 of each "host:port" it lets through.
        requests: The first line of each request.
    """

    port: int
    hosts: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def tunnelling_proxy() -> Iterator[Proxy]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    proxy = Proxy(listener.getsockname()[1])
    over = threading.Event()

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(1)
            proxy.requests.append(head.decode("latin-1").partition("\r\n")[0])
            port = proxy.hosts.get(proxy.requests[-1].split(" ")[1])
            if port is None:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=_pass_on, args=(server, client))
                back.start()
                _pass_on(client, server)
                back.join()

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                threads.append(threading.Thread(target=serve, args=listener.accept()[:1]))
                threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield proxy
    finally:
        over.set()
        for thread in threads:
            thread.join()
        listener.close()
