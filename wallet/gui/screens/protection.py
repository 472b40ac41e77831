"""What opens the wallet, its recovery code, and its backups."""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import flet as ft
from flet.components.hooks.use_ref import MutableRef

from wallet.errors import LocalFailure, WalletError
from wallet.gui.parts import (
    back,
    body,
    field,
    heading,
    notice,
    page_column,
    panel,
    primary,
    secondary,
    side_by_side,
    tid,
    title,
)
from wallet.gui.state import Place, WalletState
from wallet.records import Protection, Secret

PATH: Final = "File on this computer"

Work = Callable[[], Awaitable[str]]
"""Does something and gives the sentence that says it is done."""


@ft.component
def ProtectionScreen(state: WalletState) -> ft.Control:
    """Passphrase or keyring, recovery code, backup, restore: one below the other."""
    unknown: Protection | None = None
    protection, know = ft.use_state(unknown)

    async def look() -> None:
        know(await state.wallet.protection())

    ft.use_effect(look, [])
    if protection is None:
        return page_column(title("Protection and backup"), ft.ProgressBar())
    return page_column(
        back("Settings", partial(state.go, Place.SETTINGS)),
        title("Protection and backup"),
        Opening(state, protection, look),
        Recovery(state, protection, look),
        SaveBackup(state),
        RestoreBackup(state, present=True),
    )


def use_work() -> tuple[Callable[[Work], Coroutine[Any, Any, None]], list[ft.Control], bool]:
    """Do something slow: what runs it, what tells how it went, and whether it is under way."""
    busy, set_busy = ft.use_state(False)
    done, tell_done = ft.use_state("")
    failure, tell_failure = ft.use_state("")

    async def run(work: Work) -> None:
        set_busy(True)
        tell_done("")
        tell_failure("")
        try:
            tell_done(await work())
        except WalletError as error:
            tell_failure(f"{error.sentence} {error.advice}")
        except Exception as error:  # noqa: BLE001 - the window must live on
            tell_failure(LocalFailure("internal", type(error).__name__).sentence)
        finally:
            set_busy(False)

    told: list[ft.Control] = [ft.ProgressBar()] if busy else []
    if failure:
        told.append(notice(failure, icon=ft.Icons.ERROR, error=True))
    if done:
        told.append(notice(done, icon=ft.Icons.CHECK_CIRCLE))
    return run, told, busy


@ft.component
def Opening(
    state: WalletState, protection: Protection, changed: Callable[[], Awaitable[None]]
) -> ft.Control:
    """What opens the wallet, and how to change it."""
    run, told, busy = use_work()
    present, first, again = ft.use_ref(""), ft.use_ref(""), ft.use_ref("")

    asked = protection.passphrase and not state.recovered

    def old() -> Secret[str] | None:
        return Secret(present.current or "") if asked else None

    async def by_passphrase() -> str:
        if first.current != again.current:
            raise LocalFailure("passphrases_differ")
        await state.wallet.protect(Secret(first.current or ""), old())
        state.recovered = False
        await changed()
        return "From now on the new passphrase opens your wallet."

    async def by_keyring() -> str:
        await state.wallet.protect(None, old())
        state.recovered = False
        await changed()
        return "From now on your session's keyring opens your wallet."

    if protection.passphrase:
        how = "A passphrase opens it"
        how += ", together with this computer's keyring." if protection.keyring else "."
    else:
        how = "This computer's keyring opens it, without a passphrase."
    renew: list[ft.Control] = (
        [notice("You came in by the recovery code. Choose a new passphrase.", icon=ft.Icons.INFO)]
        if state.recovered
        else []
    )
    fields: list[ft.Control] = []
    if asked:
        fields.append(field("protect-present", "Present passphrase", present, secret=True))
    fields.append(field("protect-first", "New passphrase", first, secret=True))
    fields.append(field("protect-again", "New passphrase, once more", again, secret=True))
    to_keyring = (
        [secondary("protect-keyring", "Use the keyring instead", partial(run, by_keyring),
                   disabled=busy)]
        if protection.passphrase and state.keyring_usable
        else []
    )  # fmt: skip
    label = "Change the passphrase" if protection.passphrase else "Use a passphrase"
    return panel(
        [
            heading("What opens your wallet"),
            tid("protection-how", body(how)),
            *renew,
            *fields,
            primary("protect-go", label, partial(run, by_passphrase), disabled=busy),
            *to_keyring,
            *told,
        ]
    )


