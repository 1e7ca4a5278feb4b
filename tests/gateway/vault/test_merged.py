"""The store is somebody else's for a while: a day that was merged is shown as it was merged last, or not at all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random

import pytest
import structlog
from structlog.testing import capture_logs

from adapters.plugin import Batch
from gateway.errors import DayChanged, StoreDoubted, StoreFull
from gateway.restored import accept
from meter_driver.reading import Reading
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, SubjectId
from policies.vault.seal import CLASS_CODES
from tests.gateway.house import NOON, House, clear_settings, house
from tests.gateway.pins.thief import Row, replace_rows, rows_of, store_of
from tests.gateway.vault.test_required import DAY, LIVE, LOAD, QUARTER, YESTERDAY, feed, required, told

Rows = dict[str, list[Row]]
TABLES = ("piece", "block", "merged_part", "merged_sum")
ALL = (LIVE, QUARTER, DAY)
_batches = count(1)
FAULT = "the merged days of 1 households do not match their keys, and are not shown"


def rows(folder: Path) -> Rows:
    return {table: list(rows_of(store_of(folder), table)) for table in TABLES}


async def shown(home: House, who: SubjectId) -> list[list[int]]:
    return [await told(home, who, detail) for detail in ALL]


async def merged_twice(folder: Path) -> tuple[SubjectId, Rows]:
    """Yesterday was merged, then came more of it, in its order, and it was merged again; the rows of before that."""
    async with house(folder) as home:
        who = await home.household()
        await feed(home, who, [10, 20])
        await home.compactor.round()
        assert await shown(home, who) == [[10, 20], [10, 20], [30]]
    before = rows(folder)
    async with house(folder) as home:
        await feed(home, who, [30], YESTERDAY + 2 * QUARTER_HOUR)
        await home.compactor.round()
        assert await shown(home, who) == [[10, 20, 30], [10, 20, 30], [60]]
        assert await required(home) == set(), "nothing was corrected"
    return who, before


def of(found: Sequence[Row], detail: DetailClass) -> list[Row]:
    return [row for row in found if row["class"] == CLASS_CODES[detail]]


@pytest.mark.parametrize("detail", ALL)
async def test_a_block_of_before_a_later_merge_is_not_shown_in_its_place(tmp_path: Path, detail: DetailClass) -> None:
    who, before = await merged_twice(tmp_path)
    replace_rows(tmp_path, "block", of(before["block"], detail), where=f'"class" = {CLASS_CODES[detail]}')
    async with house(tmp_path) as home:
        whole = [[10, 20, 30], [10, 20, 30], [60]]
        assert await shown(home, who) == [[] if one is detail else whole[ALL.index(one)] for one in ALL]
        assert home.gateway.required.faults == []


async def test_a_block_that_says_it_goes_as_far_is_not_shown_either(tmp_path: Path) -> None:
    who, before = await merged_twice(tmp_path)
    upto = {row["class"]: row["upto"] for row in rows(tmp_path)["block"]}
    replace_rows(tmp_path, "block", [{**row, "upto": upto[row["class"]]} for row in before["block"]])
    async with house(tmp_path) as home:
        assert await shown(home, who) == [[], [], []]


async def test_pieces_that_went_into_a_block_come_back_neither_beside_it_nor_in_its_place(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await feed(home, who, [10, 20])
    before = rows(tmp_path)
    async with house(tmp_path) as home:
        await home.compactor.round()
    replace_rows(tmp_path, "piece", before["piece"])
    async with house(tmp_path) as home:
        assert await shown(home, who) == [[10, 20], [10, 20], [30]]
    replace_rows(tmp_path, "block", [])
    async with house(tmp_path) as home:
        assert await shown(home, who) == [[], [], []]


async def test_notes_of_before_hide_their_household_and_nobody_else(tmp_path: Path) -> None:
    who, before = await merged_twice(tmp_path)
    async with house(tmp_path) as home:
        other = await home.household()
        await feed(home, other, [1])
        await home.compactor.round()
    theirs = [row for row in rows(tmp_path)["merged_part"] if row["subject"] == other]
    replace_rows(tmp_path, "block", before["block"], where=f"subject = '{who}'")
    replace_rows(tmp_path, "merged_part", [*before["merged_part"], *theirs])
    async with house(tmp_path) as home:
        with capture_logs() as logs:
            assert await shown(home, who) == [[], [], []]
            assert await shown(home, other) == [[1], [1], [1]]
        assert [line["households"] for line in logs if line["event"] == "days.not_believed"] == [1]
        assert who not in str(logs)
        assert home.gateway.required.faults == [FAULT]
        await feed(home, who, [40], YESTERDAY + 3 * QUARTER_HOUR)
        assert await home.compactor.round() == 0
        assert len(home.compactor.faults) == 1


async def test_the_operator_may_take_notes_as_they_lie_there(tmp_path: Path) -> None:
    who, before = await merged_twice(tmp_path)
    for table in ("block", "merged_part"):
        replace_rows(tmp_path, table, before[table])
    settings = clear_settings(tmp_path)
    assert await accept(settings, structlog.get_logger(), lambda: NOON) == {"merged_part": 3}
    assert await accept(settings, structlog.get_logger(), lambda: NOON) == {}
    async with house(tmp_path) as home:
        assert await shown(home, who) == [[10, 20], [10, 20], [30]]
        assert home.gateway.required.faults == []


async def test_a_note_that_is_gone_is_not_a_day_that_was_never_merged(tmp_path: Path) -> None:
    who, _ = await merged_twice(tmp_path)
    replace_rows(tmp_path, "merged_part", [])
    async with house(tmp_path) as home:
        assert await shown(home, who) == [[], [], []]


@pytest.mark.parametrize("wrong", [{"digest": "text"}, {"digest": b""}, {"upto": -1}, {"day": 1 << 40}])
async def test_notes_that_no_merge_wrote_are_no_trouble_to_anybody_else(tmp_path: Path, wrong: Row) -> None:
    who, _ = await merged_twice(tmp_path)
    note = rows(tmp_path)["merged_part"][0]
    replace_rows(tmp_path, "merged_part", [{**note, **wrong}])
    async with house(tmp_path) as home:
        assert await shown(home, who) == [[], [], []]
        await home.gateway.retention.run(NOON + 1200 * ONE_DAY)
        other = await home.household()
        await feed(home, other, [1])
        await home.compactor.round()
        assert await told(home, other, QUARTER) == [1]


async def test_sums_of_before_stop_the_start(tmp_path: Path) -> None:
    _, before = await merged_twice(tmp_path)
    for table in TABLES:
        replace_rows(tmp_path, table, before[table])
    with pytest.raises(ExceptionGroup) as refused:
        async with house(tmp_path):
            pass
    assert refused.group_contains(StoreDoubted, match="merged_sum")


async def test_a_crash_before_the_keys_heard_of_a_merge_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await feed(home, who, [10, 20])
        await home.gateway.pins._settle_all()

        async def full(*_: object) -> None:
            raise StoreFull("full")

        monkeypatch.setattr(home.keeper, "pin", full)
        assert await home.compactor.round() == 2
    for _ in range(2):
        async with house(tmp_path) as home:
            assert await shown(home, who) == [[10, 20], [10, 20], [30]]


async def test_batches_that_come_in_their_order_note_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await feed(home, who, [10])
        changes: list[object] = []
        for name in ("_hand_in", "settle"):
            kept = getattr(home.gateway.pins, name)

            async def noted(*arguments: object, kept: object = kept, **words: object) -> object:
                changes.append(arguments)
                return await kept(*arguments, **words)  # type: ignore[operator]

            monkeypatch.setattr(home.gateway.pins, name, noted)
        before = {table: rows(tmp_path)[table] for table in ("merged_part", "merged_sum")}
        await feed(home, who, [20, 30], YESTERDAY + QUARTER_HOUR)
        assert changes == []
        assert {table: rows(tmp_path)[table] for table in before} == before


async def test_notes_go_with_their_class_and_with_their_household(tmp_path: Path) -> None:
    who, _ = await merged_twice(tmp_path)
    async with house(tmp_path) as home:
        other = await home.household()
        await feed(home, other, [1])
        await home.compactor.round()
        await home.gateway.retention.run(NOON + 40 * ONE_DAY)
        kept = rows(tmp_path)
        assert {row["class"] for row in kept["merged_part"]} == {CLASS_CODES[QUARTER], CLASS_CODES[DAY]}
        await home.vault.erase(who)
        kept = rows(tmp_path)
        assert {row["subject"] for row in (*kept["merged_part"], *kept["merged_sum"])} == {other}
    async with house(tmp_path) as home:
        assert await told(home, other, QUARTER) == [1]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_to_its_days_a_household_is_believed_after_it(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    at: dict[SubjectId, datetime] = {}
    for _ in range(3):
        async with house(tmp_path, zone="Europe/Vienna", kept={LIVE: 2, QUARTER: 3}) as home:
            home.now = max([NOON, *at.values()])
            while len(at) < 3:
                at[await home.household()] = home.now - ONE_DAY
            for _ in range(10):
                await _something(home, random, at)
            for who in at:
                home.gateway.required._merged._known.clear()
                assert await home.gateway.required.believed(who)
            assert home.compactor.faults == []


def reading(begin: datetime, value: int) -> Reading:
    return Reading("m", LOAD, begin + QUARTER_HOUR, Decimal(value), "Wh", start=begin)


async def _something(home: House, random: Random, at: dict[SubjectId, datetime]) -> None:
    who = random.choice(list(at))
    match random.randrange(6):
        case 0 | 1:
            begin = max(at[who], home.now.replace(minute=0) - ONE_DAY)
            many = min(random.randrange(1, 60), (home.now - begin) // QUARTER_HOUR)
            entries = [reading(begin + n * QUARTER_HOUR, random.randrange(9)) for n in range(many)]
            await home.intake.take(Batch("random", next(_batches), [(who, each) for each in entries]))
            at[who] = begin + random.randrange(many + 1) * QUARTER_HOUR
        case 2 | 3:
            await home.compactor.round()
        case 4:
            home.now += random.randrange(30) * timedelta(hours=1)
            await home.gateway.retention.run(home.now)
        case _:
            try:
                await home.gateway.retention.erase_day(who, (home.now - random.randrange(3) * ONE_DAY).date())
            except (ValueError, DayChanged):
                return
