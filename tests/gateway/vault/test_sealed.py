"""The vault: what was taken in comes out, corrected, by day, until it is expired or erased."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.errors import SubjectGone
from gateway.keeper.tree import Tree
from gateway.vault import merge
from policies.terms import DetailClass, Period, SubjectId
from policies.vault.values import Value
from tests.gateway.vault.safe import ALWAYS, ANNA, BERT, ENERGY, NOON, POWER, Safe, minutes, opened

DAY = timedelta(days=1)


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[Safe]:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        yield safe


async def test_readings_come_out_as_they_went_in(safe: Safe) -> None:
    sent = minutes(50)
    await safe.take(ANNA, sent)
    got = await safe.values(ANNA)
    assert [(v.at, v.first) for v in got] == [(at, Decimal(value)) for at, value in sent]
    assert {(v.quantity, v.unit, v.status, v.count) for v in got} == {(ENERGY, "kWh", "measured", 1)}
    assert all(str(v.first) == value for v, (_, value) in zip(got, sent, strict=True))


async def test_only_what_was_asked_for_comes_out(safe: Safe) -> None:
    await safe.take(ANNA, minutes(10))
    await safe.take(ANNA, minutes(10), POWER, "W")
    begin = NOON - timedelta(hours=2)
    period = Period(begin + timedelta(minutes=3), begin + timedelta(minutes=6))
    got = await safe.values(ANNA, period=period)
    assert [v.at for v in got] == [begin + timedelta(minutes=m) for m in (3, 4, 5)]
    assert {v.quantity for v in got} == {ENERGY}


async def test_the_coarser_series_are_derived_once(safe: Safe) -> None:
    await safe.take(ANNA, minutes(40))
    quarters = await safe.values(ANNA, DetailClass.QUARTER)
    assert [(v.at, v.count) for v in quarters] == [
        (NOON - timedelta(minutes=120 - 15 * i), n) for i, n in enumerate((15, 15, 10))
    ]
    assert (quarters[1].first, quarters[1].last, quarters[1].unit) == (Decimal("1015500"), Decimal("1029900"), "Wh")
    assert await safe.values(ANNA, DetailClass.DAY) == []
    await safe.compactor.merge(ANNA, DetailClass.QUARTER, NOON.toordinal())
    (day,) = await safe.values(ANNA, DetailClass.DAY)
    assert day.at == NOON.replace(hour=0) - timedelta(hours=1)  # midnight in Vienna
    assert (day.count, day.first, day.last, day.unit) == (40, Decimal("1000000"), Decimal("1039900"), "Wh")


async def test_partials_of_several_batches_are_one(safe: Safe) -> None:
    sent = minutes(15)
    await asyncio.gather(*(safe.take(ANNA, [one]) for one in sent))
    (quarter,) = await safe.values(ANNA, DetailClass.QUARTER)
    assert (quarter.count, quarter.first, quarter.last) == (15, Decimal("1000000"), Decimal("1014400"))


async def test_a_mean_is_over_the_time_in_which_each_value_stood_whatever_came_first(safe: Safe) -> None:
    sent = minutes(15)
    await asyncio.gather(*(safe.take(ANNA, [one], POWER, "W") for one in sent[::-1]))
    for _ in range(2):
        (quarter,) = await safe.values(ANNA, DetailClass.QUARTER, POWER)
        assert (quarter.count, quarter.covered) == (15, timedelta(minutes=14))
        assert quarter.total == sum(60 * Decimal(value) for _, value in sent[:-1])
        await safe.compactor.merge(ANNA, DetailClass.QUARTER, NOON.toordinal())


@pytest.mark.gdpr("5(1)(d)")
async def test_a_correction_wins_before_and_after_it_was_merged(safe: Safe) -> None:
    sent = minutes(5)
    await safe.take(ANNA, sent)
    await safe.take(ANNA, [(sent[2][0], "7.125")])
    assert [str(v.first) for v in await safe.values(ANNA)][2] == "7.125"
    assert await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())
    await safe.take(ANNA, [(sent[3][0], "8")])
    assert [v.first for v in await safe.values(ANNA)][2:4] == [Decimal("7.125"), Decimal(8)]


async def test_values_of_several_days_come_ascending_one_list_a_day(safe: Safe) -> None:
    for back in (3, 1, 2, 0):
        await safe.take(ANNA, minutes(3, NOON - back * DAY))
    days = [day async for day in safe.vault.read(ANNA, DetailClass.LIVE, frozenset({ENERGY}), ALWAYS)]
    assert [day[0].at for day in days] == [NOON - back * DAY for back in (3, 2, 1, 0)]


async def test_merging_changes_no_value_and_leaves_one_block_a_day(safe: Safe) -> None:
    rng = random.Random(4)
    for _ in range(30):
        at = NOON - timedelta(minutes=rng.randrange(0, 3000))
        await safe.take(ANNA, minutes(rng.randrange(1, 6), at - timedelta(minutes=6)), rng.choice([ENERGY, POWER]))
    stored = (DetailClass.LIVE, DetailClass.QUARTER)
    before = [await safe.values(ANNA, d, q) for d in stored for q in (ENERGY, POWER)]
    safe.now = NOON + 2 * DAY
    assert await safe.compactor.round() > 3
    assert before == [await safe.values(ANNA, d, q) for d in stored for q in (ENERGY, POWER)]
    days = await safe.values(ANNA, DetailClass.DAY, POWER)
    assert sum(day.count for day in days) == sum(quarter.count for quarter in before[3])
    assert await safe.compactor.round() == 0
    query = "SELECT count(*) FROM piece"
    assert await safe.store.look(lambda connection: connection.exec_driver_sql(query).scalar()) == 0


_SERIES = (DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY)


async def test_readers_see_every_value_while_days_are_merged(safe: Safe) -> None:
    await safe.take(ANNA, minutes(30))

    async def read() -> None:
        for _ in range(20):
            assert len(await safe.values(ANNA)) >= 30

    async def merge() -> None:
        for n in range(10):
            await safe.take(ANNA, minutes(1, NOON - timedelta(minutes=20 - n)))
            await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())

    await asyncio.gather(read(), merge())
    assert len(await safe.values(ANNA)) == 40


async def test_a_stream_gets_what_came_after_its_position(safe: Safe) -> None:
    await safe.take(ANNA, minutes(2))
    mark = safe.vault.mark(ANNA)
    news = safe.vault.news(ANNA)
    assert not news.is_set()
    await safe.take(ANNA, minutes(3, NOON - timedelta(minutes=30)))
    assert news.is_set()
    assert not safe.vault.news(ANNA).is_set()
    values, mark.position = await safe.vault.since(mark, DetailClass.LIVE, frozenset({ENERGY}))
    assert len(values) == 3
    assert await safe.vault.since(mark, DetailClass.LIVE, frozenset({ENERGY})) == ([], mark.position)


async def test_a_stream_that_has_everything_does_not_look_into_the_store(
    safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = safe.vault.mark(ANNA)
    await safe.take(ANNA, minutes(3))
    _, mark.position = await safe.vault.since(mark, DetailClass.QUARTER, frozenset({ENERGY}))

    def look(_: object) -> None:
        raise AssertionError("nothing has come in since")

    monkeypatch.setattr(safe.store, "look", look)
    assert await safe.vault.since(mark, DetailClass.LIVE, frozenset({ENERGY})) == ([], mark.position)


async def test_what_a_stream_has_not_seen_is_not_merged_with_what_it_has(safe: Safe) -> None:
    await safe.take(ANNA, minutes(3))
    mark = safe.vault.mark(ANNA)
    await safe.take(ANNA, minutes(3, NOON - timedelta(minutes=30)))
    assert await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())
    assert not await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())
    there = [v async for day in safe.vault.read(ANNA, DetailClass.LIVE, _ENERGY, ALWAYS, mark=mark) for v in day]
    values, mark.position = await safe.vault.since(mark, DetailClass.LIVE, _ENERGY)
    assert [len(there), len(values)] == [3, 3]
    assert await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())
    assert (await safe.vault.since(mark, DetailClass.LIVE, _ENERGY))[0] == []


async def test_a_stream_that_is_gone_holds_no_merge_up(safe: Safe) -> None:
    mark = safe.vault.mark(ANNA)
    await safe.take(ANNA, minutes(3))
    assert not await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())
    del mark
    assert await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())


_ENERGY = frozenset({ENERGY})


async def test_numbers_go_on_after_all_pieces_were_merged_and_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        await safe.take(ANNA, minutes(3))
        for detail in _SERIES:
            await safe.compactor.merge(ANNA, detail, NOON.toordinal())
        position = safe.vault.position(ANNA)
    async with opened(tmp_path) as safe:
        assert safe.vault.position(ANNA) >= position
        safe.sequence = 1
        await safe.take(ANNA, minutes(1, NOON - timedelta(minutes=5)))
        assert safe.vault.position(ANNA) > position
        assert len(await safe.values(ANNA)) == 4


async def test_an_erased_household_is_gone_and_its_neighbour_stays(safe: Safe) -> None:
    await safe.vault.admit(BERT, NOON)
    for subject in (ANNA, BERT):
        await safe.take(subject, minutes(10))
        await safe.take(subject, minutes(10, NOON - 2 * DAY))
        for back in (0, 2):
            await safe.compactor.merge(subject, DetailClass.QUARTER, NOON.toordinal() - back)
    sealed = await safe.vault.seal(ANNA, DetailClass.IDENTITY, b"Anna", about="name")
    entry = await safe.vault.seal(ANNA, DetailClass.LEDGER, b"entry", about="1")
    destroyed = await safe.vault.erase(ANNA)
    assert destroyed.days == dict.fromkeys(_SERIES, 2)
    assert (destroyed.pieces, destroyed.recovery_until) == (6, None)
    left = "SELECT DISTINCT subject FROM piece UNION SELECT subject FROM block"
    assert await safe.store.look(lambda connection: connection.exec_driver_sql(left).scalars().all()) == [BERT]
    for detail in _SERIES:
        with pytest.raises(SubjectGone):
            await safe.values(ANNA, detail)
    with pytest.raises(SubjectGone):
        await safe.vault.open(ANNA, DetailClass.IDENTITY, sealed, about="name")
    assert await safe.vault.open(ANNA, DetailClass.LEDGER, entry, about="1") == b"entry"
    assert safe.vault.oldest(ANNA, DetailClass.LIVE) is None
    assert safe.vault.oldest(ANNA, DetailClass.LEGAL) is not None
    assert len(await safe.values(BERT)) == 20
    answer = await safe.take(ANNA, minutes(1))
    assert answer.refused == ((0, "unknown-subject"),)
    with pytest.raises(SubjectGone):
        await safe.vault.admit(ANNA, NOON)
    assert (await safe.vault.erase(ANNA)).pieces == 0


async def test_a_household_that_was_never_admitted_is_gone(safe: Safe) -> None:
    with pytest.raises(SubjectGone):
        await safe.values(BERT)
    with pytest.raises(SubjectGone):
        await safe.vault.erase(BERT)
    with pytest.raises(SubjectGone):
        await safe.vault.seal(BERT, DetailClass.IDENTITY, b"", about="")
    assert safe.vault.oldest(BERT, DetailClass.LIVE) is None


async def test_one_day_in_the_middle_can_be_erased(safe: Safe) -> None:
    for back in (2, 1, 0):
        await safe.take(ANNA, minutes(3, NOON - back * DAY))
    await safe.retention.erase_day(ANNA, (NOON - DAY).date())
    assert [v.at.date() for v in await safe.values(ANNA)][::3] == [(NOON - 2 * DAY).date(), NOON.date()]
    await safe.take(ANNA, minutes(1, NOON - DAY))
    assert all(v.at.date() != (NOON - DAY).date() for v in await safe.values(ANNA))


async def test_admitting_again_changes_no_key(safe: Safe) -> None:
    await safe.take(ANNA, minutes(3))
    await safe.vault.admit(ANNA, NOON)
    assert len(await safe.values(ANNA)) == 3


async def test_many_households_are_admitted_in_few_commits(safe: Safe, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[object] = []
    commit = Tree.commit
    monkeypatch.setattr(Tree, "commit", lambda tree, changes: commits.append(commit(tree, changes)))
    subjects = [SubjectId(f"{n:032x}") for n in range(300)]
    await asyncio.gather(*(safe.vault.admit(subject, NOON) for subject in subjects))
    assert len(commits) < 5
    assert {safe.vault.oldest(s, DetailClass.LIVE) for s in subjects} == {date(2026, 3, 3)}


async def test_sealed_words_open_where_they_belong_only(safe: Safe) -> None:
    sealed = await safe.vault.seal(ANNA, DetailClass.IDENTITY, b"Anna", about="name")
    assert await safe.vault.open(ANNA, DetailClass.IDENTITY, sealed, about="name") == b"Anna"
    for detail, about in ((DetailClass.IDENTITY, "address"), (DetailClass.LEDGER, "name")):
        with pytest.raises(ValueError, match="does not fit"):
            await safe.vault.open(ANNA, detail, sealed, about=about)


async def test_keyed_hashes_stay_the_same_and_are_the_houses_own(tmp_path: Path) -> None:
    hashes = []
    for home in ("one", "one", "two"):
        async with opened(tmp_path / home) as safe:
            hashes.append(safe.vault.lookup("meter", "123"))
            assert safe.vault.lookup("name", "123") != hashes[-1]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("detail", [DetailClass.LIVE, DetailClass.QUARTER])
async def test_of_a_day_only_what_lies_in_the_period_is_made_a_value(
    safe: Safe, detail: DetailClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour, made = timedelta(hours=1), list[datetime]()
    await safe.take(ANNA, minutes(180, NOON - 3 * hour))

    class Noted(Value, frozen=True):
        def __post_init__(self) -> None:
            made.append(self.at)

    monkeypatch.setattr(merge, "Value", Noted)
    period = Period(NOON - 2 * hour, NOON - hour)
    for _ in range(2):
        made.clear()
        read = safe.vault.read(ANNA, detail, frozenset({ENERGY}), period)
        found = [value.at async for day in read for value in day]
        assert sorted(made) == found
        assert (found[0], len(found)) == (NOON - 2 * hour, 60 if detail is DetailClass.LIVE else 4)
        assert all(at < period.end for at in found)
        await safe.compactor.merge(ANNA, detail, NOON.toordinal())
