"""A day that is not believed, or damaged, is tried once by each start, is told, and is in nobody's way."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.vault import compactor
from policies.terms import ONE_DAY, DetailClass, SubjectId
from policies.vault.seal import CLASS_CODES
from tests.gateway.house import House, house
from tests.gateway.pins.thief import replace_rows, rows_of, store_of
from tests.gateway.vault.test_required import LIVE, QUARTER, corrected, feed, told

SAID = "{} days of readings are not what was stored, and are set aside: they are not merged"


class Tries:
    """Which days were looked at to be merged."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: House) -> None:
        self.classes: list[DetailClass] = []
        kept = home.compactor.merge

        async def merge(subject: SubjectId, detail: DetailClass, day: int) -> bool:
            self.classes.append(detail)
            return await kept(subject, detail, day)

        monkeypatch.setattr(home.compactor, "merge", merge)


async def test_a_day_that_is_not_believed_is_tried_once_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, before = await corrected(tmp_path)
    replace_rows(tmp_path, "piece", before["piece"])
    async with house(tmp_path) as home:
        tries = Tries(monkeypatch, home)
        assert home.compactor.faults == []
        with capture_logs() as logs:
            assert [await home.compactor.round() for _ in range(3)] == [0, 0, 0]
        assert sorted(tries.classes) == [LIVE, QUARTER]
        assert home.compactor.faults == [SAID.format(2)]
        assert [line["days"] for line in logs if line["event"] == "compactor.set_aside"] == [2]
        await home.gateway.retention.run(home.now + 9 * ONE_DAY)
        await home.compactor.round()
        assert home.compactor.faults == [SAID.format(1)]


async def test_a_day_that_is_whole_again_at_the_next_start_is_merged(tmp_path: Path) -> None:
    who, before = await corrected(tmp_path)
    whole = rows_of(store_of(tmp_path), "piece")
    replace_rows(tmp_path, "piece", before["piece"])
    async with house(tmp_path) as home:
        assert await home.compactor.round() == 0
    replace_rows(tmp_path, "piece", whole)
    async with house(tmp_path) as home:
        assert await home.compactor.round() == 2
        assert home.compactor.faults == []
        assert await told(home, who, QUARTER) == [10, 70, 30]


async def test_days_that_are_set_aside_are_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compactor, "_DAYS_AT_ONCE", 1)
    _, before = await corrected(tmp_path)
    replace_rows(tmp_path, "piece", before["piece"])
    async with house(tmp_path) as home:
        others = sorted([await home.household() for _ in range(3)])
        for who in others:
            await feed(home, who, [1, 2])
        assert await home.compactor.round() == 2 * len(others)


async def test_a_piece_that_was_damaged_stops_nobody_elses_merge(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        everybody = sorted([await home.household() for _ in range(3)])
        for who in everybody:
            await feed(home, who, [1, 2])
            await feed(home, who, [3], home.now - ONE_DAY / 2)
    pieces = rows_of(store_of(tmp_path), "piece")
    damaged = [
        {**row, "sealed": bytes(len(row["sealed"]))}
        if (row["subject"], row["class"]) == (everybody[0], CLASS_CODES[LIVE])
        else row
        for row in pieces
    ]
    replace_rows(tmp_path, "piece", damaged)
    async with house(tmp_path) as home:
        assert await home.compactor.round() > 0
        left = {row["subject"] for row in rows_of(store_of(tmp_path), "piece") if row["day"] < home.now.toordinal()}
        assert left == {everybody[0]}
        assert home.compactor.faults == [SAID.format(1)]


DAMAGE = ("sealed = CAST(sealed AS TEXT)", "sealed = 'x'", "sealed = 5", "day = day + 0.5")


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_row_that_was_damaged_holds_up_nobodys_expiry_and_nobody_elses_merge(
    tmp_path: Path, damage: str
) -> None:
    async with house(tmp_path) as home:
        hers, his = await home.household(), await home.household()
        for who in (hers, his):
            await feed(home, who, [1, 2])
        change = f"UPDATE piece SET {damage} WHERE subject = '{hers}' AND class = {CLASS_CODES[QUARTER]}"
        await home.store.write(lambda c: c.exec_driver_sql(change).rowcount)
        home.now += 9 * ONE_DAY
        await home.gateway.retention.run(home.now)
        kept = [home.vault.oldest(who, LIVE) for who in (hers, his)]
        assert kept == [(home.now - 7 * ONE_DAY).date()] * 2
        await home.compactor.round()
        merged = "SELECT subject FROM block WHERE class = ?"
        there = await home.store.look(lambda c: c.exec_driver_sql(merged, (CLASS_CODES[QUARTER],)).scalars().all())
        assert his in there
