"""Notes what reaches a server, and what it answers: everything passes, nothing is changed."""

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "date", "server")


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; the names of headers in small letters.

    Attributes:
        path: Without the query.
        status: Of the answer.
        media_type: Of the answer.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    status: int
    media_type: str

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters of the body."""
        return dict(parse_qsl(self.body.decode(), strict_parsing=True))


@dataclass
class Recorder:
    """What was seen so far, at a URL that stands for that of the server."""

    url: str
    seen: list[Exchange] = field(default_factory=list)

    def at(self, path: str) -> list[Exchange]:
        """What was seen at a path."""
        return [one for one in self.seen if one.path == path]


@contextmanager
def recorder(port: int) -> Iterator[Recorder]:
    """In front of what listens on a port of this computer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            behind = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            behind.request(self.command, self.path, body, headers)
            answer = behind.getresponse()
            content = answer.read()
            behind.close()
            parts = urlsplit(self.path)
            media_type = answer.headers.get_content_type()
            noted.seen.append(
                Exchange(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    headers,
                    body,
                    answer.status,
                    media_type,
                )
            )
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - a name of the base class

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        noted = Recorder(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield noted
        finally:
            server.shutdown()
            thread.join()
