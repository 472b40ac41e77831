"""The ways to an offer: camera, link, picture."""

from collections.abc import Callable

import flet as ft

from wallet.gui import theme
from wallet.gui.parts import (
    body,
    field,
    heading,
    notice,
    page_column,
    panel,
    primary,
    secondary,
    tid,
    title,
)
from wallet.gui.state import WalletState


@ft.component
def AddScreen(state: WalletState) -> ft.Control:
    """Camera, link and picture, one below the other."""
    looking, look = ft.use_state(False)
    trouble = (
        [notice(f"{state.failure.sentence} {state.failure.advice}", icon=ft.Icons.INFO, error=True)]
        if state.failure
        else []
    )

    async def stop() -> None:
        await state.stop_camera()
        look(False)

    camera = (
        [
            Camera(state, on_end=lambda: look(False)),
            secondary("camera-stop", "Stop the camera", stop),
        ]
        if looking
        else [
            body("Hold the issuer's QR code in front of the camera.", soft=True),
            primary(
                "add-camera",
                "Scan with the camera",
                lambda: look(True),
                icon=ft.Icons.QR_CODE_SCANNER,
            ),
        ]
    )
    return page_column(
        title("Add a credential"),
        ft.Column(trouble, visible=bool(trouble)),  # always there: else the camera would move
        panel([heading("Scan"), *camera]),
        panel([heading("Paste the link"), Paste(state)]),
        panel([heading("From a picture"), Picture(state)]),
        panel([heading("From an issuer"), Visit(state)]),
    )


@ft.component
def Camera(state: WalletState, on_end: Callable[[], None]) -> ft.Control:
    """The live picture with a viewfinder; scanning lasts as long as it is shown."""
    frame = ft.use_memo(lambda: ft.RawImage(fit=ft.BoxFit.COVER, expand=True), [])

    async def begin() -> None:
        await state.scan(frame.render_encoded)
        on_end()

    ft.use_effect(begin, [], cleanup=state.stop_camera)
    viewfinder = ft.Container(
        width=190,
        height=190,
        border=ft.Border.all(3, "#ffffff"),
        border_radius=theme.RADIUS_L,
    )
    picture = ft.Container(
        content=ft.Stack(
            [frame, ft.Container(viewfinder, alignment=ft.Alignment.CENTER)],
            fit=ft.StackFit.EXPAND,
        ),
        aspect_ratio=4 / 3,
        bgcolor="#101014",
        border_radius=theme.RADIUS_M,
        clip_behavior=ft.ClipBehavior.ANTI_ALIAS,
    )
    hint = [notice(state.hint, icon=ft.Icons.QR_CODE)] if state.hint else []
    return ft.Column(
        [
            tid("camera-preview", picture, image=True, label="Camera picture"),
            body("Looking for a code …", soft=True),
            *hint,
        ],
        spacing=10,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


@ft.component
def Paste(state: WalletState) -> ft.Control:
    """A link, typed or pasted."""
    text = ft.use_ref("")

    async def go() -> None:
        await state.paste(text.current or "")

    return ft.Column(
        [
            field(
                "add-paste-field",
                "Offer link",
                text,
                hint="openid-credential-offer://…",
                on_submit=go,
            ),
            secondary("add-paste-go", "Go on", go, icon=ft.Icons.ARROW_FORWARD),
        ],
        spacing=12,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


@ft.component
def Visit(state: WalletState) -> ft.Control:
    """The address of an issuer, to choose from all it has."""
    text = ft.use_ref("")

    async def go() -> None:
        if (text.current or "").strip():
            await state.visit(text.current or "")

    return ft.Column(
        [
            body("Without an offer: see what an issuer has, and choose.", soft=True),
            field("add-issuer-field", "Issuer's address", text, hint="https://…", on_submit=go),
            secondary("add-issuer-go", "See what it has", go, icon=ft.Icons.ARROW_FORWARD),
        ],
        spacing=12,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


@ft.component
def Picture(state: WalletState) -> ft.Control:
    """A picture file that holds the code."""
    picker = ft.use_memo(ft.FilePicker, [])

    async def pick() -> None:
        files = await picker.pick_files(file_type=ft.FilePickerFileType.IMAGE, with_data=True)
        if files and files[0].bytes:
            await state.pick_image(files[0].bytes)

    return ft.Column(
        [
            body("A screenshot or photo of the QR code.", soft=True),
            secondary("add-image", "Choose a picture", pick, icon=ft.Icons.IMAGE),
        ],
        spacing=12,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
