"""Of the readings of a stretch the first, the last and their number are kept: that says the same as all of them.

What leapt is nonsense when it is back within three readings.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from policies.amounts import rows_of
from policies.vault.values import Value

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DRAW = "1-0:1.8.0*255"

Readings = Sequence[tuple[int, int]]
"""Minute and watt-hours."""
LEAPT: Readings = [(0, 1000), (60, 500)]


def kept(readings: Readings) -> Value:
    (began, first), (ended, last) = readings[0], readings[-1]
    at, until = START + began * MINUTE, START + ended * MINUTE
    return Value(DRAW, "Wh", at, at, Decimal(first), until, Decimal(last), Decimal(0), len(readings), meter="m")


def worth(*stretches: Readings) -> tuple[Decimal | None, str]:
    (row,) = rows_of([kept(each) for each in stretches], DRAW, "s", "m", [(START, START + 2 * HOUR)])
    return row.value, row.status


NONSENSE, NEW_REGISTER = (Decimal("0.001"), "measured"), (None, "missing")


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        ([(80, 500), (110, 500)], NONSENSE),
        ([(80, 500), (95, 500), (110, 500)], NEW_REGISTER),
        ([(80, 500), (90, 500), (100, 500), (110, 500)], NEW_REGISTER),
    ],
    ids=["first and last", "one between them", "two between them"],
)
def test_readings_that_were_not_kept_count_among_those_within_which_a_register_is_back(
    meanwhile: Readings, told: tuple[Decimal | None, str]
) -> None:
    back = [(120, 1001)]
    assert worth(*([each] for each in LEAPT), meanwhile, back) == told
    assert worth(*([each] for each in (*LEAPT, *meanwhile)), back) == told


@pytest.mark.parametrize("back", [[(110, 1001), (120, 1001)], [(110, 1001), (115, 1001), (120, 1001)]])
def test_before_the_first_of_a_stretch_nothing_is_left_out(back: Readings) -> None:
    meanwhile = [(80, 500), (100, 500)]
    assert worth(*([each] for each in (*LEAPT, *meanwhile)), back) == NONSENSE
