"""What the guarded client sends, and what it takes."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.internet import Internet
from tests.support.misbehaving import Answer, Caller, Fault, Front, front
from tests.support.simulator import simulated_issuer
from wallet.errors import PeerBrokeProtocol, Unreachable, WalletError
from wallet.net.http import HEADERS_LIMIT, GuardedHttp
from wallet.policy import REPLY_LIMIT_BYTES
from wallet.records import Secret

Clients = Callable[..., GuardedHttp]
JSON = "application/json"


@pytest.fixture
def server(net: Internet) -> Iterator[Front]:
    with front() as one:
        yield one


def raw(data: bytes) -> Fault:
    def fault(caller: Caller, _: Answer) -> None:
        caller.send(data)

    return fault


def reply(*lines: str, body: bytes = b"{}", status: str = "200 OK") -> Fault:
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}"])
    return raw(head.encode("latin-1") + b"\r\n\r\n" + body)


async def ask(client: Clients, server: Front, fault: Fault | None = None, **options: Any) -> Any:
    """GET what `fault` answers; the error where it ends in one."""
    if fault is not None:
        server.faults["/"] = fault
    http = client(loopback=True, **options)
    try:
        return await http.get(f"http://127.0.0.1:{server.port}/?secret", accept=JSON)
    except WalletError as error:
        return error


async def test_what_is_sent(server: Front, client: Clients) -> None:
    http = client(loopback=True)
    url = f"http://127.0.0.1:{server.port}/a?b=c"
    server.faults["/a"] = reply("Set-Cookie: a=b; Path=/", "Content-Type: application/json")
    await http.get(url, accept=JSON)
    await http.post(
        url, body=b"x=y", content_type="text/x", headers={"Authorization": Secret("Bearer t")}
    )
    await http.image(url)
    agent = {"host": f"127.0.0.1:{server.port}", "user-agent": "oid4vci-wallet"}
    always = {**agent, "accept-encoding": "identity"}
    assert server.requests == [
        ("GET", "/a?b=c", {**always, "accept": JSON, "accept-language": "de, en"}),
        ("POST", "/a?b=c", {**always, "accept": JSON, "content-type": "text/x",
                            "authorization": "Bearer t", "content-length": "3"}),
        ("GET", "/a?b=c", {**always, "accept": "image/png, image/jpeg"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (reply(*["X: y"] * (HEADERS_LIMIT + 1)), "response_too_large", "102 headers"),
        (reply("X: " + "y" * 33_000), "response_too_large", "2 headers of 330"),
        (reply(body=b" " * (REPLY_LIMIT_BYTES + 1)), "response_too_large", "more than 1000000"),
        (reply("Content-Encoding: gzip"), "response_malformed", "content encoding"),
        (reply("Content-Encoding: identity, gzip"), "response_malformed", "content encoding"),
        (reply("Content-Type: application/json; charset=utf-16"), "response_malformed", "utf-16"),
        (reply('Content-Type: Application/JSON;CHARSET="x"'), "response_malformed", "'x'"),
        (reply("Location: https://a.test/b?c", status="302 Found"), "redirected", "to a.test"),
        (reply("Location: file:///etc/passwd", status="301 M"), "redirected", "301 to file"),
        (reply("Location: /b", status="308 P"), "redirected", "to the same host"),
        (reply("Location: https://a:b/", status="307 T"), "redirected", "to no URL"),
        (reply(status="304 Not Modified", body=b""), "redirected", "304"),
        (raw(b"SSH-2.0-OpenSSH\r\n"), "unreachable", "RemoteProtocolError"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000), "unreachable", "Protocol"),
        (raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "unreachable", "Protocol"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff"),
         "unreachable", "Protocol"),
        (raw(b""), "unreachable", "Protocol"),
    ],
)  # fmt: skip
async def test_answers_that_are_refused(
    fault: Fault, code: str, words: str, server: Front, client: Clients
) -> None:
    error = await ask(client, server, fault)
    assert isinstance(error, PeerBrokeProtocol | Unreachable)
    assert "secret" not in f"{error} {error.as_dict()}"
    assert (error.code, error.url) == (code, f"http://127.0.0.1:{server.port}/")
    assert words in error.detail


@pytest.mark.parametrize(
    "fault",
    [
        reply(*["X: y"] * (HEADERS_LIMIT - 1)),
        reply(body=b" " * REPLY_LIMIT_BYTES),
        reply("Content-Encoding: Identity"),
        reply("Content-Type: application/json; charset=UTF-8"),
        reply("Content-Type: application/json;charset=utf8"),
        reply("Content-Type: text/html; charset=iso-8859-1"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        raw(b"HTTP/1.0 200 OK\r\n\r\n{}"),
        raw(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_answers_that_are_taken(fault: Fault, server: Front, client: Clients) -> None:
    assert (await ask(client, server, fault)).status == 200


def _drip(data: bytes) -> Fault:
    def fault(caller: Caller, _: Answer) -> None:
        caller.drip(data)

    return fault


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000,
        b"HTTP/1.1 103 Hint\r\n\r\n" * 1_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 1_000,
    ],
)
async def test_the_deadline_is_for_the_whole_answer(
    data: bytes, server: Front, client: Clients
) -> None:
    began = time.monotonic()
    error = await ask(client, server, _drip(data), timeout_s=0.5)
    assert (error.code, error.detail) == ("timed_out", "no complete answer in 0.5 s")
    assert time.monotonic() - began < 5


async def test_the_deadline_holds_for_the_resolver(net: Internet, client: Clients) -> None:
    real = net.resolve

    def slow(host: str) -> Any:
        time.sleep(0.5)
        return real(host)

    net.resolve = slow  # type: ignore[method-assign]
    with pytest.raises(Unreachable) as caught:
        await client(timeout_s=0.05).get("https://slow.test/", accept=JSON)
    assert caught.value.code == "timed_out"


async def test_a_request_can_be_cancelled(server: Front, client: Clients) -> None:
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def fault(caller: Caller, _: Answer) -> None:
        loop.call_soon_threadsafe(asked.set)
        caller.drip(b"")

    task = asyncio.create_task(ask(client, server, fault))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "url",
    [
        "https://xn--a/",
        "https://" + "a" * 64 + ".test/",
        "https://a..b/",
        "https://-/",
        "https://%/",
    ],
)
async def test_hosts_that_cannot_be(url: str, net: Internet, client: Clients) -> None:
    with pytest.raises((PeerBrokeProtocol, Unreachable)) as caught:
        await client().get(url, accept=JSON)
    assert caught.value.code in ("response_malformed", "unreachable", "insecure_url")


async def test_connections_are_kept_for_the_same_host(net: Internet, client: Clients) -> None:
    with simulated_issuer() as issuer:
        http = client(loopback=True)
        for _ in range(3):
            await http.post(f"{issuer.url}/nonce")
    assert len(net.connections) == 1
