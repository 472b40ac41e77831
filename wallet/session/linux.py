"""Linux: the desktop's screen saver and systemd-logind, by D-Bus (owner of jeepney)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from jeepney import DBusAddress, HeaderFields, MatchRule, message_bus, new_method_call
from jeepney.fds import FileDescriptor
from jeepney.io.asyncio import DBusRouter, Proxy, open_dbus_router
from jeepney.io.blocking import open_dbus_connection
from jeepney.wrappers import unwrap_msg

from wallet.ports import Departure

Leave = Callable[[Departure], Awaitable[None]]
Heard = Callable[[str, tuple[object, ...]], Awaitable[None]]

SCREEN_SAVERS: Final = tuple(
    f"org.{desktop}.ScreenSaver" for desktop in ("freedesktop", "gnome", "cinnamon", "mate", "xfce")
)
LOGIND: Final = "org.freedesktop.login1"
MANAGER: Final = DBusAddress("/org/freedesktop/login1", LOGIND, f"{LOGIND}.Manager")


async def screen_saver(leave: Leave) -> None:
    """Hear `ActiveChanged` of any desktop's screen saver, on the session's bus."""

    async def heard(member: str, body: tuple[object, ...]) -> None:
        if (member, body) == ("ActiveChanged", (True,)):
            await leave(Departure.SESSION_LOCKED)

    async with open_dbus_router("SESSION") as router:
        rules = [
            MatchRule(type="signal", interface=name, member="ActiveChanged")
            for name in SCREEN_SAVERS
        ]
        await _listen(router, rules, heard)


async def logind(leave: Leave) -> None:
    """Hear `PrepareForSleep` and this session's `Lock`, on the system's bus.

    Sleep is delayed until the wallet is locked, as logind lets programs do.
    """
    delays = [await asyncio.to_thread(_delay)]

    async def heard(member: str, body: tuple[object, ...]) -> None:
        match member, body:
            case "Lock", ():
                await leave(Departure.SESSION_LOCKED)
            case "PrepareForSleep", (True,):
                await leave(Departure.ASLEEP)
                while delays:
                    delays.pop().close()
            case "PrepareForSleep", (False,):
                delays.append(await asyncio.to_thread(_delay))

    try:
        async with open_dbus_router("SYSTEM") as router:
            rules = [
                MatchRule(
                    type="signal",
                    sender=LOGIND,
                    interface=f"{LOGIND}.Session",
                    member="Lock",
                    path=await _own_session(router),
                ),
                MatchRule(
                    type="signal",
                    sender=LOGIND,
                    interface=f"{LOGIND}.Manager",
                    member="PrepareForSleep",
                ),
            ]
            await _listen(router, rules, heard)
    finally:
        for delay in delays:
            delay.close()


def _delay() -> FileDescriptor:
    """A lock that delays sleep until it is closed."""
    with open_dbus_connection("SYSTEM", enable_fds=True) as connection:
        why = ("sleep", "Wallet", "Locks itself", "delay")
        call = new_method_call(MANAGER, "Inhibit", "ssss", why)
        return unwrap_msg(connection.send_and_get_reply(call))[0]


async def _own_session(router: DBusRouter) -> str | None:
    """The path of this process's session, or of its user's on the screen; None if unknown."""
    with suppress(Exception):
        call = new_method_call(MANAGER, "GetSession", "s", ("auto",))
        return str(unwrap_msg(await router.send_and_get_reply(call))[0])
    return None


async def _listen(router: DBusRouter, rules: list[MatchRule], heard: Heard) -> None:
    for rule in rules:
        await Proxy(message_bus, router).AddMatch(rule)
    with router.filter(MatchRule(type="signal"), bufsize=16) as signals:
        while True:
            signal = await signals.get()
            await heard(signal.header.fields[HeaderFields.member], signal.body)
