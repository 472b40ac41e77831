"""The loopback redirect on its socket (RFC 8252, section 7.3)."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallet.app import SystemRandom
from wallet.errors import LocalFailure, PeerBrokeProtocol
from wallet.net.loopback import LoopbackRedirects
from wallet.ports import Redirect

QUERY = "code=sentinel-code&state=s"


def judge(query: str) -> None:
    if query != QUERY:
        raise PeerBrokeProtocol("state_mismatch")


class Visitor:
    """A program on this machine that talks to the open port."""

    def __init__(self, redirect: Redirect) -> None:
        self.redirect_uri = redirect.redirect_uri
        parts = urlsplit(redirect.redirect_uri)
        self.host, self.port, self.path = parts.netloc, parts.port or 0, parts.path

    async def send(self, data: bytes) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer.decode()

    async def ask(self, target: str = "", method: str = "GET", host: str | None = None) -> str:
        target = target or f"{self.path}?{QUERY}"
        head = f"{method} {target} HTTP/1.1\r\nHost: {host or self.host}\r\n\r\n"
        return await self.send(head.encode("latin-1"))


@pytest.fixture
async def redirect() -> AsyncIterator[Redirect]:
    async with LoopbackRedirects(SystemRandom()).open() as redirect:
        yield redirect


async def test_the_address(redirect: Redirect) -> None:
    visitor = Visitor(redirect)
    assert redirect.redirect_uri.startswith("http://127.0.0.1:")
    assert len(visitor.path) > 40
    async with LoopbackRedirects(SystemRandom()).open() as other:
        assert Visitor(other).path != visitor.path
        assert Visitor(other).port != visitor.port
    async with LoopbackRedirects(SystemRandom(), path="/call/back/").open() as named:
        assert Visitor(named).path == "/call/back"


async def test_one_answer_and_then_no_more(redirect: Redirect) -> None:
    visitor = Visitor(redirect)
    waiting = asyncio.create_task(redirect.answer(judge, 10))
    await asyncio.sleep(0)
    page = await visitor.ask()
    assert page.startswith("HTTP/1.1 200 ")
    assert (await waiting).reveal() == QUERY
    assert "sentinel" not in page
    for header in ("Referrer-Policy: no-referrer", "Cache-Control: no-store", "default-src 'none'"):
        assert header in page
    assert (await visitor.ask()).startswith("HTTP/1.1 410 ")
    assert "sentinel" not in repr(await waiting)


async def test_an_answer_that_is_refused_ends_the_wait(redirect: Redirect) -> None:
    visitor = Visitor(redirect)
    waiting = asyncio.create_task(redirect.answer(judge, 10))
    await asyncio.sleep(0)
    page = await visitor.ask(f"{visitor.path}?state=%3Cscript%3E")
    assert "Not signed in" in page
    assert "<script>" not in page
    with pytest.raises(PeerBrokeProtocol):
        await waiting
    assert (await visitor.ask()).startswith("HTTP/1.1 410 ")


async def test_what_is_not_the_browsers_return_changes_nothing(redirect: Redirect) -> None:
    visitor = Visitor(redirect)
    waiting = asyncio.create_task(redirect.answer(judge, 10))
    await asyncio.sleep(0)
    port = visitor.port
    answers = [
        await visitor.ask("/"),
        await visitor.ask("/favicon.ico"),
        await visitor.ask(f"{visitor.path}/?{QUERY}"),
        await visitor.ask(f"{visitor.path.upper()}?{QUERY}"),
        await visitor.ask(f"/\xff?{QUERY}"),
        await visitor.ask(f"{visitor.redirect_uri}?{QUERY}"),
        await visitor.ask(method="POST"),
        await visitor.ask(method="HEAD"),
        await visitor.ask(method="get"),
        await visitor.ask(host=f"evil.example:{port}"),  # DNS rebinding
        await visitor.ask(host=f"localhost:{port}"),
        await visitor.ask(host="127.0.0.1"),
        await visitor.ask(host=f"{visitor.host}\r\nHost: evil.example"),
        await visitor.send(f"GET {visitor.path}?{QUERY} HTTP/1.0\r\n\r\n".encode()),
    ]
    assert {answer.partition("\r\n")[0] for answer in answers} == {"HTTP/1.1 404 Not Found"}
    for data in (b"", b"\x16\x03\x01\x00", b"GET", b"\r\n\r\n", b"A" * 40_000):
        assert not (await visitor.send(data)).startswith("HTTP/1.1 200")
    assert not waiting.done()
    assert (await visitor.ask()).startswith("HTTP/1.1 200 ")
    await waiting


async def test_the_port_is_closed_with_the_wait() -> None:
    async with LoopbackRedirects(SystemRandom()).open() as redirect:
        visitor = Visitor(redirect)
        assert (await visitor.ask()).startswith("HTTP/1.1 410 ")  # nobody waits yet
        _, idle = await asyncio.open_connection("127.0.0.1", visitor.port)
    with pytest.raises(OSError, match=r"."):
        await visitor.ask()
    idle.close()


async def test_nobody_comes(redirect: Redirect) -> None:
    with pytest.raises(LocalFailure) as caught:
        await redirect.answer(judge, 0.01)
    assert caught.value.code == "authorization_timeout"


async def test_a_port_that_is_taken(redirect: Redirect) -> None:
    taken = LoopbackRedirects(SystemRandom(), port=Visitor(redirect).port)
    with pytest.raises(LocalFailure) as caught:
        async with taken.open():
            pass
    assert caught.value.code == "redirect_port_taken"


@settings(max_examples=40, deadline=None, database=None)
@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda data: b"GET / " + data))
def test_any_bytes_leave_it_listening(data: bytes) -> None:
    async def visit() -> None:
        async with LoopbackRedirects(SystemRandom()).open() as redirect:
            waiting = asyncio.create_task(redirect.answer(judge, 10))
            await asyncio.sleep(0)
            await Visitor(redirect).send(data)
            await Visitor(redirect).ask()
            assert (await waiting).reveal() == QUERY

    asyncio.run(visit())
