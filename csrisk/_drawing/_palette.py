"""Colours of the goals, and of raising and lowering a risk: one place for the report and for every picture.

Every pair of goals is at least 20 (CIE76) apart, on light and on dark ground, for normal sight and for simulated
protanopia, deuteranopia and tritanopia (Machado, Oliveira and Fernandes 2009); each has a contrast of at least 3 to its
ground (WCAG 2.2, 1.4.11). What raises or lowers has colours of its own, which no goal has; lines and dots that speak
of no goal take four others, told apart in the same way, in one order everywhere. A test measures all of it.
"""

from __future__ import annotations

from csrisk._goals import Goal

__all__ = ["DARK", "FAINT", "GROUND", "INK", "LIGHT", "MOVES_DARK", "MOVES_LIGHT", "QUIET", "SERIES", "palette_css"]

LIGHT = {
    Goal.CHURN: "#742e8b",
    Goal.FOOTPRINT: "#2e5d2e",
    Goal.ADVOCACY: "#b98b00",
    Goal.FEEDBACK: "#e85dd1",
    Goal.CONTEXT: "#8b8b8b",
    Goal.UNMAPPED: "#2e2e2e",
}
DARK = {
    Goal.CHURN: "#a274e8",
    Goal.FOOTPRINT: "#46b98b",
    Goal.ADVOCACY: "#e8d146",
    Goal.FEEDBACK: "#e88bd1",
    Goal.CONTEXT: "#5d7474",
    Goal.UNMAPPED: "#e8e8e8",
}
MOVES_LIGHT = {"up": "#b2521b", "down": "#1f6b9c"}
MOVES_DARK = {"up": "#f0a573", "down": "#7fbce6"}
GROUND = {"light": "#ffffff", "dark": "#1b1f23"}
INK, FAINT, QUIET = "#1b1f24", "#d9dce0", "#767676"
SERIES = ("#00507f", "#9c3300", "#009e73", "#bf8200")  # blue, rust, green, ochre: by lightness too


def palette_css() -> str:
    """Write the colours as custom properties of a page, for light and for dark."""
    light, dark = (
        " ".join(
            f"--{name}: {colour};" for name, colour in {**{f"g-{g}": c for g, c in goals.items()}, **moves}.items()
        )
        for goals, moves in ((LIGHT, MOVES_LIGHT), (DARK, MOVES_DARK))
    )
    classes = " ".join(f".g-{goal} {{ --c: var(--g-{goal}); }}" for goal in Goal)
    # of screens alone: paper is light
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{classes}\n"
