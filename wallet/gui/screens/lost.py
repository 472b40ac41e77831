"""Before the store, when its key is lost: the recovery code, or a backup."""

import flet as ft

from wallet.app import Door
from wallet.gui import theme
from wallet.gui.parts import body, field, heading, panel, primary, secondary
from wallet.gui.screens.protection import RestoreBackup
from wallet.gui.state import WalletState
from wallet.records import Secret


@ft.component
def Lost(state: WalletState) -> ft.Control:
    """Behind one button, so that the way in stays simple."""
    opened, toggle = ft.use_state(False)
    present = state.door is not Door.NEW
    question = "I cannot open it" if present else "I have a backup"
    more = secondary("door-lost", question, lambda: toggle(not opened))
    if not opened:
        return more
    ways: list[ft.Control] = [RestoreBackup(state, present=present)]
    if present:
        ways.insert(0, ByCode(state))
    return ft.Column(
        [more, *ways],
        spacing=theme.SPACE_M,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


@ft.component
def ByCode(state: WalletState) -> ft.Control:
    """The recovery code opens the wallet whatever became of passphrase and keyring."""
    text = ft.use_ref("")

    async def recover() -> None:
        await state.recover(Secret(text.current or ""))

    return panel(
        [
            heading("Recovery code"),
            body("The seven groups that you wrote down. Then choose a new passphrase.", soft=True),
            field("door-code", "Recovery code", text, on_submit=recover),
            primary("door-recover", "Open by the code", recover, disabled=state.busy),
        ]
    )
