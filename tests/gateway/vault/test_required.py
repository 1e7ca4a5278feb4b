"""The store is somebody else's for a while: what was corrected is shown corrected, or its day not at all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.errors import StoreDoubted, StoreFull
from gateway.vault.pieces import parts_of_days
from meter_driver.reading import Reading
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, Period, SubjectId
from policies.vault.seal import CLASS_CODES
from tests.gateway.house import NOON, House, house
from tests.gateway.pins.thief import Row, replace_rows, rows_of, store_of

LIVE, QUARTER, DAY = DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY
YESTERDAY = NOON - ONE_DAY
LOAD = "1-0:1.29.0*255"
ALWAYS = Period(NOON - 40 * ONE_DAY, NOON + 40 * ONE_DAY)


async def feed(home: House, who: SubjectId, values: Sequence[int], begin: datetime = YESTERDAY) -> None:
    """Entries of a quarter of an hour each, Wh."""
    ends = [begin + (n + 1) * QUARTER_HOUR for n in range(len(values))]
    entries = [
        Reading("m", LOAD, at, Decimal(value), "Wh", start=at - QUARTER_HOUR)
        for at, value in zip(ends, values, strict=True)
    ]
    await home.take([(who, each) for each in entries])


async def told(home: House, who: SubjectId, detail: DetailClass) -> list[int]:
    """What is shown, in Wh."""
    found = [day async for day in home.vault.read(who, detail, frozenset({LOAD}), ALWAYS)]
    return [int(1000 * each.total if each.unit == "kWh" else each.total) for day in found for each in day]


async def corrected(folder: Path, *, merged: bool = False) -> tuple[SubjectId, dict[str, list[Row]]]:
    """20 became 70 in yesterday's second quarter; the rows of before. ``merged``: before as well."""
    async with house(folder) as home:
        who = await home.household()
        await feed(home, who, [10, 20, 30])
        if merged:
            await home.compactor.round()
    before = {table: rows_of(store_of(folder), table) for table in ("piece", "block", "required_part")}
    async with house(folder) as home:
        await feed(home, who, [70], YESTERDAY + QUARTER_HOUR)
        assert await told(home, who, LIVE) == await told(home, who, QUARTER) == [10, 70, 30]
    return who, before


async def shown(folder: Path, who: SubjectId) -> dict[DetailClass, list[int]]:
    async with house(folder) as home:
        return {detail: await told(home, who, detail) for detail in (LIVE, QUARTER, DAY)}


def of(detail: DetailClass) -> str:
    return f'"class" = {CLASS_CODES[detail]}'


@pytest.mark.gdpr("5(1)(f)")
@pytest.mark.parametrize("detail", [LIVE, QUARTER])
@pytest.mark.parametrize("merged", [False, True])
async def test_without_its_correction_a_day_is_not_shown(tmp_path: Path, detail: DetailClass, merged: bool) -> None:
    who, before = await corrected(tmp_path, merged=merged)
    replace_rows(
        tmp_path, "piece", [row for row in before["piece"] if row["class"] == CLASS_CODES[detail]], where=of(detail)
    )
    found = await shown(tmp_path, who)
    assert found[detail] == []
    assert found[({LIVE, QUARTER} - {detail}).pop()] == [10, 70, 30]


async def test_a_block_of_before_the_correction_is_not_shown_beside_or_instead_of_it(tmp_path: Path) -> None:
    who, before = await corrected(tmp_path, merged=True)
    async with house(tmp_path) as home:
        await home.compactor.round()
        assert await told(home, who, QUARTER) == [10, 70, 30]
        assert await told(home, who, DAY) == [110]
    assert rows_of(store_of(tmp_path), "piece") == []
    replace_rows(tmp_path, "block", before["block"])
    assert await shown(tmp_path, who) == {LIVE: [], QUARTER: [], DAY: []}


async def test_a_block_that_says_it_goes_further_than_it_does_is_not_shown(tmp_path: Path) -> None:
    who, before = await corrected(tmp_path, merged=True)
    async with house(tmp_path) as home:
        await home.compactor.round()
    upto = {(row["class"], row["day"]): row["upto"] for row in rows_of(store_of(tmp_path), "block")}
    replace_rows(tmp_path, "block", [{**row, "upto": upto[row["class"], row["day"]]} for row in before["block"]])
    assert await shown(tmp_path, who) == {LIVE: [], QUARTER: [], DAY: []}


