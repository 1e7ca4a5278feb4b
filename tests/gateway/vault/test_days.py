"""Days are what their quarters say, whenever those came, for as long as quarters are held; then they stay."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.plugin import Batch
from gateway.vault import compactor
from gateway.vault.days import Days
from gateway.vault.port import Value
from meter_driver.intervals import day_edges
from meter_driver.reading import Reading
from policies.terms import DetailClass
from policies.vault.padding import pad_piece
from tests.gateway.vault.safe import ANNA, ENERGY, NOON, POWER, Safe, minutes, opened

DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
PROFILE = "1-0:1.29.0*255"
VIENNA = ZoneInfo("Europe/Vienna")
SPRING = datetime(2026, 3, 29, 12, tzinfo=UTC)
"""Noon of a local day of 23 hours."""
OLD_QUARTER, OLD_DAY = (
    bytes.fromhex(
        f"0101010001000100000000{at}4c060000281a95a84c060000e749b5a84c06000a00000000000000"
        "0d312d303a312e382e302a323535036b5768000000ffff102700000000000073270000000000008f88010000000000"
    )
    for at in ("281a95a8", "1cc25c9f")
)
"""Version 1: ten readings of a register from 1000.0 to 1009.9 kWh, from 10:00 on, by quarter and by day."""


def entry(at: datetime, value: int) -> Reading:
    return Reading("", PROFILE, at + QUARTER, Decimal(value), "kWh", start=at)


async def take(safe: Safe, readings: Sequence[Reading]) -> None:
    safe.sequence += 1
    answer = await safe.intake.take(Batch("test", safe.sequence, [(ANNA, each) for each in readings]))
    assert not answer.refused


async def totals(safe: Safe, detail: DetailClass) -> dict[date, Decimal]:
    """Of the load profile, by local day."""
    found: dict[date, Decimal] = {}
    for value in await safe.values(ANNA, detail, PROFILE):
        day = value.at.astimezone(VIENNA).date()
        found[day] = found.get(day, Decimal(0)) + value.total
    return found


async def merge(safe: Safe, *back: int) -> None:
    for each in back or (0,):
        await safe.compactor.merge(ANNA, DetailClass.QUARTER, NOON.toordinal() - each)


@pytest.mark.parametrize("seed", range(4))
async def test_a_day_is_the_sum_of_its_quarters_in_whatever_order_they_and_their_corrections_came(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    first = day_edges(date(2026, 3, 28), VIENNA)[0]
    truth = {first + n * QUARTER: rng.randrange(60) for n in range((24 + 23 + 24) * 4)}
    sent = list(truth.items()) + [(at, rng.randrange(60)) for at in rng.sample(list(truth), 40)]
    rng.shuffle(sent)
    async with opened(tmp_path, now=SPRING + 3 * DAY) as safe:
        await safe.vault.admit(ANNA, safe.now)
        while sent:
            some, sent = sent[: (size := rng.randrange(1, 60))], sent[size:]
            truth |= dict(some)
            await take(safe, [entry(*each) for each in dict(some).items()])
            if rng.random() < 0.5:
                await safe.compactor.round()
        await safe.compactor.round()
        right: dict[date, Decimal] = {}
        for at, value in truth.items():
            day = at.astimezone(VIENNA).date()
            right[day] = right.get(day, Decimal(0)) + 1000 * value
        assert await totals(safe, DetailClass.DAY) == await totals(safe, DetailClass.QUARTER) == right
        covered = [value.covered for value in await safe.values(ANNA, DetailClass.DAY, PROFILE)]
        assert covered == [timedelta(hours=24), timedelta(hours=23), timedelta(hours=24)]


async def test_what_comes_late_mends_its_day_while_quarters_are_held_and_is_refused_afterwards(tmp_path: Path) -> None:
    async with opened(tmp_path, {DetailClass.LIVE: 2, DetailClass.QUARTER: 9}) as safe:
        await safe.vault.admit(ANNA, NOON)
        await take(safe, [entry(NOON - QUARTER, 5)])
        for n in range(1, 7):
            safe.now = NOON + n * DAY
            await safe.retention.run(safe.now)
            await safe.compactor.round()
        assert await safe.values(ANNA, DetailClass.LIVE, PROFILE) == []
        await take(safe, [entry(NOON - 2 * QUARTER, 7)])
        await safe.compactor.round()
        assert await totals(safe, DetailClass.DAY) == {NOON.date(): Decimal(12000)}
        safe.now = NOON + 10 * DAY
        await safe.retention.run(safe.now)
        answer = await safe.intake.take(Batch("box", 1, [(ANNA, entry(NOON - 3 * QUARTER, 9))]))
        assert answer.refused == ((0, "expired"),)
        await safe.compactor.round()
        assert await totals(safe, DetailClass.DAY) == {NOON.date(): Decimal(12000)}


async def test_a_day_that_is_merged_is_no_other_series_when_a_meter_changes_its_unit(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await safe.take(ANNA, [(NOON - 2 * QUARTER, "1.5")])
        await safe.take(ANNA, [(NOON - QUARTER, "1700")], unit="Wh")
        await merge(safe)
        (day,) = await safe.values(ANNA, DetailClass.DAY)
        assert (day.count, day.first, day.last, day.unit) == (2, Decimal(1500), Decimal(1700), "Wh")


async def test_a_crash_between_day_and_quarter_merges_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise OSError("killed")

    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await take(safe, [entry(NOON - QUARTER, 5)])
        await take(safe, [entry(NOON - 2 * QUARTER, 6)])
        monkeypatch.setattr(compactor, "_replace", crash)
        with pytest.raises(OSError, match="killed"):
            await merge(safe)
        monkeypatch.undo()
    async with opened(tmp_path) as safe:
        assert await totals(safe, DetailClass.DAY) == {NOON.date(): Decimal(11000)}
        await merge(safe)
        assert await totals(safe, DetailClass.DAY) == await totals(safe, DetailClass.QUARTER)
        kinds = "SELECT 'piece', class FROM piece UNION ALL SELECT 'block', class FROM block ORDER BY 1, 2"
        found = await safe.store.look(lambda connection: connection.exec_driver_sql(kinds).fetchall())
        assert [tuple(row) for row in found] == [("block", 2), ("block", 3), ("piece", 1), ("piece", 1)]


@pytest.mark.parametrize("kept", [1, 3])
async def test_what_no_compactor_saw_is_worked_out_before_its_quarters_expire(tmp_path: Path, kept: int) -> None:
    async with opened(tmp_path, {DetailClass.LIVE: kept, DetailClass.QUARTER: kept}) as safe:
        await safe.vault.admit(ANNA, NOON)
        begin, end = day_edges(NOON.date(), VIENNA)
        hours = [begin + n * timedelta(hours=1) for n in range(24)]
        safe.now = end
        await take(safe, [entry(at, 1) for at in hours])
    async with opened(tmp_path, {DetailClass.LIVE: kept, DetailClass.QUARTER: kept}) as safe:
        for n in range(kept, kept + 3):  # a start after some days, then each midnight
            safe.now = (NOON + n * DAY).replace(hour=0)
            await safe.retention.run(safe.now)
        assert await totals(safe, DetailClass.QUARTER) == {}
        assert await totals(safe, DetailClass.DAY) == {NOON.date(): Decimal(24000)}


async def test_shortening_quarters_costs_no_day(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await take(safe, [entry(NOON - 5 * DAY, 5), entry(NOON - 4 * DAY, 6)])
        await safe.retention.shorten(DetailClass.QUARTER, 2)
        assert await totals(safe, DetailClass.QUARTER) == {}
        days = {(NOON - 5 * DAY).date(): Decimal(5000), (NOON - 4 * DAY).date(): Decimal(6000)}
        assert await totals(safe, DetailClass.DAY) == days


async def test_a_damaged_quarter_holds_no_expiry_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await take(safe, [entry(NOON - 5 * DAY, 5)])
        damage = "UPDATE piece SET sealed = zeroblob(length(sealed)) WHERE class = 2"
        await safe.store.write(lambda connection: connection.exec_driver_sql(damage))
        await safe.retention.shorten(DetailClass.QUARTER, 2)
        assert safe.vault.oldest(ANNA, DetailClass.QUARTER) == (NOON - 2 * DAY).date()


async def test_an_erasure_while_days_are_worked_out_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await take(safe, [entry(NOON - QUARTER, 5)])
        put = Days._block

        async def erased(self: Days, *words: Any) -> None:
            await safe.vault.erase(ANNA)
            await put(self, *words)

        monkeypatch.setattr(Days, "_block", erased)
        assert not await safe.compactor.merge(ANNA, DetailClass.QUARTER, NOON.toordinal())
        left = "SELECT count(*) FROM (SELECT subject FROM piece UNION ALL SELECT subject FROM block)"
        assert await safe.store.look(lambda connection: connection.exec_driver_sql(left).scalar()) == 0


async def test_pieces_of_before_open_and_what_comes_after_is_added_to_their_day(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        day = NOON.toordinal()
        for detail, ordinal, plain in (
            (DetailClass.QUARTER, day, OLD_QUARTER),
            (DetailClass.DAY, day - 1, OLD_DAY),
        ):
            [(_, cipher)] = (await safe.vault.ciphers(ANNA, [(detail, ordinal)])).items()
            row = safe.vault.sealed_piece(ANNA, detail, ordinal, cipher, pad_piece(plain))
            await safe.vault.append([row], ("before", ordinal, 0, b""))

        def ends(values: Sequence[Value]) -> list[tuple[Decimal, Decimal, str | None, int]]:
            return [(v.first, v.last, v.unit, v.count) for v in values]

        old = (Decimal("1000.0"), Decimal("1009.9"), "kWh", 10)
        for detail in (DetailClass.QUARTER, DetailClass.DAY):
            assert ends(await safe.values(ANNA, detail)) == [old]
        await safe.take(ANNA, minutes(2, NOON - timedelta(minutes=30)))
        await merge(safe)
        added = (Decimal(1000000), Decimal(1001100), "Wh", 2)
        assert set(ends(await safe.values(ANNA, DetailClass.DAY))) == {old, added}


async def test_quarters_of_other_kinds_are_days_of_other_kinds(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await safe.take(ANNA, minutes(40), POWER, "W")
        await safe.take(ANNA, minutes(40), ENERGY)
        await merge(safe)
        (power,), (energy,) = [await safe.values(ANNA, DetailClass.DAY, each) for each in (POWER, ENERGY)]
        assert power.total == sum(60 * Decimal(value) for _, value in minutes(40)[:-1])
        assert (power.covered, energy.covered) == (timedelta(minutes=39), timedelta(0))
        assert (energy.first, energy.last) == (Decimal(1000000), Decimal(1039900))
