"""What a stream in intervals tells of what it has passed: in the end what an answer tells, and nothing twice."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.door import following, late
from gateway.door.following import Watch
from meter_driver.reading import Reading
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, Period, Row, SubjectId
from policies.vault.values import Value
from tests.gateway.door.shelf import ENERGY, Scene, quarter
from tests.gateway.door.test_following import DAY, HOUR, MIDNIGHT, Turns, nothing
from tests.gateway.door.test_opening import taken
from tests.gateway.house import House, house

MINUTE = timedelta(minutes=1)
NEED, POWER = "1-0:1.29.0*255", "1-0:1.7.0*255"

# -- two meters, in whatever order they come


class Came(NamedTuple):
    """A register's reading in a quarter of the day, some minutes after its begin."""

    meter: str
    number: int
    minute: int

    def value(self) -> Value:
        at = MIDNIGHT + self.number * QUARTER_HOUR
        read = at + self.minute * MINUTE
        of = quarter(at, 15 * self.number + self.minute)
        return msgspec.structs.replace(of, first_at=read, last_at=read, meter=self.meter)


@st.composite
def batches(draw: st.DrawFn) -> list[list[Came]]:
    """Most quarters of two meters, mostly late by some batches at most, and some by many."""
    minute = st.sampled_from([0, 0, 0, 1, 14])
    numbers = draw(st.lists(st.integers(0, 19), min_size=10, max_size=20, unique=True))
    all_ = [Came(meter, number, draw(minute)) for meter in ("a", "b") for number in numbers]
    delays = [each.number + draw(st.sampled_from([0, 0, 0, 1, 2, 6, 20])) for each in all_]
    order = [came for _, came in sorted(zip(delays, all_, strict=True), key=lambda pair: pair[0])]
    cuts = sorted({0, *draw(st.lists(st.integers(1, len(order) - 1), max_size=20)), len(order)})
    return [order[a:b] for a, b in pairwise(cuts)]


Said = tuple[Decimal, str | None, str]
"""Number, unit and worth."""


def numbers(rows: Sequence[Row]) -> dict[tuple[str, datetime], Said]:
    """What was told last of each meter's interval, where that is a number."""
    last = {(row.meter, row.start): row for row in rows}
    return {key: (row.value, row.unit, row.status) for key, row in sorted(last.items()) if row.value is not None}


def twice(rows: Sequence[Row]) -> list[Row]:
    """What was told again although nothing of it had changed."""
    last: dict[tuple[str, datetime], Row] = {}
    found = []
    for row in rows:
        before = last.get((row.meter, row.start))
        if before is not None and (before.value, before.status) == (row.value, row.status):
            found.append(row)
        last[row.meter, row.start] = row
    return found


LATER_FIRST = [
    [Came(meter, n, 0) for meter in "ab" for n in (*range(7), 12, 13)] + [Came("b", 16, 0), Came("a", 17, 0)],
    [Came("a", 16, 0), Came("b", 17, 0)],
]
"""An hour is told by what lies behind its end, then the reading of its very end comes."""


@given(batches(), st.sampled_from([QUARTER_HOUR, HOUR / 2, HOUR]), st.integers(0, 3), st.sampled_from([200, 2]))
@example(LATER_FIRST, HOUR, 0, 200)
def test_in_whatever_order_two_meters_come_a_stream_tells_what_an_answer_tells_and_nothing_twice(
    some: list[list[Came]], resolution: timedelta, before: int, remembered: int
) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT

    def put(batch: Sequence[Came]) -> Callable[[], None]:
        def come() -> None:
            values = [each.value() for each in batch]
            scene.now = max(scene.now, *(value.last_at + MINUTE for value in values))
            scene.shelf.put(*values, detail=DetailClass.QUARTER)

        return come

    async def run() -> None:
        for batch in some[:before]:
            put(batch)()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(late, "MOST_TOLD", remembered)
            turns = Turns(patch, *map(put, some[before:]), nothing)
            stream = scene.follower.follow([scene.opened(DAY, resolution)], Watch(turns.alive, lambda: False))
            told = [row for part in [part async for part in stream] for row in part.released.rows]
        last = max([*(value.at for _, value in scene.shelf.came), *(row.end for row in told)])
        answer = await taken(scene, scene.opened(Period(MIDNIGHT, last), resolution))
        assert numbers(told) == numbers([row for part in answer for row in part.released.rows])
        assert twice(told) == []

    asyncio.run(run())