async def test_a_piece_that_went_into_a_block_does_not_come_back_behind_it(tmp_path: Path) -> None:
    who, before = await corrected(tmp_path)
    async with house(tmp_path) as home:
        await home.compactor.round()
    replace_rows(tmp_path, "piece", before["piece"])
    assert await shown(tmp_path, who) == {LIVE: [10, 70, 30], QUARTER: [10, 70, 30], DAY: [110]}
    day = YESTERDAY.toordinal()
    async with house(tmp_path) as home:
        for detail in (LIVE, QUARTER):
            [part] = await home.store.look(partial(parts_of_days, subject=who, detail=detail, first=day, last=day))
            assert part.pieces


async def test_what_must_be_there_cannot_be_forgotten_with_it(tmp_path: Path) -> None:
    _, before = await corrected(tmp_path)
    for table in ("piece", "required_part"):
        replace_rows(tmp_path, table, before[table])
    with pytest.raises(ExceptionGroup) as refused:
        async with house(tmp_path):
            pass
    assert refused.group_contains(StoreDoubted, match="required_part")


async def test_the_start_says_how_many_days_miss_what_they_must_have(tmp_path: Path) -> None:
    who, before = await corrected(tmp_path)
    replace_rows(tmp_path, "piece", before["piece"])
    with capture_logs() as logs:
        async with house(tmp_path) as home:
            assert home.gateway.required.faults == [
                "2 days of readings miss a part that corrects them, and are not shown"
            ]
    assert [line["days"] for line in logs if line["event"] == "days.not_believed"] == [2]
    assert who not in str(logs)


async def test_a_crash_before_the_keys_heard_of_a_correction_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await feed(home, who, [10, 20, 30])

    async def full(*_: object) -> None:
        raise StoreFull("full")

    async with house(tmp_path) as home:
        monkeypatch.setattr(home.keeper, "pin", full)
        await feed(home, who, [70], YESTERDAY + QUARTER_HOUR)
    for _ in range(2):
        assert (await shown(tmp_path, who))[LIVE] == [10, 70, 30]


async def required(home: House) -> set[tuple[str, int]]:
    """Class and UTC day, from 1 for the day before yesterday."""
    rows = rows_of(store_of(Path(home.gateway.settings.data).parent), "required_part")
    names = {code: detail.value for detail, code in CLASS_CODES.items()}
    return {(names[row["class"]], row["day"] - (NOON - 3 * ONE_DAY).toordinal()) for row in rows}


async def test_readings_in_their_order_require_nothing_also_after_a_restart(tmp_path: Path) -> None:
    for start in (0, 3):
        async with house(tmp_path) as home:
            who = home.gateway.registry.tenancies.all()[0].id if start else await home.household()
            for n in range(start, start + 3):
                await feed(home, who, [n], YESTERDAY + n * QUARTER_HOUR)
                await feed(home, who, [n], YESTERDAY + n * QUARTER_HOUR)  # the same again, as some meters do
            assert await required(home) == set()
            assert await told(home, who, LIVE) == list(range(start + 3))


