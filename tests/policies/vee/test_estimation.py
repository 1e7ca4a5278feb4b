"""Estimates are exact where something is known to add up to, never lie over a measured value, and say their method."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.terms import QUARTER_HOUR
from policies.vee.estimation import EstimateRefused, Estimation, Known, estimate, prorated
from tests.policies.vee.rows import START, quarters, row, sound

WEEK = timedelta(days=7)
AMOUNTS = st.decimals(0, 10_000, places=3)
GAP = [(START + n * QUARTER_HOUR, START + (n + 1) * QUARTER_HOUR) for n in range(8, 12)]
AROUND = [each for each in sound() if not GAP[0][0] <= each.start < GAP[-1][1]]


@given(st.decimals(-10_000, 10_000, places=3), st.lists(st.decimals(0, 100, places=2), min_size=1, max_size=200))
def test_parts_add_up_to_the_total_to_the_last_digit(total: Decimal, shape: list[Decimal]) -> None:
    parts = prorated(total, shape)
    assert sum(parts) == total
    assert len(parts) == len(shape)
    assert all(part.as_tuple().exponent >= -6 for part in parts)  # type: ignore[operator]


@given(AMOUNTS, st.lists(st.integers(1, 50), min_size=2, max_size=20))
def test_a_part_is_what_its_share_is_but_for_one_digit(total: Decimal, shape: list[int]) -> None:
    for part, weight in zip(prorated(total, [Decimal(each) for each in shape]), shape, strict=True):
        assert abs(part - total * weight / sum(shape)) <= Decimal("0.000001")


@given(st.sampled_from(Estimation), AMOUNTS)
def test_every_method_keeps_the_register_difference_and_says_its_name(method: Estimation, total: Decimal) -> None:
    past = [each for n in range(1, 5) for each in quarters([Decimal(n)] * 96, start=START - n * WEEK)]
    known = Known([*past, *AROUND], total, profile=[Decimal(n % 5 + 1) for n in range(96)])
    found = estimate(GAP, known, method)
    assert sum(each.value for each in found) == total
    assert {each.method for each in found} == {method}
    assert [(each.start, each.end) for each in found] == GAP


@given(st.sampled_from(Estimation), st.sampled_from(["measured", "validated"]))
def test_nothing_is_estimated_over_what_was_measured(method: Estimation, status: str) -> None:
    rows = [*AROUND, row(GAP[1][0], 1, status=status)]
    with pytest.raises(EstimateRefused, match="measured"):
        estimate(GAP, Known(rows, Decimal(4), [Decimal(1)]), method)


@given(AMOUNTS, AMOUNTS)
def test_a_line_goes_from_the_amount_before_to_the_one_after(low: Decimal, high: Decimal) -> None:
    rows = [row(GAP[0][0] - QUARTER_HOUR, low), row(GAP[-1][1], high)]
    found = [each.value for each in estimate(GAP, Known(rows), Estimation.LINEAR_INTERPOLATION)]
    assert found == [(low + (high - low) * n / 5).quantize(found[0]) for n in range(1, 5)]


def test_a_proxy_day_is_the_same_weekday_in_local_time_also_over_a_change_of_the_clock() -> None:
    vienna = ZoneInfo("Europe/Vienna")
    noon = datetime(2026, 3, 30, 12, tzinfo=vienna)  # the day before the clocks went forward
    before = noon - WEEK
    rows = [row(before, 7), row(before + timedelta(hours=1), 9)]
    span = (noon, noon + QUARTER_HOUR)
    assert estimate([span], Known(rows, zone=vienna), Estimation.PROXY_DAY)[0].value == 7
    with pytest.raises(EstimateRefused, match="proxy day"):
        estimate([(noon + 2 * QUARTER_HOUR, noon + 3 * QUARTER_HOUR)], Known(rows, zone=vienna), Estimation.PROXY_DAY)


@given(st.lists(st.integers(1, 9), min_size=96, max_size=96), st.integers(1, 50))
def test_a_profile_is_as_high_as_the_rest_of_its_day(weights: list[int], height: int) -> None:
    profile = [Decimal(each) for each in weights]
    day = quarters([each * height for each in profile])
    rows = [each for each in day if not GAP[0][0] <= each.start < GAP[-1][1]]
    found = estimate(GAP, Known(rows, profile=profile), Estimation.LOAD_PROFILE)
    assert [each.value for each in found] == [day[n].value for n in range(8, 12)]


def test_like_intervals_are_those_of_the_same_time_on_working_days_or_on_others() -> None:
    tuesday, sunday = START + timedelta(days=1), START + timedelta(days=6)
    rows = quarters([2] * 96, start=tuesday) + quarters([50] * 96, start=sunday)
    assert {each.value for each in estimate(GAP, Known(rows), Estimation.AVERAGE)} == {Decimal(2)}


@pytest.mark.parametrize("method", Estimation)
def test_a_method_that_has_nothing_to_rest_on_refuses(method: Estimation) -> None:
    with pytest.raises(EstimateRefused):
        estimate(GAP, Known([]), method)


def test_no_estimate_rests_on_an_estimate() -> None:
    rows = [row(START - n * WEEK + 8 * QUARTER_HOUR, 3, status="estimated") for n in range(1, 5)]
    with pytest.raises(EstimateRefused):
        estimate(GAP[:1], Known(rows), Estimation.PROXY_DAY)
