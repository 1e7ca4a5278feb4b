"""What may be asked beside each other gives nothing finer than what was agreed."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.grid import common, fits, multiple
from policies.minimise import edges_of
from policies.terms import AS_RECEIVED, ONE_DAY, Period

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
MINUTE = timedelta(minutes=1)
LENGTHS = [timedelta(minutes=n) for n in range(1, 1441) if 1440 % n == 0]
SUMMER = Period(datetime(2026, 6, 30, tzinfo=UTC), datetime(2026, 7, 4, tzinfo=UTC))
ALWAYS = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
lengths = st.sampled_from(LENGTHS)
zones = st.sampled_from([UTC, BERLIN, KOLKATA, timezone(timedelta(hours=5, minutes=45))])


@pytest.mark.gdpr("5(1)(c)")
@given(lengths, st.lists(lengths, min_size=1, max_size=5), zones)
def test_no_edge_of_any_answer_lies_beside_the_agreed_grid(
    agreed: timedelta, all_: list[timedelta], zone: tzinfo
) -> None:
    grid = {at for edge in edges_of(Period(date_(29), date_(10)), agreed, zone) for at in edge}
    for asked in (asked for asked in all_ if fits(asked, agreed, SUMMER, zone)):
        assert {at for edge in edges_of(SUMMER, asked, zone) for at in edge} <= grid


@given(lengths, lengths, zones)
def test_what_was_agreed_itself_always_fits(agreed: timedelta, other: timedelta, zone: tzinfo) -> None:
    assert fits(agreed, agreed, ALWAYS, zone)
    assert fits(other, AS_RECEIVED, ALWAYS, zone)
    assert fits(AS_RECEIVED, AS_RECEIVED, ALWAYS, zone)
    assert not fits(AS_RECEIVED, agreed, ALWAYS, zone)


@given(lengths, lengths, zones)
def test_of_a_length_below_nothing_there_is_no_multiple(asked: timedelta, agreed: timedelta, zone: tzinfo) -> None:
    for least in (-agreed, -timedelta.resolution):
        assert not multiple(asked, least)
        assert not fits(asked, least, ALWAYS, zone)
        assert not fits(AS_RECEIVED, least, ALWAYS, zone)


@given(lengths, lengths)
def test_a_part_of_what_was_agreed_or_more_by_a_part_does_not_fit(agreed: timedelta, asked: timedelta) -> None:
    assume(asked % agreed)
    assert not multiple(asked, agreed)
    assert not fits(asked, agreed, SUMMER, UTC)


@pytest.mark.parametrize(
    ("zone", "hours", "period", "fit"),
    [
        (UTC, 2, ALWAYS, True),
        (BERLIN, 1, ALWAYS, True),
        (BERLIN, 2, ALWAYS, False),  # midnight is at 22 and at 23 o'clock in UTC
        (KOLKATA, 0.5, ALWAYS, True),
        (KOLKATA, 1, SUMMER, False),  # at 18:30
        (timezone(timedelta(hours=4)), 4, ALWAYS, True),
    ],
)
def test_local_days_fit_where_their_midnights_lie_on_the_agreed_hours(
    zone: tzinfo, hours: float, period: Period, fit: bool
) -> None:
    assert fits(ONE_DAY, timedelta(hours=hours), period, zone) is fit


@pytest.mark.parametrize(("year", "fit"), [(2013, True), (2014, False), (2016, False), (2019, False), (2020, True)])
def test_a_zone_whose_clock_was_moved_for_some_years_fits_in_others_but_those_beside_them(year: int, fit: bool) -> None:
    """In Pyongyang midnight was at 15:30 in UTC from August 2015 to May 2018, and at 15 o'clock before and after."""
    period = Period(datetime(year, 3, 1, tzinfo=UTC), datetime(year, 4, 1, tzinfo=UTC))
    assert fits(ONE_DAY, timedelta(hours=1), period, ZoneInfo("Asia/Pyongyang")) is fit


@pytest.mark.parametrize(("begin", "fit"), [(2018, False), (2020, True)])
def test_the_first_year_of_a_long_period_counts_as_its_last_does(begin: int, fit: bool) -> None:
    period = Period(datetime(begin, 3, 1, tzinfo=UTC), datetime(2022, 4, 1, tzinfo=UTC))
    assert fits(ONE_DAY, timedelta(hours=1), period, ZoneInfo("Asia/Pyongyang")) is fit


def test_who_agreed_to_days_gives_the_days_of_the_gateways_zone() -> None:
    assert fits(ONE_DAY, ONE_DAY, ALWAYS, KOLKATA)


@given(st.lists(st.one_of(lengths, st.just(AS_RECEIVED)), max_size=4))
def test_the_common_length_is_the_shortest_that_fits_all(all_: list[timedelta]) -> None:
    found = common(all_)
    assert all(multiple(found, each) for each in all_)
    assert (found == AS_RECEIVED) is not any(all_)
    for shorter in (n * MINUTE for n in range(1, found // MINUTE)):
        assert not all(multiple(shorter, each) for each in all_)


def date_(day: int) -> datetime:
    """Around ``SUMMER``."""
    month = 6 if day > 20 else 7
    return datetime.combine(date(2026, month, day), datetime.min.time(), UTC)
