"""What is held of quarters and days beside the values of intervals: nothing is left out, nothing is told twice."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from meter_driver.intervals import day_edges
from policies.amounts import rows_of
from policies.held import readings_held
from policies.terms import DetailClass, Row
from policies.vault.values import Value

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER, MINUTE = timedelta(minutes=15), timedelta(minutes=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
STAND, NEED, POWER, NOTE = "1-0:1.8.0*255", "1-0:1.29.0*255", "1-0:1.7.0*255", "1-0:1.6.0*255"
SPRING = day_edges(date(2026, 3, 29), BERLIN)


def value(quantity: str, first: int, last: int, *, count: int = 2, covered: int = 0, at: datetime = START) -> Value:
    """``first``, ``last``: minutes after its begin; ``covered``: minutes too."""
    begin, end = at + first * MINUTE, at + last * MINUTE
    numbers = Decimal(100), end, Decimal(900), Decimal(250)
    return Value(quantity, "Wh", at, begin, *numbers, count, "measured", "main", "", covered * MINUTE)


def held(one: Value, detail: DetailClass = DetailClass.QUARTER) -> list[Row]:
    return readings_held([one], detail, "self", BERLIN)


@pytest.mark.parametrize("quantity", [STAND, POWER, NOTE, "signal"])
def test_the_first_and_the_last_reading_are_told_in_the_unit_of_rows(quantity: str) -> None:
    first, last = held(value(quantity, 1, 14))
    assert (first.start, first.end, first.value, first.unit) == (*[START + MINUTE] * 2, Decimal("0.1"), "kWh")
    assert (last.start, last.end, last.value) == (*[START + 14 * MINUTE] * 2, Decimal("0.9"))
    for each in (first, last):
        assert (each.quantity, each.meter, each.status, each.subject) == (quantity, "main", "measured", "self")


@pytest.mark.parametrize("unit", [None, "no unit"])
def test_a_reading_whose_unit_is_in_no_table_is_told_as_it_is(unit: str | None) -> None:
    (one,) = held(replace(value(STAND, 3, 3, count=1), unit=unit))
    assert (one.value, one.unit) == (Decimal(900), unit)


def test_readings_are_told_by_quantity_then_meter_then_instant() -> None:
    later = value(STAND, 3, 3, count=1, at=START + QUARTER)
    wanted = [
        replace(value(STAND, 1, 2), meter="a"), replace(value(STAND, 5, 6), meter="a"), replace(later, meter="a"),
        value(STAND, 2, 2), value(POWER, 0, 1),
    ]  # fmt: skip
    wanted.sort(key=lambda each: each.quantity)
    rows = readings_held(wanted[::-1], DetailClass.QUARTER, "self", BERLIN)
    assert rows == [row for each in wanted for row in held(each)]


def test_a_single_reading_is_told_once() -> None:
    assert len(held(value(STAND, 3, 3, count=1))) == 1


def test_a_sum_that_its_interval_tells_is_not_told_again() -> None:
    assert held(value(NEED, 0, 15, covered=15)) == []
    whole = (SPRING[1] - SPRING[0]) // MINUTE
    assert whole == 23 * 60
    assert held(value(NEED, 0, whole, covered=whole, at=SPRING[0]), DetailClass.DAY) == []


@pytest.mark.parametrize(
    ("first", "last", "covered", "share", "status"),
    [
        (0, 10, 10, "1", "measured"),
        (0, 60, 60, "1", "measured"),
        (0, 15, 10, "0.666", "estimated"),
        (0, 15, 20, "0", "estimated"),
    ],
)
def test_a_sum_that_no_interval_tells_is_told_with_its_own_time(
    first: int, last: int, covered: int, share: str, status: str
) -> None:
    (row,) = held(value(NEED, first, last, covered=covered))
    assert (row.start, row.end, row.value) == (START + first * MINUTE, START + last * MINUTE, Decimal("0.25"))
    assert (row.completeness, row.status, row.subject) == (Decimal(share), status, "self")


def test_an_amount_of_which_nobody_said_what_it_covers_is_told_at_its_instant_and_worth_nothing() -> None:
    (row,) = held(value(NEED, 5, 5, count=1))
    assert (row.start, row.end, row.value) == (*[START + 5 * MINUTE] * 2, Decimal("0.9"))
    assert (row.completeness, row.status) == (Decimal(0), "estimated")


@given(st.integers(0, 14), st.integers(1, 60), st.integers(0, 80))
def test_every_sum_is_told_just_once_by_its_interval_or_here(first: int, length: int, covered: int) -> None:
    one = structs.replace(value(NEED, first, first + length, covered=covered), count=3)
    rows = rows_of([one], NEED, "self", "main", [(START, START + QUARTER)])
    here = held(one)
    assert (sum(row.value is not None for row in rows), len(here)) in ((1, 0), (0, 1))
