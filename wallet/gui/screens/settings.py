"""Settings: what is in force, and where it came from."""

from functools import partial

import flet as ft

from wallet.gui.parts import body, heading, notice, page_column, panel, reading, secondary, title
from wallet.gui.state import Place, WalletState


@ft.component
def SettingsScreen(state: WalletState) -> ft.Control:
    """The settings in force."""
    in_force = state.wallet.in_force
    rows = []
    for name, origin in in_force.origins.items():
        value = getattr(in_force.settings, name)
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        where = f"{origin.kind} {origin.name}".strip()
        rows.append(reading(f"setting-{name}", f"{name} ({where})", text or "not set"))
    return page_column(
        title("Settings"),
        secondary(
            "settings-protection",
            "Protection and backup",
            partial(state.go, Place.PROTECTION),
            icon=ft.Icons.SHIELD,
        ),
        secondary(
            "settings-trust",
            "Whom you trust",
            partial(state.go, Place.TRUST),
            icon=ft.Icons.VERIFIED_USER,
        ),
        body(f"Profile {in_force.profile}. Change them in {in_force.file}.", soft=True),
        *(
            [notice("Your wallet never locks itself (auto_lock is 0).", icon=ft.Icons.LOCK_OPEN)]
            if not in_force.settings.auto_lock
            else []
        ),
        panel(rows),
        panel(
            [
                heading("About"),
                body("OpenID4VCI wallet. Apache License 2.0."),
                body("Fonts: Inter and JetBrains Mono, SIL Open Font License 1.1.", soft=True),
            ]
        ),
    )
