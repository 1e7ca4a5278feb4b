"""Of one time the sum or the mean of one device counts, of that which came last; what names no device always does."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from meter_driver.quantities import Kind
from policies.vault.values import Value, counted

START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def said(serial: str, place: int = 0, count: int = 1) -> Value:
    begin, one = START + place * QUARTER, Decimal(1)
    return Value("q", "Wh", begin, begin, one, begin + QUARTER, one, one, count, meter="m", serial=serial)


A, B, NAMELESS, LATER = said("A"), said("B"), said(""), said("B", 1)
MANY = said("A", count=2)


@pytest.mark.parametrize("kind", [Kind.INTERVAL, Kind.INSTANT])
@pytest.mark.parametrize(
    ("values", "left"),
    [
        ([A, B], [B]),
        ([B, A], [A]),
        ([A, LATER], [A, LATER]),
        ([NAMELESS, A, B], [NAMELESS, B]),
        ([A, B, NAMELESS], [A, B, NAMELESS]),
        ([MANY, B], [MANY, B]),
        ([A, A], [A, A]),
    ],
)
def test_of_what_two_devices_say_of_one_time_the_later_counts(
    kind: Kind, values: list[Value], left: list[Value]
) -> None:
    assert counted(values, kind) == left


@pytest.mark.parametrize("kind", [Kind.CUMULATIVE, Kind.NET, Kind.PERIODIC])
def test_stands_of_two_devices_all_count(kind: Kind) -> None:
    assert counted([A, B], kind) == [A, B]
