"""Local months at the door: the sum of their days, over the seam of two classes too; none that has not ended."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.door.meant import Corrected
from gateway.door.windows import WindowSource, local_midnight, windows
from gateway.pages.own_data import DataDesk
from gateway.pages.own_data import _grant as own_grant
from meter_driver.intervals import day_edges, month_edges
from meter_driver.reading import Reading
from policies.minimise import Corrections, edges_of
from policies.terms import (
    EVERYTHING,
    FAR_FUTURE,
    ONE_DAY,
    ONE_MONTH,
    QUARTER_HOUR,
    WHOLE,
    DetailClass,
    Grant,
    Level,
    Period,
    Purpose,
    Recipient,
    Row,
    SubjectId,
)
from policies.vee.corrections import Correction
from tests.gateway.door.shelf import Scene, Versioned
from tests.gateway.door.test_days import HOUR, own, run
from tests.gateway.house import House, house, told

BERLIN, KATHMANDU, HAVANA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Havana")
ENERGY, NEED, POWER = "1-0:1.8.0*255", "1-0:1.29.0*255", "1-0:1.7.0*255"
MARCH = month_edges(date(2026, 3, 1), BERLIN)
START, END = MARCH[0] - 2 * ONE_DAY, MARCH[1] + 2 * ONE_DAY
OF_CLASSES = {DetailClass.LIVE: 3, DetailClass.QUARTER: 12}


def at(place: int) -> datetime:
    return START + place * HOUR


async def feed(home: House, who: SubjectId, first: datetime, last: datetime, leave: Sequence[datetime] = ()) -> None:
    """A register, a load profile and a power, each hour but for some."""
    readings = []
    hours = [at(n) for n in range(round((END - START) / HOUR)) if first <= at(n) < last and at(n) not in leave]
    for begin in hours:
        place = round((begin - START) / HOUR)
        energy, power = Decimal(100 + place) + Decimal(place % 7) / 10, Decimal(200 + 10 * (place % 5))
        readings.append((who, Reading("m", ENERGY, begin, energy, "kWh")))
        readings.append((who, Reading("m", NEED, begin + HOUR, Decimal(place % 9) / 8, "kWh", start=begin)))
        readings += [(who, Reading("m", POWER, begin + n * QUARTER_HOUR, power + n, "W")) for n in range(4)]
    for some in range(0, len(readings), 400):
        await home.take(readings[some : some + 400])


def of(rows: Sequence[Row], quantity: str) -> list[Row]:
    return [row for row in rows if row.quantity == quantity]


async def months_of(home: House, who: SubjectId) -> list[Row]:
    """Without February, of which a day was read: it is missing."""
    rows = await own(home, who, ONE_MONTH)
    assert {row.status for row in rows if row.end == MARCH[0]} <= {"missing"}
    return [row for row in rows if row.start >= MARCH[0]]


class Case(NamedTuple):
    days: list[Row]
    months: list[Row]


class Decided(Versioned):
    """Of each class every second day, and of its own kind: days, and first quarters of them."""

    async def of(self, household: SubjectId, detail: DetailClass, period: Period) -> Corrections:
        some = edges_of(Period(period.start - 2 * ONE_DAY, period.end + 2 * ONE_DAY), ONE_DAY, BERLIN)
        length, value = (None, 1000) if detail is DetailClass.DAY else (QUARTER_HOUR, 50)
        made = [
            Correction("m", ENERGY, start, start + length if length else end, Decimal(value), "kWh", "validated")
            for start, end in some
            if start.toordinal() % 2 == 0
        ]
        return {("m", ENERGY): made}


async def played(folder: Path, leave: Sequence[datetime] = (), corrected: Corrected | None = None) -> Case:
    """Sixteen days more than a month, day by day; in the middle of it quarters expire and days stay."""
    async with house(folder, zone="Europe/Berlin", kept=OF_CLASSES) as home:
        home.now = START
        who = await home.household()
        while home.now < END:
            begin = home.now
            await run(home, begin + ONE_DAY)
            await feed(home, who, begin, home.now, leave)
        if corrected is not None:
            g = home.gateway
            desk = DataDesk(g.vault, g.registry.meters, g.epochs, {}, g.clock, BERLIN, corrected)
            object.__setattr__(g, "own_data", desk)
        return Case(await own(home, who, ONE_DAY), await months_of(home, who))


async def test_a_month_is_the_sum_of_its_days_over_the_seam_of_quarters_and_days(tmp_path: Path) -> None:
    days, months = await played(tmp_path)
    assert {(row.start, row.end) for row in months} == {MARCH}
    for quantity in (ENERGY, NEED):
        inside = [row for row in of(days, quantity) if MARCH[0] <= row.start < MARCH[1]]
        (month,) = of(months, quantity)
        assert len(inside) == 31
        assert all(row.status == "measured" for row in [*inside, month])
        assert told(month) == sum(told(row) for row in inside)
    (power,) = of(months, POWER)
    lengths = {row.start: (row.end - row.start) / HOUR for row in of(days, POWER)}
    assert sorted(set(lengths.values())) == [23, 24]
    inside = [row for row in of(days, POWER) if MARCH[0] <= row.start < MARCH[1]]
    mean = sum(told(row) * Decimal(lengths[row.start]) for row in inside) / Decimal((MARCH[1] - MARCH[0]) / HOUR)
    assert abs(told(power) - mean) < Decimal("0.001")
    assert (power.status, power.completeness) == ("measured", WHOLE)


async def test_a_month_with_corrections_on_both_sides_of_the_seam_is_the_sum_of_its_corrected_days(
    tmp_path: Path,
) -> None:
    days, months = await played(tmp_path, corrected=Decided())
    inside = [row for row in of(days, ENERGY) if MARCH[0] <= row.start < MARCH[1]]
    (month,) = of(months, ENERGY)
    values = {told(row) for row in inside}
    assert Decimal(1000) in values
    assert any(50 < value < 100 for value in values)
    assert told(month) == sum(told(row) for row in inside)


async def test_a_month_that_lacks_something_has_the_status_and_completeness_of_every_interval(tmp_path: Path) -> None:
    away = [MARCH[0] + n * HOUR for n in range(100, 148)]
    days, months = await played(tmp_path, away)
    (energy,), (need,), (power,) = (of(months, quantity) for quantity in (ENERGY, NEED, POWER))
    assert (energy.status, energy.completeness) == ("measured", WHOLE)
    for row in (need, power):
        assert (row.value, row.status) == (None, "missing")
        assert row.completeness == pytest.approx(Decimal("0.935"), abs=Decimal("0.001"))
    assert {row.status for row in of(days, NEED)} == {"measured", "missing"}


async def test_a_month_that_has_not_ended_is_not_told(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        home.now = MARCH[1] - timedelta(seconds=1)
        who = await home.household()
        home.now = MARCH[1]
        await feed(home, who, START, MARCH[1])
        home.now = MARCH[1] - timedelta(seconds=1)
        assert await months_of(home, who) == []
        home.now = MARCH[1]
        assert {row.start for row in await months_of(home, who)} == {MARCH[0]}


async def test_a_month_of_which_a_day_is_held_no_longer_is_not_told(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin", kept={DetailClass.DAY: 31}) as home:
        home.now = MARCH[1] + HOUR
        who = await home.household()
        await feed(home, who, START, home.now)
        home.now += ONE_DAY
        await home.gateway.retention.run(home.now)
        assert await own(home, who, ONE_DAY)
        assert await own(home, who, ONE_MONTH) == []


@pytest.mark.parametrize("agreed", [QUARTER_HOUR, ONE_DAY])
async def test_a_recipient_gets_the_months_that_the_household_gets_and_no_part_of_one(
    tmp_path: Path, agreed: timedelta
) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        home.now = MARCH[1] + HOUR
        who = await home.household()
        await feed(home, who, START, home.now)
        wanted = frozenset({ENERGY})
        await home.agree(who, resolution=agreed, values=Period(START, END), quantities=wanted)
        question = home.question(who, resolution=ONE_MONTH, period=Period(START, home.now), quantities=wanted)
        (month,) = await home.rows(question)
        (mine,) = of(await months_of(home, who), ENERGY)
        assert (month.start, month.end, month.value, month.status) == (*MARCH, mine.value, "measured")
        assert await home.rows(replace(question, period=Period(MARCH[0] + HOUR, home.now))) == []


# -- the plan


def grant(step: timedelta, period: Period) -> Grant:
    words = Recipient("self"), Purpose.ENERGY_ADVICE, EVERYTHING, step, Level.INDIVIDUAL, period
    return Grant("g", SubjectId("s"), *words, until=FAR_FUTURE, keep=timedelta(0))


@given(
    st.sampled_from([BERLIN, KATHMANDU, HAVANA, UTC]),
    st.sampled_from([QUARTER_HOUR, HOUR, ONE_DAY, ONE_MONTH]),
    st.integers(0, 400),
    st.integers(1, 120),
    st.integers(0, 400),
    st.integers(0, 400),
)
def test_windows_hold_every_interval_once_and_their_sources_every_instant_once(
    zone: ZoneInfo, step: timedelta, first: int, length: int, day: int, quarter: int
) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    period = Period(begin + first * ONE_DAY, begin + (first + length) * ONE_DAY)
    held = {DetailClass.DAY: begin + min(day, quarter) * ONE_DAY, DetailClass.QUARTER: begin + quarter * ONE_DAY}
    found = list(windows(grant(step, period), zone, lambda detail: held[detail]))
    start = max(period.start, held[DetailClass.DAY]) if step >= ONE_DAY else period.start
    edges = [edge for window in found for edge in edges_of(window.period, step, zone)]
    assert edges == edges_of(Period(start, period.end), step, zone)
    for window in found:
        parts = [source.part for source in window.sources]
        assert (parts[0].start, parts[-1].end) == (window.period.start, window.period.end)
        assert all(a.end == b.start for a, b in pairwise(parts))
        assert all(a.reach.end <= b.reach.start for a, b in pairwise(window.sources))
        for source in window.sources:
            assert source.reach.covers(source.part)
            if source.detail is DetailClass.QUARTER and step >= ONE_DAY:
                assert source.reach.start >= held[DetailClass.QUARTER]
                assert local_midnight(source.part.start, zone) == source.part.start or source.part.start == period.start


@pytest.mark.parametrize("zone", [BERLIN, KATHMANDU, HAVANA, ZoneInfo("Australia/Lord_Howe")])
def test_months_follow_each_other_without_a_gap_and_are_whole_days(zone: ZoneInfo) -> None:
    months = [month_edges(date(2024 + n // 12, n % 12 + 1, 17), zone) for n in range(48)]
    assert all(a[1] == b[0] for a, b in pairwise(months))
    assert {(b - a).days + (b - a).seconds // 43_200 for a, b in months} == {28, 29, 30, 31}
    for begin, end in months:
        days = edges_of(Period(begin, end), ONE_DAY, zone)
        assert (days[0][0], days[-1][1]) == (begin, end)
        assert days[0] == day_edges(begin.astimezone(zone).date(), zone)


async def test_a_correction_counts_on_its_side_of_the_seam_alone() -> None:
    """The last quarter before the seam is in the day's own correction; so is the first day after it in its quarters."""
    seam, grant = at(48), own_grant("g", SubjectId("w"), ONE_MONTH, Period(at(0), at(96)))

    class Seam(Versioned):
        async def of(self, household: SubjectId, detail: DetailClass, period: Period) -> Corrections:
            length = ONE_DAY if detail is DetailClass.DAY else QUARTER_HOUR
            spans = [(seam - length, seam), (seam, seam + length)]
            words = Decimal(1), "kWh", "validated", "", int(detail is DetailClass.QUARTER)
            return {("m", ENERGY): [Correction("m", ENERGY, start, end, *words) for start, end in spans]}

    parts = (DetailClass.DAY, Period(at(0), seam)), (DetailClass.QUARTER, Period(seam, at(96)))
    sources = [WindowSource(detail, part, part) for detail, part in parts]
    found = await Scene(BERLIN, Seam()).opener._changes(grant, sources)
    assert [(one.start, one.end) for one in found["m", ENERGY]] == [(seam - ONE_DAY, seam), (seam, seam + QUARTER_HOUR)]
