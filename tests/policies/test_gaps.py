"""What is missing between rows, window by window, against a slow reference that sees all of it at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from meter_driver.quantities import parse
from policies.gaps import Gaps, rows_owed
from policies.minimise import edges_of, minimise
from policies.terms import ONE_DAY, QUARTER_HOUR, Period, Row
from policies.vault.values import Value
from policies.vee.corrections import Correction
from tests.policies.test_minimise import ENERGY, HOUR, MINUTE, POWER, REGISTER, START, VIENNA, grant, value

SNAPSHOT = "1-0:1.8.0*1"
BESIDE = HOUR


class Asked(NamedTuple):
    """An answer in windows: what there is, and where it is cut."""

    values: Sequence[Value]
    cuts: Sequence[datetime]
    step: timedelta
    corrections: Sequence[Correction] = ()

    @property
    def period(self) -> Period:
        return Period(self.cuts[0], self.cuts[-1])

    @property
    def windows(self) -> Sequence[Period]:
        return [Period(start, end) for start, end in pairwise(self.cuts)]

    def read(self, window: Period) -> list[Value]:
        return [v for v in self.values if window.start - BESIDE <= v.at < window.end + BESIDE]

    def rows(self, window: Period, gaps: Gaps | None, now: datetime | None = None) -> list[Row]:
        asked = grant(self.step, window.start, window.end, REGISTER, ENERGY, POWER, SNAPSHOT, "energy")
        some = {
            (meter, quantity): [c for c in self.corrections if (c.meter, c.quantity) == (meter, quantity)]
            for meter, quantity in {(c.meter, c.quantity) for c in self.corrections}
        }
        inside = {name: [c for c in cs if c.start < window.end and c.end > window.start] for name, cs in some.items()}
        words = {name: cs for name, cs in inside.items() if cs}
        return minimise(self.read(window), asked, "n", VIENNA, now=now, corrections=words, gaps=gaps)


def answered(asked: Asked, now: datetime | None = None) -> list[Row]:
    """As it is told: what a window owes to those before it comes before its own rows."""
    gaps, told = Gaps(asked.period), list[Row]()
    for place, window in enumerate(asked.windows):
        rows = asked.rows(window, gaps, now)
        owed = gaps.taken()
        for earlier in asked.windows[:place]:
            edges = [edge for edge in edges_of(earlier, asked.step, VIENNA) if now is None or edge[1] <= now]
            told += rows_owed(owed, edges)
        told += rows
    assert gaps.taken() == []
    return told


def wanted(asked: Asked) -> dict[tuple[str, str, datetime], Row | None]:
    """By quantity, meter and start; None: a missing row. Between two instants of which something is told, each
    interval is told."""
    period = asked.period
    told = {(r.quantity, r.meter, r.start): r for window in asked.windows for r in asked.rows(window, None)}
    instants: dict[tuple[str, str], set[datetime]] = {}
    for v in {v.at: v for window in asked.windows for v in asked.read(window)}.values():
        same = [w for w in asked.values if w.at == v.at]
        for w in same:
            length = w.last_at > w.first_at
            shares = w.last_at > period.start and w.first_at < period.end if length else period.contains(w.at)
            some = {at for at in (w.first_at, w.last_at) if shares and period.start <= at <= period.end}
            instants.setdefault((w.quantity, w.meter), set()).update(some)
    for quantity, meter, _ in told:
        some = {at for r in told.values() if (r.quantity, r.meter) == (quantity, meter) for at in (r.start, r.end)}
        instants.setdefault((quantity, meter), set()).update(some)
    found: dict[tuple[str, str, datetime], Row | None] = dict(told)
    for (quantity, meter), some in instants.items():
        known = parse(quantity)
        assert known is not None
        for window in asked.windows:
            for start, end in edges_of(window, asked.step, VIENNA):
                enclosed = any(at <= start for at in some) and any(at >= end for at in some)
                if known.present and enclosed:
                    found.setdefault((quantity, meter, start), None)
    return found


@st.composite
def asked_for(draw: st.DrawFn) -> Asked:
    step = draw(st.sampled_from([QUARTER_HOUR, HOUR, 4 * HOUR, ONE_DAY]))
    grid = ONE_DAY if step == ONE_DAY else 4 * HOUR
    origin = START - HOUR if step == ONE_DAY else START  # a local midnight; the clocks do not change in these days
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    cuts = [origin + sum(lengths[:n]) * grid for n in range(len(lengths) + 1)]
    cuts[0] += draw(st.integers(0, 3)) * 5 * MINUTE
    cuts[-1] -= draw(st.integers(0, 3)) * 5 * MINUTE
    whole = (cuts[-1] - origin) // MINUTE + 240
    values: dict[tuple[str, str, datetime], Value] = {}
    for quantity, meter in [(REGISTER, "a"), (REGISTER, "b"), (ENERGY, "a"), (POWER, "a"), (SNAPSHOT, "a")]:
        for at in draw(st.lists(st.integers(-24, whole // 10), max_size=8)):
            begin = origin + at * 10 * MINUTE
            for n in range(draw(st.integers(1, 4))):
                when = begin + n * (QUARTER_HOUR if quantity == ENERGY else 10 * MINUTE)
                length = QUARTER_HOUR if quantity == ENERGY else timedelta(0)
                if quantity == ENERGY:
                    when = origin + (when - origin) // QUARTER_HOUR * QUARTER_HOUR
                number = (when - origin) // (5 * MINUTE) + 1000
                values[quantity, meter, when] = value(when, number, quantity, meter=meter, length=length)
    edges = [edge for window in pairwise(cuts) for edge in edges_of(Period(*window), step, VIENNA)]
    some = draw(st.lists(st.sampled_from(edges), max_size=2, unique=True)) if edges else []
    changed = [Correction("a", ENERGY, start, end, Decimal(3), "kWh", "validated") for start, end in some]
    return Asked(sorted(values.values(), key=lambda v: v.at), cuts, step, changed)


@given(asked_for())
def test_each_interval_between_two_of_which_something_is_told_is_told_once(asked: Asked) -> None:
    told = answered(asked)
    assert len({(r.quantity, r.meter, r.start) for r in told}) == len(told)
    right = wanted(asked)
    assert {(r.quantity, r.meter, r.start) for r in told} == right.keys()
    for row in told:
        same = right[row.quantity, row.meter, row.start]
        if same is not None:
            assert row == same
        else:
            key = ("n", row.quantity, row.start, row.end)
            assert row == Row(*key, None, "kWh", "missing", row.meter, Decimal(0))


@given(asked_for())
def test_rows_of_a_meter_ascend_wherever_a_gap_ended(asked: Asked) -> None:
    told = answered(asked)
    for name in {(r.quantity, r.meter) for r in told}:
        starts = [r.start for r in told if (r.quantity, r.meter) == name]
        assert starts == sorted(starts)


@given(asked_for(), st.integers(-5, 300))
def test_an_interval_that_has_not_ended_is_never_missing(asked: Asked, minutes: int) -> None:
    now = asked.period.start + minutes * 10 * MINUTE
    told = answered(asked._replace(corrections=()), now)
    assert told == [row for row in answered(asked._replace(corrections=())) if row.end <= now]


# -- by hand


def entries(*begins: int, unit: str = "kWh", quantity: str = ENERGY) -> list[Value]:
    """Of a quarter each, that begin at these quarters."""
    return [value(START + (n + 1) * QUARTER_HOUR, 1, quantity, unit, "m", QUARTER_HOUR) for n in begins]


def quarters(values: Sequence[Value], *cuts: int) -> list[tuple[int, str]]:
    """The status of each quarter that is told, in windows that are cut at these quarters."""
    asked = Asked(values, [START + n * QUARTER_HOUR for n in cuts], QUARTER_HOUR)
    return [((row.start - START) // QUARTER_HOUR, row.status) for row in answered(asked)]


def test_a_gap_is_told_within_a_window() -> None:
    assert quarters(entries(1, 4), 0, 8) == [(1, "measured"), (2, "missing"), (3, "missing"), (4, "measured")]


def test_a_gap_over_windows_is_told_before_the_window_that_ends_it_and_in_order() -> None:
    told = quarters(entries(1, 60), 0, 20, 40, 80)
    assert told == [(1, "measured"), *((n, "missing") for n in range(2, 60)), (60, "measured")]


def test_nothing_is_missing_before_the_first_and_after_the_last() -> None:
    assert quarters(entries(30), 0, 20, 40, 80) == [(30, "measured")]
    assert quarters([], 0, 20) == []


@pytest.mark.parametrize("outside", [-2, -1, 40, 41])
def test_what_lies_outside_of_the_period_makes_nothing_missing(outside: int) -> None:
    both = sorted(entries(20, outside), key=lambda v: v.at)
    assert quarters(both, 0, 40) == [(20, "measured")]


@pytest.mark.parametrize("n", [21, 25])
def test_what_lies_outside_of_the_period_hides_no_gap_inside(n: int) -> None:
    """Of the window before, one is read with what lies beside it and the other is not."""
    told = quarters(entries(-2, n, n + 3), 0, 20, 40)
    assert told == [(n, "measured"), (n + 1, "missing"), (n + 2, "missing"), (n + 3, "measured")]


@pytest.mark.parametrize(
    ("at", "missing"),
    [(START, range(10)), (START + 10 * HOUR - timedelta.resolution, range(11, 39)), (START + 10 * HOUR, [])],
)
def test_a_reading_at_the_begin_of_the_period_lies_inside_and_one_at_its_end_does_not(
    at: datetime, missing: Sequence[int]
) -> None:
    """An amount of which nobody said what it covers: of itself nothing is told."""
    both = sorted([*entries(10), value(at, 1, ENERGY, meter="m")], key=lambda v: v.at)
    assert quarters(both, 0, 40) == sorted([(10, "measured"), *((n, "missing") for n in missing)])


def test_of_a_reading_that_reaches_over_an_edge_the_end_inside_counts() -> None:
    over = [value(START + n * QUARTER_HOUR + 5 * MINUTE, 1, ENERGY, meter="m", length=10 * MINUTE) for n in (0, 40)]
    both = sorted([*entries(10), *over], key=lambda v: v.at)
    assert dict(quarters(both, 0, 40)) == dict.fromkeys(range(40), "missing") | {10: "measured"}


def test_a_snapshot_and_a_name_of_no_vocabulary_have_no_intervals_and_so_no_gaps() -> None:
    for name in (SNAPSHOT, "nobody/knows"):
        gaps = Gaps(Period(START, START + HOUR))
        empty = Row("n", name, START, START, None, None, "missing", "m")
        edges = edges_of(Period(START, START + HOUR), QUARTER_HOUR, VIENNA)
        assert gaps.filled([], entries(0, 3, quantity=name), edges, START, empty) == []


def test_a_missing_row_is_in_the_unit_of_its_series_also_where_that_was_told_no_number() -> None:
    alone = [value(START + n * HOUR, 1, "energy", unit, "m") for n, unit in ((0, "kWh"), (20, "kWh"), (40, "MJ"))]
    asked = Asked(alone, [START, START + 10 * HOUR, START + 30 * HOUR, START + 50 * HOUR], QUARTER_HOUR)
    told = answered(asked)
    assert [((row.start - START) // QUARTER_HOUR, row.unit) for row in told] == [
        (n, "kWh" if n < 80 else "MJ") for n in range(160)
    ]
    assert {row.status for row in told} == {"missing"}


def test_a_gap_of_one_meter_is_none_of_another() -> None:
    pump = [replace(v, meter="pump") for v in entries(5, 6)]
    asked = Asked([*entries(1, 9), *pump], [START, START + 4 * HOUR], QUARTER_HOUR)
    told = [(row.meter, row.status) for row in answered(asked) if 5 * QUARTER_HOUR <= row.start - START < 2 * HOUR]
    assert told == [("m", "missing")] * 3 + [("pump", "measured")] * 2


def test_all_of_whole_windows_is_told_as_it_was() -> None:
    """The rows themselves: nothing is made anew where nothing is missing, and nothing is owed."""
    gaps = Gaps(Period(START, START + 2 * HOUR))
    assert gaps.taken() == []
    for begin in (START, START + HOUR):
        edges = edges_of(Period(begin, begin + HOUR), QUARTER_HOUR, VIENNA)
        rows = [Row("n", ENERGY, start, end, Decimal(1), "kWh", meter="m") for start, end in edges]
        empty = Row("n", ENERGY, begin, begin, None, None, "missing", "m")
        assert gaps.filled(rows, [], edges, begin, empty) is rows
        assert gaps.taken() == []


def test_nothing_is_owed_to_windows_before_by_what_was_told_at_their_end() -> None:
    gaps = Gaps(Period(START, START + HOUR))
    edges = edges_of(Period(START, START + HOUR), QUARTER_HOUR, VIENNA)
    empty = Row("n", POWER, START, START, None, None, "missing", "m")
    assert gaps.filled([], [value(START, 1, POWER, "W", "m")], edges, START, empty) == []
    assert gaps.taken() == []
