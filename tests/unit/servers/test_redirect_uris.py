"""Redirect URIs of a native client: any port on a loopback address, and nothing that looks so."""

import pytest

from reference_servers.authorization_server.database import Client

REGISTERED = "https://wallet.example/back"
WALLET = Client(client_id="w", name="W", redirect_uris=[REGISTERED], native=True)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:1/",
        "http://127.0.0.1:65535/a/b?c=d",
        "http://[::1]:5/any",
        "http://127.0.0.1:1234",
        REGISTERED,
    ],
)
def test_allowed(uri: str) -> None:
    assert WALLET.check_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http:",
        "http://",
        "//127.0.0.1/",
        "/back",
        "127.0.0.1",
        "https://127.0.0.1/",
        "ftp://127.0.0.1/",
        "javascript://127.0.0.1/%0aalert(1)",
        "data:text/html,x",
        "file://127.0.0.1/etc/passwd",
        "http://localhost/",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://evil.example@127.0.0.1/",
        "http://a:b@127.0.0.1:1/",
        "http://@127.0.0.1/",
        "http://127.0.0.1:1@evil.example/",
        "http://evil.example/127.0.0.1",
        "http://evil.example#@127.0.0.1/",
        "http://evil.example\\@127.0.0.1/",
        "http://127.0.0.1\\@evil.example/",
        "http://127.0.0.1\\.evil.example/",
        "http://evil.example?@127.0.0.1/",
        "http://127.0.0.1:1/#fragment",
        "http://127.0.0.1:1/#",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:-1/",
        "http://127.0.0.1:1x/",
        "http://127.0.0.1:1:2/",
        "http://127.0.0.1 :1/",
        " http://127.0.0.1:1/",
        "http://127.0.0.1:1/ x",
        "http://127.0.0.1:1/\n",
        "http://127.0.0.1:1/\r\nSet-Cookie: a=b",
        "http://127.0.0.1:1/\x00",
        "http://127.0.0.1:1/\t",
        "http://127.0.0.1:1/é",
        "http://127.0.0.1:1/<script>",
        'http://127.0.0.1:1/"',
        "http://127.0.0.1:1/{}",
        "http://127.0.0.2:1/",
        "http://127.1:1/",
        "http://127.0.1:1/",
        "http://0.0.0.0:1/",
        "http://0:1/",
        "http://2130706433:1/",
        "http://0x7f000001:1/",
        "http://0177.0.0.1:1/",
        "http://127.0.0.1.:1/",
        "http://127。0。0。1:1/",
        "http://①②⑦.0.0.1:1/",
        "http://[::ffff:127.0.0.1]:1/",
        "http://[0:0:0:0:0:0:0:1]:1/",
        "http://[::1%25lo]:1/",
        "http://[::1:1/",
        "http://::1:1/",
        "http://[::1].evil.example/",
        "http://[::1]evil.example/",
        "https://wallet.example/back/",
        "https://wallet.example/back?a=b",
        "https://wallet.example/Back",
        "https://WALLET.example/back",
        "https://wallet.example:443/back",
        "https://wallet.example/a/../back",
    ],
)
def test_s6_refused(uri: str) -> None:
    assert not WALLET.check_redirect_uri(uri)


def test_loopback_is_for_native_clients_only() -> None:
    web = Client(client_id="w", name="W", redirect_uris=[REGISTERED], native=False)
    assert not web.check_redirect_uri("http://127.0.0.1:1/")
    assert web.check_redirect_uri(REGISTERED)
