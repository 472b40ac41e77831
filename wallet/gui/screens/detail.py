"""A credential: its claims, and behind them how it was verified and what it is technically."""

from collections.abc import Callable
from functools import partial

import flet as ft

from wallet.gui import theme
from wallet.gui.card import CardFace
from wallet.gui.parts import (
    back,
    body,
    heading,
    label,
    notice,
    page_column,
    panel,
    reading,
    secondary,
    tid,
)
from wallet.gui.screens.failure import check_row
from wallet.gui.state import Place, WalletState
from wallet.gui.trust import badge_of, level_of
from wallet.records import Card, Claim, Image, Standing
from wallet.report import Trust


@ft.component
def DetailScreen(state: WalletState) -> ft.Control:
    """The shown card."""
    removing, ask = ft.use_state(False)
    enlarged, enlarge = ft.use_state("")
    card = state.shown
    ft.use_dialog(_confirm(state, card, lambda: ask(False)) if removing and card else None)
    ft.use_dialog(_picture(card, enlarged, lambda: enlarge("")) if enlarged and card else None)
    if card is None:
        return ft.Container()
    credential = state.credential
    status = badge_of(card)
    dates = f"Received {card.received_at.astimezone():%d %B %Y}"
    if card.expires_at:
        ends = "expired" if card.expired else "valid until"
        dates += f", {ends} {card.expires_at.astimezone():%d %B %Y}"
    return page_column(
        back("Your credentials", partial(state.go, Place.CARDS)),
        ft.Semantics(
            exclude_semantics=True,
            content=CardFace(
                card.look, card.issuer.name, seed=card.credential_issuer, status=status
            ),
        ),
        heading(card.look.name),
        tid(
            "detail-claims",
            panel([_claim(claim, enlarge) for claim in card.claims], spacing=16),
            container=True,
        ),
        panel(
            [
                tid("detail-trust", level_of(card)),
                *_again(state, card),
                reading(
                    "detail-issuer", "Issuer", f"{card.issuer.name} · {card.credential_issuer}"
                ),
                body(dates, soft=True),
                *_status(state, card),
            ]
        ),
        secondary(
            "detail-technical",
            "Hide verification and technical data"
            if credential
            else "Show verification and technical data",
            state.hide_credential if credential else partial(state.show_credential, card),
            icon=ft.Icons.FACT_CHECK,
        ),
        *(_technical(card, credential.reveal()) if credential else []),
        *(
            [
                secondary(
                    "detail-refresh",
                    "Get it anew from its issuer",
                    partial(state.refresh, card),
                    icon=ft.Icons.REFRESH,
                )
            ]
            if card.id in state.refreshable
            else []
        ),
        secondary(
            "detail-remove",
            "Remove from the wallet",
            lambda: ask(True),
            icon=ft.Icons.DELETE_OUTLINE,
            danger=True,
        ),
    )


STANDINGS = {
    Standing.VALID: "Its issuer says that it is valid",
    Standing.SUSPENDED: "Its issuer has suspended it",
    Standing.REVOKED: "Its issuer has revoked it",
    Standing.UNKNOWN: "Nobody could tell whether it is still valid",
}


def _status(state: WalletState, card: Card) -> list[ft.Control]:
    """What was last heard of its status, and the way to ask again; nothing where nobody tells."""
    if not card.has_status:
        return []
    answer, told = card.answer, "Its issuer has not been asked yet whether it is valid"
    if answer is not None:
        told = f"{STANDINGS[answer.standing]}, {answer.asked_at.astimezone():%d %B %Y at %H:%M}"
    return [
        reading("detail-status", "Status", told),
        *([body(answer.reason, soft=True)] if answer is not None and answer.reason else []),
        secondary(
            "detail-check-status",
            "Ask again" if answer else "Ask now",
            partial(state.check_status, card),
            icon=ft.Icons.PUBLISHED_WITH_CHANGES,
        ),
    ]


