"""All that is known of a meter, each time once: what no interval tells is told in its own length, and not missing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.intervals import day_edges
from policies.finest import AROUND, Finest
from policies.gaps import Gaps, rows_owed
from policies.minimise import beside_of, edges_of, floor, minimise
from policies.terms import ONE_DAY, QUARTER_HOUR, Period, Row
from policies.vault.values import Value
from tests.policies.test_minimise import ENERGY, HOUR, MINUTE, POWER, REGISTER, START, VIENNA, grant

DAYS = 12
WINDOW = 3 * ONE_DAY


def stands(ats: Sequence[tuple[datetime, int]], step: timedelta) -> list[Value]:
    """Of each interval the first and the last."""
    found = []
    for begin, some in groupby(ats, key=lambda each: _begin(each[0], step)):
        (first_at, first), *_, (last_at, last) = [*(both := list(some)), both[-1]]
        numbers = first_at, Decimal(first), last_at, Decimal(last), Decimal(0)
        found.append(Value(REGISTER, "Wh", begin, *numbers, len(both), meter="main"))
    return found


def _begin(at: datetime, step: timedelta) -> datetime:
    if step == ONE_DAY:
        return day_edges(at.astimezone(VIENNA).date(), VIENNA)[0]
    return floor(at, step)


def entry(begin: datetime, length: timedelta, number: int) -> Value:
    value = Decimal(number)
    numbers = begin, value, begin + length, value, value
    return Value(ENERGY, "Wh", floor(begin, QUARTER_HOUR), *numbers, 1, meter="main", covered=length)


def told(values: Sequence[Value], step: timedelta = QUARTER_HOUR, quantity: str = REGISTER) -> list[Row]:
    """Everything, window by window, as the door tells it."""
    begin = day_edges(START.astimezone(VIENNA).date(), VIENNA)[0] - ONE_DAY
    edges = [day_edges((begin + n * WINDOW + HOUR).astimezone(VIENNA).date(), VIENNA)[0] for n in range(8)]
    gaps, finest, rows = Gaps(Period(edges[0], edges[-1])), Finest(), list[Row]()
    beside = beside_of(step) + AROUND
    for window in map(Period, edges, edges[1:]):
        near = [v for v in values if window.start - beside <= v.at < window.end + beside]
        if near:
            asked = grant(step, window.start, window.end, quantity)
            some = minimise(near, asked, "self", VIENNA, gaps=gaps, finest=finest)
            owed = rows_owed(gaps.taken(), edges_of(Period(edges[0], window.start), step, VIENNA))
            rows += [*finest.rest(owed), *some]
    return sorted(rows, key=lambda row: (row.start, row.end))


@st.composite
def read(draw: st.DrawFn) -> list[tuple[datetime, int]]:
    """A register that rises, read at all kinds of distances."""
    at, value, found = START + draw(st.integers(0, 900)) * MINUTE, draw(st.integers(0, 10_000)), []
    near, far = st.integers(1, 40), st.integers(41, 5 * 24 * 60)
    for length in draw(st.lists(st.one_of(near, near, near, far), min_size=2, max_size=60)):
        if at > START + DAYS * ONE_DAY:
            break
        found.append((at, value))
        at, value = at + length * MINUTE, value + draw(st.integers(0, 500))
    return found


@given(read(), st.sampled_from([QUARTER_HOUR, HOUR, ONE_DAY]))
def test_what_is_told_comes_to_the_rise_of_the_register_and_no_time_is_told_twice(
    ats: list[tuple[datetime, int]], step: timedelta
) -> None:
    rows = told(stands(ats, step), step)
    assert all(before.end <= after.start for before, after in pairwise(rows))
    known = [row for row in rows if row.value is not None]
    if len(ats) > 1:
        assert (known[0].start, known[-1].end) == (ats[0][0], ats[-1][0])
        assert all(before.end == after.start for before, after in pairwise(known))
    assert sum((row.value or Decimal(0)) for row in known) * 1000 == ats[-1][1] - ats[0][1]
    said = dict(ats)
    assert all(row.status == "measured" for row in known if {row.start, row.end} <= said.keys())


@given(read(), st.data())
def test_a_stand_that_is_garbled_hides_nothing_beside_it(ats: list[tuple[datetime, int]], data: st.DataObject) -> None:
    """One that no connection can have risen to, between two that go on."""
    if len(ats) < 6:
        return
    place = data.draw(st.integers(2, len(ats) - 4))
    bad = [*ats[:place], (ats[place][0], 10**13), *ats[place + 1 :]]
    rows = told(stands(bad, QUARTER_HOUR))
    assert all(before.end <= after.start for before, after in pairwise(rows))
    assert all(row.value < 10_000 for row in rows if row.value is not None)


@pytest.mark.parametrize("length", [HOUR, ONE_DAY, 9 * ONE_DAY])
def test_nothing_is_missing_inside_of_an_amount_that_is_longer_than_intervals(length: timedelta) -> None:
    begin, values, at = START, list[Value](), START
    while at < begin + DAYS * ONE_DAY:
        values.append(entry(at, length, 500))
        at += length
    assert told(values, quantity=ENERGY) == []
    without = [value for value in values if value is not values[len(values) // 2]]
    if len(without) > 1:
        gap = values[len(values) // 2]
        assert {(row.start, row.value) for row in told(without, quantity=ENERGY)} <= {
            (gap.first_at + n * QUARTER_HOUR, None) for n in range(length // QUARTER_HOUR)
        }


def test_a_quarter_that_entries_do_not_fill_is_missing_for_the_rest_of_it_alone() -> None:
    rows = told([entry(START, 10 * MINUTE, 5), entry(START + HOUR, QUARTER_HOUR, 5)], quantity=ENERGY)
    (rest, *missing, whole) = rows
    assert (rest.start, rest.end) == (START + 10 * MINUTE, START + QUARTER_HOUR)
    assert (rest.value, rest.completeness) == (None, Decimal(0))
    assert ([row.value for row in missing], whole.value) == ([None] * 3, Decimal("0.005"))


def test_a_mean_of_an_hour_is_not_told_again_as_an_estimate_of_its_quarters() -> None:
    numbers = START, Decimal(400), START + HOUR, Decimal(400), Decimal(400 * 3600)
    mean = Value(POWER, "W", START, *numbers, -1, meter="main", covered=HOUR)
    assert told([mean], quantity=POWER) == []
    assert [row.value for row in told([mean], HOUR, POWER)] == [400]
