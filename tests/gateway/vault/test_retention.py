"""Expiry by class, at midnight and at once; and what a thief of the folder gets, whatever he puts back."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from gateway.storage.tables.cohorts import cell, draw
from gateway.vault import retention
from gateway.vault.offline import block_sizes
from policies.terms import DetailClass
from tests.gateway.vault.safe import ANNA, BERT, NOON, Safe, minutes, opened, stolen

DAY = timedelta(days=1)
SHORT = {DetailClass.LIVE: 3, DetailClass.QUARTER: 3, DetailClass.DAY: 3}


def copied(home: Path, to: Path) -> Path:
    """What a thief has who comes while it runs."""
    shutil.copytree(home, to)
    return to


async def rows(safe: Safe, query: str) -> list[tuple[Any, ...]]:
    return await safe.store.look(lambda connection: [tuple(row) for row in connection.exec_driver_sql(query)])


async def days_held(safe: Safe, detail: DetailClass) -> set[int]:
    return {(NOON.date() - v.at.date()).days for v in await safe.values(ANNA, detail)}


@pytest.mark.gdpr("5(1)(e)")
async def test_each_class_expires_by_its_own_days(tmp_path: Path) -> None:
    async with opened(tmp_path, {DetailClass.QUARTER: 9, DetailClass.DAY: 12}) as safe:
        await safe.vault.admit(ANNA, NOON)
        for back in (6, 1):
            await safe.take(ANNA, minutes(3, NOON - back * DAY))
        await safe.compactor.round()
        safe.now = NOON + 2 * DAY
        await safe.retention.run(safe.now)
        assert await days_held(safe, DetailClass.LIVE) == {1}
        assert await days_held(safe, DetailClass.QUARTER) == {1, 6}
        assert await rows(safe, "SELECT class, count(*) FROM block GROUP BY class") == [(1, 1), (2, 2), (3, 2)]
        safe.now = NOON + 4 * DAY
        await safe.retention.run(safe.now)
        assert await days_held(safe, DetailClass.QUARTER) == {1}
        assert await days_held(safe, DetailClass.DAY) == {2, 7}, "local days begin before midnight UTC"
        safe.now = NOON + 6 * DAY
        await safe.retention.run(safe.now)
        assert await days_held(safe, DetailClass.DAY) == {2}
        assert await rows(safe, "SELECT class, count(*) FROM block GROUP BY class") == [(1, 1), (2, 1), (3, 1)]


async def test_a_day_is_held_to_the_end_of_its_last(tmp_path: Path) -> None:
    async with opened(tmp_path, SHORT) as safe:
        await safe.vault.admit(ANNA, NOON)
        await safe.take(ANNA, minutes(3))
        safe.now = NOON.replace(hour=23, minute=59) + 3 * DAY
        await safe.retention.run(safe.now)
        assert len(await safe.values(ANNA)) == 3
        safe.now += timedelta(minutes=2)
        await safe.retention.run(safe.now)
        assert await safe.values(ANNA) == []
        answer = await safe.take(ANNA, minutes(1))
        assert answer.refused == ((0, "expired"),)


async def test_nothing_comes_back_when_the_clock_goes_back(tmp_path: Path) -> None:
    async with opened(tmp_path, SHORT) as safe:
        await safe.vault.admit(ANNA, NOON)
        await safe.take(ANNA, minutes(3))
        await safe.retention.run(NOON + 5 * DAY)
        await safe.retention.run(NOON)
        assert await safe.values(ANNA) == []
    async with opened(tmp_path, SHORT) as safe:
        await safe.retention.run(NOON)
        assert safe.vault.oldest(ANNA, DetailClass.LIVE) == (NOON + 2 * DAY).date()
    assert stolen(tmp_path).get(ANNA, set()) == set()


async def test_a_clock_that_is_moved_is_noticed_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "LOOK", 0.01)
    async with opened(tmp_path, SHORT) as safe, asyncio.timeout(10):
        await safe.vault.admit(ANNA, NOON)
        await safe.take(ANNA, minutes(3))
        await safe.retention.run(NOON)
        async with asyncio.TaskGroup() as group:
            loop = group.create_task(safe.retention.watch())
            safe.now = NOON + 4 * DAY
            while await safe.values(ANNA):  # noqa: ASYNC110 - what is waited for is the loop's work
                await asyncio.sleep(0.01)
            loop.cancel()


async def test_shortening_a_class_acts_at_once_and_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        for back in (4, 1):
            await safe.take(ANNA, minutes(3, NOON - back * DAY))
        with pytest.raises(ValueError, match="only shortens"):
            await safe.retention.shorten(DetailClass.LIVE, 8)
        with pytest.raises(ValueError, match="quarter: 1 to"):
            await safe.retention.shorten(DetailClass.QUARTER, 0)
        await safe.retention.shorten(DetailClass.LIVE, 2)
        assert await days_held(safe, DetailClass.LIVE) == {1}
    async with opened(tmp_path) as safe:
        assert safe.retention.days[DetailClass.LIVE] == 2
        await safe.vault.admit(BERT, NOON)
        assert safe.vault.oldest(BERT, DetailClass.LIVE) == (NOON - 2 * DAY).date()


async def test_the_opener_opens_what_is_held_from_pieces_and_blocks(tmp_path: Path) -> None:
    async with opened(tmp_path / "house") as safe:
        for subject in (ANNA, BERT):
            await safe.vault.admit(subject, NOON)
            await safe.take(subject, minutes(20))
        await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())
        folder = copied(tmp_path / "house", tmp_path / "copy")
    got = stolen(folder)
    assert {1000 + i + (i % 10) / 10 for i in range(20)} <= got[ANNA]
    assert got[ANNA] == got[BERT]
    sizes = {(household, day) for household, day, size in block_sizes(folder) if size > 500}
    assert {(ANNA, NOON.date()), (BERT, NOON.date())} <= sizes


@pytest.mark.gdpr("5(1)(e)")
async def test_old_files_put_back_open_nothing_that_expired_or_was_erased(tmp_path: Path) -> None:
    house = tmp_path / "house"
    async with opened(house, SHORT) as safe:
        for subject in (ANNA, BERT):
            await safe.vault.admit(subject, NOON)
            await safe.take(subject, minutes(5))
        before = copied(house, tmp_path / "before")
        await safe.vault.erase(BERT)
        safe.now = NOON + 3 * DAY
        await safe.retention.run(safe.now)
        young = [(NOON + 3 * DAY - timedelta(minutes=i), f"{77000 + i}") for i in range(3)]
        await safe.take(ANNA, young)
        safe.now = NOON + 4 * DAY
        await safe.retention.run(safe.now)
        after = copied(house, tmp_path / "after")
    old = stolen(before)[ANNA] | stolen(before)[BERT]
    assert {77000.0, 77001.0, 77002.0} <= stolen(after)[ANNA]
    files = [file.relative_to(before) for file in before.rglob("*") if file.is_file()]
    assert len(files) >= 4
    for file in files:
        mixed = copied(after, tmp_path / "mixed")
        shutil.copy2(before / file, mixed / file)
        got = stolen(mixed)
        assert not (got.get(ANNA, set()) | got.get(BERT, set())) & old, file
        shutil.rmtree(mixed)


async def test_rows_of_the_erased_that_came_late_are_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        for subject in (ANNA, BERT):
            await safe.vault.admit(subject, NOON)
            await safe.take(subject, minutes(3))
        [(day, cipher)] = (await safe.vault.ciphers(ANNA, [(DetailClass.LIVE, NOON.toordinal())])).items()
        row = safe.vault.sealed_piece(ANNA, *day, cipher, b"")
        await safe.vault.erase(ANNA)
        await safe.vault.append([row], ("late", 1, 0, b""))
        await safe.retention.run(NOON)
        assert await rows(safe, "SELECT DISTINCT subject FROM piece") == [(BERT,)]


async def test_old_batches_are_known_by_their_sources_floor(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        for _ in range(3):
            await safe.take(ANNA, minutes(1))
        safe.now = NOON + 20 * DAY
        await safe.retention.run(safe.now)
    async with opened(tmp_path, now=NOON + 20 * DAY) as safe:
        safe.sequence = 1
        assert (await safe.take(ANNA, minutes(1, safe.now))).repeated
        safe.sequence = 3
        assert not (await safe.take(ANNA, minutes(1, safe.now))).repeated


async def test_a_sources_floor_rises_with_its_own_batches_and_never_falls(tmp_path: Path) -> None:
    async def floors(*batches: tuple[str, int]) -> dict[str, int]:
        for source, sequence in batches:
            await safe.vault.append([], (source, sequence, 0, b""))
        await safe.retention.run(NOON)
        assert await rows(safe, "SELECT count(*) FROM batch") == [(1,)]
        return dict(await rows(safe, "SELECT source, floor FROM batch_floor"))

    async with opened(tmp_path) as safe:
        await safe.vault.append([], ("a", 100, int(NOON.timestamp()), b""))
        assert await floors(("a", 3), ("a", 7), ("b", 5)) == {"a": 7, "b": 5}
        assert await floors(("a", 2), ("b", 6), ("c", 0)) == {"a": 7, "b": 6, "c": 0}
        assert await floors() == {"a": 7, "b": 6, "c": 0}


async def test_neighbourhood_figures_go_when_they_could_not_be_computed_again(tmp_path: Path) -> None:
    async with opened(tmp_path, SHORT) as safe:

        def put(connection: Connection) -> None:
            for back in (4, 3):
                at = NOON - back * DAY
                words = {"node": "Z1", "quantity": "q", "start": at.timestamp()}
                connection.execute(insert(cell).values(words))
                connection.execute(insert(draw).values(place="Z1", epoch=at.date().isoformat(), cohorts="{}"))

        await safe.store.write(put)
        await safe.retention.run(NOON)
        assert await rows(safe, "SELECT start FROM cohort_cell") == [((NOON - 3 * DAY).timestamp(),)]
        assert await rows(safe, "SELECT epoch FROM cohort_draw") == [((NOON - 3 * DAY).date().isoformat(),)]
