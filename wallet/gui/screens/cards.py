"""Home: the credentials as cards."""

from functools import partial

import flet as ft

from wallet.gui import theme
from wallet.gui.card import CardFace
from wallet.gui.parts import (
    body,
    notice,
    page_column,
    panel,
    primary,
    secondary,
    side_by_side,
    tid,
    title,
)
from wallet.gui.screens.issuance import news
from wallet.gui.screens.trust import offered
from wallet.gui.state import Place, WalletState
from wallet.gui.trust import badge_of
from wallet.records import Card, PendingIssuance


@ft.component
def CardsScreen(state: WalletState) -> ft.Control:
    """The cards, newest first, or an invitation to get the first one."""
    if not state.cards:
        return _empty(state)
    columns = min(state.columns, len(state.cards)) if state.wide else 1
    rows = [state.cards[at : at + columns] for at in range(0, len(state.cards), columns)]
    width = theme.COLUMN_WIDTH if columns == 1 else 380 * columns + 24 * (columns - 1) + 40
    return ft.Column(
        [
            ft.Container(
                ft.Column(
                    [
                        title("Your credentials"),
                        *offered(state),
                        *_reminder(state),
                        *_news(state),
                        *(_interrupted(state, n, one) for n, one in enumerate(state.pending)),
                        *(
                            ft.Row(
                                [
                                    *(
                                        _tile(state, at * columns + n, card)
                                        for n, card in enumerate(row)
                                    ),
                                    *(ft.Container(expand=True) for _ in range(columns - len(row))),
                                ],
                                spacing=24,
                            )
                            for at, row in enumerate(rows)
                        ),
                    ],
                    spacing=theme.SPACE_L,
                    horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
                ),
                padding=ft.Padding.symmetric(horizontal=20, vertical=28),
                width=width,
            )
        ],
        scroll=ft.ScrollMode.AUTO,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
        expand=True,
    )


def _tile(state: WalletState, number: int, card: Card) -> ft.Control:
    status = badge_of(card)
    described = f"{card.look.name}, {card.issuer.name}" + (f", {status}" if status else "")
    return tid(
        f"card-{number}",
        ft.Container(
            content=ft.Semantics(
                exclude_semantics=True,
                content=CardFace(
                    card.look, card.issuer.name, seed=card.credential_issuer, status=status
                ),
            ),
            on_click=partial(state.show, card),
            border_radius=theme.RADIUS_L,
            ink=True,
        ),
        button=True,
        label=described,
        expand=True,
    )


def _reminder(state: WalletState) -> list[ft.Control]:
    """As long as there is no recovery code, one lost key loses everything."""
    if state.recoverable:
        return []
    told = "You have no recovery code yet. Without it, a lost passphrase or keyring loses the rest."
    go = partial(state.go, Place.PROTECTION)
    return [
        panel(
            [
                notice(told, icon=ft.Icons.WARNING_AMBER),
                secondary("cards-recovery", "Make a recovery code", go),
            ]
        )
    ]


def _news(state: WalletState) -> list[ft.Control]:
    """What came, or came to nothing, of what issuers had put off."""
    told: list[ft.Control] = []
    for one in state.news:
        told += [notice(f"{card.look.name} has come.", icon=ft.Icons.INBOX) for card in one.cards]
        told += news(one)
    if not told:
        return []
    return [panel([*told, secondary("news-seen", "I have seen it", state.dismiss_news)])]


def _interrupted(state: WalletState, number: int, pending: PendingIssuance) -> ft.Control:
    """An issuance to go on with: nothing that was reached is lost."""
    if not pending.readable:
        told = "The wallet cannot read how far it was."
    elif pending.ask_again_at:
        moment = f"{pending.ask_again_at.astimezone():%d %B, %H:%M:%S}"
        told = f"{pending.issuer.name} needs time. The wallet asks again by itself after {moment}."
    elif pending.has_come:
        told = "It has come. Next, the wallet verifies it, and you may have to decide."
    elif pending.signs_in:
        told = f"It was interrupted. Next, you sign in again for {pending.issuer.name}."
    else:
        told = f"It was interrupted. {pending.issuer.name} has let the wallet in already."
    drop = secondary(f"pending-{number}-drop", "Drop it", partial(state.drop, pending), expand=True)
    resume = primary(
        f"pending-{number}-resume",
        "Ask now" if pending.ask_again_at else "Go on",
        partial(state.resume, pending),
        expand=True,
    )
    return panel(
        [
            ft.Row(
                [
                    ft.Icon(ft.Icons.PENDING_ACTIONS, color=theme.WARNING, size=24),
                    ft.Text(pending.look.name, style=theme.HEADING, expand=True),
                ],
                spacing=12,
            ),
            body(told, soft=True),
            side_by_side(drop, *([resume] if pending.readable else [])),
        ]
    )


def _empty(state: WalletState) -> ft.Control:
    return page_column(
        title("Your credentials"),
        *offered(state),
        *_reminder(state),
        *_news(state),
        *(_interrupted(state, n, one) for n, one in enumerate(state.pending)),
        ft.Container(
            ft.Column(
                [
                    ft.Container(
                        ft.Icon(ft.Icons.ADD_CARD, size=44, color=ft.Colors.PRIMARY),
                        aspect_ratio=theme.CARD_RATIO,
                        alignment=ft.Alignment.CENTER,
                        bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH,
                        border_radius=theme.RADIUS_L,
                    ),
                    ft.Text("Nothing here yet", style=theme.HEADING),
                    body(
                        "When an issuer offers you a credential, it shows a QR code or a link. "
                        "Add it here.",
                        soft=True,
                    ),
                    primary(
                        "empty-add",
                        "Add a credential",
                        partial(state.go, Place.ADD),
                        icon=ft.Icons.ADD,
                    ),
                ],
                spacing=theme.SPACE_M,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            )
        ),
    )
