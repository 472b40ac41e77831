"""An issuance: may the wallet ask, what is offered, how far it is, what became of it."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

import flet as ft

from wallet.errors import HolderDeclined
from wallet.gui import theme
from wallet.gui.card import CardFace
from wallet.gui.parts import (
    body,
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
from wallet.gui.screens.failure import FailureScreen
from wallet.gui.state import (
    Contacting,
    Failed,
    Place,
    Received,
    Reviewing,
    WalletState,
    Working,
)
from wallet.ports import OfferedCredential
from wallet.steps import Step

STEPS = {
    Step.OFFER: "Read the offer",
    Step.ISSUER: "Ask the issuer",
    Step.REVIEW: "Your review",
    Step.AUTHORIZATION: "Sign in",
    Step.TOKEN: "Get access",
    Step.CREDENTIAL: "Get the credential",
    Step.VERIFICATION: "Verify it",
    Step.STORAGE: "Keep it",
}


@ft.component
def IssuanceScreen(state: WalletState) -> ft.Control:
    """The phase the issuance is in."""
    match state.phase:
        case Contacting():
            return _contacting(state, state.phase)
        case Reviewing():
            return Review(state, state.phase)
        case Working():
            return _working(state, state.phase)
        case Received():
            return _received(state, state.phase)
        case Failed():
            if isinstance(state.phase.error, HolderDeclined):
                return _stopped(state, state.phase)
            return FailureScreen(state, state.phase.error)
        case None:
            return ft.Container()
        case _:
            assert_never(state.phase)


def step_bar(step: Step | None, *, failed: bool = False) -> ft.Control:
    """How far it is: done in colour, the present one named, the failed one red."""
    steps = list(Step)
    at = steps.index(step) if step else 0
    segments = [
        ft.Container(
            height=8,
            border_radius=4,
            expand=True,
            animate=theme.MOTION,
            bgcolor=ft.Colors.ERROR
            if failed and n == at
            else ft.Colors.PRIMARY
            if n <= at
            else ft.Colors.SURFACE_CONTAINER_HIGH,
        )
        for n in range(len(steps))
    ]
    words = f"Step {at + 1} of {len(steps)}: {STEPS[steps[at]]}"
    return tid(
        "progress",
        ft.Column([ft.Row(list(segments), spacing=5), label(words)], spacing=8),
    )


def _contacting(state: WalletState, phase: Contacting) -> ft.Control:
    return page_column(
        step_bar(Step.OFFER),
        title("Contact this issuer?"),
        body("This offer leads to:", soft=True),
        panel(
            [
                ft.Row(
                    [
                        ft.Icon(ft.Icons.PUBLIC, size=28, color=ft.Colors.PRIMARY),
                        tid(
                            "contact-host",
                            ft.Text(phase.contact.host, style=theme.HEADING),
                        ),
                    ],
                    spacing=14,
                    wrap=True,
                ),
                body(
                    "The wallet has not contacted it yet. If you go on, it asks what is offered. "
                    "Whether you accept it, you decide afterwards.",
                    soft=True,
                ),
            ]
        ),
        footer=side_by_side(
            secondary("contact-cancel", "Cancel", state.decline, expand=True),
            primary("contact-go", "Contact", state.agree, expand=True),
        ),
    )


@ft.component
def Review(state: WalletState, phase: Reviewing) -> ft.Control:
    """Who asks, what will be issued, what happens next."""
    review = phase.review
    chosen, show = ft.use_state(review.credentials[0].credential_configuration_id)
    choice = ft.use_ref(chosen)  # what a click accepts, also before the screen is drawn anew

    def choose(credential_configuration_id: str) -> None:
        choice.current = credential_configuration_id
        show(credential_configuration_id)

    def accept() -> None:
        state.agree(choice.current or "")

    shown = next(c for c in review.credentials if c.credential_configuration_id == chosen)
    several = [_choice(review.credentials, chosen, choose)] if len(review.credentials) > 1 else []
    return page_column(
        step_bar(Step.REVIEW),
        title("Accept this credential?"),
        panel(
            [
                ft.Row(
                    [
                        *(
                            [
                                ft.Image(
                                    src=review.issuer.logo.data,
                                    width=44,
                                    height=44,
                                    border_radius=12,
                                    exclude_from_semantics=True,
                                )
                            ]
                            if review.issuer.logo
                            else []
                        ),
                        ft.Column(
                            [
                                ft.Text(review.issuer.name, style=theme.HEADING),
                                tid("review-host", label(review.issuer_host)),
                            ],
                            spacing=0,
                            expand=True,
                        ),
                    ],
                    spacing=14,
                )
            ]
        ),
        *several,
        ft.Semantics(
            exclude_semantics=True,
            content=CardFace(shown.look, review.issuer.name, seed=review.credential_issuer),
        ),
        heading(shown.look.name),
        *([body(shown.look.description, soft=True)] if shown.look.description else []),
        panel(
            [
                label("It will contain"),
                ft.Row([_chip(text) for text in shown.claims], wrap=True, spacing=8, run_spacing=8)
                if shown.claims
                else body("The issuer does not say.", soft=True),
            ]
        ),
        notice(
            f"Next, your browser opens and you sign in at {review.authorization_server_host}.",
            icon=ft.Icons.OPEN_IN_BROWSER,
        ),
        footer=side_by_side(
            secondary("review-decline", "Decline", state.decline, expand=True),
            primary("review-accept", "Accept", accept, expand=True),
        ),
    )


def _choice(
    credentials: tuple[OfferedCredential, ...], chosen: str, choose: Callable[[str], None]
) -> ft.Control:
    def changed(event: ft.Event[ft.RadioGroup]) -> None:
        choose(event.control.value or chosen)

    return ft.RadioGroup(
        value=chosen,
        on_change=changed,
        content=ft.Column(
            [
                ft.Radio(value=one.credential_configuration_id, label=one.look.name)
                for one in credentials
            ]
        ),
    )


def _chip(text: str) -> ft.Control:
    return ft.Container(
        ft.Text(text, style=theme.LABEL),
        padding=ft.Padding.symmetric(horizontal=12, vertical=6),
        border=ft.Border.all(1, ft.Colors.OUTLINE_VARIANT),
        border_radius=20,
    )


def _working(state: WalletState, phase: Working) -> ft.Control:
    cancel = secondary("progress-cancel", "Cancel", state.decline, icon=ft.Icons.CLOSE)
    if phase.sign_in_url is None:
        return page_column(
            step_bar(phase.step),
            title(f"{STEPS[phase.step]} …"),
            ft.ProgressBar(border_radius=4),
            cancel,
        )
    url = phase.sign_in_url.reveal()
    told = (
        notice("Your browser could not be opened. Open the page yourself.", icon=ft.Icons.INFO)
        if phase.browser_failed
        else body("Sign in there and say yes. This window goes on by itself.", soft=True)
    )
    return page_column(
        step_bar(phase.step),
        title("Waiting for your browser"),
        told,
        ft.ProgressBar(border_radius=4),
        panel(
            [
                secondary(
                    "browser-again",
                    "Open the page again",
                    icon=ft.Icons.OPEN_IN_NEW,
                    action=ft.OpenUrl(url),
                ),
                secondary(
                    "browser-copy",
                    "Copy its address",
                    icon=ft.Icons.COPY,
                    action=ft.CopyToClipboard(url),
                ),
            ]
        ),
        cancel,
    )


def _received(state: WalletState, phase: Received) -> ft.Control:
    card = phase.card
    return page_column(
        step_bar(Step.STORAGE),
        ft.Row(
            [
                ft.Icon(ft.Icons.CHECK_CIRCLE, color=theme.SUCCESS, size=34),
                title("It is in your wallet"),
            ],
            spacing=12,
        ),
        ft.Semantics(
            exclude_semantics=True,
            content=CardFace(card.look, card.issuer.name, seed=card.credential_issuer),
        ),
        body(f"{card.look.name} from {card.issuer.name}, verified by {card.trusted_by}."),
        footer=side_by_side(
            secondary("result-done", "Done", partial(state.go, Place.CARDS), expand=True),
            primary("result-open", "Look at it", partial(state.show, card), expand=True),
        ),
    )


def _stopped(state: WalletState, phase: Failed) -> ft.Control:
    return page_column(
        title("Stopped"),
        tid("error-sentence", body(phase.error.sentence)),
        primary("error-close", "Back to my credentials", partial(state.go, Place.CARDS)),
    )
