"""Where the wallet connects to, whom it believes there, and what the environment has to say."""

import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.certificates import TlsAuthority
from tests.support.internet import PUBLIC, Internet
from tests.support.misbehaving import front
from tests.support.proxy import tunnelling_proxy
from wallet.errors import LocalFailure, PeerBrokeProtocol, Unreachable
from wallet.net import connections
from wallet.net.connections import tls_context
from wallet.net.http import GuardedHttp

Clients = Callable[..., GuardedHttp]
JSON = "application/json"


async def refusal(http: GuardedHttp, url: str) -> tuple[str, str]:
    """The code and the detail with which a GET ends."""
    with pytest.raises((PeerBrokeProtocol, Unreachable)) as caught:
        await http.get(url, accept=JSON)
    assert caught.value.url == url
    return caught.value.code, caught.value.detail


async def test_one_look_up_and_then_that_address_by_that_name(
    net: Internet, authority: TlsAuthority, client: Clients
) -> None:
    with front(tls=authority.server("issuer.test")) as server:
        net.host("issuer.test", 443, server.port)
        answer = await client().get("https://issuer.test/x", accept=JSON)
        assert answer.body == b"{}"
        assert net.look_ups == ["issuer.test"]
        assert net.connections == [(PUBLIC, 443)]
        assert server.names == ["issuer.test"]
        [(method, target, headers)] = server.requests
    assert (method, target, headers["host"]) == ("GET", "/x", "issuer.test")


async def test_a_name_that_changes_its_address(
    net: Internet, authority: TlsAuthority, client: Clients
) -> None:
    tls = authority.server("rebinding.test")
    with front(tls=tls) as server, front() as canary:
        net.host("rebinding.test", canary.port, server.port)
        net.names["rebinding.test"] = [[PUBLIC], ["127.0.0.1"]]
        url = f"https://rebinding.test:{canary.port}/"
        http = client()
        assert (await http.get(url, accept=JSON)).status == 200
        code, detail = await refusal(http, url)  # a connection of its own: the server closes each
        assert (code, detail) == ("forbidden_address", "rebinding.test is 127.0.0.1")
        assert net.connections == [(PUBLIC, canary.port)]
        assert canary.connections == 0


@pytest.mark.parametrize("bad", ["127.0.0.1", "10.0.0.1", "::1", "fe80::1%1", "::ffff:10.0.0.1"])
async def test_one_bad_address_among_good_ones(bad: str, net: Internet, client: Clients) -> None:
    net.names["mixed.test"] = [[PUBLIC, bad, "1.1.1.1"]]
    code, detail = await refusal(client(), "https://mixed.test/")
    assert code == "forbidden_address"
    assert detail.startswith("mixed.test is ")
    assert net.connections == []


async def test_the_next_address_where_one_is_down(
    net: Internet, authority: TlsAuthority, client: Clients
) -> None:
    with front(tls=authority.server("two.test")) as server:
        net.host("two.test", 443, server.port)
        net.names["two.test"] = [["1.1.1.1", PUBLIC]]
        assert (await client().get("https://two.test/", accept=JSON)).status == 200
    assert net.connections == [("1.1.1.1", 443), (PUBLIC, 443)]


