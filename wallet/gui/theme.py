"""The look of the wallet: colours, type scale, spacing, and how a card gets its colours."""

import colorsys
import hashlib
from typing import Final

import flet as ft

ACCENT: Final = "#4f3fc4"
FONT: Final = "Inter"
FONTS: Final = {
    "Inter": "fonts/Inter-Regular.otf",
    "Inter Medium": "fonts/Inter-Medium.otf",
    "Inter SemiBold": "fonts/Inter-SemiBold.otf",
    "Inter Bold": "fonts/Inter-Bold.otf",
    "JetBrains Mono": "fonts/JetBrainsMono-Regular.ttf",
}

SPACE_S: Final = 8
SPACE_M: Final = 16
SPACE_L: Final = 24
SPACE_XL: Final = 40
RADIUS_M: Final = 14
RADIUS_L: Final = 22
FIELD_BORDER: Final = ft.OutlineInputBorder(border_radius=RADIUS_M)
CARD_RATIO: Final = 1.586
"""ID-1 of ISO/IEC 7810: 85.60 mm by 53.98 mm."""
COLUMN_WIDTH: Final = 560
"""Text is not set wider than this."""
MOTION: Final = ft.Animation(200, ft.AnimationCurve.EASE_OUT)

WIDE: Final = 600
"""From this width on there is a navigation rail instead of a bar."""


def _text(size: int, weight: str, height: float) -> ft.TextStyle:
    family = f"{FONT} {weight}".strip()
    return ft.TextStyle(size=size, font_family=family, height=height, letter_spacing=0)


TITLE: Final = _text(28, "Bold", 1.2)
HEADING: Final = _text(20, "SemiBold", 1.3)
LABEL: Final = _text(13, "Medium", 1.4)
BODY: Final = _text(15, "", 1.5)
MONO: Final = ft.TextStyle(size=12, font_family="JetBrains Mono", height=1.5)

SUCCESS: Final = "#1f8a4c"
WARNING: Final = "#b25e09"


def themes() -> tuple[ft.Theme, ft.Theme]:
    """The light and the dark theme."""
    light = ft.ColorScheme(
        primary=ACCENT,
        on_primary="#ffffff",
        surface="#f7f6fc",
        surface_container_low="#ffffff",
        surface_container_high="#e9e6f8",
        outline_variant="#dcd8ea",
    )
    dark = ft.ColorScheme(
        primary="#b9aeff",
        on_primary="#1e1456",
        surface="#13121a",
        surface_container_low="#1d1b27",
        surface_container_high="#2d2a3d",
        outline_variant="#3a3748",
    )
    one, other = (
        ft.Theme(
            color_scheme_seed=ACCENT,
            color_scheme=scheme,
            font_family=FONT,
            scaffold_bgcolor=scheme.surface,
        )
        for scheme in (light, dark)
    )
    return one, other


def luminance(color: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""

    def linear(value: int) -> float:
        part = value / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(color[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def pastel(seed: str) -> str:
    """A quiet colour that is always the same for the same text."""
    hue = hashlib.sha256(seed.encode()).digest()[0] / 255
    red, green, blue = colorsys.hls_to_rgb(hue, 0.82, 0.55)
    return f"#{int(red * 255):02x}{int(green * 255):02x}{int(blue * 255):02x}"


def readable(text: str, ground: str) -> str:
    """`text` if it can be read on `ground` (4.5:1), otherwise black or white."""
    if text and contrast(text, ground) >= 4.5:
        return text
    return max(("#ffffff", "#16141f"), key=lambda color: contrast(color, ground))
