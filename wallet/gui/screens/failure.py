"""An error in two layers: a sentence with what to do, and behind it what a developer needs."""

from functools import partial

import flet as ft

from wallet.errors import VerificationFailed, WalletError
from wallet.gui import theme
from wallet.gui.parts import (
    body,
    label,
    page_column,
    panel,
    primary,
    reading,
    secondary,
    tid,
    title,
)
from wallet.gui.state import Place, WalletState
from wallet.report import Check, Outcome

NAMES = {
    "code": "Code",
    "detail": "Detail",
    "step": "Step",
    "rule": "Rule",
    "url": "Address",
    "peer_error": "Their error",
}


@ft.component
def FailureScreen(state: WalletState, error: WalletError) -> ft.Control:
    """What went wrong, where, and what to do next."""
    from wallet.gui.screens.issuance import step_bar  # noqa: PLC0415 - the two show each other

    opened, toggle = ft.use_state(False)
    facts = {name: text for name, text in error.as_dict().items() if name in NAMES}
    checks = list(error.report.checks) if isinstance(error, VerificationFailed) else []
    details: list[ft.Control] = [
        panel(
            [
                *(reading(f"error-{name}", NAMES[name], text) for name, text in facts.items()),
                *(check_row(number, check) for number, check in enumerate(checks, 1)),
                secondary(
                    "error-copy",
                    "Copy",
                    icon=ft.Icons.COPY,
                    action=ft.CopyToClipboard(report_text(error)),
                ),
            ]
        )
    ]
    return page_column(
        step_bar(error.step, failed=True),
        ft.Row(
            [ft.Icon(ft.Icons.ERROR, color=ft.Colors.ERROR, size=34), title("This did not work")],
            spacing=12,
        ),
        tid("error-sentence", body(error.sentence)),
        body(error.advice, soft=True),
        primary("error-close", "Back to my credentials", partial(state.go, Place.CARDS)),
        secondary(
            "error-details",
            "Hide the technical detail" if opened else "Show the technical detail",
            lambda: toggle(not opened),
        ),
        *(details if opened else []),
    )


def check_row(number: int, check: Check) -> ft.Control:
    """One check of a verification report."""
    icon, color = {
        Outcome.PASSED: (ft.Icons.CHECK_CIRCLE, theme.SUCCESS),
        Outcome.FAILED: (ft.Icons.CANCEL, ft.Colors.ERROR),
        Outcome.SKIPPED: (ft.Icons.REMOVE_CIRCLE_OUTLINE, ft.Colors.ON_SURFACE_VARIANT),
    }[check.outcome]
    return ft.Row(
        [
            ft.Icon(icon, color=color, size=22),
            ft.Column(
                [
                    ft.Text(f"{number}. {check.name}: {check.outcome}", style=theme.LABEL),
                    body(check.reason),
                    label(check.rule),
                ],
                spacing=0,
                expand=True,
            ),
        ],
        spacing=12,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )


def report_text(error: WalletError) -> str:
    """The error as text to pass on."""
    lines = [f"{name}: {text}" for name, text in error.as_dict().items()]
    if isinstance(error, VerificationFailed):
        lines += [f"{c.name}: {c.outcome}: {c.reason} [{c.rule}]" for c in error.report.checks]
    return "\n".join(lines)
