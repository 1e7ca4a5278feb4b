"""Local days at the door: each once and whole, from quarters or from days, and none whose own class is past."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.door import following
from gateway.vault.port import held_since
from meter_driver.intervals import day_edges
from policies.terms import AS_RECEIVED, ONE_DAY, QUARTER_HOUR, DetailClass, Period, Row, SubjectId
from tests.gateway.house import House, house, told

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, FIVE = timedelta(hours=1), timedelta(minutes=5)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


async def hours(home: House, who: SubjectId, start: datetime, end: datetime) -> None:
    """A register that stands at the hours since ``SPRING`` or so: one a kWh."""
    count = round((end - start) / HOUR) + 1
    base = round((start - at_noon(SPRING)) / HOUR) + 10_000
    await home.feed(who, [base + n for n in range(count)], step=HOUR, start=start)


def lengths(rows: Sequence[Row]) -> list[tuple[date, Decimal, str]]:
    """Local day, energy, status."""
    return [(row.start.astimezone(BERLIN).date(), told(row), row.status) for row in rows if row.value is not None]


@pytest.mark.parametrize(("change", "length"), [(SPRING, 23), (AUTUMN, 25)])
async def test_a_stream_in_days_tells_each_local_day_once_when_the_clocks_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: date, length: int
) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        first, last = (day_edges(change + n * ONE_DAY, BERLIN)[0] for n in (-2, 3))
        home.now = first + HOUR
        who = await home.household()
        await home.agree(who, resolution=ONE_DAY)
        alive = [True]

        async def moment(_: asyncio.Event | None) -> None:
            """Six hours later; now and then the compactor had its turn."""
            if home.now > last:
                alive[0] = False
                return
            begin, home.now = home.now, home.now + 6 * HOUR
            await hours(home, who, begin, home.now)
            if home.now.hour < 6:
                await home.compactor.round()

        monkeypatch.setattr(following, "_moment", moment)
        await hours(home, who, first - HOUR, home.now)
        question = home.question(who, resolution=ONE_DAY, period=Period(first, first + 20 * ONE_DAY))
        stream = await home.release.follow(question, home.right(question, lambda: alive[0]), gone=lambda: False)
        rows = [row async for part in stream for row in part.released.rows]
        days = [change + n * ONE_DAY for n in (-2, -1, 0, 1, 2)]
        energy = {change: Decimal(length)}
        assert lengths(rows) == [(day, energy.get(day, Decimal(24)), "measured") for day in days]


async def test_days_are_told_of_a_household_that_no_compactor_saw(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        home.now = at_noon(SPRING) + 2 * ONE_DAY
        who = await home.household()
        await home.agree(who, resolution=ONE_DAY)
        await hours(home, who, home.now - 4 * ONE_DAY, home.now)
        question = home.question(who, resolution=ONE_DAY, period=Period(home.now - 3 * ONE_DAY, home.now))
        found = lengths(await home.rows(question))
        assert found == [(SPRING, Decimal(23), "measured"), (SPRING + ONE_DAY, Decimal(24), "measured")]


async def run(home: House, until: datetime) -> None:
    """Midnights and the compactor's nights."""
    while home.now < until:
        home.now = (home.now + ONE_DAY).replace(hour=0)
        await home.gateway.retention.run(home.now)
        home.now = home.now.replace(hour=1)
        await home.compactor.round()
    home.now = until


