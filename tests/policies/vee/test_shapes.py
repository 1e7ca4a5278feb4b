"""What a method makes of what is known, number by number: which intervals it rests on, in which zone, how rounded."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from policies.terms import QUARTER_HOUR, Row
from policies.vee.estimation import EstimateRefused, Estimation, Gap, Known, estimate, prorated
from tests.policies.vee.rows import START, quarters, row

VIENNA = ZoneInfo("Europe/Vienna")
WEEK, DAY = timedelta(days=7), timedelta(days=1)
LINE, PROXY, PROFILE = Estimation.LINEAR_INTERPOLATION, Estimation.PROXY_DAY, Estimation.LOAD_PROFILE
AVERAGE, PRORATION = Estimation.AVERAGE, Estimation.PRORATION


def gap(at: datetime, length: timedelta = QUARTER_HOUR) -> Gap:
    return at, at + length


def values(wanted: Sequence[Gap], known: Known, method: Estimation) -> list[Decimal]:
    return [each.value for each in estimate(wanted, known, method)]


def decimals(*numbers: str | int) -> list[Decimal]:
    return [Decimal(number) for number in numbers]


# -- what may be asked


@pytest.mark.parametrize("method", Estimation)
def test_no_interval_has_no_estimate(method: Estimation) -> None:
    with pytest.raises(EstimateRefused, match=r"^no interval is wanted$"):
        estimate([], Known(quarters([1, 2])), method)


@pytest.mark.parametrize("status", ["measured", "validated", "substituted"])
def test_a_value_that_stands_is_named_as_the_reason_and_an_estimate_may_be_made_anew(status: str) -> None:
    around = [row(START - QUARTER_HOUR, 1), row(START + QUARTER_HOUR, 3)]
    with pytest.raises(EstimateRefused, match=r"^a measured, validated or substituted value is never estimated over$"):
        estimate([gap(START)], Known([*around, row(START, 9, status=status)]), LINE)
    for held in (row(START, 9, status="estimated"), row(START, None)):
        assert values([gap(START)], Known([*around, held]), LINE) == [2]


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (LINE, "a line needs an amount before and one after"),
        (PROXY, "no proxy day has this time of day"),
        (PROFILE, "no load profile is known"),
        (AVERAGE, "no like interval is known"),
        (PRORATION, "nothing is known that could be prorated"),
    ],
)
def test_whoever_has_nothing_to_rest_on_says_what_is_missing(method: Estimation, reason: str) -> None:
    with pytest.raises(EstimateRefused, match=f"^{reason}$"):
        estimate([gap(START)], Known([row(START, 4, status="estimated")]), method)


# -- rounding


def test_an_estimate_has_three_decimals_more_than_the_finest_of_what_is_known() -> None:
    rows = [row(START - WEEK, "1.0"), row(START - 2 * WEEK, "1.0"), row(START - 3 * WEEK, "1.05"), row(START, None)]
    assert [str(each) for each in values([gap(START)], Known(rows), PROXY)] == ["1.01667"]
    whole = [row(START - WEEK, "1E+1"), row(START - 2 * WEEK, 1), row(START - 3 * WEEK, 1)]
    assert [str(each) for each in values([gap(START)], Known(whole), PROXY)] == ["4.000"]


@pytest.mark.parametrize(
    ("total", "shape", "parts"),
    [
        ("1", ["1", "1", "1"], ["0.334", "0.333", "0.333"]),
        ("1", ["2", "1"], ["0.667", "0.333"]),
        ("1", ["3", "3", "1"], ["0.429", "0.428", "0.143"]),
        ("1", ["1", "3", "3"], ["0.143", "0.429", "0.428"]),
        ("1.0", ["1", "1", "1"], ["0.3334", "0.3333", "0.3333"]),
        ("-1", ["1", "1", "1"], ["-0.333", "-0.333", "-0.334"]),
        ("1E+3", ["1", "1"], ["500.000", "500.000"]),
        ("1", ["0.25", "0.75"], ["0.250", "0.750"]),
        ("1", ["0", "4"], ["0.000", "1.000"]),
        ("1", ["0", "0"], ["0.500", "0.500"]),
        ("1", ["-1", "4"], ["0.500", "0.500"]),
    ],
)
def test_a_total_is_prorated_with_three_decimals_more_and_the_rest_goes_to_who_lost_most(
    total: str, shape: list[str], parts: list[str]
) -> None:
    assert [str(each) for each in prorated(Decimal(total), decimals(*shape))] == parts


# -- a line


def test_a_line_goes_by_the_middles_of_its_neighbours_and_not_by_what_lies_further_off() -> None:
    known = [
        row(START, 90),
        row(START + QUARTER_HOUR, 0),
        row(START + 5 * QUARTER_HOUR, 8),
        row(START + 6 * QUARTER_HOUR, 90),
    ]
    wanted = [gap(START + n * QUARTER_HOUR) for n in (2, 3, 4)]
    assert values(wanted, Known(known), LINE) == [2, 4, 6]


def test_a_line_falls_to_nothing_as_well() -> None:
    known = [row(START, 2), row(START + 2 * QUARTER_HOUR, 0)]
    assert values([gap(START + QUARTER_HOUR)], Known(known), LINE) == [1]


def test_neighbours_of_other_lengths_are_weighed_by_their_middles() -> None:
    """An hour before (middle 30 minutes off the begin), a quarter after: the line climbs 3 in 60 minutes."""
    before = structs.replace(row(START - 4 * QUARTER_HOUR, 0), end=START)
    after = row(START + QUARTER_HOUR, 3)
    assert values([gap(START)], Known([before, after]), LINE) == [Decimal("2.143")]


def test_a_number_between_two_gaps_is_neither_before_nor_after_them() -> None:
    wanted = [gap(START + QUARTER_HOUR), gap(START + 3 * QUARTER_HOUR)]
    known = [row(START, 1), row(START + 2 * QUARTER_HOUR, 90), row(START + 4 * QUARTER_HOUR, 5)]
    assert values(wanted, Known(known), LINE) == [2, 4]
    three = [*wanted, gap(START + 5 * QUARTER_HOUR)]
    assert values(
        three, Known([*known[:2], row(START + 4 * QUARTER_HOUR, 80), row(START + 6 * QUARTER_HOUR, 7)]), LINE
    ) == [2, 4, 6]


def test_what_reaches_into_the_first_interval_is_not_before_it() -> None:
    known = [row(START, 1), row(START + timedelta(minutes=10), 90), row(START + 2 * QUARTER_HOUR, 3)]
    assert values([gap(START + QUARTER_HOUR)], Known(known), LINE) == [2]


@pytest.mark.parametrize("held", [row(START - QUARTER_HOUR, 1), row(START + QUARTER_HOUR, 1)])
def test_a_line_with_one_end_is_none(held: Row) -> None:
    with pytest.raises(EstimateRefused, match="a line needs"):
        estimate([gap(START)], Known([held]), LINE)


# -- proxy days


def test_a_proxy_is_the_mean_of_four_weeks_and_no_fifth_counts() -> None:
    rows = [row(START - n * WEEK, value) for n, value in ((5, 90), (4, 4), (3, 0), (2, 1), (1, 3))]
    assert values([gap(START)], Known(rows), PROXY) == [2]
    assert values([gap(START)], Known(rows[:3]), PROXY) == [2]


def test_what_somebody_validated_is_as_good_to_rest_on_as_what_was_measured() -> None:
    some = ((1, 4, "measured"), (2, 6, "validated"), (3, 90, "estimated"))
    rows = [row(START - n * WEEK, value, status=status) for n, value, status in some]
    assert values([gap(START)], Known(rows), PROXY) == [5]


# -- a profile


def test_a_profile_is_read_by_the_second_of_the_local_day() -> None:
    first = datetime(2026, 3, 2, 1, 0, 7, tzinfo=VIENNA)
    second = datetime(2026, 3, 2, 2, 1, 9, tzinfo=VIENNA)
    profile = [Decimal(n) for n in range(86_400)]
    known = Known([], Decimal(3607 + 7269), profile, VIENNA)
    assert values([gap(first), gap(second)], known, PROFILE) == [3607, 7269]


def test_a_profile_is_as_high_as_the_known_intervals_of_the_same_local_day_and_of_no_other() -> None:
    midnight = datetime(2026, 3, 3, tzinfo=VIENNA)
    hours = timedelta(hours=1)
    known = Known(
        [
            row(midnight - QUARTER_HOUR, 900),
            row(midnight, 2),
            row(midnight + QUARTER_HOUR, 0),
            row(midnight + 23 * hours, 4),
            row(midnight + 24 * hours, 900),
        ],
        profile=decimals(*[1] * 12, *[2] * 12),
        zone=VIENNA,
    )
    assert values([gap(midnight + 2 * QUARTER_HOUR), gap(midnight + 13 * hours)], known, PROFILE) == [
        Decimal("1.500"), Decimal("3.000"),
    ]  # fmt: skip


@pytest.mark.parametrize("known", [[row(START + DAY, 4)], [row(START + 4 * QUARTER_HOUR, 4)]])
def test_a_profile_that_is_nothing_where_something_is_known_is_refused(known: list[Row]) -> None:
    """Of another day, or of a time at which the profile is nothing: it cannot tell how high it is."""
    profile = decimals(1, *[0] * 23)
    with pytest.raises(EstimateRefused, match=r"^no interval of the same day tells how high the profile is$"):
        estimate([gap(START)], Known(known, profile=profile), PROFILE)


# -- averages


@pytest.mark.parametrize(
    ("day", "value"), [(2, 10), (5, 10), (6, 10), (7, 40), (8, 40)], ids=["Mon", "Thu", "Fri", "Sat", "Sun"]
)
def test_working_days_are_averaged_apart_from_saturdays_and_sundays(day: int, value: int) -> None:
    """Which day it is, and which time, is asked in the zone of the household: at night it is another one in UTC."""
    at = datetime(2026, 3, day, 0, 30, tzinfo=VIENNA)
    some = [(9, 0), (10, 20), (14, 30), (15, 50)]
    rows = [row(datetime(2026, 3, n, 0, 30, tzinfo=VIENNA), number) for n, number in some]
    others = [row(datetime(2026, 3, n, 0, 45, tzinfo=VIENNA), 900) for n, _ in some]
    assert values([gap(at)], Known([*rows, *others], zone=VIENNA), AVERAGE) == [value]


def test_the_same_local_time_is_like_on_both_sides_of_a_change_of_the_clock() -> None:
    monday = datetime(2026, 3, 30, 12, tzinfo=VIENNA)
    rows = [row(monday - WEEK, 7), row(monday - WEEK + timedelta(hours=1), 900)]
    assert values([gap(monday)], Known(rows, zone=VIENNA), AVERAGE) == [7]


# -- proration


def test_longer_intervals_get_more_of_what_is_prorated() -> None:
    wanted = [gap(START), gap(START + QUARTER_HOUR, 2 * QUARTER_HOUR)]
    assert values(wanted, Known([], Decimal(3)), PRORATION) == [1, 2]
