"""Colours of the common style on their grounds: WCAG 2.2 AA (1.4.3 and 1.4.11), by light and by dark."""

import re

import pytest

from services.portal.rendering import FOLDER

STYLE = (FOLDER / "static" / "style.css").read_text()
LETTERS, SHAPES = 4.5, 3.0
PAIRS = [
    *(("ink", ground, LETTERS) for ground in ("paper", "card", "yes-soft", "look-soft", "no-soft", "part-soft")),
    ("soft", "paper", LETTERS), ("soft", "card", LETTERS), ("accent", "paper", LETTERS), ("accent", "card", LETTERS),
    ("on-accent", "accent", LETTERS), ("on-brand", "brand", LETTERS), ("strong-line", "card", SHAPES),
    *((tone, ground, LETTERS) for tone in ("yes", "look", "no", "part") for ground in (f"{tone}-soft", "card", "paper")),
]  # fmt: skip


def palettes() -> dict[str, dict[str, str]]:
    """The custom properties by light, and with those that the dark changes."""
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", STYLE, re.S)[:2]
    read = {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", text)) for name, text in (("light", light), ("dark", dark))
    }
    return {"light": read["light"], "dark": read["light"] | read["dark"]}


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("light", ["light", "dark"])
@pytest.mark.parametrize(("letters", "ground", "least"), PAIRS)
def test_letters_stand_out_from_their_ground(light: str, letters: str, ground: str, least: float) -> None:
    colours = palettes()[light]

    assert contrast(colours[letters], colours[ground]) >= least


def test_the_measure_is_the_known_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def test_boxes_dates_and_bars_that_the_browser_draws_follow_the_reader_into_the_dark() -> None:
    assert "color-scheme: light dark" in STYLE
