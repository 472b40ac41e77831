"""The loopback redirect (RFC 8252, section 7.3): a port on this machine, open for one answer."""

import asyncio
import hmac
import html
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from wallet.errors import LocalFailure, WalletError
from wallet.ports import Random, Redirect
from wallet.records import Secret

HEAD_LIMIT_BYTES: Final = 16_384
HEAD_TIMEOUT_S: Final = 10.0

_HEADERS: Final = (
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'\r\n"
    "Connection: close\r\n"
)
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
:root{{color-scheme:light dark;--ink:#1d1b2e;--paper:#f6f5fb;--card:#fff}}
@media(prefers-color-scheme:dark){{:root{{--ink:#eceaf6;--paper:#14131c;--card:#211f2d}}}}
body{{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);
color:var(--ink);font:17px/1.5 system-ui,sans-serif}}
main{{background:var(--card);border-radius:24px;padding:40px;max-width:26rem;margin:1rem;
box-shadow:0 8px 40px #0002}}h1{{font-size:1.5rem;margin:0 0 .5rem}}p{{margin:0;opacity:.85}}
</style><main><h1>{title}</h1><p>{text}</p></main></html>"""


class LoopbackRedirects:
    """`Redirects` on 127.0.0.1; each on a free port with a random path unless told otherwise."""

    def __init__(self, random: Random, port: int = 0, path: str = "") -> None:
        self._random = random
        self._port = port
        self._path = path.strip("/")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Redirect]:
        """Listen until the context ends. Raises `LocalFailure("redirect_port_taken")`."""
        redirect = LoopbackRedirect(f"/{self._path or self._random.token()}")
        try:
            server = await asyncio.start_server(
                redirect.serve, "127.0.0.1", self._port, limit=HEAD_LIMIT_BYTES
            )
        except OSError as error:
            raise LocalFailure("redirect_port_taken", error.strerror or "") from None
        redirect.listens_on(server.sockets[0].getsockname()[1])
        try:
            yield redirect
        finally:
            server.close()
            redirect.close()


class LoopbackRedirect:
    """One open redirect. Only GET on its path with its own Host is taken, and only once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._host = ""
        self._judge: Callable[[str], None] | None = None
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._writers: set[asyncio.StreamWriter] = set()

    def listens_on(self, port: int) -> None:
        """Take note of the port the system gave."""
        self._host = f"127.0.0.1:{port}"

    def close(self) -> None:
        """Drop what is still connected."""
        for writer in self._writers:
            writer.close()
        if not self._answer.cancel() and not self._answer.cancelled():
            self._answer.exception()  # seen, even where nobody waits any more

    @property
    def redirect_uri(self) -> str:
        """`http://127.0.0.1:<port>/<path>`."""
        return f"http://{self._host}{self._path}"

    async def answer(self, judge: Callable[[str], None], timeout_s: float) -> Secret[str]:
        """See `wallet.ports.Redirect.answer`."""
        self._judge = judge
        try:
            async with asyncio.timeout(timeout_s):
                return Secret(await asyncio.shield(self._answer))
        except TimeoutError:
            raise LocalFailure("authorization_timeout", f"no answer in {timeout_s:g} s") from None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection; never raises."""
        self._writers.add(writer)
        try:
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                status, title, text = self._take(head.decode("latin-1"))
                body = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
                writer.write(
                    f"HTTP/1.1 {status}\r\n{_HEADERS}Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a caller that hangs up or sends too much is not the browser we wait for
        finally:
            self._writers.discard(writer)
            writer.close()

    def _take(self, head: str) -> tuple[str, str, str]:
        nothing = ("404 Not Found", "Nothing here", "This address belongs to a wallet.")
        request_line, _, rest = head.partition("\r\n")
        method, _, target = request_line.partition(" ")
        path, _, query = target.partition(" ")[0].partition("?")
        hosts = [
            line.partition(":")[2].strip()
            for line in rest.split("\r\n")
            if line.partition(":")[0].lower() == "host"
        ]
        same = hmac.compare_digest(path.encode("latin-1"), self._path.encode())
        if method != "GET" or not same or hosts != [self._host]:
            return nothing
        if self._judge is None or self._answer.done():
            return ("410 Gone", "Already answered", "This sign-in has ended. Go to the wallet.")
        try:
            self._judge(query)
        except WalletError as error:
            self._answer.set_exception(error)
            return ("200 OK", "Not signed in", f"{error.sentence} You can close this page.")
        self._answer.set_result(query)
        return ("200 OK", "Signed in", "Return to the wallet. You can close this page.")
