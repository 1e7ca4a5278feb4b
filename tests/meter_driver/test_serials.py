"""Serial numbers as they are printed."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.serials import printed


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=6, max_size=48))
def test_the_hex_of_what_is_printed_is_what_is_printed(text: str) -> None:
    assert printed(text.encode().hex()) == printed(text.encode().hex().upper()) == text


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=2, max_size=5))
def test_a_short_number_is_told_from_its_hex_where_that_is_not_of_digits_alone(text: str) -> None:
    sent = text.encode().hex()
    assert printed(sent) == printed(sent.upper()) == (sent if sent.isdecimal() else text)


@pytest.mark.parametrize("number", [
    "", "12345678", "31323334", "3132333435", "K8EG004046395507", "4B414D0000000001", "1ESM0001", "4B38454730303",
    "1234567890123456", "4B 38 45 47 30 30", "4D", "ABCD", "A1B2",
])  # fmt: skip
def test_any_other_number_stays_as_it_is(number: str) -> None:
    assert printed(number) == number
