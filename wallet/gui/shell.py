"""The window: navigation around the screen the person is at."""

import asyncio
from functools import partial

import flet as ft

from wallet.gui import theme
from wallet.gui.parts import Handler, tid
from wallet.gui.screens.add import AddScreen
from wallet.gui.screens.cards import CardsScreen
from wallet.gui.screens.detail import DetailScreen
from wallet.gui.screens.door import DoorScreen
from wallet.gui.screens.issuance import IssuanceScreen
from wallet.gui.screens.protection import ProtectionScreen
from wallet.gui.screens.settings import SettingsScreen
from wallet.gui.screens.trust import TrustScreen
from wallet.gui.state import Place, WalletState
from wallet.ports import Departure

PLACES = (
    ("nav-cards", Place.CARDS, "Cards", ft.Icons.WALLET),
    ("nav-add", Place.ADD, "Add", ft.Icons.ADD_CIRCLE),
    ("nav-settings", Place.SETTINGS, "Settings", ft.Icons.TUNE),
)
HOVER_INTERVAL_MS = 5_000
"""A mouse that moves says that somebody is there; it need not say so more often."""


@ft.component
def App(state: WalletState) -> ft.View:
    """The whole window."""
    screen = _screen(state)
    body: ft.Control = screen
    if state.place is not Place.DOOR and state.place is not Place.ISSUANCE:
        items = [_place(state, *one) for one in PLACES]
        lock = partial(state.lock, Departure.BY_HAND)
        items.append(_item("nav-lock", "Lock", ft.Icons.LOCK_OUTLINE, lock))
        if state.wide:
            rail = ft.Container(
                ft.Column(items, spacing=6),
                padding=ft.Padding.symmetric(horizontal=10, vertical=28),
                bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
            )
            body = ft.Row(
                [rail, screen],
                spacing=0,
                expand=True,
                vertical_alignment=ft.CrossAxisAlignment.STRETCH,
            )
        else:
            bar = ft.Container(
                ft.Row(items, alignment=ft.MainAxisAlignment.SPACE_AROUND),
                padding=ft.Padding.only(top=6, bottom=10),
                bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
                border=ft.Border.only(top=ft.BorderSide(1, ft.Colors.OUTLINE_VARIANT)),
            )
            body = ft.Column(
                [screen, bar],
                spacing=0,
                expand=True,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            )
    if state.wallet.in_force.settings.loopback_development:
        body = ft.Column(
            [_development(), ft.Container(body, expand=True)],
            spacing=0,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        )
    watched = ft.GestureDetector(
        ft.Container(body, expand=True),
        on_hover=state.used,
        hover_interval=HOVER_INTERVAL_MS,
        exclude_from_semantics=True,
        expand=True,
    )
    return ft.View(route="/", controls=[watched], padding=0, spacing=0)


def _development() -> ft.Control:
    """Says, on every screen, that the wallet is less careful than it should be."""
    return tid(
        "development",
        ft.Container(
            ft.Text(
                "For development: servers on this computer are contacted without TLS.",
                style=theme.LABEL,
                color=ft.Colors.ON_TERTIARY_CONTAINER,
                text_align=ft.TextAlign.CENTER,
            ),
            padding=ft.Padding.symmetric(horizontal=16, vertical=6),
            bgcolor=ft.Colors.TERTIARY_CONTAINER,
        ),
    )


def _screen(state: WalletState) -> ft.Control:
    match state.place:
        case Place.DOOR:
            return DoorScreen(state)
        case Place.CARDS:
            return CardsScreen(state)
        case Place.ADD:
            return AddScreen(state)
        case Place.ISSUANCE:
            return IssuanceScreen(state)
        case Place.DETAIL:
            return DetailScreen(state)
        case Place.SETTINGS:
            return SettingsScreen(state)
        case Place.PROTECTION:
            return ProtectionScreen(state)
        case Place.TRUST:
            return TrustScreen(state)


def _place(
    state: WalletState, identifier: str, place: Place, name: str, icon: ft.IconData
) -> ft.Control:
    here = state.place is place or (place is Place.CARDS and state.place is Place.DETAIL)
    return _item(identifier, name, icon, partial(state.go, place), here=here)


def _item(
    identifier: str, name: str, icon: ft.IconData, on_click: Handler, *, here: bool = False
) -> ft.Control:
    color = ft.Colors.PRIMARY if here else ft.Colors.ON_SURFACE_VARIANT
    return tid(
        identifier,
        ft.TextButton(
            content=ft.Column(
                [
                    ft.Icon(icon, color=color, size=26),
                    ft.Text(name, style=theme.LABEL, color=color),
                ],
                spacing=2,
                tight=True,
                horizontal_alignment=ft.CrossAxisAlignment.CENTER,
            ),
            on_click=on_click,
            width=84,
            height=64,
            style=ft.ButtonStyle(shape=ft.RoundedRectangleBorder(radius=theme.RADIUS_M)),
        ),
        selected=here,
    )


def prepare(page: ft.Page, state: WalletState) -> None:
    """Dress the page, follow its size, and show the window's contents."""
    page.title = "Wallet"
    page.fonts = dict(theme.FONTS)
    page.theme, page.dark_theme = theme.themes()
    page.theme_mode = ft.ThemeMode.SYSTEM

    def measure(_event: object = None) -> None:
        width = page.width or 0
        state.wide = width >= theme.WIDE
        state.columns = 1 if width < 940 else 2 if width < 1340 else 3

    def draw() -> None:
        page.render_views(App, state)

    def redraw() -> None:
        draw()
        forget_drawn(page)

    page.on_resize = measure
    measure()
    count_events(page, state)
    draw()
    state.redraw = redraw
    page.run_task(state.arrive)
    state.watch_by(page.run_task(state.wallet.watch_session, state.lock))


def forget_drawn(page: ft.Page) -> None:
    """Let go of what was drawn last: the loop that draws keeps it in a variable meanwhile."""
    drawing: asyncio.Task[None] = getattr(page.session, "_Session__updates_task")  # noqa: B009
    drawing.add_done_callback(lambda _: page.session.start_updates_scheduler())
    drawing.cancel()


def count_events(page: ft.Page, state: WalletState) -> None:
    """Take every event of the window as a sign that somebody is there."""
    dispatch = page.session.dispatch_event

    async def counted(control_id: int, event_name: str, event_data: object) -> None:
        state.used()
        await dispatch(control_id, event_name, event_data)

    page.session.dispatch_event = counted  # type: ignore[method-assign]
