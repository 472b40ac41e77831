"""The guard of the browser mode over real sockets: only who launched the wallet gets in."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from wallet.gui.theme import contrast, pastel, readable


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, httpx.Client]]:
    """The wallet in browser mode: its origin, and a browser that used the launch address."""
    folder = tmp_path_factory.mktemp("wallet")
    process = subprocess.Popen(
        [sys.executable, "-m", "wallet", "--browser", "--data-folder", str(folder / "data"),
         "--browser-command", "true"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    assert process.stdout
    url = httpx.URL(process.stdout.readline().split()[1])
    origin = f"http://127.0.0.1:{url.port}"
    with httpx.Client(base_url=origin, trust_env=False) as browser:
        answer = browser.get(url)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert httpx.get(url, trust_env=False).status_code == 403  # the token is good for once
        yield origin, browser
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    process.stdout.close()


Launched = tuple[str, httpx.Client]


def test_who_launched_it_gets_in(launched: Launched) -> None:
    _, browser = launched
    page = browser.get("/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http://" not in policy
    assert "access-control-allow-origin" not in page.headers
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Host": "evil.example"},
        {"Host": "localhost"},
        {"Cookie": ""},
        {"Cookie": "wallet=guess"},
    ],
)
def test_nobody_else_does(headers: dict[str, str], launched: Launched) -> None:
    _, browser = launched
    answer = browser.get("/", headers=headers)
    assert answer.status_code == 403
    assert "flutter" not in answer.text


def test_a_websocket_needs_origin_and_cookie(launched: Launched) -> None:
    origin, browser = launched
    cookie = f"wallet={browser.cookies['wallet']}"
    address = origin.replace("http", "ws") + "/ws"
    for where, jar in (
        ("https://evil.example", cookie),
        (None, cookie),
        (origin, ""),
        (origin, "wallet=guess"),
    ):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(address, origin=where, additional_headers={"Cookie": jar}, proxy=None),  # type: ignore[arg-type]
        ):
            pass
        assert refused.value.response.status_code == 403
    with connect(  # type: ignore[call-overload]
        address, origin=origin, additional_headers={"Cookie": cookie}, proxy=None
    ):
        pass


def test_it_listens_on_loopback_only(launched: Launched) -> None:
    port = int(launched[0].rpartition(":")[2])
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:] if os.name == "posix" else []
    listening = {row.split()[1] for row in rows if row.split()[3] == "0A"}
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening


def test_card_colours_can_be_read() -> None:
    for ground in ("#000000", "#ffffff", "#ff0000", "#777777", pastel("a"), pastel("b")):
        for ink in ("", "#777777", "#ffffff"):
            assert contrast(readable(ink, ground), ground) >= 4.4
    assert readable("#fefefe", "#102030") == "#fefefe"
    assert pastel("issuer") == pastel("issuer")
