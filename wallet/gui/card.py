"""The face of a card, in ID-1 proportion, drawn from what the issuer says about its looks."""

import flet as ft

from wallet.gui import theme
from wallet.records import Look

ICONS = {
    "Expired": ft.Icons.EVENT_BUSY,
    "Revoked": ft.Icons.BLOCK,
    "Suspended": ft.Icons.PAUSE_CIRCLE_OUTLINE,
}


def CardFace(look: Look, issuer: str, *, seed: str, status: str = "") -> ft.Control:
    """A card.

    Args:
        look: How the credential presents itself.
        issuer: The issuer's name.
        seed: What its colour follows from where the issuer gives none.
        status: A word over the card, e.g. "Expired".
    """
    ground = look.background_color or theme.pastel(seed)
    ink = theme.readable(look.text_color, ground)
    layers: list[ft.Control] = []
    if look.background:
        layers += [
            ft.Image(src=look.background.data, fit=ft.BoxFit.COVER, gapless_playback=True),
            _shade(dark=theme.luminance(ink) > 0.4),
        ]
    layers.append(_words(look, issuer, ink, status))
    return ft.Container(
        content=ft.Stack(layers, fit=ft.StackFit.EXPAND),
        aspect_ratio=theme.CARD_RATIO,
        bgcolor=ground,
        border_radius=theme.RADIUS_L,
        clip_behavior=ft.ClipBehavior.ANTI_ALIAS,
        shadow=ft.BoxShadow(
            blur_radius=24, color=ft.Colors.with_opacity(0.18, "#000000"), offset=ft.Offset(0, 8)
        ),
    )


def _shade(*, dark: bool) -> ft.Control:
    """A veil over a picture, so that words on it stay readable."""
    tone = "#000000" if dark else "#ffffff"
    return ft.Container(
        gradient=ft.LinearGradient(
            begin=ft.Alignment.TOP_CENTER,
            end=ft.Alignment.BOTTOM_CENTER,
            colors=[ft.Colors.with_opacity(a, tone) for a in (0.3, 0.08, 0.45)],
        )
    )


def _words(look: Look, issuer: str, ink: str, status: str) -> ft.Control:
    name = ft.Text(
        look.name,
        style=ft.TextStyle(size=21, font_family="Inter Bold", height=1.2),
        color=ink,
        max_lines=2,
        overflow=ft.TextOverflow.ELLIPSIS,
        expand=True,
    )
    logo = (
        [
            ft.Image(
                src=look.logo.data,
                width=46,
                height=46,
                border_radius=12,
                fit=ft.BoxFit.CONTAIN,
                exclude_from_semantics=True,
            )
        ]
        if look.logo
        else []
    )
    badge = [_badge(status)] if status else []
    return ft.Container(
        content=ft.Column(
            [
                ft.Row([name, *logo], vertical_alignment=ft.CrossAxisAlignment.START),
                ft.Row(
                    [
                        ft.Text(
                            issuer,
                            style=ft.TextStyle(size=14, font_family="Inter Medium"),
                            color=ink,
                            max_lines=1,
                            overflow=ft.TextOverflow.ELLIPSIS,
                            expand=True,
                        ),
                        *badge,
                    ]
                ),
            ],
            alignment=ft.MainAxisAlignment.SPACE_BETWEEN,
        ),
        padding=20,
    )


def _badge(status: str) -> ft.Control:
    return ft.Container(
        content=ft.Row(
            [
                ft.Icon(ICONS.get(status, ft.Icons.ERROR_OUTLINE), size=16, color="#7a1a12"),
                ft.Text(status, style=theme.LABEL, color="#7a1a12"),
            ],
            spacing=6,
            tight=True,
        ),
        bgcolor="#ffe6e2",
        border_radius=20,
        padding=ft.Padding.symmetric(horizontal=10, vertical=4),
    )
