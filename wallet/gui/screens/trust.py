"""Whom the person trusts: certificates and issuers, listed, added and removed."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import flet as ft

from wallet.errors import LocalFailure, WalletError
from wallet.gui import theme
from wallet.gui.parts import (
    back,
    body,
    field,
    heading,
    label,
    notice,
    page_column,
    panel,
    primary,
    secondary,
    side_by_side,
    tid,
    title,
)
from wallet.gui.screens.protection import use_work
from wallet.gui.state import Place, WalletState
from wallet.records import TrustAnchor

ADDRESSES = ("https://", "http://", "did:")


@ft.component
def TrustScreen(state: WalletState) -> ft.Control:
    """The trust anchors, and how to add one."""
    none_yet: tuple[TrustAnchor, ...] | None = None
    anchors, know = ft.use_state(none_yet)
    failure, tell = ft.use_state("")

    async def look() -> None:
        try:
            know(await state.wallet.trusted())
        except WalletError as error:
            know(())
            tell(f"{error.sentence} {error.detail}")

    ft.use_effect(look, [])
    if anchors is None:
        return page_column(title("Whom you trust"), ft.ProgressBar())
    policy = state.wallet.in_force.settings.trust_policy
    others = (
        "The wallet asks you about credentials of anybody else before it keeps them."
        if policy == "ask"
        else "The wallet refuses credentials of anybody else (trust_policy is anchored)."
    )
    return page_column(
        back("Settings", partial(state.go, Place.SETTINGS)),
        title("Whom you trust"),
        body("A credential is trusted where one of these vouches for its issuer.", soft=True),
        body(others, soft=True),
        *([notice(failure, icon=ft.Icons.ERROR, error=True)] if failure else []),
        ft.Column(
            [
                *(Anchor(state, number, one, look) for number, one in enumerate(anchors)),
                *([] if anchors else [notice("You trust nobody yet.", icon=ft.Icons.INFO)]),
            ],
            spacing=theme.SPACE_M,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        AddAnchor(state, look),
    )


@ft.component
def Anchor(
    state: WalletState, number: int, anchor: TrustAnchor, changed: Callable[[], Awaitable[None]]
) -> ft.Control:
    """Somebody who is trusted, and the way to trust them no longer."""
    run, told, busy = use_work()
    asking, ask = ft.use_state(False)

    async def remove() -> str:
        ask(False)
        await state.wallet.distrust(anchor.id)
        await changed()
        return ""

    if anchor.file:
        ending: list[ft.Control] = [body(f"By the setting trust_anchor: {anchor.file}", soft=True)]
    elif asking:
        ending = [
            body("Credentials that you have stay as they are; new ones are asked about."),
            side_by_side(
                secondary(f"anchor-{number}-keep", "Keep it", lambda: ask(False), expand=True),
                secondary(
                    f"anchor-{number}-gone",
                    "Remove",
                    partial(run, remove),
                    danger=True,
                    expand=True,
                ),
            ),
        ]
    else:
        remove_it = ft.TextButton("Remove", on_click=lambda: ask(True), disabled=busy)
        ending = [ft.Row([tid(f"anchor-{number}-remove", remove_it)])]
    return panel([*face_of(anchor, f"anchor-{number}"), *ending, *told])


def face_of(anchor: TrustAnchor, identifier: str) -> list[ft.Control]:
    """What is known of a trust anchor: its kind, its name, its end and its fingerprint."""
    authority = anchor.kind == "certificate"
    kind = "Certificate" if authority else "Issuer"
    until = f", until {anchor.expires_at.astimezone():%d %B %Y}" if anchor.expires_at else ""
    digits = anchor.id.upper()
    groups = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    return [
        ft.Row(
            [
                ft.Icon(
                    ft.Icons.WORKSPACE_PREMIUM if authority else ft.Icons.LANGUAGE,
                    size=28,
                    color=ft.Colors.PRIMARY,
                ),
                ft.Column(
                    [tid(identifier, heading(anchor.name)), label(f"{kind}{until}")],
                    spacing=0,
                    expand=True,
                ),
            ],
            spacing=14,
        ),
        *(
            [
                ft.Column(
                    [
                        label("SHA-256 fingerprint"),
                        ft.Text(groups, style=theme.MONO, selectable=True),
                    ],
                    spacing=2,
                )
            ]
            if authority
            else []
        ),
    ]


@ft.component
def AddAnchor(state: WalletState, changed: Callable[[], Awaitable[None]]) -> ft.Control:
    """A file with certificates, or an issuer's address or DID."""
    run, told, busy = use_work()
    whom = ft.use_ref("")

    async def add() -> str:
        text = (whom.current or "").strip()
        if text.startswith(ADDRESSES):
            names = (await state.wallet.trust_issuer(text)).name
        else:
            found = await state.wallet.trust_certificates(await asyncio.to_thread(_read, text))
            names = ", ".join(one.name for one in found)
        whom.current = ""
        await changed()
        return f"You trust {names} from now on."

    return panel(
        [
            heading("Trust somebody else"),
            body(
                "An issuer by its https address or DID, or an authority by the file of its "
                "certificate. Do so only where you know from elsewhere that it is the right one: "
                "compare the fingerprint.",
                soft=True,
            ),
            field(
                "trust-whom",
                "Address, DID, or certificate file",
                whom,
                on_submit=partial(run, add),
            ),
            primary("trust-add", "Trust it", partial(run, add), disabled=busy),
            *told,
        ]
    )


def _read(text: str) -> bytes:
    try:
        return Path(text).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        raise LocalFailure("trust_anchor_unreadable", type(error).__name__) from None


def offered(state: WalletState) -> list[ft.Control]:
    """What was offered for trust and not answered yet."""
    if not state.offered:
        return []
    return [
        panel(
            [
                heading("Trust this authority?"),
                body(
                    "It came with this wallet's settings. If you trust it, the wallet keeps "
                    "credentials of the issuers it vouches for without asking you."
                ),
                *(
                    part
                    for number, one in enumerate(state.offered)
                    for part in face_of(one, f"offered-{number}")
                ),
                side_by_side(
                    secondary("offered-no", "No", state.decline_offered, expand=True),
                    primary("offered-yes", "Trust it", state.trust_offered, expand=True),
                ),
            ]
        )
    ]  # fmt: skip
