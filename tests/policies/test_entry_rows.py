"""What entries of a load profile are worth: to the last digit and the last microsecond."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from policies.amounts import rows_of
from policies.terms import Row
from policies.vault.values import Value

START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
NEED = "1-0:1.29.0*255"


def entry(begin: timedelta, end: timedelta, number: str, unit: str | None = "Wh") -> Value:
    exact, first, last = Decimal(number), START + begin, START + end
    return Value(NEED, unit, first, first, exact, last, exact, exact, 1, "measured", "m", "", end - begin)


def row(*entries: Value, length: timedelta = QUARTER) -> Row:
    (found,) = rows_of(entries, NEED, "s", "m", [(START, START + length)])
    return found


@pytest.mark.parametrize(("number", "worth"), [("62500.00000001", "measured"), ("62500.00000002", "missing")])
def test_an_entry_of_many_digits_is_believed_up_to_one_of_the_last_more_than_a_connection_carries(
    number: str, worth: str
) -> None:
    assert row(entry(0 * QUARTER, QUARTER, number)).status == worth


@pytest.mark.parametrize(("number", "worth"), [("63", "measured"), ("63.0", "missing"), ("62.6", "measured")])
def test_a_coarse_entry_among_finer_ones_is_believed_up_to_one_of_its_own_last_digit_more(
    number: str, worth: str
) -> None:
    fine = entry(QUARTER, 2 * QUARTER, "1000.5")
    assert row(entry(0 * QUARTER, QUARTER, number, "kWh"), fine).status == worth


def test_an_entry_in_a_unit_of_which_no_bound_is_known_is_believed_whatever_it_says() -> None:
    found = row(entry(0 * QUARTER, QUARTER, "1E+12", None))
    assert (found.value, found.status) == (Decimal("1E+12"), "measured")


def test_of_the_time_of_an_entry_that_cannot_be_no_microsecond_counts() -> None:
    nearly = HOUR / 2 - timedelta(microseconds=1)
    found = row(entry(0 * HOUR, nearly, "1"), entry(nearly, HOUR, "-1"), length=HOUR)
    assert (found.status, found.completeness) == ("missing", Decimal("0.499"))
