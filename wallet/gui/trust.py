"""How much a credential is believed: the same icon and words wherever it is told."""

from collections.abc import Sequence

import flet as ft

from wallet.gui import theme
from wallet.gui.parts import body, heading
from wallet.records import Card, Standing
from wallet.report import LEVELS, REFUSED, Trust, told, told_of_refused

ICONS = {
    Trust.ANCHORED: (ft.Icons.VERIFIED_USER, theme.SUCCESS),
    Trust.DOMAIN: (ft.Icons.LANGUAGE, theme.WARNING),
    Trust.UNKNOWN: (ft.Icons.HELP, theme.WARNING),
    Trust.UNVERIFIED: (ft.Icons.HOURGLASS_EMPTY, theme.WARNING),
}


STOPPED = {Standing.REVOKED: "Revoked", Standing.SUSPENDED: "Suspended"}


def level(trust: Trust, trusted_by: str, reasons: Sequence[str] = ()) -> ft.Control:
    """A level: its icon, its word, what it means, and why it is that one."""
    icon, color = ICONS[trust]
    return _told(icon, color, LEVELS[trust].word, [told(trust, trusted_by)], reasons)


def level_of(card: Card) -> ft.Control:
    """The level of a stored credential."""
    if card.refused:
        told_ = [told_of_refused(card.report)]
        return _told(ft.Icons.GPP_BAD, ft.Colors.ERROR, REFUSED.word, told_)
    return level(card.trust, card.trusted_by)


def badge_of(card: Card) -> str:
    """What a card says of itself where something is not right; empty otherwise."""
    if card.refused:
        return REFUSED.word
    if card.expired:
        return "Expired"
    if card.answer is not None and card.answer.standing in STOPPED:
        return STOPPED[card.answer.standing]
    return "" if card.trust is Trust.ANCHORED else LEVELS[card.trust].word


def _told(
    icon: ft.IconData,
    color: str | ft.Colors,
    word: str,
    sentences: Sequence[str],
    reasons: Sequence[str] = (),
) -> ft.Control:
    return ft.Row(
        [
            ft.Icon(icon, color=color, size=28),
            ft.Column(
                [
                    heading(word),
                    *(body(one) for one in sentences),
                    *(body(one[:1].upper() + one[1:] + ".", soft=True) for one in reasons),
                ],
                spacing=4,
                expand=True,
            ),
        ],
        spacing=14,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
