"""Partials merge in any order; intervals follow from them: registers, means, sums, roll-over, clock change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver import intervals as iv
from meter_driver.intervals import DayFinder, Measure, Partial, advance, buckets, measure_of, merge

VIENNA = ZoneInfo("Europe/Vienna")
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Summed:
    at: datetime
    first_at: datetime
    first: Decimal
    last_at: datetime
    last: Decimal
    total: Decimal
    count: int


def quarter(begin: datetime, *readings: tuple[float, str]) -> Summed:
    """Readings as (minutes after begin, value)."""
    points = [(begin + timedelta(minutes=m), Decimal(v)) for m, v in readings]
    total = sum((v for _, v in points), Decimal(0))
    return Summed(begin, *points[0], *points[-1], total, len(points))


def single(at: int, value: int) -> Partial:
    return Partial(at, value, at, value, value, 1)


readings = st.dictionaries(st.integers(0, 10**6), st.integers(-(10**14), 10**14), min_size=3, max_size=9)


@given(readings, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_partials_of_distinct_readings_merge_in_any_order_and_grouping(found: dict[int, int], random: object) -> None:
    whole = Partial(min(found), found[min(found)], max(found), found[max(found)], sum(found.values()), len(found))
    parts = [single(*item) for item in found.items()]
    while len(parts) > 1:
        random.shuffle(parts)  # type: ignore[attr-defined]
        parts = [merge(parts[0], parts[1]), *parts[2:]]
    assert parts == [whole]


@given(st.integers(0, 10**9), st.integers(), st.integers())
def test_the_same_single_reading_again_replaces_itself(at: int, value: int, corrected: int) -> None:
    assert merge(single(at, value), single(at, value)) == single(at, value)
    assert merge(single(at, value), single(at, corrected)) == single(at, corrected)


@given(st.lists(st.integers(0, 4 * 3_600_000_000), min_size=1, max_size=20, unique=True))
@settings(max_examples=60)
def test_buckets_hold_each_reading_once_in_the_interval_in_which_it_starts(ats: list[int]) -> None:
    found = buckets(ats, ats, iv.quarter_begin)
    rows = [r for b in found for r in (range(b.rows.start, b.rows.stop) if isinstance(b.rows, slice) else b.rows)]
    assert sorted(rows) == list(range(len(ats)))
    for bucket in found:
        inside = [at for at in ats if bucket.begin <= at < bucket.begin + iv.QUARTER_US]
        assert (ats[bucket.first], ats[bucket.last], bucket.size) == (min(inside), max(inside), len(inside))


def test_register_readings_at_the_edges_give_measured_energy() -> None:
    parts = [quarter(T0 + i * QUARTER, (0, f"{100 + i}.250"), (10, f"{100 + i}.900")) for i in range(3)]
    found = iv.intervals("1-0:1.8.0*255", parts, [(T0 + i * QUARTER, T0 + (i + 1) * QUARTER) for i in range(3)])
    assert [(i.value, i.status) for i in found] == [(Decimal("1.000"), "measured")] * 2


def test_an_edge_between_two_readings_is_interpolated_and_says_so() -> None:
    parts = [quarter(T0, (0, "10.0"), (10, "11.0")), quarter(T0 + QUARTER, (5, "12.0"))]
    (found,) = iv.intervals("1-0:1.8.0*255", parts, [(T0, T0 + QUARTER)])
    assert (found.value, found.status) == (Decimal("1.5"), "estimated")


def test_a_register_that_rolls_over_goes_on() -> None:
    assert advance(Decimal("99999.8"), Decimal("0.3")) == Decimal("0.5")
    parts = [quarter(T0, (0, "99999.8")), quarter(T0 + QUARTER, (0, "0.3"))]
    (found,) = iv.intervals("1-0:1.8.0*255", parts, [(T0, T0 + QUARTER)])
    assert found.value == Decimal("0.5")


def test_an_exchanged_meter_gives_no_energy_across_the_exchange() -> None:
    assert advance(Decimal("5000.0"), Decimal("0.1")) is None
    parts = [quarter(T0 + i * QUARTER, (0, v)) for i, v in enumerate(["5000", "5001", "0.5", "1.5"])]
    edges = [(T0 + i * QUARTER, T0 + (i + 1) * QUARTER) for i in range(3)]
    found = iv.intervals("1-0:1.8.0*255", parts, edges)
    assert [(i.start, i.value) for i in found] == [(T0, Decimal(1)), (T0 + 2 * QUARTER, Decimal("1.0"))]


def test_power_is_a_mean_over_the_interval_asked_for() -> None:
    parts = [quarter(T0, (0, "100"), (5, "300")), quarter(T0 + QUARTER, (1, "500"))]
    (found,) = iv.intervals("1-0:1.7.0*255", parts, [(T0, T0 + 2 * QUARTER)])
    assert found.value == Decimal(300)


def test_interval_energies_add_up() -> None:
    parts = [quarter(T0 + i * QUARTER, (0, "0.25")) for i in range(4)]
    (found,) = iv.intervals("1-0:1.29.0*255", parts, [(T0, T0 + 4 * QUARTER)])
    assert found.value == Decimal("1.00")


def test_intervals_without_readings_are_left_out() -> None:
    assert iv.intervals("1-0:1.7.0*255", [], [(T0, T0 + QUARTER)]) == []
    assert iv.intervals("1-0:1.8.0*255", [], [(T0, T0 + QUARTER)]) == []


@given(st.lists(st.integers(0, 5000), min_size=4, max_size=12), st.integers(0, 10_000_000))
@settings(max_examples=50)
def test_the_energies_of_a_row_of_intervals_add_up_to_the_difference(steps: list[int], start: int) -> None:
    stand, parts = start, []
    for i, step in enumerate(steps):
        parts.append(quarter(T0 + i * QUARTER, (0, f"{stand}e-3")))
        stand += step
    edges = list(pairwise(p.at for p in parts))
    found = iv.intervals("1-0:1.8.0*255", parts, edges)
    assert sum(i.value for i in found) == parts[-1].first - parts[0].first


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 6, 1), 24)])
def test_local_days_have_the_hours_that_the_clock_gives_them(day: tuple[int, int, int], hours: int) -> None:
    begin, end = iv.day_edges(date(*day), VIENNA)
    assert end - begin == timedelta(hours=hours)
    finder = DayFinder(VIENNA)
    assert finder.begin(iv.micros(end) - 1) == finder.begin(iv.micros(begin)) == iv.micros(begin)
    assert finder.begin(iv.micros(end)) == iv.micros(end)


@pytest.mark.parametrize(
    ("quantity", "measure"),
    [
        ("1-0:1.8.0*255", Measure.REGISTER),
        ("1-0:16.7.0*255", Measure.INSTANT),
        ("1-0:1.29.0*255", Measure.INTERVAL),
        ("energy storage=1", Measure.REGISTER),
        ("volume", Measure.REGISTER),
        ("power", Measure.INSTANT),
        ("nonsense", Measure.INSTANT),
    ],
)
def test_the_quantity_says_how_its_values_make_an_interval(quantity: str, measure: Measure) -> None:
    assert measure_of(quantity) is measure


@given(st.integers(-(10**15), 4 * 10**15))
def test_microseconds_go_there_and_back(us: int) -> None:
    assert iv.micros(iv.instant(us)) == us
