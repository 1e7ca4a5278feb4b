"""Texts of the pages: one for each key, in both languages."""

from gateway.pages.texts.agreed import AGREED
from gateway.pages.texts.fleet import FLEET
from gateway.pages.texts.frame import FRAME
from gateway.pages.texts.own_values import OWN_VALUES
from gateway.pages.words import TEXT


def test_no_theme_takes_the_place_of_another_ones_text() -> None:
    assert sum(len(theme) for theme in (FRAME, AGREED, OWN_VALUES, FLEET)) == len(TEXT)