async def test_what_comes_late_is_required_until_it_is_merged_and_what_corrects_for_ever(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        for begin in (YESTERDAY - ONE_DAY, YESTERDAY):
            await feed(home, who, [10, 20], begin)
        await feed(home, who, [30], YESTERDAY - ONE_DAY + 2 * QUARTER_HOUR)
        await feed(home, who, [70], YESTERDAY)
        assert await required(home) == {("live", 1), ("quarter", 1), ("live", 2), ("quarter", 2)}
        await home.compactor.round()
        assert await required(home) == {("live", 2), ("quarter", 2), ("day", 2)}
        await feed(home, who, [40], YESTERDAY + 2 * QUARTER_HOUR)
        await home.compactor.round()
        assert await required(home) == {("live", 2), ("quarter", 2), ("day", 2)}
        assert await told(home, who, QUARTER) == [10, 20, 30, 70, 20, 40]


async def test_an_import_of_days_of_which_nothing_is_there_requires_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await feed(home, who, [10])
        for days in (3, 5, 4):
            await feed(home, who, [20, 30], NOON - days * ONE_DAY)
        assert await required(home) == set()


async def test_what_is_required_goes_with_its_class_and_with_its_household(tmp_path: Path) -> None:
    who, _ = await corrected(tmp_path)
    async with house(tmp_path) as home:
        other = await home.household()
        await feed(home, other, [10])
        await feed(home, other, [20])
        await home.compactor.round()
        assert len(rows_of(store_of(tmp_path), "required_part")) == 6
        await home.gateway.retention.run(NOON + 40 * ONE_DAY)
        assert {row["class"] for row in rows_of(store_of(tmp_path), "required_part")} == {
            CLASS_CODES[detail] for detail in (QUARTER, DAY)
        }
        await home.vault.erase(who)
        assert {row["subject"] for row in rows_of(store_of(tmp_path), "required_part")} == {other}


async def test_a_local_day_of_before_a_day_was_erased_does_not_come_back(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Vienna") as home:
        who = await home.household()
        midnight = YESTERDAY.replace(hour=0)
        await feed(home, who, [10] * 8, midnight - timedelta(hours=1))
        await home.compactor.round()
        assert await told(home, who, DAY) == [80]
    before = rows_of(store_of(tmp_path), "block")
    async with house(tmp_path, zone="Europe/Vienna") as home:
        await home.gateway.retention.erase_day(who, YESTERDAY.date())
        assert await told(home, who, DAY) == [40]
    replace_rows(tmp_path, "block", before)
    async with house(tmp_path, zone="Europe/Vienna") as home:
        assert await told(home, who, DAY) == []


async def test_a_local_day_that_went_with_an_erased_day_does_not_come_back(tmp_path: Path) -> None:
    """Its quarters had expired, so that nothing of it could be kept."""
    kept = {QUARTER: 2, LIVE: 1}
    async with house(tmp_path, zone="Europe/Vienna", kept=kept) as home:
        who = await home.household()
        await feed(home, who, [10] * 8, YESTERDAY.replace(hour=0) - timedelta(hours=1))
        await home.compactor.round()
        before = rows_of(store_of(tmp_path), "block")
        home.now += 5 * ONE_DAY
        await home.gateway.retention.run(home.now)
        assert await told(home, who, DAY) == [80]
        await home.gateway.retention.erase_day(who, YESTERDAY.date())
        assert await told(home, who, DAY) == []
    replace_rows(tmp_path, "block", [row for row in before if row["class"] == CLASS_CODES[DAY]])
    async with house(tmp_path, zone="Europe/Vienna", kept=kept) as home:
        home.now += 5 * ONE_DAY
        assert await told(home, who, DAY) == []


async def test_no_local_day_is_worked_out_from_quarters_that_are_not_believed(tmp_path: Path) -> None:
    evening = YESTERDAY.replace(hour=0) - timedelta(hours=1)
    async with house(tmp_path, zone="Europe/Vienna") as home:
        who = await home.household()
        await feed(home, who, [10] * 8, evening)
        await home.compactor.round()
    before = rows_of(store_of(tmp_path), "block")
    async with house(tmp_path, zone="Europe/Vienna") as home:
        await feed(home, who, [70], evening)
        await home.compactor.round()
        assert await told(home, who, DAY) == [140]
    first = f'{of(QUARTER)} AND "day" = {evening.toordinal()}'
    older = [r for r in before if (r["class"], r["day"]) == (CLASS_CODES[QUARTER], evening.toordinal())]
    replace_rows(tmp_path, "block", older, where=first)
    async with house(tmp_path, zone="Europe/Vienna") as home:
        await feed(home, who, [20], YESTERDAY)
        await home.compactor.round()
        assert await told(home, who, QUARTER) == [10] * 4 + [20]
        assert await told(home, who, DAY) == [140]


async def test_a_stream_tells_nothing_of_a_day_that_misses_its_correction(tmp_path: Path) -> None:
    who, before = await corrected(tmp_path)
    replace_rows(tmp_path, "piece", before["piece"])
    async with house(tmp_path) as home:
        mark = home.vault.mark(who)
        mark.position = 0
        await feed(home, who, [50], NOON - timedelta(hours=1))
        values, _ = await home.vault.since(mark, LIVE, frozenset({LOAD}))
        assert [int(1000 * each.total if each.unit == "kWh" else each.total) for each in values] == [50]