class Stream:
    """What a stream of a real home tells while batches come, and what an answer tells then."""

    def __init__(self, home: House, who: SubjectId, quantity: str) -> None:
        self.home, self.who, self.quantity, self.start = home, who, quantity, home.now

    async def take(self, minute: int, meter: str, step: int) -> None:
        """Of a minute since the begin: what a register stood at, or what was drawn in the minutes before."""
        at = self.start + minute * MINUTE
        self.home.now = max(self.home.now, at + MINUTE / 6)
        if self.quantity == NEED:
            reading = Reading(meter, NEED, at, Decimal(1), "kWh", start=at - step * MINUTE)
        elif self.quantity == POWER:
            reading = Reading(meter, POWER, at, Decimal(minute % 7), "W")
        else:
            reading = Reading(meter, ENERGY, at, Decimal(100 + minute), "kWh")
        await self.home.take([(self.who, reading)])

    async def told(
        self, patch: pytest.MonkeyPatch, order: Sequence[tuple[int, str]], step: int, resolution: timedelta
    ) -> tuple[dict[tuple[str, datetime], Said], dict[tuple[str, datetime], Said]]:
        """By the stream, and by an answer up to the last that was closed."""
        coming, alive = iter(order), [True]

        async def moment(_: asyncio.Event | None) -> None:
            if (came := next(coming, None)) is None:
                alive[0] = False
            else:
                await self.take(*came, step)

        patch.setattr(following, "_moment", moment)
        words = {"resolution": resolution, "quantities": frozenset({self.quantity})}
        question = self.home.question(self.who, period=Period(self.start, self.start + ONE_DAY), **words)
        right = self.home.right(question, lambda: alive[0])
        stream = await self.home.release.follow(question, right, gone=lambda: False)
        rows = [row async for part in stream for row in part.released.rows]
        assert twice(rows) == []
        end = max((row.end for row in rows), default=self.start)
        answer = await self.home.rows(replace(question, period=Period(self.start, end)))
        return numbers(rows), numbers(answer)


async def streamed(home: House, quantity: str) -> Stream:
    home.registry.quantities = frozenset({quantity})
    who = await home.household()
    await home.agree(who, quantities=frozenset({quantity}))
    return Stream(home, who, quantity)


async def test_a_meter_that_always_comes_behind_another_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        stream = await streamed(home, ENERGY)
        order = [(15 * n, meter) for n in range(6) for meter in ("quick", "slow")]
        told, answer = await stream.told(monkeypatch, order, 15, QUARTER_HOUR)
        assert told == answer
        assert [(at - stream.start) // QUARTER_HOUR for _, at in told] == [*range(5), *range(5)]


@pytest.mark.parametrize("resolution", [QUARTER_HOUR, HOUR])
async def test_an_interval_that_ended_before_the_stream_began_is_told_when_its_closing_reading_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolution: timedelta
) -> None:
    async with house(tmp_path) as home:
        stream = await streamed(home, ENERGY)
        for n in range(4):
            await stream.take(15 * n, "m", 15)
        home.now = stream.start + HOUR + MINUTE
        told, _ = await stream.told(monkeypatch, [(15 * n, "m") for n in range(4, 9)], 15, resolution)
        assert [at for _, at in told] == [stream.start + n * resolution for n in range(2 * HOUR // resolution)]


@pytest.mark.parametrize("behind", [[21], [21, 27], [27, 21, 24]])
async def test_entries_of_one_interval_that_come_late_one_after_the_other_tell_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: list[int]
) -> None:
    async with house(tmp_path) as home:
        stream = await streamed(home, NEED)
        order = [n for n in range(3, 48, 3) if n not in behind]
        order = [*order, *behind, *range(48, 69, 3)]
        told, answer = await stream.told(monkeypatch, [(n, "m") for n in order], 3, QUARTER_HOUR)
        assert told == answer
        assert len(told) == 4


@pytest.mark.parametrize("quantity", [ENERGY, NEED, POWER])
@pytest.mark.parametrize(("seed", "remembered"), [(0, 200), (1, 200), (2, 3)])
async def test_in_whatever_order_readings_of_a_home_come_each_is_told_as_an_answer_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantity: str, seed: int, remembered: int
) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", remembered)
    rng = random.Random(seed)
    all_ = [(n, meter) for n in range(5, 185, 5) for meter in ("a", "b")]
    order = sorted(all_, key=lambda came: came[0] + rng.choice([0, 0, 0, 1, 6, 20, 90]) + (came[1] == "b") * seed)
    async with house(tmp_path) as home:
        stream = await streamed(home, quantity)
        told, answer = await stream.told(monkeypatch, order, 5, rng.choice([QUARTER_HOUR, HOUR]))
        assert told == answer
        assert len(told) > 2
