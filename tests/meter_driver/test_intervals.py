"""Local days and quarters of an hour, in microseconds."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver import intervals as iv

VIENNA, LORD_HOWE = ZoneInfo("Europe/Vienna"), ZoneInfo("Australia/Lord_Howe")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (VIENNA, (2026, 3, 29), 23),
        (VIENNA, (2026, 10, 25), 25),
        (VIENNA, (2026, 6, 1), 24),
        (LORD_HOWE, (2026, 4, 5), 24.5),
        (LORD_HOWE, (2026, 10, 4), 23.5),
    ],
)
def test_local_days_have_the_hours_that_the_clock_gives_them(
    zone: ZoneInfo, day: tuple[int, int, int], hours: float
) -> None:
    begin, end = iv.day_edges(date(*day), zone)
    assert end - begin == timedelta(hours=hours)


@given(st.integers(-(10**15), 4 * 10**15))
def test_microseconds_go_there_and_back(us: int) -> None:
    assert iv.micros(iv.instant(us)) == us


@given(st.integers(-(10**15), 4 * 10**15))
def test_a_quarter_begins_at_or_before_what_lies_in_it(us: int) -> None:
    begin = iv.quarter_begin(us)
    assert begin <= us < begin + iv.QUARTER_US
    assert begin % iv.QUARTER_US == 0
