"""A server of sockets and bytes that stands before the simulated issuer and breaks its answers.

Each fault has the right answer in its hands and does with it, and with the connection, as it likes.
"""

import contextlib
import gzip
import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

HOP_BY_HOP = ("connection", "content-length", "transfer-encoding")
TICK_S = 0.05


@dataclass(frozen=True)
class Answer:
    """The right answer to a request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str, value: str) -> "Answer":
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def head(self, length: int | None = None) -> bytes:
        size = len(self.body) if length is None else length
        lines = [f"HTTP/1.1 {self.status} Whatever", "Connection: close", f"Content-Length: {size}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def bytes(self) -> bytes:
        return self.head() + self.body


Fault = Callable[["Caller", Answer], None]


class Caller:
    """Who connected. Sending ends with an OSError when they have gone or the test is over."""

    def __init__(self, connection: socket.socket, over: threading.Event) -> None:
        self._connection = connection
        self._over = over

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send byte by byte, and after the last nothing, until the caller has had enough."""
        for byte in data:
            self.send(bytes([byte]))
            self.pause()
        while self._connection.recv(1):
            self.pause()

    def pause(self) -> None:
        if self._over.wait(TICK_S):
            raise ConnectionAbortedError

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


@dataclass
class Front:
    """A listening server.

    Attributes:
        port: On 127.0.0.1.
        faults: What goes wrong, by path.
        requests: What was asked for: method, path with query, headers by lower-case name.
        connections: How many connected.
        names: The names that TLS clients asked for (SNI).
    """

    port: int
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0
    names: list[str | None] = field(default_factory=list)


