"""One batch or many: however readings are split, the last of an instant counts, and answers are the same."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from adapters.plugin import Batch
from meter_driver.reading import Quality, Reading
from policies.amounts import rows_of
from policies.terms import DetailClass, Row
from policies.vault.values import Value
from tests.gateway.vault.safe import ANNA, ENERGY, NOON, POWER, Safe, opened

NEED = "1-0:1.29.0*255"
MINUTE, QUARTER, HOUR = timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1)
START = NOON - 3 * HOUR
UNITS = {ENERGY: "kWh", NEED: "kWh", POWER: "W"}
WORTHS = (Quality.NONE, Quality.NONE, Quality.ESTIMATED, Quality.VALIDATED, Quality.SUBSTITUTED)
SPLITS: dict[str, Callable[[int, Random], set[int]]] = {
    "whole": lambda count, rng: set(),
    "single": lambda count, rng: set(range(1, count)),
    "some": lambda count, rng: set(rng.sample(range(count), count // 3)),
}


def said(
    quantity: str, minute: int, value: str, quality: Quality = Quality.NONE, *, unit: str = "", serial: str = ""
) -> Reading:
    """An entry is five minutes long."""
    at = START + minute * MINUTE
    begin = at - 5 * MINUTE if quantity == NEED else None
    return Reading("m", quantity, at, Decimal(value), unit or UNITS[quantity], begin, quality, serial=serial)


def drawn(quantity: str, rng: Random) -> list[Reading]:
    """Within an hour; some instants come twice, in another unit, status or under another serial number."""
    found = []
    for _ in range(rng.randint(2, 14)):
        minute = rng.randrange(5, 60, 5)
        number = 1000 + minute if quantity == ENERGY else rng.randint(0, 3000)
        wide = rng.random() < 0.3
        unit = {"kWh": "Wh", "W": "kW"}[UNITS[quantity]] if wide else ""
        value = Decimal(number) * (Decimal("0.001") if unit == "kW" else 1000 if unit else 1)
        serial = rng.choice(["", "A", "B"])
        found.append(said(quantity, minute, str(value), rng.choice(WORTHS), unit=unit, serial=serial))
    return found


def parts(readings: Sequence[Reading], cuts: set[int]) -> Iterator[list[Reading]]:
    some: list[Reading] = []
    for n, reading in enumerate(readings):
        if n in cuts and some:
            yield some
            some = []
        some.append(reading)
    yield some


async def send(safe: Safe, readings: Sequence[Reading], cuts: set[int], meter: str) -> None:
    for some in parts(readings, cuts):
        safe.sequence += 1
        named = [Reading(meter, r.quantity, r.at, r.value, r.unit, r.start, r.quality, serial=r.serial) for r in some]
        assert (await safe.intake.take(Batch("box", safe.sequence, [(ANNA, r) for r in named]))).accepted == len(some)


def received(values: Sequence[Value], meter: str) -> list[tuple[datetime, datetime, Decimal, str | None, str, str]]:
    return sorted((v.first_at, v.at, v.first, v.unit, v.status, v.serial) for v in values if v.meter == meter)


def rows(values: Sequence[Value], quantity: str, meter: str, step: timedelta) -> list[Row]:
    edges = [(START + n * step, START + (n + 1) * step) for n in range(HOUR // step)]
    return rows_of([value for value in values if value.meter == meter], quantity, ANNA, "", edges)


async def merge(safe: Safe) -> None:
    for detail in (DetailClass.LIVE, DetailClass.QUARTER):
        await safe.compactor.merge(ANNA, detail, NOON.toordinal())


@pytest.mark.parametrize("quantity", UNITS)
@pytest.mark.parametrize("seed", range(3))
async def test_answers_do_not_depend_on_how_readings_are_split(tmp_path: Path, quantity: str, seed: int) -> None:
    rng = Random(seed)
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        cases = [drawn(quantity, rng) for _ in range(10)]
        for n, readings in enumerate(cases):
            for split, cuts in SPLITS.items():
                await send(safe, readings, cuts(len(readings), rng), f"{n} {split}")
        for _ in range(2):
            live = await safe.values(ANNA, DetailClass.LIVE, quantity)
            quarters = await safe.values(ANNA, DetailClass.QUARTER, quantity)
            for n in range(len(cases)):
                assert len({tuple(received(live, f"{n} {split}")) for split in SPLITS}) == 1
                for step in (QUARTER, HOUR):
                    one, *others = (rows(quarters, quantity, f"{n} {split}", step) for split in SPLITS)
                    assert others == [one] * len(others)
            await merge(safe)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("first", [{"quality": Quality.ESTIMATED}, {"unit": "Wh"}, {"serial": "A1"}], ids=str)
async def test_of_one_instant_told_twice_the_last_counts_whatever_else_it_says(
    tmp_path: Path, first: dict[str, Any], split: str, merged: bool
) -> None:
    readings = [
        said(ENERGY, 0, "100"),
        said(ENERGY, 15, "999", **first),
        said(ENERGY, 15, "101"),
        said(ENERGY, 30, "102"),
    ]
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await send(safe, readings, SPLITS[split](4, Random(1)), "m")
        if merged:
            await merge(safe)
        assert [v.first for v in await safe.values(ANNA)] == [100, 101, 102]
        found = rows(await safe.values(ANNA, DetailClass.QUARTER), ENERGY, "m", QUARTER)[:2]
        assert [(row.value, row.status) for row in found] == [(Decimal(1), "measured")] * 2


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("old_first", [True, False])
async def test_of_one_instant_the_stands_of_two_devices_are_both_kept_each_with_its_correction(
    tmp_path: Path, split: str, merged: bool, old_first: bool
) -> None:
    old = [said(ENERGY, 15 * n, str(500 + n), serial="S1") for n in range(3)]
    new = [said(ENERGY, 30 + 15 * n, str(7 + 2 * n), serial="S2") for n in range(3)]
    both = [*old, *new] if old_first else [*new, *old]
    wrong = [said(ENERGY, 30, "0", serial="S1"), said(ENERGY, 30, "0", serial="S2")]
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        for some in ([*wrong, *both], both[2:4]):
            await send(safe, some, SPLITS[split](len(some), Random(1)), "m")
        if merged:
            await merge(safe)
        kept = sorted((v.at, v.serial, v.first) for v in await safe.values(ANNA))
        assert kept == sorted((r.at, r.serial, r.value) for r in both if r.at is not None)
        found = rows(await safe.values(ANNA, DetailClass.QUARTER), ENERGY, "m", QUARTER)
        assert [(row.value, row.status) for row in found] == [(Decimal(n), "measured") for n in (1, 1, 2, 2)]
        (whole,) = rows(await safe.values(ANNA, DetailClass.QUARTER), ENERGY, "m", HOUR)
        assert (whole.value, whole.status) == (Decimal(6), "measured")


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("quantity", [NEED, POWER])
@pytest.mark.parametrize("old", ["S1", "S9"])
async def test_of_one_time_the_amounts_and_means_of_two_devices_are_both_kept_and_the_last_counts(
    tmp_path: Path, quantity: str, old: str, split: str, merged: bool
) -> None:
    before = [said(quantity, 5 * n, "1", serial=old) for n in range(4)]
    after = [said(quantity, 15 + 5 * n, "4", serial="S5") for n in range(4)]
    wrong = [said(quantity, 15, "9", serial=old), said(quantity, 15, "9", serial="S5")]
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        for some in ([*wrong, *before, *after], [after[0]]):
            await send(safe, some, SPLITS[split](len(some), Random(1)), "m")
        for _ in range(2):
            live = await safe.values(ANNA, DetailClass.LIVE, quantity)
            assert sorted((v.at, v.serial, v.first) for v in live) == sorted(
                (r.at, r.serial, r.value) for r in [*before, *after] if r.at is not None
            )
            quarters = await safe.values(ANNA, DetailClass.QUARTER, quantity)
            for step in (QUARTER, 2 * QUARTER):
                coarse = rows(quarters, quantity, "m", step)
                assert coarse[0].value is not None
                assert rows(live, quantity, "m", step) == coarse
            if merged:
                await merge(safe)


@pytest.mark.parametrize("split", SPLITS)
async def test_a_correction_of_the_device_that_had_been_passed_counts_as_it_came_last(
    tmp_path: Path, split: str
) -> None:
    said_of = [("S1", "10"), ("S2", "20"), ("S1", "30")]
    some = [said(POWER, 5, value, serial=serial) for serial, value in said_of]
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await send(safe, [said(POWER, 0, "1"), *some, said(POWER, 10, "2")], SPLITS[split](5, Random(1)), "m")
        await merge(safe)
        live = await safe.values(ANNA, DetailClass.LIVE, POWER)
        assert [(v.serial, v.first) for v in live] == [
            ("", Decimal(1)),
            ("S2", Decimal(20)),
            ("S1", Decimal(30)),
            ("", Decimal(2)),
        ]
        for values in (live, await safe.values(ANNA, DetailClass.QUARTER, POWER)):
            assert rows(values, POWER, "m", QUARTER)[0].value == 11


async def test_what_is_refused_does_not_count_as_the_last(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        batch = [
            (ANNA, said(ENERGY, 0, "100")),
            (ANNA, said(ENERGY, 0, "NaN", unit="Wh")),
            (ANNA, said(ENERGY, 0, "NaN")),
        ]
        assert (await safe.intake.take(Batch("box", 1, batch))).accepted == 1
        assert [v.first for v in await safe.values(ANNA)] == [Decimal(100)]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("second", "status"), [(Quality.ESTIMATED, "estimated"), (Quality.NONE, "measured")])
async def test_a_flag_or_a_serial_number_in_the_middle_makes_no_second_series(
    tmp_path: Path, second: Quality, status: str, split: str
) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        for quantity in (NEED, POWER):
            some = [said(quantity, 5 * n, "10") for n in range(13)]
            some[2] = said(quantity, 10, "40", second, serial="A1")
            await send(safe, some, SPLITS[split](len(some), Random(1)), "m")
        entries = rows(await safe.values(ANNA, DetailClass.QUARTER, NEED), NEED, "m", QUARTER)
        assert [(row.value, row.status) for row in entries] == [(Decimal(60), status), *[(Decimal(30), "measured")] * 3]
        means = rows(await safe.values(ANNA, DetailClass.QUARTER, POWER), POWER, "m", QUARTER)
        assert [(row.value, row.status) for row in means] == [(Decimal(20), status), *[(Decimal(10), "measured")] * 3]
