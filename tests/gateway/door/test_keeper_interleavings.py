"""A keeper that is waited for: whatever happens meanwhile, nothing leaves, stays or counts that should not."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import Batch, Refused
from gateway.door.standing import Lapse
from gateway.errors import BeingRecorded, SubjectGone, TreeBroken
from meter_driver.reading import Reading
from policies.grounds import Consent
from policies.terms import SERIES_CLASSES, DetailClass, Period, Portfolio, Reason, SubjectId
from policies.vault.seal import CLASS_CODES
from tests.gateway.books import entries_of
from tests.gateway.house import ENERGY, House, house
from tests.gateway.keeper.suspending import SuspendingKeeper, far

TURNS = 50
"""Of the loop: more than anything below takes that does not wait for the store."""
SEALING, KEYS = ("seal", "seal answered"), ("ciphers", "ciphers answered")
DAY = timedelta(days=1)


@asynccontextmanager
async def far_house(folder: Path) -> AsyncIterator[tuple[House, SuspendingKeeper]]:
    made: list[SuspendingKeeper] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.keeper.opening.LocalKeeper", far(0, made))
        async with house(folder) as home:
            yield home, made[0]


async def turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def agreed(home: House) -> SubjectId:
    """A household with three readings that acme may have."""
    who = await home.household()
    await home.feed(who, [1, 2, 3])
    await home.agree(who)
    return who


async def refused(home: House, who: SubjectId) -> set[Reason]:
    with pytest.raises(Refused) as no:
        await home.rows(home.question(who))
    return set(no.value.refusal.reasons)


async def pieces(home: House) -> set[str]:
    """Whose pieces and blocks there are."""
    query = "SELECT subject FROM piece UNION SELECT subject FROM block"
    return await home.store.look(lambda connection: {row[0] for row in connection.exec_driver_sql(query)})


async def expire(home: House, *details: DetailClass) -> None:
    """Nothing before yesterday is held in these classes."""
    today = home.now.date()
    first = dict.fromkeys(SERIES_CLASSES, today - 2000 * DAY) | dict.fromkeys(details, today - DAY)
    await home.keeper.move_on(first, today)


# -- withdrawal: sealing its ledger entry


@pytest.mark.parametrize("point", SEALING)
async def test_a_withdrawal_counts_before_its_entry_is_sealed_and_is_told_after_it_is_durable(
    tmp_path: Path, point: str
) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await agreed(home)
        [opened] = await home.parts(home.question(who))
        assert opened.standing.still()
        async with keeper.gate(point) as gate:
            first = group.create_task(home.consent.withdraw(who))
            await gate.reached.wait()
            assert opened.standing.lapse() is Lapse.GROUND, "what was opened before is not written any more"
            assert await refused(home, who) == {Reason.WITHDRAWN}
            second = group.create_task(home.consent.withdraw(who))
            await turns()
            assert not first.done()
            assert not second.done(), "nobody is told what is not durable"
        assert [len(await first), len(await second)] == [1, 0]
        assert [entry.kind for entry in await entries_of(home.ledger, who)].count("withdrawn") == 1


@pytest.mark.parametrize("point", SEALING)
async def test_a_withdrawal_whose_caller_hangs_up_is_written_and_the_next_one_waits_for_it(
    tmp_path: Path, point: str
) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await agreed(home)
        async with keeper.gate(point) as gate:
            first = group.create_task(home.consent.withdraw(who))
            await gate.reached.wait()
            first.cancel()
            second = group.create_task(home.consent.withdraw(who))
            await turns()
            assert first.cancelled()
            assert not second.done()
        assert await second == []
        [ground] = await home.consent.all_grounds(who)
        assert isinstance(ground, Consent)
        assert ground.withdrawn == home.now


@pytest.mark.parametrize("point", SEALING)
async def test_if_an_entry_cannot_be_sealed_what_was_pressed_stays_and_is_recorded_later(
    tmp_path: Path, point: str
) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await agreed(home)
        async with keeper.gate(point) as gate:
            first = group.create_task(settled(home.consent.withdraw(who)))
            await gate.reached.wait()
            second = group.create_task(home.consent.withdraw(who))
            await turns()
            gate.failing = TreeBroken("the keeper is gone")
        assert isinstance(await first, BeingRecorded)
        assert await second == [], "who pressed while it was under way tries it again"
        assert await refused(home, who) == {Reason.WITHDRAWN}
        assert [entry.kind for entry in await entries_of(home.ledger, who)] == ["withdrawn", "given"]


async def settled(work: Coroutine[Any, Any, Any]) -> Any:
    """Its value, or what it raised."""
    return (await asyncio.gather(work, return_exceptions=True))[0]


@pytest.mark.parametrize("point", ["living", "living answered", *SEALING])
async def test_an_erasure_that_is_cut_before_it_is_durable_can_be_asked_for_again(tmp_path: Path, point: str) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await agreed(home)
        async with keeper.gate(point) as gate:
            work = group.create_task(settled(home.gateway.household_end.erase(who)))
            await gate.reached.wait()
            assert home.epochs.current(f"own:{who}") == (1 if point in SEALING else 0)
            gate.failing = TreeBroken("the keeper is gone")
        if point in SEALING:
            assert isinstance(await work, BeingRecorded)
            assert await refused(home, who) == {Reason.WITHDRAWN}
        else:
            assert isinstance(await work, TreeBroken)
            assert len(await home.rows(home.question(who))) == 3, "nothing was pressed yet"
        assert await home.gateway.household_end.erase(who)
        assert await refused(home, who) == {Reason.NO_CONSENT}
        assert [entry.kind for entry in await entries_of(home.ledger, who)][:2] == ["erased", "erased"]


@pytest.mark.parametrize("point", ["erase", "erase answered"])
async def test_an_erasure_that_is_cut_at_its_keys_is_finished_at_the_next_start(tmp_path: Path, point: str) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await agreed(home)
        async with keeper.gate(point) as gate:
            work = group.create_task(settled(home.gateway.household_end.erase(who)))
            await gate.reached.wait()
            gate.failing = TreeBroken("the keeper is gone")
        assert isinstance(await work, TreeBroken)
        assert await refused(home, who)
    async with far_house(tmp_path) as (again, _):
        assert await again.evidence.find(who, "erasure") is not None
        assert await refused(again, who) == {Reason.NO_CONSENT}
        assert await pieces(again) == set()


@pytest.mark.parametrize("point", SEALING)
async def test_a_yes_that_is_being_sealed_is_ended_by_the_erasure_that_waits_for_it(tmp_path: Path, point: str) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await home.household()
        await home.feed(who, [1])
        async with keeper.gate(point) as gate:
            yes = group.create_task(home.agree(who))
            await gate.reached.wait()
            assert await refused(home, who) == {Reason.NO_CONSENT}, "not durable, not yet a yes"
            gone = group.create_task(home.gateway.household_end.erase(who))
            await turns()
            assert not gone.done()
        await yes
        assert await gone
        assert await refused(home, who) == {Reason.NO_CONSENT}
        assert all(isinstance(g, Consent) and g.withdrawn for g in await home.consent.all_grounds(who))


# -- release: sealing its ledger entry, keys of its days


@pytest.mark.parametrize("point", [*SEALING, *KEYS])
@pytest.mark.parametrize("how", ["withdraw", "erase"])
async def test_who_leaves_while_a_release_waits_for_the_keeper_is_not_in_it(
    tmp_path: Path, point: str, how: str
) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who, stays = await agreed(home), await agreed(home)
        question = home.question(who, subject=Portfolio())
        async with keeper.gate(point) as gate:
            work = group.create_task(home.parts(question))
            await gate.reached.wait()
            await (home.consent.withdraw(who) if how == "withdraw" else home.gateway.household_end.erase(who))
        left = [part for part in await work if part.standing.still()]
        assert {part.released.subject for part in left} == {home.release.pseudonym(question.recipient, stays)}
        assert sum(len(part.released.rows) for part in left) == 3


@pytest.mark.parametrize("point", KEYS)
async def test_a_household_s_own_look_ends_with_its_erasure(tmp_path: Path, point: str) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await agreed(home)

        async def look() -> int:
            desk = home.gateway.own_data
            return len([p async for p in await desk.own(who, home.own_right())])

        assert await look() == 1
        async with keeper.gate(point) as gate:
            work = group.create_task(look())
            await gate.reached.wait()
            await home.gateway.household_end.erase(who)
        assert await work == 0


@pytest.mark.parametrize("point", KEYS)
async def test_a_day_that_expires_while_its_key_is_on_the_way_is_not_shown(tmp_path: Path, point: str) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await home.household()
        for back in (2, 1, 0):
            await home.feed(who, [1], start=home.now - back * DAY - timedelta(hours=1))
        await home.agree(who)
        question = home.question(who, period=Period(home.now - 5 * DAY, home.now))
        assert len(await home.rows(question)) == 3
        async with keeper.gate(point) as gate:
            work = group.create_task(home.rows(question))
            await gate.reached.wait()
            await expire(home, DetailClass.LIVE)
        assert [row.start.date() for row in await work] == [(home.now - DAY).date(), home.now.date()]


# -- intake: keys of its days


@pytest.mark.parametrize("point", KEYS)
async def test_of_a_household_that_is_erased_while_its_batch_waits_for_keys_nothing_is_kept(
    tmp_path: Path, point: str
) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who, other = await home.household(), await home.household()
        readings = [
            (subject, Reading("m", ENERGY, home.now - timedelta(hours=1), Decimal(n), "kWh"))
            for n, subject in enumerate((who, other))
        ]
        async with keeper.gate(point) as gate:
            work = group.create_task(home.intake.take(Batch("two", 1, readings)))
            await gate.reached.wait()
            await home.vault.erase(who)
        answer = await work
        assert (answer.accepted, answer.refused) == (1, ((0, "unknown-subject"),))
        assert await pieces(home) == {other}


@pytest.mark.parametrize("point", KEYS)
async def test_a_reading_whose_day_expires_while_its_key_is_on_the_way_is_refused(tmp_path: Path, point: str) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await home.household()
        ats = [home.now - back * DAY - timedelta(hours=1) for back in (2, 0)]
        readings = [(who, Reading("m", ENERGY, at, Decimal(1), "kWh")) for at in ats]
        async with keeper.gate(point) as gate:
            work = group.create_task(home.intake.take(Batch("old", 1, readings)))
            await gate.reached.wait()
            await expire(home, *SERIES_CLASSES)
        assert (await work).refused == ((0, "expired"),)


@pytest.mark.parametrize("point", KEYS)
async def test_a_batch_that_comes_again_while_the_first_waits_for_keys_counts_once(tmp_path: Path, point: str) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await home.household()
        batch = Batch("box", 7, [(who, Reading("m", ENERGY, home.now, Decimal(1), "kWh"))])
        async with keeper.gate(point) as gate:
            first = group.create_task(home.intake.take(batch))
            await gate.reached.wait()
            second = group.create_task(home.intake.take(batch))
            await turns()
            assert not second.done()
        assert [(await first).repeated, (await second).repeated] == [False, True]


# -- compactor, registry


@pytest.mark.parametrize("point", KEYS)
@pytest.mark.parametrize("how", ["erase", "expire"])
async def test_a_day_that_goes_while_it_is_merged_leaves_no_block(tmp_path: Path, point: str, how: str) -> None:
    async with far_house(tmp_path) as (home, keeper), asyncio.TaskGroup() as group:
        who = await home.household()
        await home.feed(who, [1, 2], start=home.now - 2 * DAY)
        async with keeper.gate(point) as gate:
            day = (home.now - 2 * DAY).toordinal()
            work = group.create_task(home.compactor.merge(who, DetailClass.LIVE, day))
            await gate.reached.wait()
            if how == "erase":
                await home.vault.erase(who)
            else:
                home.now += 8 * DAY
                await home.gateway.retention.run(home.now)
        assert await work is False
        count = f"SELECT count(*) FROM block WHERE class = {CLASS_CODES[DetailClass.LIVE]}"
        assert await home.store.look(lambda c: c.exec_driver_sql(count).scalar()) == 0


async def test_what_was_not_pushed_is_refused_and_nothing_of_it_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with far_house(tmp_path) as (home, keeper):
        who = await agreed(home)
        monkeypatch.setattr(keeper, "_oldest", {})
        assert await refused(home, who) == {Reason.NO_CONSENT}
        with pytest.raises(SubjectGone):
            await home.consent.ask(who, home.wish())
        await home.gateway.retention.run(home.now)
        assert await pieces(home) == {who}
        await keeper.load()
        assert len(await home.rows(home.question(who))) == 3
