"""Before the store: choose its protection, or unlock it."""

import flet as ft

from wallet.app import Door
from wallet.gui import theme
from wallet.gui.parts import body, field, notice, page_column, panel, primary, secondary, tid, title
from wallet.gui.screens.lost import Lost
from wallet.gui.state import WalletState
from wallet.ports import Departure
from wallet.records import Secret


@ft.component
def DoorScreen(state: WalletState) -> ft.Control:
    """Onboarding or unlock, by the state of the store."""
    mark = ft.Image(src="icon.png", width=72, height=72, exclude_from_semantics=True)
    trouble: list[ft.Control] = (
        [
            notice(
                f"{state.failure.sentence} {state.failure.advice}", icon=ft.Icons.ERROR, error=True
            )
        ]
        if state.failure
        else []
    )
    told: list[ft.Control] = (
        [tid("door-left", notice(LEFT[state.left], icon=ft.Icons.LOCK_OUTLINE))]
        if state.left
        else []
    )
    return page_column(
        ft.Row([mark]), ft.Column(told), _inner(state), ft.Column(trouble), Lost(state)
    )


LEFT = {
    Departure.BY_HAND: "You locked your wallet.",
    Departure.IDLE: "Your wallet locked itself, because nobody used it.",
    Departure.SESSION_LOCKED: "Your wallet locked itself together with this computer.",
    Departure.ASLEEP: "Your wallet locked itself, because this computer went to sleep.",
}


def _inner(state: WalletState) -> ft.Control:
    match state.door:
        case Door.NEW:
            return NewStore(state)
        case Door.LOCKED if state.wallet.in_force.settings.passphrase_file is None:
            return Unlock(state)
        case Door.LOCKED | Door.CLOSED | Door.OPEN:
            if state.failure:
                return secondary("door-retry", "Try again", state.arrive)
            if state.left and not state.busy:
                return primary("door-open", "Unlock", state.arrive, icon=ft.Icons.LOCK_OPEN)
            return ft.ProgressBar()


@ft.component
def NewStore(state: WalletState) -> ft.Control:
    """The first start."""
    by_passphrase, choose_passphrase = ft.use_state(False)
    first, again = ft.use_ref(""), ft.use_ref("")
    message, tell = ft.use_state("")

    async def create_with_passphrase() -> None:
        if first.current != again.current:
            tell("The two passphrases differ.")
            return
        tell("")
        await state.create(Secret(first.current or ""))

    async def create_with_keyring() -> None:
        await state.create(None)

    head: list[ft.Control] = [
        title("Welcome to your wallet"),
        body("It keeps your credentials encrypted on this computer, and nowhere else.", soft=True),
    ]
    if state.keyring_usable and not by_passphrase:
        return ft.Column(
            [
                *head,
                panel(
                    [
                        _option(
                            ft.Icons.KEY,
                            "Open with my session",
                            "The key is kept in this computer's keyring. Recommended.",
                        ),
                        primary(
                            "door-keyring",
                            "Use the keyring",
                            create_with_keyring,
                            disabled=state.busy,
                        ),
                        secondary(
                            "door-choose-passphrase",
                            "Use a passphrase instead",
                            lambda: choose_passphrase(True),
                        ),
                    ]
                ),
            ],
            spacing=theme.SPACE_M,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        )
    return ft.Column(
        [
            *head,
            panel(
                [
                    _option(
                        ft.Icons.PASSWORD,
                        "Choose a passphrase",
                        "At least 8 characters. A recovery code comes next.",
                    ),
                    field("door-passphrase", "Passphrase", first, secret=True),
                    field("door-passphrase-again", "Passphrase, once more", again, secret=True),
                    *([notice(message, icon=ft.Icons.ERROR, error=True)] if message else []),
                    primary(
                        "door-create",
                        "Making your wallet …" if state.busy else "Make my wallet",
                        create_with_passphrase,
                        disabled=state.busy,
                    ),
                ]
            ),
        ],
        spacing=theme.SPACE_M,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


@ft.component
def Unlock(state: WalletState) -> ft.Control:
    """The passphrase of an existing store."""
    text = ft.use_ref("")

    async def unlock() -> None:
        await state.unlock(Secret(text.current or ""))

    return ft.Column(
        [
            title("Unlock your wallet"),
            panel(
                [
                    field("door-passphrase", "Passphrase", text, secret=True, on_submit=unlock),
                    primary(
                        "door-unlock",
                        "Unlocking …" if state.busy else "Unlock",
                        unlock,
                        disabled=state.busy,
                        icon=ft.Icons.LOCK_OPEN,
                    ),
                ]
            ),
        ],
        spacing=theme.SPACE_M,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _option(icon: ft.IconData, name: str, text: str) -> ft.Control:
    return ft.Row(
        [
            ft.Icon(icon, size=28, color=ft.Colors.PRIMARY),
            ft.Column([ft.Text(name, style=theme.HEADING), body(text, soft=True)], expand=True),
        ],
        spacing=14,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