async def test_a_question_over_the_seam_of_quarters_and_days_gets_every_day(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin", kept={DetailClass.LIVE: 3, DetailClass.QUARTER: 4}) as home:
        start = home.now = at_noon(SPRING) - 3 * ONE_DAY
        who = await home.household()
        await home.agree(who, resolution=ONE_DAY)
        for _ in range(12):
            begin = home.now
            await run(home, begin + ONE_DAY)
            await hours(home, who, begin, home.now)
        question = home.question(who, resolution=ONE_DAY, period=Period(start, home.now))
        found = {day: energy for day, energy, _ in lengths(await home.rows(question))}
        inner = [start.date() + n * ONE_DAY for n in range(1, 12)]
        assert found == {day: Decimal(23 if day == SPRING else 24) for day in inner}


async def own(home: House, who: SubjectId, step: timedelta | None = None) -> list[Row]:
    parts = await home.gateway.own_data.own(who, home.own_right(), step)
    return [row async for part in parts for row in part.released.rows]


@pytest.mark.gdpr("15(3)")
async def test_the_export_of_everything_has_no_gap_and_no_overlap_where_it_becomes_finer(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin", kept={DetailClass.LIVE: 3, DetailClass.QUARTER: 5}) as home:
        home.now = at_noon(SPRING) - 3 * ONE_DAY
        who = await home.household()
        for _ in range(10):
            begin = home.now
            await run(home, begin + ONE_DAY)
            await home.feed(who, list(range(97)), start=begin, quantity="1-0:1.8.0*255")
        rows = await own(home, who)
        assert {length for r in rows if (length := r.end - r.start)} >= {ONE_DAY, QUARTER_HOUR}
        spans = sorted((r.start, r.end) for r in rows if r.end > r.start)
        assert all(before[1] == after[0] for before, after in pairwise(spans))
        seam, instants = spans[-1][1], [r.start for r in rows if r.end == r.start]
        received = [at for at in instants if at >= seam]
        assert min(received) == seam
        assert received == [r.start for r in await own(home, who, AS_RECEIVED) if r.start >= seam]
        for step in (AS_RECEIVED, QUARTER_HOUR, HOUR, ONE_DAY):
            assert await own(home, who, step), step


async def test_stands_are_given_out_as_long_as_days_and_quarters_hold_them(tmp_path: Path) -> None:
    """Of a quarter and of a day the first and the last; those as received are gone."""
    async with house(tmp_path, zone="Europe/Berlin", kept={DetailClass.LIVE: 2, DetailClass.QUARTER: 4}) as home:
        home.now = at_noon(SPRING) - 3 * ONE_DAY
        who = await home.household()
        said: dict[datetime, Decimal] = {}
        for _ in range(10):
            begin = home.now
            await run(home, begin + ONE_DAY)
            values = [len(said) + n for n in range(288)]
            said |= {begin + n * FIVE: Decimal(value) for n, value in enumerate(values)}
            await home.feed(who, values, step=FIVE, start=begin, quantity="1-0:1.8.0*255")
        stands = [part async for part in await home.gateway.own_data.stands(who, home.own_right())]
        rows = [row for part in stands for row in part.released.rows]
        assert all(row.value == said[row.start] for row in rows)
        assert all(part.standing.still() for part in stands)
        told_of = {row.start for row in rows}
        assert len(told_of) == len(rows)
        quarters = held_since(home.vault, who, DetailClass.QUARTER)
        assert {at for at in said if at >= quarters and at.minute % 15 in (0, 10)} <= told_of
        days = [midnight(at_noon(SPRING) + n * ONE_DAY) for n in range(-2, 3)]
        assert {edge for begin, end in pairwise(days) for edge in (begin, end - FIVE)} <= told_of
        whole = {(row.start, row.value) for row in await own(home, who) if row.start == row.end}
        assert whole >= {(row.start, row.value) for row in rows}


def midnight(at: datetime) -> datetime:
    """In Berlin, at or before."""
    return day_edges(at.astimezone(BERLIN).date(), BERLIN)[0]


async def test_a_day_whose_class_is_past_is_not_told_from_quarters_that_are_kept_longer(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin", kept={DetailClass.DAY: 3}) as home:
        home.now = at_noon(SPRING) + 8 * ONE_DAY
        who = await home.household()
        await home.agree(who, resolution=QUARTER_HOUR)
        await hours(home, who, home.now - 8 * ONE_DAY, home.now)
        await home.gateway.retention.run(home.now)
        question = home.question(who, resolution=ONE_DAY, period=Period(home.now - 8 * ONE_DAY, home.now))
        parts = await home.parts(question)
        assert all(part.standing.still() for part in parts)
        days = [day for day, _, _ in lengths([row for part in parts for row in part.released.rows])]
        assert days == [SPRING + n * ONE_DAY for n in (6, 7)]