@ft.component
def Recovery(
    state: WalletState, protection: Protection, changed: Callable[[], Awaitable[None]]
) -> ft.Control:
    """The recovery code: made, shown once, and confirmed by its last group."""
    run, told, busy = use_work()
    none_yet: Secret[str] | None = None
    code, show = ft.use_state(none_yet)
    typed = ft.use_ref("")

    async def make() -> str:
        show(await state.wallet.new_recovery_code())
        return ""

    async def confirm(made: Secret[str]) -> str:
        last = made.reveal().rpartition("-")[2]
        if (typed.current or "").strip().upper() != last:
            raise LocalFailure("recovery_wrong")
        await state.wallet.confirm_recovery(made)
        show(None)
        await changed()
        return "Your recovery code is confirmed. Keep the paper where you keep other papers."

    intro = body(
        "If the passphrase is forgotten or the keyring is lost, only this code opens your wallet. "
        "Write it on paper.",
        soft=True,
    )
    if code is not None:
        return panel(
            [
                heading("Your recovery code"),
                intro,
                tid("recovery-code", _groups(code)),
                field("recovery-last", "Its last group, as you wrote it down", typed),
                primary(
                    "recovery-confirm",
                    "I have written it down",
                    partial(run, partial(confirm, code)),
                    disabled=busy,
                ),
                *told,
            ]
        )
    if protection.recovery and protection.recovery_confirmed:
        state_ = notice("You have a recovery code.", icon=ft.Icons.CHECK_CIRCLE)
        label = "Make a new one; the old one ends"
    else:
        state_ = notice("You have no recovery code yet.", icon=ft.Icons.WARNING_AMBER)
        label = "Make a recovery code"
    make_it = secondary("recovery-make", label, partial(run, make), disabled=busy)
    return panel([heading("Recovery code"), intro, state_, make_it, *told])


def _groups(code: Secret[str]) -> ft.Control:
    groups = [
        ft.Container(
            ft.Text(group, style=ft.TextStyle(size=20, font_family="JetBrains Mono")),
            padding=ft.Padding.symmetric(horizontal=12, vertical=8),
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH,
            border_radius=10,
        )
        for group in code.reveal().split("-")
    ]
    return ft.Row(list(groups), wrap=True, spacing=8, run_spacing=8)


@ft.component
def SaveBackup(state: WalletState) -> ft.Control:
    """Everything in one encrypted file."""
    run, told, busy = use_work()
    path = ft.use_ref(str(Path.home() / f"wallet-{datetime.now(UTC):%Y-%m-%d}.age"))
    first, again = ft.use_ref(""), ft.use_ref("")

    async def save() -> str:
        if first.current != again.current:
            raise LocalFailure("passphrases_differ")
        target = _path(path)
        size = await state.wallet.backup(target, Secret(first.current or ""))
        return f"Saved and read back: {target}, {size:,} bytes."

    return panel(
        [
            heading("Save a backup"),
            body(
                "One file with your credentials, their keys, what is under way and the settings. "
                "It opens with the passphrase you choose for it, and with nothing else.",
                soft=True,
            ),
            field("backup-path", PATH, path),
            field("backup-first", "Passphrase of the backup", first, secret=True),
            field("backup-again", "Once more", again, secret=True),
            primary(
                "backup-save",
                "Saving …" if busy else "Save the backup",
                partial(run, save),
                disabled=busy,
            ),
            *told,
        ]
    )


@ft.component
def RestoreBackup(state: WalletState, *, present: bool) -> ft.Control:
    """A backup, in place of what is here where something is."""
    run, told, busy = use_work()
    asking, ask = ft.use_state(False)
    path, secret = ft.use_ref(""), ft.use_ref("")
    own = ft.use_ref("")

    async def restore() -> str:
        ask(False)
        chosen = Secret(own.current) if own.current else None
        await state.restore(
            _path(path),
            Secret(secret.current or ""),
            chosen,
            replace_present=present,
        )
        return "Restored. What was here is set aside in the wallet's folder."

    buttons = (
        side_by_side(
            secondary("restore-cancel", "Keep what is here", lambda: ask(False), expand=True),
            primary("restore-confirm", "Restore", partial(run, restore), expand=True),
        )
        if asking
        else secondary(
            "restore-go",
            "Restoring …" if busy else "Restore a backup",
            (lambda: ask(True)) if present else partial(run, restore),
            disabled=busy,
        )
    )
    warning = (
        [notice("The backup takes the place of what is in this wallet now. That is set aside.",
                icon=ft.Icons.WARNING_AMBER)]
        if asking
        else []
    )  # fmt: skip
    return panel(
        [
            heading("Restore a backup"),
            field("restore-path", PATH, path),
            field("restore-passphrase", "Passphrase of the backup", secret, secret=True),
            field("restore-own", "New passphrase; empty for the keyring", own, secret=True),
            *warning,
            buttons,
            *told,
        ]
    )


def _path(text: MutableRef[str]) -> Path:
    return Path(text.current or "").expanduser()
