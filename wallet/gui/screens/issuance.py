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
    field,
    heading,
    label,
    notice,
    page_column,
    panel,
    primary,
    reading,
    secondary,
    side_by_side,
    tid,
    title,
)
from wallet.gui.screens.failure import FailureScreen, check_row
from wallet.gui.state import (
    Contacting,
    Done,
    Failed,
    Judging,
    Place,
    Reviewing,
    Typing,
    WalletState,
    Working,
)
from wallet.gui.trust import level, level_of
from wallet.ports import Choice, OfferedCredential, Way
from wallet.records import Card, Received, Secret
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
        case Typing():
            return TypeCode(state, state.phase)
        case Judging():
            return Judge(state, state.phase)
        case Done():
            return _received(state, state.phase.received)
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
    ids = tuple(one.credential_configuration_id for one in review.credentials)
    ticked, tick = ft.use_state(ids)
    way, use = ft.use_state(review.ways[0])
    listed, list_ = ft.use_state(False)
    # What a click accepts, also before the screen is drawn anew.
    chosen, by = ft.use_ref(ticked), ft.use_ref(way)

    def choose(name: str, *, wanted: bool) -> None:
        now = chosen.current or ()
        chosen.current = tuple(one for one in ids if (wanted if one == name else one in now))
        tick(chosen.current)

    def go_by(other: Way) -> None:
        by.current = other
        use(other)

    def accept() -> None:
        if chosen.current:
            state.answer(Choice(chosen.current, (by.current or way).grant_type))

    shown = [one for one in review.credentials if one.credential_configuration_id in ticked]
    several = [_ticks(review.credentials, ticked, choose)] if len(ids) > 1 else []
    return page_column(
        step_bar(Step.REVIEW),
        title("Accept these credentials?" if several else "Accept this credential?"),
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
        *(
            part
            for one in shown
            for part in _offered(one, review.issuer.name, review.credential_issuer)
        ),
        *([_tolerated(review.tolerated, listed, list_)] if review.tolerated else []),
        *([_ways(review.ways, way, go_by)] if len(review.ways) > 1 else []),
        _next(way),
        footer=side_by_side(
            secondary("review-decline", "Decline", state.decline, expand=True),
            primary("review-accept", "Accept", accept, expand=True, disabled=not ticked),
        ),
    )


def _tolerated(names: tuple[str, ...], listed: bool, list_: Callable[[bool], None]) -> ft.Control:
    """What was let pass: a quiet sentence for the holder, and its names for who runs the issuer."""
    told = "This issuer speaks an older version of the protocol, or one of its own."
    count = f"{len(names)} deviation{'s' if len(names) > 1 else ''}"
    return panel(
        [
            notice(told, icon=ft.Icons.HISTORY),
            *([reading("review-tolerated", count, ", ".join(names))] if listed else []),
            secondary(
                "review-deviations",
                "Hide them" if listed else f"Show {count}",
                lambda: list_(not listed),
            ),
        ]
    )


def _offered(one: OfferedCredential, issuer: str, seed: str) -> list[ft.Control]:
    claims: ft.Control = (
        ft.Row([_chip(text) for text in one.claims], wrap=True, spacing=8, run_spacing=8)
        if one.claims
        else body("The issuer does not say.", soft=True)
    )
    return [
        ft.Semantics(exclude_semantics=True, content=CardFace(one.look, issuer, seed=seed)),
        heading(one.look.name),
        *([body(one.look.description, soft=True)] if one.look.description else []),
        panel([label("It will contain"), claims]),
    ]


def _next(way: Way) -> ft.Control:
    if way.signs_in:
        told = f"Next, your browser opens and you sign in at {way.host}."
        return notice(told, icon=ft.Icons.OPEN_IN_BROWSER)
    if way.transaction_code:
        told = f"Next, you type the code that you got by another way. It goes to {way.host}."
        return notice(told, icon=ft.Icons.PASSWORD)
    return notice(f"{way.host} lets you in by this offer alone.", icon=ft.Icons.LOCK_OPEN)


def _ways(ways: tuple[Way, ...], chosen: Way, go_by: Callable[[Way], None]) -> ft.Control:
    def changed(event: ft.Event[ft.RadioGroup]) -> None:
        for way in ways:
            if way.grant_type == event.control.value:
                go_by(way)

    names = {True: "Sign in, in the browser", False: "By the offer's own code"}
    return ft.RadioGroup(
        value=chosen.grant_type,
        on_change=changed,
        content=ft.Column(
            [ft.Radio(value=way.grant_type, label=names[way.signs_in]) for way in ways]
        ),
    )


def _ticks(
    credentials: tuple[OfferedCredential, ...],
    ticked: tuple[str, ...],
    choose: Callable[..., None],
) -> ft.Control:
    def box(one: OfferedCredential) -> ft.Control:
        name = one.credential_configuration_id

        def changed(event: ft.Event[ft.Checkbox]) -> None:
            choose(name, wanted=bool(event.control.value))

        return ft.Checkbox(label=one.look.name, value=name in ticked, on_change=changed)

    return ft.Column([box(one) for one in credentials])


