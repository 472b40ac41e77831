"""After a lock nothing secret is left in the memory of any process of ours: read as root does."""

import asyncio
import base64
import io
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from jeepney import DBusAddress, new_signal
from jeepney.io.blocking import open_dbus_connection
from PIL import Image

from tests.e2e.conftest import Desk
from tests.support.flet_browser import Window
from tests.support.processes import children, copies, descendants, wait_for_end
from tests.support.simulator import CLAIMS, Simulator, simulated_issuer
from wallet.records import Secret
from wallet.vault import Vault
from wallet.vault.slots import _argon2id, data_keys, derived

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="reads memory as root"),
]

PASSPHRASE = "sentinel-passphrase"
PATIENCE_S = 20


def portrait() -> bytes:
    """A picture that no other picture shares sixteen bytes with."""
    noise = random.Random(7).randbytes(120 * 150 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (120, 150), noise).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def issuer(desk: Desk) -> Iterator[Simulator]:
    with simulated_issuer() as simulator:
        uri = "data:image/jpeg;base64," + base64.b64encode(portrait()).decode()
        simulator.edits["payload"] = lambda payload: {**payload, "portrait": uri}
        anchor = desk.folder / "root.pem"
        anchor.write_bytes(simulator.authority.pem)
        desk.environment["WALLET_TRUST_ANCHOR"] = str(anchor)
        desk.trusting = False
        yield simulator


def start(desk: Desk, *flags: str) -> Window:
    window = desk.start_wallet(*flags)
    window.type("door-passphrase", PASSPHRASE)
    window.type("door-passphrase-again", PASSPHRASE)
    window.tap("door-create")
    window.see("empty-add")
    return window


def offered(window: Window, offer: str) -> None:
    window.tap("nav-add")
    window.type("add-paste-field", offer)
    window.tap("add-paste-go")
    window.tap("contact-go")
    window.tap("review-accept")


def shown(window: Window) -> None:
    window.see("detail-claims")
    window.tap("detail-technical")
    window.see("detail-copy")


def unlocked(window: Window) -> None:
    window.type("door-passphrase", PASSPHRASE)
    window.tap("door-unlock")


async def kept(folder: Path) -> dict[str, bytes]:
    """Every key of a store with one credential, and what is in it."""
    vault = await Vault.open(folder, Secret(PASSPHRASE))
    try:
        root, slot = bytearray(vault._root), vault._file.slot("passphrase")
        [key] = data_keys(vault._file, root)
        [card] = await vault.all()
        der = await vault._read(lambda store: store.get("holder_key", card.key_ids[0]))
        [picture] = card.images.values()
    finally:
        await vault.close()
    assert der
    assert slot
    private = load_der_private_key(der, None)
    assert isinstance(private, EllipticCurvePrivateKey)
    purposes = ("database", "record", "manifest", "marks")
    stretched = _argon2id(Secret(PASSPHRASE), slot.parameters)
    return {
        "root key": bytes(root),
        "wrapping key": bytes(derived(root, "data key")),
        "data key": bytes(key),
        **{f"{purpose} key": bytes(derived(key, purpose)) for purpose in purposes},
        "key of the passphrase": bytes(stretched),
        "slot's key": bytes(derived(stretched, "passphrase")),
        "holder key": private.private_numbers().private_value.to_bytes(32),
        "credential": card.copies[0].credential.encode(),
        "picture": picture.data[-4000:],
    }


def secrets_of(desk: Desk) -> dict[str, bytes]:
    with ThreadPoolExecutor(1) as thread:  # Playwright has an event loop in this one
        found = thread.submit(lambda: asyncio.run(kept(desk.data_folder))).result()
    claims = {name: str(value).encode() for name, value in CLAIMS.items() if value != 42}
    return {
        **found,
        **claims,
        "passphrase": PASSPHRASE.encode(),
        "access token": b"token-sentinel",
        "code": b"code-sentinel",
        "nonce": b"nonce-sentinel",
        "issuer_state": b"from-the-offer",
    }


