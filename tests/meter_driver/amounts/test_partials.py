"""Partials of any split of an interval's readings, merged in any order, are the partial of all, or they clash."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.amounts import partials
from meter_driver.amounts.means import LONGEST_HOLD
from meter_driver.amounts.partials import Partial
from meter_driver.quantities import MEANS, Kind
from meter_driver.units import base, factor

KINDS = list(Kind)
US = 900_000_000 // 60

Reading = tuple[int, int, int]
"""Begin, end, value: minutes of a quarter of an hour."""


def slow(kind: Kind, readings: Sequence[Reading]) -> Partial:
    """Of all readings, with no instant twice, one after the other."""
    by_time = sorted(readings, key=lambda r: r[0] if partials.summed(kind) else r[1])
    total = covered = 0
    for position, (begin, end, value) in enumerate(by_time):
        if kind is Kind.INTERVAL:
            total, covered = total + value, covered + end - begin
        if kind in MEANS and (begin < end or position + 1 < len(by_time)):
            held = end - begin if begin < end else min(by_time[position + 1][0] - end, LONGEST_HOLD)
            total, covered = total + value * held, covered + held
    first, last = by_time[0], by_time[-1]
    begin = first[0] if partials.summed(kind) else first[1]
    sign = -1 if kind in MEANS and last[0] < last[1] else 1
    return Partial(begin, first[2], last[1], last[2], total, covered, sign * len(by_time))


def partial(kind: Kind, readings: Sequence[Reading]) -> Partial:
    starts, ats, values = ([reading[part] for reading in readings] for part in range(3))
    cover = partials.cover(kind, range(len(readings)), starts, ats)
    total = partials.total(kind, cover, values)
    return Partial(
        cover.first_at,
        values[cover.order[0]],
        cover.last_at,
        values[cover.order[-1]],
        total,
        cover.covered,
        cover.readings,
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Kind, list[Reading]]:
    """Some values of which a mean is made are of an instant."""
    kind, readings = draw(st.sampled_from(KINDS)), draw(sent())
    moments = draw(st.sets(st.integers(0, 59))) if kind is Kind.INSTANT else set()
    return kind, [(begin, begin if begin // US in moments else end, value) for begin, end, value in readings]


@st.composite
def sent(draw: st.DrawFn) -> list[Reading]:
    """On a grid of minutes: entries are disjoint."""
    minutes = draw(st.lists(st.integers(0, 59), min_size=1, max_size=12, unique=True))
    return [(m * US, (m + 1) * US, draw(st.integers(-(10**14), 10**14))) for m in minutes]


@given(cases())
def test_a_partial_is_what_follows_from_its_readings_in_any_order(case: tuple[Kind, list[Reading]]) -> None:
    kind, readings = case
    assert partial(kind, readings) == slow(kind, readings)


@given(cases(), st.data())
def test_merged_in_any_order_they_are_the_partial_of_all_readings_or_they_clash(
    case: tuple[Kind, list[Reading]], data: st.DataObject
) -> None:
    """A batch may hold readings that came before, corrected: of one instant the last word counts."""
    kind, readings = case
    batches = data.draw(
        st.lists(st.lists(st.sampled_from(readings), min_size=1, max_size=6, unique=True), min_size=1, max_size=6)
    )
    known: dict[int, Reading] = {}
    merged: Partial | None = None
    for batch in batches:
        change = data.draw(st.integers(0, 1))
        batch = [(begin, end, value + change) for begin, end, value in batch]
        known |= {reading[0]: reading for reading in batch}
        new = partial(kind, batch)
        merged = new if merged is None else partials.merged(kind, merged, new)
        if merged is None:
            return
        expected = slow(kind, list(known.values()))
        if partials.summed(kind):
            assert merged == expected
        else:  # of a register how often it was read is not known exactly
            assert merged[:6] == expected[:6]


@given(cases(), st.integers(0, 2**32))
def test_batches_that_follow_each_other_never_clash(case: tuple[Kind, list[Reading]], seed: int) -> None:
    random, kind = Random(seed), case[0]
    readings = sorted(case[1])
    cuts = sorted(random.sample(range(1, len(readings)), random.randint(0, len(readings) - 1)))
    parts = [partial(kind, readings[a:b]) for a, b in zip([0, *cuts], [*cuts, len(readings)], strict=True)]
    while len(parts) > 1:
        at = random.randrange(len(parts) - 1)
        pair = parts[at : at + 2]
        both = partials.merged(kind, *(pair if random.random() < 0.5 else pair[::-1]))
        assert both is not None
        parts[at : at + 2] = [both]
    assert parts == [slow(kind, readings)]


@given(st.sampled_from(KINDS), sent(), sent())
def test_when_the_readings_are_gone_what_speaks_for_more_stands(
    kind: Kind, earlier: list[Reading], later: list[Reading]
) -> None:
    one, two = partial(kind, earlier), partial(kind, later)
    found = partials.settled(kind, one, two)
    if partials.merged(kind, one, two) is None:
        assert found == (one if (one.covered, abs(one.readings)) > (two.covered, abs(two.readings)) else two)


@pytest.mark.parametrize("kind", [Kind.INSTANT, Kind.INTERVAL])
def test_the_same_ends_and_number_are_not_yet_the_same_readings(kind: Kind) -> None:
    one, two = ([(m * US, (m + 1) * US, m) for m in minutes] for minutes in ((0, 5, 14), (0, 8, 14)))
    assert partials.merged(kind, partial(kind, one), partial(kind, two)) is None


def test_a_corrected_single_reading_replaces_the_one_before() -> None:
    for kind in KINDS:
        one, two = partial(kind, [(0, US, 5)]), partial(kind, [(0, US, 6)])
        assert partials.merged(kind, one, two) == two


def test_entries_inside_an_entry_show_by_what_they_cover() -> None:
    found = partial(Kind.INTERVAL, [(0, 60 * US, 4), (5 * US, 10 * US, 1)])
    assert (found.first_at, found.last_at) == (0, 60 * US)
    assert found.covered > found.last_at - found.first_at


def test_only_entries_and_means_have_a_begin_of_their_own() -> None:
    for kind in KINDS:
        found = partial(kind, [(0, 15 * US, 5)])
        assert found.first_at == (0 if partials.summed(kind) else 15 * US)


@given(st.sampled_from(["kWh", "Mcal", "L", "m3/s", "d", None, "currency"]), st.lists(st.integers(-99, 99), min_size=1))
def test_values_in_the_base_unit_are_the_same_values(unit: str | None, values: list[int]) -> None:
    ratio = factor(unit, base(unit))
    assert ratio is not None
    found = partials.in_base(unit, -3, values)
    assert [v * 10 ** (found.exponent + 30) for v in found.values] == [v * ratio * 10**27 for v in values]


@given(sent(), st.integers(0, 58), st.integers(0, 2**32))
def test_an_overlap_is_not_hidden_by_what_is_missing_nor_by_what_is_merged_later(
    readings: list[Reading], minute: int, seed: int
) -> None:
    twice = [(0, US, 1), (US // 2, US, 1)]
    found = partial(Kind.INTERVAL, twice)
    others = [each for each in readings if each[0] >= US]
    Random(seed).shuffle(others)
    for each in others:
        both = partials.merged(Kind.INTERVAL, found, partial(Kind.INTERVAL, [each]))
        found = found if both is None else both
        assert partials.overlapping(found)
    gap = partial(Kind.INTERVAL, [*twice, ((minute + 2) * US, (minute + 3) * US, 1)])
    assert partials.overlapping(gap)
    assert not partials.overlapping(partial(Kind.INTERVAL, readings))
