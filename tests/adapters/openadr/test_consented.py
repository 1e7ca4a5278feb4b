"""Several grounds of one household for one purpose: what goes on is one report, what is beside it is named."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.explained import NOT_COVERED
from adapters.openadr.v3.consented import in_a_row, left_over
from adapters.plugin import Opening
from policies.terms import AS_RECEIVED, Level, Period, Pseudonym, Purpose, Recipient, ReleaseRequest

DAY, BEGIN = timedelta(days=1), datetime(2026, 3, 1, tzinfo=UTC)
ENERGY, FEED = "1-0:1.8.0*255", "1-0:2.8.0*255"


def days(first: int, last: int) -> Period:
    return Period(BEGIN + first * DAY, BEGIN + last * DAY)


def opening(first: int, last: int, *quantities: str, resolution: timedelta = AS_RECEIVED) -> Opening:
    some = frozenset(quantities or (ENERGY,))
    end = BEGIN + 90 * DAY
    return Opening("p", Purpose.FORECAST, some, resolution, Level.INDIVIDUAL, days(first, last), end, DAY)


def question(of: Opening) -> ReleaseRequest:
    return ReleaseRequest(
        Recipient("acme"), of.purpose, Pseudonym("p"), of.quantities, of.resolution, of.level, of.values, "r"
    )


@given(st.permutations([opening(0, 2), opening(2, 5), opening(4, 7)]), st.sampled_from(range(3)))
def test_what_goes_on_without_a_gap_is_one_report_whichever_ground_comes_first(all_: list[Opening], first: int) -> None:
    joined = in_a_row(question(all_[first]), all_)
    assert joined.period == days(0, 7)
    assert left_over(joined, all_) == {}


def test_behind_a_gap_is_another_report_that_is_named() -> None:
    all_ = [opening(0, 2), opening(3, 5)]
    joined = in_a_row(question(all_[0]), all_)
    assert joined.period == days(0, 2)
    named = "2026-03-04T00:00:00Z/2026-03-06T00:00:00Z;reason=period-not-covered"
    assert left_over(joined, all_) == {NOT_COVERED: named}


def test_a_ground_that_allows_less_takes_nothing_over() -> None:
    coarse = opening(2, 5, resolution=timedelta(hours=1))
    assert in_a_row(question(opening(0, 2)), [opening(0, 2), coarse]).period == days(0, 2)
    assert in_a_row(question(coarse), [opening(0, 2), coarse]).period == days(0, 5)


def test_quantities_of_another_ground_are_named() -> None:
    all_ = [opening(0, 5), opening(0, 5, FEED)]
    joined = in_a_row(question(all_[0]), all_)
    assert joined.period == days(0, 5)
    assert left_over(joined, all_) == {NOT_COVERED: f"quantity={FEED};reason=quantity-not-covered"}
