"""A question that holds no whole interval is told where intervals begin; any other is asked as it is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.minimise import edges_of
from policies.terms import (
    AS_RECEIVED,
    ONE_DAY,
    QUARTER_HOUR,
    Household,
    Level,
    Period,
    Purpose,
    Recipient,
    ReleaseRequest,
    SubjectId,
)
from policies.whole import first_from, nothing_whole

VIENNA = ZoneInfo("Europe/Vienna")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MIDNIGHT = datetime(2026, 3, 28, tzinfo=VIENNA).astimezone(UTC)
"""Where a day of 24 hours begins, and after it one of 23."""


def question(step: timedelta, start: datetime, end: datetime) -> ReleaseRequest:
    who, whom = Recipient("r"), Household(SubjectId("s" * 32))
    return ReleaseRequest(
        who, Purpose.FORECAST, whom, frozenset({"1-0:1.8.0*255"}), step, Level.INDIVIDUAL, Period(start, end)
    )


@given(st.sampled_from([5 * MINUTE, QUARTER_HOUR, HOUR, ONE_DAY]), st.integers(0, 3000), st.integers(1, 3000))
def test_a_question_is_held_up_exactly_where_it_would_be_answered_by_nothing(
    step: timedelta, after: int, long: int
) -> None:
    start = MIDNIGHT + after * MINUTE
    end = start + long * MINUTE
    assert (nothing_whole(question(step, start, end), VIENNA) is None) == bool(
        edges_of(Period(start, end), step, VIENNA)
    )


@pytest.mark.parametrize("step", [QUARTER_HOUR, HOUR, ONE_DAY])
def test_one_whole_interval_is_enough_and_a_moment_less_is_not(step: timedelta) -> None:
    end = MIDNIGHT + step
    assert nothing_whole(question(step, MIDNIGHT, end), VIENNA) is None
    assert nothing_whole(question(step, MIDNIGHT, end - timedelta.resolution), VIENNA) is not None
    assert nothing_whole(question(step, MIDNIGHT + timedelta.resolution, end), VIENNA) is not None


@pytest.mark.parametrize("step", [AS_RECEIVED, -MINUTE])
def test_readings_as_they_came_are_no_intervals(step: timedelta) -> None:
    assert nothing_whole(question(step, MIDNIGHT, MIDNIGHT + MINUTE), VIENNA) is None


def test_of_days_it_is_told_where_the_next_one_begins_and_ends_there() -> None:
    asked = question(ONE_DAY, MIDNIGHT + MINUTE, MIDNIGHT + 30 * HOUR)
    assert nothing_whole(asked, VIENNA) == (
        "no whole day of Europe/Vienna lies in this period: there a day begins at 2026-03-29T00:00:00+01:00 "
        "and ends at 2026-03-30T00:00:00+02:00"
    )


def test_of_shorter_intervals_it_is_told_where_the_next_one_begins_in_utc() -> None:
    asked = question(QUARTER_HOUR, MIDNIGHT + MINUTE, MIDNIGHT + 20 * MINUTE)
    assert nothing_whole(asked, VIENNA) == (
        "no whole interval of 15 minutes lies in this period: they are counted in UTC, the first begins at "
        "2026-03-27T23:15:00Z and ends at 2026-03-27T23:30:00Z; days are those of Europe/Vienna"
    )


@pytest.mark.parametrize(("step", "length"), [(QUARTER_HOUR, QUARTER_HOUR), (ONE_DAY, 24 * HOUR)])
def test_an_interval_that_begins_at_once_is_the_first(step: timedelta, length: timedelta) -> None:
    assert first_from(MIDNIGHT, step, VIENNA) == (MIDNIGHT, MIDNIGHT + length)
    assert first_from(MIDNIGHT - MINUTE, step, VIENNA) == (MIDNIGHT, MIDNIGHT + length)
    assert first_from(MIDNIGHT + MINUTE, step, VIENNA)[0] == MIDNIGHT + length
