"""A mean is an integral over time of what stands at each moment, divided by the time in which something stands."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from meter_driver.amounts import Method, Status
from meter_driver.amounts.amount import SECOND_US, divided
from meter_driver.amounts.means import FINER, Span, amounts, joined

HOLD, QUARTER = 900, 900

Readings = dict[int, int]
"""Second -> value."""
readings = st.dictionaries(st.integers(0, 4 * 3600), st.integers(-5000, 5000), min_size=1, max_size=25)


def spans_of(found: Readings, grouped: set[int]) -> list[Span]:
    """Single ones; those of one quarter in ``grouped`` summed up."""
    spans: list[Span] = []
    for at in sorted(found):
        one = Span(at * SECOND_US, at * SECOND_US, found[at], 0, 0)
        same = spans and spans[-1].begin // SECOND_US // QUARTER == at // QUARTER
        if same and at // QUARTER in grouped:
            spans[-1] = joined(spans[-1], one)
        else:
            spans.append(one)
    return spans


def slow(found: Readings, begin: int, end: int) -> tuple[int, int]:
    """Second by second: sum of what stands, and for how many seconds something does."""
    total = covered = 0
    for second in range(begin, end):
        before = [at for at in found if at <= second]
        if before and second < max(before) + HOLD:
            total, covered = total + found[max(before)], covered + 1
    return total, covered


@given(readings, st.sets(st.integers(0, 16)), st.sampled_from([QUARTER, 3600, 2 * 3600]))
def test_a_mean_is_that_of_all_seconds(found: Readings, grouped: set[int], length: int) -> None:
    edges = [(i * length, (i + 1) * length) for i in range(5 * 3600 // length)]
    rows = amounts(spans_of(found, grouped), [(a * SECOND_US, b * SECOND_US) for a, b in edges])
    told = {(row.begin // SECOND_US, row.end // SECOND_US): row for row in rows}
    for edge in edges:
        total, covered = slow(found, *edge)
        if not covered:
            assert edge not in told
            continue
        row = told[edge]
        assert row.covered == covered * SECOND_US
        mean = divided(total * FINER, covered)
        if covered == length:
            assert (row.status, row.method, row.value) == (Status.MEASURED, Method.NONE, mean)
        elif length <= 3600:
            assert (row.status, row.method, row.value) == (Status.ESTIMATED, Method.HELD, mean)
        else:
            assert (row.status, row.value) == (Status.MISSING, None)


@given(readings, st.sets(st.integers(0, 16)), st.sets(st.integers(0, 16)))
def test_it_does_not_matter_what_was_summed_up(found: Readings, one: set[int], two: set[int]) -> None:
    edges = [(i * 3600 * SECOND_US, (i + 1) * 3600 * SECOND_US) for i in range(5)]
    assert amounts(spans_of(found, one), edges) == amounts(spans_of(found, two), edges)


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_a_quotient_is_rounded_to_the_nearest_and_halves_to_even(numerator: int, denominator: int) -> None:
    assert divided(numerator, denominator) == round(Fraction(numerator, denominator))


def test_a_dead_band_weighs_a_value_by_how_long_it_stands() -> None:
    kettle = {0: 100, 600: 2000, 660: 100, 1500: 100}
    (row,) = amounts(spans_of(kettle, set()), [(0, QUARTER * SECOND_US)])
    assert (row.value, row.status) == (divided((840 * 100 + 60 * 2000) * FINER, 900), Status.MEASURED)


def test_a_reading_between_two_seconds_holds_to_the_microsecond() -> None:
    spans = [Span(0, 0, 0, 0, 0), Span(1, 1, 1000, 0, 0)]
    (row,) = amounts(spans, [(0, 4)])
    assert (row.value, row.covered) == (750 * FINER, 4)
