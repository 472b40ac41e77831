"""Small controls that every screen uses."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import flet as ft
from flet.components.hooks.use_ref import MutableRef

from wallet.gui import theme

Handler = Callable[[], Coroutine[Any, Any, None]] | Callable[[], None]


def tid(identifier: str, content: ft.Control, **semantics: Any) -> ft.Semantics:  # noqa: ANN401
    """Give a control a stable identifier; in the browser it is `flt-semantics-identifier`."""
    return ft.Semantics(identifier=identifier, content=content, **semantics)


def title(text: str) -> ft.Control:
    """The heading of a screen."""
    return ft.Semantics(header=True, content=ft.Text(text, style=theme.TITLE))


def heading(text: str) -> ft.Control:
    """A heading within a screen."""
    return ft.Semantics(header=True, content=ft.Text(text, style=theme.HEADING))


def body(text: str, *, soft: bool = False, **more: Any) -> ft.Text:  # noqa: ANN401
    """Running text."""
    color = ft.Colors.ON_SURFACE_VARIANT if soft else ft.Colors.ON_SURFACE
    return ft.Text(text, style=theme.BODY, color=color, **more)


def label(text: str) -> ft.Text:
    """A small label above a value."""
    return ft.Text(text, style=theme.LABEL, color=ft.Colors.ON_SURFACE_VARIANT)


def panel(controls: Sequence[ft.Control], *, padding: int = 20, spacing: int = 12) -> ft.Control:
    """Controls on a sheet of their own."""
    return ft.Container(
        content=ft.Column(
            list(controls),
            spacing=spacing,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        padding=padding,
        bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
        border_radius=theme.RADIUS_L,
    )


_SHAPE = ft.RoundedRectangleBorder(radius=theme.RADIUS_M)


def primary(
    identifier: str,
    text: str,
    on_click: Handler,
    *,
    icon: ft.IconData | None = None,
    disabled: bool = False,
    expand: bool = False,
) -> ft.Control:
    """The one thing to do next."""
    return tid(
        identifier,
        ft.FilledButton(
            text,
            icon=icon,
            on_click=on_click,
            disabled=disabled,
            height=52,
            style=ft.ButtonStyle(
                shape=_SHAPE, text_style=ft.TextStyle(size=16, font_family="Inter SemiBold")
            ),
        ),
        expand=expand,
    )


def secondary(
    identifier: str,
    text: str,
    on_click: Handler | None = None,
    *,
    icon: ft.IconData | None = None,
    disabled: bool = False,
    expand: bool = False,
    action: ft.ClientAction | None = None,
    danger: bool = False,
) -> ft.Control:
    """Something else one can do; `action` is done by the client, inside the person's click."""
    return tid(
        identifier,
        ft.OutlinedButton(
            text,
            icon=icon,
            on_click=on_click,
            disabled=disabled,
            action=action,
            height=52,
            style=ft.ButtonStyle(
                shape=_SHAPE,
                color=ft.Colors.ERROR if danger else None,
                text_style=ft.TextStyle(size=16, font_family="Inter Medium"),
            ),
        ),
        expand=expand,
    )


def field(
    identifier: str,
    name: str,
    text: MutableRef[str],
    *,
    secret: bool = False,
    hint: str = "",
    on_submit: Handler | None = None,
) -> ft.Control:
    """A line of text that a person types into `text`; dots where it is secret."""

    def changed(event: ft.Event[ft.TextField]) -> None:
        text.current = event.control.value or ""

    return tid(
        identifier,
        ft.TextField(
            label=name,
            hint_text=hint or None,
            value=text.current or "",
            password=secret,
            can_reveal_password=secret,
            border=theme.FIELD_BORDER,
            on_change=changed,
            on_submit=on_submit,
        ),
    )


def side_by_side(*controls: ft.Control) -> ft.Control:
    """Buttons next to each other, equally wide; each must have `expand`."""
    return ft.Row(list(controls), spacing=12)


def page_column(*controls: ft.Control, footer: ft.Control | None = None) -> ft.Control:
    """The body of a screen: one readable column in the middle, scrolling.

    Args:
        controls: One below the other.
        footer: What stays in sight at the bottom: the decision the screen asks for.
    """
    column = ft.Container(
        content=ft.Column(
            list(controls),
            spacing=theme.SPACE_M,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        padding=ft.Padding.symmetric(horizontal=20, vertical=28),
        width=theme.COLUMN_WIDTH,
    )
    body_ = ft.Column(
        [column],
        scroll=ft.ScrollMode.AUTO,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
        expand=True,
    )
    rows: list[ft.Control] = [body_]
    if footer is not None:
        rows.append(
            ft.Container(
                ft.Container(
                    footer,
                    width=theme.COLUMN_WIDTH,
                    padding=ft.Padding.symmetric(horizontal=20, vertical=14),
                ),
                alignment=ft.Alignment.CENTER,
                bgcolor=ft.Colors.SURFACE_CONTAINER_LOW,
                border=ft.Border.only(top=ft.BorderSide(1, ft.Colors.OUTLINE_VARIANT)),
            )
        )
    return ft.Column(
        rows,
        spacing=0,
        expand=True,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def reading(identifier: str, name: str, text: str) -> ft.Control:
    """A name and what it is: read aloud as one, selectable with the mouse."""
    return tid(
        identifier,
        ft.Column(
            [label(name), ft.Text(text, style=theme.BODY, selectable=True)],
            spacing=2,
        ),
        label=f"{name}: {text}",
        container=True,
        exclude_semantics=True,
    )


def notice(text: str, *, icon: ft.IconData, error: bool = False) -> ft.Control:
    """A sentence that should be seen."""
    ground = ft.Colors.ERROR_CONTAINER if error else ft.Colors.SURFACE_CONTAINER_HIGH
    ink = ft.Colors.ON_ERROR_CONTAINER if error else ft.Colors.ON_SURFACE
    return ft.Semantics(
        live_region=True,
        content=ft.Container(
            content=ft.Row(
                [
                    ft.Icon(icon, color=ink, size=22),
                    ft.Text(text, style=theme.BODY, color=ink, expand=True),
                ],
                spacing=12,
            ),
            padding=14,
            bgcolor=ground,
            border_radius=theme.RADIUS_M,
        ),
    )


def back(text: str, on_click: Handler) -> ft.Control:
    """The way back."""
    return ft.Row([tid("back", ft.TextButton(text, icon=ft.Icons.ARROW_BACK, on_click=on_click))])