async def test_the_next_address_where_one_is_silent(
    net: Internet, authority: TlsAuthority, client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_START_S", 0.2)
    with (
        front(tls=authority.server("two.test")) as server,
        socket.create_server(("127.0.0.1", 0), backlog=0) as silent,
        ExitStack() as full,
    ):
        here = silent.getsockname()
        for _ in range(4):  # nobody accepts them; from then on the system does not answer
            waiting = full.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(here)
        net.host("two.test", 443, server.port)
        net.names["two.test"] = [["1.1.1.1", PUBLIC]]
        net.servers["1.1.1.1", 443] = here[1]
        assert (await client().get("https://two.test/", accept=JSON)).status == 200
    assert net.connections[-2:] == [("1.1.1.1", 443), (PUBLIC, 443)]


async def test_a_name_nobody_knows(net: Internet, client: Clients) -> None:
    assert await refusal(client(), "https://nobody.test/") == (
        "unreachable",
        "nobody.test cannot be looked up",
    )


async def test_loopback_with_the_setting_only(net: Internet, client: Clients) -> None:
    with front() as server:
        for url in (f"http://127.0.0.1:{server.port}/", f"http://localhost:{server.port}/"):
            assert (await refusal(client(), url))[0] == "forbidden_address"
            assert server.connections == 0
            assert (await client(loopback=True).get(url, accept=JSON)).status == 200
            server.connections = 0
    net.names["localhost"] = [[PUBLIC]]  # plain http must not leave the machine
    code, _ = await refusal(client(loopback=True), "http://localhost/")
    assert code == "forbidden_address"
    assert (PUBLIC, 80) not in net.connections


async def test_tls_on_loopback_is_for_development_too(
    net: Internet, authority: TlsAuthority, client: Clients
) -> None:
    net.names["dev.test"] = [["127.0.0.1"]]
    with front(tls=authority.server("dev.test")) as server:
        url = f"https://dev.test:{server.port}/"
        assert (await client(loopback=True).get(url, accept=JSON)).status == 200
        assert (await refusal(client(), url))[0] == "forbidden_address"


# --- trust --------------------------------------------------------------------------------------


async def test_sec_01_only_the_ca_file_makes_an_authority_trusted(
    net: Internet,
    authority: TlsAuthority,
    client: Clients,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(authority.file.parent))
    with front(tls=authority.server("issuer.test")) as server:
        net.host("issuer.test", 443, server.port)
        url = "https://issuer.test/"
        code, detail = await refusal(client(tls=tls_context(None)), url)
        assert (code, detail) == ("tls_failed", "unable to get local issuer certificate")
        assert server.requests == []
        assert (await client().get(url, accept=JSON)).status == 200


def test_the_usual_authorities_stay_trusted(authority: TlsAuthority) -> None:
    usual, more = tls_context(None), tls_context(authority.file)
    assert len(usual.get_ca_certs()) > 100
    assert len(more.get_ca_certs()) == len(usual.get_ca_certs()) + 1
    for context in (usual, more):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [None, b"", b"hello"])
def test_a_ca_file_without_certificates(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(LocalFailure) as caught:
        tls_context(file)
    assert caught.value.code == "settings_invalid"
    assert str(file) in caught.value.detail


# --- proxy and environment -----------------------------------------------------------------------


async def test_a_proxy_by_setting(net: Internet, authority: TlsAuthority, client: Clients) -> None:
    with tunnelling_proxy() as proxy, front(tls=authority.server("issuer.test")) as server:
        http = client(proxy=f"http://127.0.0.1:{proxy.port}", loopback=True)
        proxy.hosts["issuer.test:443"] = server.port
        assert (await http.get("https://issuer.test/", accept=JSON)).status == 200
        assert proxy.requests == ["CONNECT issuer.test:443 HTTP/1.1"]
        assert server.names == ["issuer.test"]  # TLS goes through to the end
        assert net.look_ups == []  # the proxy does that
        assert await refusal(http, "https://other.test/") == ("unreachable", "403 Forbidden")
        for host in ("10.0.0.1", "192.168.257", "[fe80::1]", "0"):
            assert (await refusal(http, f"https://{host}/"))[0] == "forbidden_address"
        with front() as own:  # loopback is nothing for a proxy
            assert (await http.get(f"http://127.0.0.1:{own.port}/", accept=JSON)).status == 200
        assert len(proxy.requests) == 2


async def test_the_certificate_counts_behind_a_proxy_too(
    net: Internet, authority: TlsAuthority, client: Clients
) -> None:
    with tunnelling_proxy() as proxy, front(tls=authority.server("other.test")) as server:
        proxy.hosts["issuer.test:443"] = server.port
        http = client(proxy=f"http://127.0.0.1:{proxy.port}")
        assert (await refusal(http, "https://issuer.test/"))[0] == "tls_failed"
        assert server.requests == []


async def test_a_proxy_that_is_down(net: Internet, client: Clients) -> None:
    http = client(proxy="http://127.0.0.1:1")
    assert (await refusal(http, "https://issuer.test/"))[0] == "unreachable"


async def test_the_environment_is_not_asked(
    net: Internet,
    authority: TlsAuthority,
    client: Clients,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / ".netrc").write_text("machine issuer.test login me password sentinel\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with tunnelling_proxy() as proxy, front(tls=authority.server("issuer.test")) as server:
        net.host("issuer.test", 443, server.port)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await client().get("https://issuer.test/", accept=JSON)).status == 200
        assert proxy.requests == []
        assert "authorization" not in server.requests[0][2]