def left(desk: Desk, secrets: dict[str, bytes]) -> dict[str, int]:
    """What is still there, in all processes of the wallet together."""
    assert desk.process
    total = dict.fromkeys(secrets, 0)
    for pid in descendants(desk.process.pid):
        for name, number in copies(pid, secrets).items():
            total[name] += number
    return {name: number for name, number in total.items() if number}


def nothing_left(desk: Desk, secrets: dict[str, bytes]) -> None:
    """The lock is done when the store's process is gone; what is freed is overwritten by then, or
    a second later at the latest."""
    assert desk.process
    for child in children(desk.process.pid):
        wait_for_end(child)
    until(lambda: not left(desk, secrets), lambda: str(left(desk, secrets)))


def until(look: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, otherwise()


def test_by_hand(desk: Desk, issuer: Simulator) -> None:
    window = start(desk)
    offered(window, issuer.offer())
    window.tap("result-open")
    shown(window)
    window.tap("nav-lock")
    window.see("door-left")
    window.shot("30-locked")
    secrets = secrets_of(desk)
    nothing_left(desk, secrets)

    # The same look finds them while the wallet is open.
    unlocked(window)
    window.tap("card-0")
    shown(window)
    assert desk.process
    [vault] = children(desk.process.pid)
    here, there = copies(desk.process.pid, secrets), copies(vault, secrets)
    claims = {"credential", "picture", *CLAIMS} - {"age"}
    assert all(here[name] for name in claims), here
    assert all(there[name] for name in ("root key", "marks key", "credential")), there
    assert not any(number for name, number in here.items() if name.endswith("key")), here

    window.tap("nav-lock")
    window.see("door-left")
    nothing_left(desk, secrets)
    assert desk.end_wallet() == 0


def test_during_an_issuance(desk: Desk, issuer: Simulator) -> None:
    """The run waits for the browser; a passing screen saver locks the wallet."""
    hung: list[str] = []

    async def never(request: object) -> object:
        hung.append(str(request.url))  # type: ignore[attr-defined]
        from starlette.responses import Response

        return Response("Sign in.")

    issuer.answers["/authorize"] = never  # type: ignore[assignment]
    with session_bus(desk) as bus:
        window = start(desk)
        offered(window, issuer.offer())
        window.see("browser-again")
        until(lambda: bool(hung), lambda: "the browser did not come")
        [pushed] = [body for path, body in issuer.requests if path == "/par"]
        sent = {name: one[0].encode() for name, one in parse_qs(pushed.decode()).items()}
        names = ("state", "code_challenge", "issuer_state")
        secrets = {"passphrase": PASSPHRASE.encode()} | {name: sent[name] for name in names}
        assert left(desk, secrets).keys() >= {"state"}
        saver = "org.gnome.ScreenSaver"
        address = DBusAddress("/org/gnome/ScreenSaver", interface=saver)
        with open_dbus_connection(bus) as connection:
            connection.send(new_signal(address, "ActiveChanged", "b", (True,)))
            window.expect_text("together with this computer")
        nothing_left(desk, secrets)
        del issuer.answers["/authorize"]
        window.page.bring_to_front()  # from the issuer's tab: Flutter hears no typing behind it
        unlocked(window)
        window.tap("pending-0-resume")
        window.see("result-open")
        assert desk.end_wallet() == 0


def test_after_a_while_with_the_tab_closed(desk: Desk, issuer: Simulator) -> None:
    window = start(desk, "--auto-lock", "15")
    offered(window, issuer.offer())
    window.tap("result-open")
    shown(window)
    desk.context.new_page()
    window.page.close()
    assert desk.process
    [vault] = children(desk.process.pid)
    wait_for_end(vault, within_s=60)
    nothing_left(desk, secrets_of(desk))


BUS = """
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""
"""A bus that starts no services."""


@contextmanager
def session_bus(desk: Desk) -> Iterator[str]:
    """A session bus for the wallet; gives its address."""
    if not shutil.which("dbus-daemon"):
        pytest.skip("needs the package dbus")
    config = desk.folder / "bus.conf"
    config.write_text(BUS)
    command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout
        address = daemon.stdout.readline().strip()
        desk.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        try:
            yield address
        finally:
            daemon.kill()