@ft.component
def TypeCode(state: WalletState, phase: Typing) -> ft.Control:
    """The person types the code that came by another way; a wrong one is typed again."""
    asked = phase.asked
    text = ft.use_ref("")
    misfit, show = ft.use_state(False)

    def go() -> None:
        typed = (text.current or "").strip()
        if asked.is_fit(typed):
            state.answer(Secret(typed))
        else:
            show(True)

    kind = "digits" if asked.numeric else "characters"
    form = f"{asked.length} {kind}" if asked.length else kind
    trouble = ""
    if misfit:
        trouble = f"The code has {form}."
    elif asked.refused:
        trouble = "This code was refused. Compare it with the one that you got."
    return page_column(
        step_bar(Step.AUTHORIZATION),
        title("Type the code"),
        body(asked.description or "The issuer sent it to you by another way.", soft=True),
        *([notice(trouble, icon=ft.Icons.INFO, error=True)] if trouble else []),
        field("code-field", f"Code ({form})", text, on_submit=go),
        notice(f"It goes to {asked.host}.", icon=ft.Icons.PUBLIC),
        footer=side_by_side(
            secondary("code-cancel", "Cancel", state.decline, expand=True),
            primary("code-go", "Go on", go, expand=True),
        ),
    )


@ft.component
def Judge(state: WalletState, phase: Judging) -> ft.Control:
    """The wallet tells what it found out; the person keeps the credential, or does not."""
    verdict = phase.verdict
    opened, toggle = ft.use_state(False)
    checks = [check_row(number, check) for number, check in enumerate(verdict.report.checks, 1)]
    return page_column(
        step_bar(Step.VERIFICATION),
        title("Keep this credential?"),
        body(f"{verdict.look.name}, from {verdict.issuer.name} at {verdict.issuer_host}."),
        tid("judge-level", panel([level(verdict.trust, verdict.trusted_by, verdict.reasons)])),
        ft.Semantics(
            exclude_semantics=True,
            content=CardFace(verdict.look, verdict.issuer.name, seed=verdict.issuer_host),
        ),
        secondary(
            "judge-details",
            "Hide how it was verified" if opened else "Show how it was verified",
            lambda: toggle(not opened),
            icon=ft.Icons.FACT_CHECK,
        ),
        *([panel(checks)] if opened else []),
        footer=side_by_side(
            secondary("judge-discard", "Discard it", state.decline, expand=True),
            secondary("judge-keep", "Keep it", state.agree, expand=True),
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


def _received(state: WalletState, received: Received) -> ft.Control:
    cards = received.cards
    done = secondary("result-done", "Done", partial(state.go, Place.CARDS), expand=True)
    look_at = [
        primary("result-open", "Look at it", partial(state.show, card), expand=True)
        for card in cards[:1]
    ]
    return page_column(
        step_bar(Step.STORAGE),
        *([_stored(len(cards))] if cards else []),
        *(part for card in cards for part in _card(card)),
        *news(received),
        footer=side_by_side(done, *(look_at if len(cards) == 1 else [])),
    )


def _stored(count: int) -> ft.Control:
    return ft.Row(
        [
            ft.Icon(ft.Icons.CHECK_CIRCLE, color=theme.SUCCESS, size=34),
            title("It is in your wallet" if count == 1 else "They are in your wallet"),
        ],
        spacing=12,
    )


def _card(card: Card) -> list[ft.Control]:
    return [
        ft.Semantics(
            exclude_semantics=True,
            content=CardFace(card.look, card.issuer.name, seed=card.credential_issuer),
        ),
        body(f"{card.look.name} from {card.issuer.name}."),
        panel([level_of(card)]),
    ]


def news(received: Received) -> list[ft.Control]:
    """What was put off, and what failed."""
    told: list[ft.Control] = []
    if received.pending is not None:
        told.append(
            notice(
                f"{received.pending.issuer.name} needs time for {received.pending.look.name}. "
                "The wallet asks again by itself while it is open.",
                icon=ft.Icons.SCHEDULE,
            )
        )
    for one in received.failures:
        name = f"{one.credential_configuration_id}: " if one.credential_configuration_id else ""
        sentence = f"{name}{one.error.sentence} {one.error.advice}"
        if one.error.code == "decision_needed":
            told.append(notice(sentence, icon=ft.Icons.HELP))
        else:
            told.append(notice(sentence, icon=ft.Icons.ERROR, error=True))
    return told


def _stopped(state: WalletState, phase: Failed) -> ft.Control:
    return page_column(
        title("Stopped"),
        tid("error-sentence", body(phase.error.sentence)),
        primary("error-close", "Back to my credentials", partial(state.go, Place.CARDS)),
    )
