"""Texts of the pages: one for each key, in both languages; numbers as the language writes them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.pages.words import TEXT, THEMES, Phrases
from meter_driver.quantities import Kind, Medium
from policies.holdings import HOLDINGS


def test_no_theme_takes_the_place_of_another_ones_text() -> None:
    assert sum(map(len, THEMES)) == len(TEXT)


@pytest.mark.parametrize(("language", "said"), [("en", "-1234567.50"), ("de", "-1234567,50")])
def test_a_number_keeps_its_digits_and_has_nothing_between_them(language: str, said: str) -> None:
    assert Phrases(language).number(Decimal("-1234567.50")) == said
    assert Phrases(language).number(None) == ""


@pytest.mark.parametrize(
    ("unit", "said"), [("m3", "1,5\u00a0m³"), ("Cel", "1,5\u00a0°C"), ("kWh", "1,5\u00a0kWh"), (None, "1,5")]
)
def test_an_amount_is_one_word_with_its_unit_as_people_write_it(unit: str | None, said: str) -> None:
    assert Phrases("de").amount(Decimal("1.5"), unit) == f'<span class="figure">{said}</span>'


def test_a_unit_that_somebody_made_up_is_text() -> None:
    assert "&lt;b&gt;" in Phrases("en").amount(Decimal(1), "<b>")


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (0, "each reading as it comes", "jeder Wert, wie er kommt"),
        (0.5, "a value for every 0.5\u00a0seconds", "ein Wert für je 0,5\u00a0Sekunden"),
        (1, "a value for every 1\u00a0second", "ein Wert für je 1\u00a0Sekunde"),
        (90, "a value for every 90\u00a0seconds", "ein Wert für je 90\u00a0Sekunden"),
        (900, "a value for every 15\u00a0minutes", "ein Wert für je 15\u00a0Minuten"),
        (86400, "one value a day (1440\u00a0minutes)", "ein Wert am Tag (1440\u00a0Minuten)"),
    ],
)
def test_a_detail_is_said_in_whole_words_of_the_language(seconds: float, english: str, german: str) -> None:
    span = timedelta(seconds=seconds)
    assert (Phrases("en").resolution(span), Phrases("de").resolution(span)) == (english, german)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1-0:1.8.0*255", "Energy taken from the grid"),
        ("1-0:1.8.2*255", "Energy taken from the grid, tariff 2"),
        ("1-0:21.8.0*255", "Electricity, meter reading (1-0:21.8.0*255)"),
        ("1-0:13.7.0*255", "Electricity, value of the moment (1-0:13.7.0*255)"),
        ("7-0:43.0.0*255", "Gas, value of the moment (7-0:43.0.0*255)"),
        ("energy tariff=1", "Meter reading (energy tariff=1)"),
        ("no name at all", "no name at all"),
    ],
)
def test_a_quantity_without_words_of_its_own_says_its_medium_and_what_kind_of_number_it_is(
    code: str, said: str
) -> None:
    assert Phrases("en").quantity(code) == said


def test_every_medium_and_kind_has_words_in_both_languages() -> None:
    assert {f"kind_{kind}" for kind in Kind} | {f"medium_{medium}" for medium in Medium} <= TEXT.keys()


def test_what_stays_after_an_erasure_is_told_on_the_page_by_the_law_of_the_certificate() -> None:
    told = [key for name in TEXT for key in [name.removeprefix("stays_why_")] if name != key]
    assert sorted(told) == sorted(holding.key for holding in HOLDINGS)
    for each in HOLDINGS:
        assert Phrases("en")(f"stays_law_{each.key}") == each.law
        assert Phrases("en")(f"stays_{each.key}")