def _again(state: WalletState, card: Card) -> list[ft.Control]:
    """The way to verify it again, where that may say something else, and how that went."""
    told: list[ft.Control] = []
    if state.busy:
        told.append(ft.ProgressBar(border_radius=4))
    elif state.failure is not None:
        sentence = f"{state.failure.sentence} {state.failure.advice}"
        told.append(notice(sentence, icon=ft.Icons.ERROR, error=True))
    if card.trust is Trust.ANCHORED and not card.refused:
        return told
    check = partial(state.verify, card)
    return [
        secondary("detail-verify", "Check now", check, icon=ft.Icons.SYNC, disabled=state.busy),
        *told,
    ]


def _claim(claim: Claim, enlarge: Callable[[str], None]) -> ft.Control:
    identifier = "claim-" + ".".join(str(part) for part in claim.path)
    if isinstance(claim.value, Image):

        def open_picture() -> None:
            enlarge(identifier)

        return ft.Column(
            [
                label(claim.label),
                ft.Row(
                    [
                        tid(
                            identifier,
                            ft.Container(
                                ft.Image(
                                    src=claim.value.data,
                                    width=120,
                                    height=150,
                                    fit=ft.BoxFit.COVER,
                                    border_radius=theme.RADIUS_M,
                                    exclude_from_semantics=True,
                                ),
                                on_click=open_picture,
                                border_radius=theme.RADIUS_M,
                            ),
                            button=True,
                            label=f"{claim.label}, enlarge",
                        )
                    ]
                ),
            ],
            spacing=6,
        )
    if isinstance(claim.value, str):
        return reading(identifier, claim.label, claim.value)
    return ft.Column(
        [
            label(claim.label),
            ft.Container(
                ft.Column([_claim(one, enlarge) for one in claim.value], spacing=12),
                padding=ft.Padding.only(left=14),
                border=ft.Border.only(left=ft.BorderSide(2, ft.Colors.OUTLINE_VARIANT)),
            ),
        ],
        spacing=8,
    )


def _technical(card: Card, credential: str) -> list[ft.Control]:
    checks = [check_row(number, check) for number, check in enumerate(card.report.checks, 1)]
    return [
        panel([heading("How it was verified"), *checks]),
        panel(
            [
                heading("Technical data"),
                reading("detail-format", "Format", card.format),
                reading("detail-type", "Type", card.type),
                reading("detail-configuration", "Configuration", card.credential_configuration_id),
                label("The credential as it was received"),
                ft.Text(credential, style=theme.MONO, selectable=True, max_lines=8),
                secondary(
                    "detail-copy",
                    "Copy the credential",
                    icon=ft.Icons.COPY,
                    action=ft.CopyToClipboard(credential),
                ),
            ]
        ),
    ]


def _confirm(state: WalletState, card: Card, close: Callable[[], None]) -> ft.AlertDialog:
    def dismiss() -> None:
        close()

    async def remove() -> None:
        dismiss()
        await state.remove(card)

    return ft.AlertDialog(
        title="Remove this credential?",
        content=body(
            f"{card.look.name} and its key are deleted from this computer. "
            "To have it again you must ask the issuer."
        ),
        actions=[
            tid("remove-cancel", ft.TextButton("Keep it", on_click=dismiss)),
            tid("remove-confirm", ft.TextButton("Remove", on_click=remove)),
        ],
        on_dismiss=dismiss,
    )


def _picture(card: Card, identifier: str, close: Callable[[], None]) -> ft.AlertDialog:
    def dismiss() -> None:
        close()

    found = {
        "claim-" + ".".join(map(str, claim.path)): claim.value
        for claim in card.claims
        if isinstance(claim.value, Image)
    }.get(identifier)
    return ft.AlertDialog(
        content=ft.Image(src=found.data, width=360, fit=ft.BoxFit.CONTAIN)
        if found
        else ft.Text(""),
        actions=[ft.TextButton("Close", on_click=dismiss)],
        on_dismiss=dismiss,
    )
