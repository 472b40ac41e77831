"""Screen savers and logind, played on a real bus: what they say locks the wallet."""

import os
import shutil
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    not shutil.which("dbus-run-session"), reason="needs the package dbus"
)

HEAD = """
import asyncio, os, socket, threading
from jeepney import DBusAddress, HeaderFields, message_bus, new_method_return, new_signal
from jeepney.io.asyncio import open_dbus_router
from jeepney.io.threading import open_dbus_connection
from wallet.session import watch

# The bus of this session plays the system's bus too.
os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = os.environ["DBUS_SESSION_BUS_ADDRESS"]
heard = asyncio.Queue()

async def leave(why):
    heard.put_nowait(why.name)

async def told(**more):
    async with asyncio.timeout(20):
        print(await heard.get())
"""

SCREEN_SAVER = """
async def main():
    watching = asyncio.create_task(watch(leave))
    async with open_dbus_router() as bus:
        for desktop in ("freedesktop", "gnome", "cinnamon", "mate", "xfce"):
            name = f"org.{desktop}.ScreenSaver"
            saver = DBusAddress("/" + name.replace(".", "/"), name, name)
            while heard.empty():  # until the wallet listens
                for active in (False, True, False):
                    await bus.send(new_signal(saver, "ActiveChanged", "b", (active,)))
                await asyncio.sleep(0.05)
            await told()
            await asyncio.sleep(0.2)
            while not heard.empty():
                heard.get_nowait()
        # What else goes over the bus, and what has another content, says nothing.
        other = DBusAddress("/a", "a.b", "a.b.ScreenSaver")
        await bus.send(new_signal(other, "ActiveChanged", "b", (True,)))
        await bus.send(new_signal(saver, "ActiveChanged", "s", ("true",)))
        await bus.send(new_signal(saver, "ActiveChanged", "b", (True,)))
        await told()
        print(heard.qsize())
"""

LOGIND = """
OWN_SESSION = ("/org/freedesktop/login1/session/_31",)
delays = []

def answer(bus):
    while True:
        call = bus.receive()
        match call.header.fields.get(HeaderFields.member):
            case "GetSession":
                bus.send(new_method_return(call, "o", OWN_SESSION))
            case "Inhibit":
                print(*call.body)
                ours, theirs = socket.socketpair()
                bus.send(new_method_return(call, "h", (theirs,)))
                theirs.close()
                ours.setblocking(False)
                delays.append(ours)

def is_held(delay):
    try:
        return delay.recv(1) != b""
    except BlockingIOError:
        return True

async def until(look):
    async with asyncio.timeout(20):
        while not look():
            await asyncio.sleep(0.02)

async def main():
    bus = open_dbus_connection(enable_fds=True)
    bus.send(message_bus.RequestName("org.freedesktop.login1"))
    threading.Thread(target=answer, args=(bus,), daemon=True).start()
    watching = asyncio.create_task(watch(leave))
    manager = DBusAddress("/org/freedesktop/login1", interface="org.freedesktop.login1.Manager")
    ours, others = (
        DBusAddress(path, interface="org.freedesktop.login1.Session")
        for path in (*OWN_SESSION, "/org/freedesktop/login1/session/_32")
    )

    async def listens():
        bus.send(new_signal(ours, "Lock"))
        await asyncio.sleep(0.02)
        return not heard.empty()

    while not await listens():
        pass
    await told()
    await asyncio.sleep(0.2)
    while not heard.empty():
        heard.get_nowait()
    bus.send(new_signal(others, "Lock"))
    bus.send(new_signal(manager, "PrepareForSleep", "b", (True,)))
    await told()
    await until(lambda: not is_held(delays[0]))
    bus.send(new_signal(manager, "PrepareForSleep", "b", (False,)))
    await until(lambda: len(delays) == 2)
    print(heard.qsize(), is_held(delays[1]))
    watching.cancel()
    await until(lambda: not is_held(delays[1]))
    print("free", flush=True)
    os._exit(0)
"""


def session(script: str) -> list[str]:
    names = ("PATH", "PYTHONPATH", "LANG", "HOME")
    clean = {name: os.environ[name] for name in names if name in os.environ}
    code = HEAD + textwrap.dedent(script) + "\nasyncio.run(main())\n"
    done = subprocess.run(
        ["dbus-run-session", "--", sys.executable, "-c", code],
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_screen_saver() -> None:
    assert session(SCREEN_SAVER) == ["SESSION_LOCKED"] * 6 + ["0"]


def test_logind() -> None:
    assert session(LOGIND) == [
        "sleep Wallet Locks itself delay",
        "SESSION_LOCKED",
        "ASLEEP",
        "sleep Wallet Locks itself delay",
        "0 True",
        "free",
    ]
