"""What can be seen: text and links stand out from what lies behind them, in the light and in the dark."""

import re
from pathlib import Path

import pytest

from gateway.pages import render

STYLE = (Path(render.__file__).parent / "static" / "style.css").read_text()
LEAST = 4.5
"""WCAG 2.2, 1.4.3, for text of any size."""
ON_PAPER, ON_CARD = (
    [(ink, "paper") for ink in ("ink", "soft", "accent", "alert")],
    [(ink, "card") for ink in ("ink", "soft", "accent", "alert")],
)


def scheme(dark: bool) -> dict[str, str]:
    """Colours by name."""
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", STYLE.split("@media (prefers-color-scheme: dark)")[dark]))


def light(colour: str) -> float:
    """Relative luminance, as WCAG has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("front", "back"), [*ON_PAPER, *ON_CARD, ("on-accent", "accent")])
def test_text_stands_out_from_what_lies_behind_it(front: str, back: str, dark: bool) -> None:
    lights = sorted(light(scheme(dark)[name]) for name in (front, back))
    assert (lights[1] + 0.05) / (lights[0] + 0.05) >= LEAST


def test_a_link_has_a_colour_of_ours_and_not_the_browsers() -> None:
    assert "\na { color: var(--accent); }" in STYLE
