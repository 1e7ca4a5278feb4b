"""Names that people read show what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.shown import shown_right

TRICKS = [
    "\u202e",
    "\u2066",
    "\u200b",
    "\u200f",
    "\u00ad",
    "\ufeff",
    "\u2028",
    "\u00a0",
    "\x00",
    "\n",
    "\t",
    "\x7f",
    "\u3164",
]


@pytest.mark.parametrize("name", ["Stadtwerke Musterstadt", "Ö-Netz 2", "東京電力", "§ 60 MsbG", "1-0:1.8.0", "a"])
def test_a_name_of_letters_and_digits_is_shown(name: str) -> None:
    assert shown_right(name)


@pytest.mark.parametrize("name", ["", " ", "...", "-", " Acme", "Acme "])
def test_what_names_nothing_is_no_name(name: str) -> None:
    assert not shown_right(name)


@given(st.text(), st.sampled_from(TRICKS), st.text())
def test_a_character_that_nobody_sees_is_in_no_name(begin: str, trick: str, end: str) -> None:
    assert not shown_right(begin + trick + end)