@contextmanager
def front(behind: int | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Front]:
    """A front before the port `behind`, which must speak HTTP; None for nothing behind it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    one = Front(listener.getsockname()[1])
    over = threading.Event()
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: one.names.append(name)

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException), connection:
            connection.settimeout(30)
            stream = tls.wrap_socket(connection, server_side=True) if tls else connection
            with stream:
                serve(stream)

    def serve(stream: socket.socket) -> None:
        with stream.makefile("rb") as reader:
            method, target, _ = reader.readline().decode("latin-1").split(" ", 2)
            headers = dict(http.client.parse_headers(reader))
            names = {name.lower(): value for name, value in headers.items()}
            body = reader.read(int(names.get("content-length", 0)))
        one.requests.append((method, target, names))
        answer = ask(method, target, headers, body)
        fault = one.faults.get(target.partition("?")[0])
        caller = Caller(stream, over)
        if fault is None:
            caller.send(answer.bytes())
        else:
            fault(caller, answer)

    def ask(method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if behind is None:
            return Answer(200, (("Content-Type", "application/json"),), b"{}")
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", behind)) as upstream:
            upstream.request(method, target, body, headers)
            response = upstream.getresponse()
            kept = [(n, v) for n, v in response.getheaders() if n.lower() not in HOP_BY_HOP]
            return Answer(response.status, tuple(kept), response.read())

    def accept() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            one.connections += 1
            threads.append(threading.Thread(target=talk, args=(connection,)))
            threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield one
    finally:
        over.set()
        for thread in threads:
            thread.join()
        listener.close()


# --- the faults ----------------------------------------------------------------------------------


def _reset_before_headers(caller: Caller, _: Answer) -> None:
    caller.reset()


def _reset_after_headers(caller: Caller, answer: Answer) -> None:
    caller.send(answer.head())
    caller.reset()


def _reset_in_the_body(caller: Caller, answer: Answer) -> None:
    caller.send(answer.head() + answer.body[: len(answer.body) // 2])
    caller.reset()


def _truncated(caller: Caller, answer: Answer) -> None:
    caller.send(answer.head() + answer.body[: len(answer.body) // 2])


def _slow_headers(caller: Caller, answer: Answer) -> None:
    caller.drip(answer.head() * 100)


def _slow_body(caller: Caller, answer: Answer) -> None:
    caller.send(answer.head(length=1_000_000))
    caller.drip(answer.body * 100)


def _endless_body(caller: Caller, answer: Answer) -> None:
    caller.send(answer.head(length=10**12))
    while True:
        caller.send(b" " * 65_536)


BOMB = gzip.compress(b" " * 1_000_000, 9) * 200
"""200 MB, for those who unpack it."""


def _gzip_bomb(caller: Caller, answer: Answer) -> None:
    caller.send(replace(answer.header("Content-Encoding", "gzip"), body=BOMB).bytes())


def _five_thousand_headers(caller: Caller, answer: Answer) -> None:
    many = tuple((f"X-{number}", "a") for number in range(5_000))
    caller.send(replace(answer, headers=(*answer.headers, *many)).bytes())


def _redirect(status: int, location: str) -> Fault:
    def fault(caller: Caller, answer: Answer) -> None:
        caller.send(replace(answer.header("Location", location), status=status).bytes())

    return fault


def _status(status: int, **headers: str) -> Fault:
    def fault(caller: Caller, answer: Answer) -> None:
        told = replace(answer, status=status, headers=(), body=b"")
        for name, value in headers.items():
            told = told.header(name.replace("_", "-"), value)
        caller.send(told.bytes())

    return fault


def _body(change: Callable[[bytes], bytes], media_type: str = "") -> Fault:
    def fault(caller: Caller, answer: Answer) -> None:
        told = answer.header("Content-Type", media_type) if media_type else answer
        caller.send(replace(told, body=change(answer.body)).bytes())

    return fault


def _member(text: str) -> Fault:
    """The right document with one more member."""
    return _body(lambda body: b"{" + text.encode() + b"," + body.removeprefix(b"{"))


def _twice(body: bytes) -> bytes:
    try:
        name = next(iter(json.loads(body)))
    except ValueError:
        return b"{}"
    return b"{" + json.dumps(name).encode() + b":1," + body.removeprefix(b"{")


def _later(wait: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + wait, usegmt=True)


def _busy_until(wait: timedelta) -> Fault:
    def fault(caller: Caller, answer: Answer) -> None:
        now = _later(timedelta())
        _status(429, Date=now, Retry_After=_later(wait))(caller, answer)

    return fault


FAULTS: dict[str, Fault] = {
    "reset before headers": _reset_before_headers,
    "reset after headers": _reset_after_headers,
    "reset in the body": _reset_in_the_body,
    "truncated": _truncated,
    "slow headers": _slow_headers,
    "slow body": _slow_body,
    "endless body": _endless_body,
    "200 MB by gzip": _gzip_bomb,
    "5000 headers": _five_thousand_headers,
    "302 to another host": _redirect(302, "https://elsewhere.test/"),
    "302 to http": _redirect(302, "http://elsewhere.test/"),
    "302 to itself": _redirect(302, "?again"),
    "301 to a file": _redirect(301, "file:///etc/passwd"),
    **{str(status): _status(status) for status in (400, 401, 403, 404, 409, 410, 413)},
    "429 for seconds": _status(429, Retry_After="120"),
    "429 until a date": _busy_until(timedelta(hours=2)),
    "429 for ever": _status(429, Retry_After="9" * 40),
    **{str(status): _status(status) for status in (500, 502, 503, 504)},
    "empty body": _body(lambda _: b""),
    "HTML": _body(lambda _: b"<!doctype html><p>Sign in to the hotel's network", "text/html"),
    "wrong charset": _body(lambda body: body, "application/json; charset=iso-8859-1"),
    "byte order mark": _body(lambda body: b"\xef\xbb\xbf" + body),
    "UTF-16": _body(lambda body: body.decode("latin-1").encode("utf-16")),
    "invalid UTF-8": _body(lambda body: b'{"a":"\xff",' + body.removeprefix(b"{")),
    "deep JSON": _member('"a":' + "[" * 100_000 + "]" * 100_000),
    "a member twice": _body(_twice),
    "NaN": _member('"a":NaN'),
    "huge integer": _member('"a":' + "9" * 10_000),
}
"""Faults of an answer, by name."""
