"""What comes for quarters whose readings are gone counts or is refused by name: never acknowledged and dropped."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from adapters.plugin import Batch, IntakeAnswer
from gateway.vault.port import Value
from meter_driver.quantities import Kind
from meter_driver.reading import Reading
from policies.terms import DetailClass
from tests.gateway.vault.safe import ANNA, NOON, POWER, Safe, opened

ENTRY = "1-0:1.29.0*255"
OLD = NOON - timedelta(days=20)
"""Held in quarters, and no finer."""
FIVE = timedelta(minutes=5)
LATE = "too-late"


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[Safe]:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        yield safe


def power(minute: int, value: str) -> Reading:
    return Reading("", POWER, OLD + timedelta(minutes=minute), Decimal(value), "W")


def entry(minute: int, value: str) -> Reading:
    """From that minute on."""
    begin = OLD + timedelta(minutes=minute)
    return Reading("", ENTRY, begin + FIVE, Decimal(value), "kWh", begin)


async def send(safe: Safe, readings: Sequence[Reading]) -> IntakeAnswer:
    safe.sequence += 1
    return await safe.intake.take(Batch("box", safe.sequence, [(ANNA, each) for each in readings]))


async def quarter(safe: Safe, quantity: str) -> Value:
    (value,) = await safe.values(ANNA, DetailClass.QUARTER, quantity)
    return value


async def test_a_correction_among_what_is_held_as_a_mean_is_refused(safe: Safe) -> None:
    await send(safe, [power(minute, "100") for minute in range(10)])
    before = await quarter(safe, POWER)
    assert await send(safe, [power(4, "900"), power(12, "200")]) == IntakeAnswer(1, ((0, LATE),))
    after = await quarter(safe, POWER)
    assert (after.count, after.total) == (11, before.total + 3 * 60 * 100)


async def test_a_correction_among_what_is_held_as_a_sum_is_refused(safe: Safe) -> None:
    await send(safe, [entry(minute, "1") for minute in (0, 5)])
    assert await send(safe, [entry(0, "9"), entry(10, "2")]) == IntakeAnswer(1, ((0, LATE),))
    assert (await quarter(safe, ENTRY)).total == 4000


async def test_a_quarter_that_comes_again_as_a_whole_is_corrected(safe: Safe) -> None:
    await send(safe, [entry(minute, "1") for minute in (0, 5, 10)])
    assert (await send(safe, [entry(minute, "2") for minute in (0, 5, 10)])).refused == ()
    assert (await quarter(safe, ENTRY)).total == 6000


@pytest.mark.parametrize("held", [(0, 10), (0, 5), (5,), (0, 5, 10)])
async def test_a_quarter_that_comes_late_as_a_whole_takes_the_place_of_the_parts_that_are_held(
    safe: Safe, held: Sequence[int]
) -> None:
    await send(safe, [entry(minute, "1") for minute in held])
    assert (await send(safe, [entry(minute, "2") for minute in (0, 5, 10)])).refused == ()
    value = await quarter(safe, ENTRY)
    assert (int(value.total), value.covered, value.count) == (6000, 3 * FIVE, 3)


async def test_entries_with_a_gap_do_not_replace_what_lies_in_it(safe: Safe) -> None:
    await send(safe, [entry(minute, "1") for minute in (0, 5)])
    assert await send(safe, [entry(0, "2"), entry(10, "2")]) == IntakeAnswer(1, ((0, LATE),))
    assert (await quarter(safe, ENTRY)).total == 4000


async def test_one_entry_in_place_of_the_several_that_are_held_is_refused_not_dropped(safe: Safe) -> None:
    await send(safe, [entry(minute, "1") for minute in (0, 5, 10)])
    whole = Reading("", ENTRY, OLD + 3 * FIVE, Decimal(9), "kWh", OLD)
    assert await send(safe, [whole]) == IntakeAnswer(0, ((0, LATE),))
    assert (await quarter(safe, ENTRY)).total == 3000


async def test_an_hour_does_not_replace_its_first_quarter(safe: Safe) -> None:
    await send(safe, [entry(0, "1")])
    hour = Reading("", ENTRY, OLD + timedelta(hours=1), Decimal(9), "kWh", OLD)
    assert await send(safe, [hour]) == IntakeAnswer(0, ((0, LATE),))


async def test_the_same_again_is_taken_and_changes_nothing(safe: Safe) -> None:
    sent = [power(minute, f"{minute}") for minute in range(10)]
    await send(safe, sent)
    before = await quarter(safe, POWER)
    assert (await send(safe, sent)).refused == ()
    assert await quarter(safe, POWER) == before


async def test_what_comes_before_and_after_what_is_held_is_added_at_once(safe: Safe) -> None:
    await send(safe, [entry(5, "1")])
    assert (await send(safe, [entry(0, "2"), entry(10, "4")])).refused == ()
    value = await quarter(safe, ENTRY)
    assert (int(value.total), value.covered, value.count) == (7000, 3 * FIVE, 3)


async def test_a_stand_of_a_register_may_be_told_again_however_late(safe: Safe) -> None:
    await safe.take(ANNA, [(OLD + timedelta(minutes=minute), f"{minute}") for minute in range(10)])
    assert (await safe.take(ANNA, [(OLD, "0.5"), (OLD + FIVE, "5")])).refused == ()
    assert [v.first for v in await safe.values(ANNA, DetailClass.QUARTER)] == [500]


async def test_a_late_amount_of_which_nobody_said_what_it_covers_is_refused(safe: Safe) -> None:
    bare = Reading("", ENTRY, OLD, Decimal(1), "kWh")
    assert (await send(safe, [bare, entry(0, "1")])).refused == ((0, "expired"),)


async def test_while_readings_are_held_a_correction_is_taken(safe: Safe) -> None:
    near = NOON - timedelta(days=2)
    await safe.take(ANNA, [(near + timedelta(minutes=n), "100") for n in range(10)], POWER, "W")
    assert (await safe.take(ANNA, [(near + FIVE, "900")], POWER, "W")).refused == ()
    assert (await quarter(safe, POWER)).total == 60 * (8 * 100 + 900)


async def test_a_quarter_that_is_damaged_keeps_no_batch_from_being_answered(safe: Safe) -> None:
    await send(safe, [power(minute, "100") for minute in range(10)])
    await safe.store.write(lambda connection: connection.exec_driver_sql("UPDATE piece SET sealed = zeroblob(64)"))
    assert (await send(safe, [power(4, "900")])).accepted == 1


async def test_of_some_that_come_at_once_for_one_time_one_is_taken(safe: Safe) -> None:
    batches = [[power(minute, str(value)) for minute in range(10)] for value in (1, 2, 3)]
    answers = await asyncio.gather(*(send(safe, batch) for batch in batches))
    assert sorted(answer.accepted for answer in answers) == [0, 0, 10]
    kept = next(n for n, answer in enumerate(answers, 1) if answer.accepted)
    assert (await quarter(safe, POWER)).total == kept * 9 * 60


@pytest.mark.parametrize("kind", [Kind.INSTANT, Kind.INTERVAL])
@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_accepted_counts_in_any_order(safe: Safe, seed: int, kind: Kind) -> None:
    chance = random.Random(seed)
    step, make, quantity = (5, entry, ENTRY) if kind is Kind.INTERVAL else (1, power, POWER)
    accepted: dict[int, int] = {}
    for _ in range(8):
        minutes = chance.sample(range(0, 45, step), chance.randint(1, 4))
        said = [chance.randint(1, 99) for _ in minutes]
        answer = await send(safe, [make(minute, str(value)) for minute, value in zip(minutes, said, strict=True)])
        assert {reason for _, reason in answer.refused} <= {LATE}
        bad = {index for index, _ in answer.refused}
        accepted |= {m: v for n, (m, v) in enumerate(zip(minutes, said, strict=True)) if n not in bad}
        if chance.random() < 0.3:
            await safe.compactor.merge(ANNA, DetailClass.QUARTER, OLD.toordinal())
    found = {
        value.at: (value.count, int(value.total)) for value in await safe.values(ANNA, DetailClass.QUARTER, quantity)
    }
    assert found == expected(accepted, kind)


def expected(accepted: Mapping[int, int], kind: Kind) -> dict[datetime, tuple[int, int]]:
    """Slow: how many readings there are in each quarter, and their sum in Wh, or their integral in Ws."""
    found = {}
    for begin in (0, 15, 30):
        minutes = sorted(minute for minute in accepted if begin <= minute < begin + 15)
        stood = pairwise(minutes)
        sums = 1000 * sum(accepted[m] for m in minutes)
        total = sums if kind is Kind.INTERVAL else sum(60 * (b - a) * accepted[a] for a, b in stood)
        if minutes:
            found[OLD + timedelta(minutes=begin)] = (len(minutes), total)
    return found
