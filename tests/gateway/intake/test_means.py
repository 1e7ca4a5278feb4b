"""Means that say of which time they are: each counts for that, however they come and whatever they are merged into."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from adapters.plugin import Batch
from meter_driver.reading import Reading
from policies.amounts import rows_of
from policies.terms import DetailClass, Row
from policies.vault.values import Value
from tests.gateway.vault.safe import ANNA, NOON, POWER, Safe, opened

AVERAGE = "1-0:1.5.0*255"
MINUTE, QUARTER, HOUR = timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1)
START = NOON - 6 * HOUR
LIVE, QUARTERS, DAY = DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY
Said = tuple[int, int, int]
"""First and last minute, and watts; both alike is a value of an instant."""


def drawn(rng: Random, *, instants: bool) -> list[Said]:
    """Four hours; none overlaps another, some are missing between them."""
    found, at = [], rng.randrange(0, 20)
    while at < 240:
        length = rng.choice([1, 5, 5, 15, 15, 20, 30, 60])
        if rng.random() < 0.8:
            found.append((at, at if instants and rng.random() < 0.3 else at + length, rng.randint(0, 3000)))
        at += length
    return found


def slow(said: Sequence[Said], begin: int, end: int) -> tuple[Fraction, int, bool]:
    """Minute by minute: the mean of what stands, for how long something does, and whether all is known."""
    total, covered, whole = 0, 0, True
    for minute in range(begin, end):
        before = [one for one in said if one[0] <= minute]
        if before:
            first, last, watts = max(before)
            if minute < (last if first < last else first + 15):
                total, covered = total + watts, covered + 1
                whole = whole and (first == last or (begin <= first and last <= end))
    return Fraction(total, covered or 1), covered, whole and covered == end - begin


def reading(one: Said, quantity: str) -> Reading:
    first, last, watts = one
    begin = START + first * MINUTE if first < last else None
    return Reading("", quantity, START + last * MINUTE, Decimal(watts), "W", begin)


async def send(safe: Safe, said: Sequence[Said], quantity: str, at_once: int) -> None:
    for n in range(0, len(said), at_once):
        safe.sequence += 1
        some = [(ANNA, reading(one, quantity)) for one in said[n : n + at_once]]
        assert not (await safe.intake.take(Batch("box", safe.sequence, some))).refused


def rows(values: Sequence[Value], quantity: str, step: timedelta) -> list[Row]:
    edges = [(START + n * step, START + (n + 1) * step) for n in range(6 * HOUR // step)]
    return rows_of(values, quantity, ANNA, "", edges)


def check(told: Sequence[Row], said: Sequence[Said], step: timedelta) -> None:
    there = {row.start: row for row in told}
    for begin in range(0, 360, step // MINUTE):
        mean, covered, whole = slow(said, begin, begin + step // MINUTE)
        row = there.get(START + begin * MINUTE)
        assert (row is None) == (not covered)
        if row is not None:
            assert row.value is not None
            assert abs(Fraction(row.value) - mean) <= Fraction(1, 2000)
            assert (row.status == "measured") == whole


@pytest.mark.parametrize("at_once", [1, 7, 1000])
@pytest.mark.parametrize("quantity", [POWER, AVERAGE])
@pytest.mark.parametrize("seed", range(4))
async def test_a_mean_is_that_of_its_own_time_in_every_class(
    tmp_path: Path, quantity: str, seed: int, at_once: int
) -> None:
    rng = Random(seed)
    said = drawn(rng, instants=quantity == POWER)
    again = [(first, last, 7) for first, last, _ in rng.sample(said, 5)]
    counts = sorted({**{one[:2]: one for one in said}, **{one[:2]: one for one in again}}.values())
    rng.shuffle(said)
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await send(safe, said, quantity, at_once)
        await send(safe, again, quantity, at_once)
        for _ in range(2):
            for step in (5 * MINUTE, QUARTER, HOUR):
                live = sorted(await safe.values(ANNA, LIVE, quantity), key=lambda value: value.first_at)
                check(rows(live, quantity, step), counts, step)
                if step >= QUARTER:
                    check(rows(await safe.values(ANNA, QUARTERS, quantity), quantity, step), counts, step)
            for detail in (LIVE, QUARTERS, DAY):
                await safe.compactor.merge(ANNA, detail, NOON.toordinal())
        (day,) = await safe.values(ANNA, DAY, quantity)
        first, until, watts = counts[-1]
        total = sum(slow(counts, minute, minute + 1)[0] for minute in range(360)) * 60
        assert Fraction(day.total) == total - (0 if first < until else 15 * 60 * watts)
        assert (day.count < 0) == (first < until)


async def test_a_mean_as_received_has_its_interval_and_of_one_without_nothing_is_told_in_intervals(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await send(safe, [(0, 15, 400), (30, 30, 500)], AVERAGE, 1)
        mean, alone = await safe.values(ANNA, LIVE, AVERAGE)
        assert (mean.first_at, mean.at, mean.last, mean.count) == (START, START + QUARTER, Decimal(400), -1)
        assert (alone.first_at, alone.at, alone.count) == (START + 2 * QUARTER, START + 2 * QUARTER, 1)
        for detail in (LIVE, QUARTERS):
            told = rows(await safe.values(ANNA, detail, AVERAGE), AVERAGE, QUARTER)
            assert [(row.start, row.value, row.status) for row in told] == [(START, Decimal(400), "measured")]


async def test_late_means_follow_each_other_when_the_readings_of_their_quarter_are_gone(tmp_path: Path) -> None:
    async with opened(tmp_path, {LIVE: 2}) as safe:
        await safe.vault.admit(ANNA, NOON)
        await send(safe, [(0, 5, 100)], POWER, 1)
        safe.now = NOON + timedelta(days=4)
        await safe.compactor.round()
        await safe.retention.run(safe.now)
        await send(safe, [(5, 10, 200), (10, 15, 300)], POWER, 1)
        told = rows(await safe.values(ANNA, QUARTERS, POWER), POWER, QUARTER)
        check(told, [(0, 5, 100), (5, 10, 200), (10, 15, 300)], QUARTER)
        safe.sequence += 1
        late = Batch("box", safe.sequence, [(ANNA, reading((4, 6, 9), POWER))])
        assert (await safe.intake.take(late)).refused == ((0, "too-late"),)
