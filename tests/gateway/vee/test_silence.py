"""A meter that said nothing on a day is one line of the work list, which grows, ends, and goes when data comes."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from adapters.plugin import Batch
from gateway.storage.tables.vee import vee_seen
from gateway.vee.records import Handling, Listed
from meter_driver.reading import Reading
from policies.terms import ONE_DAY, QUARTER_HOUR, SubjectId
from tests.gateway.house import ENERGY, NOON, House, house

TODAY = NOON.replace(hour=0)
_sequences = count(1)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def day(home: House, who: SubjectId, back: int, component: str = "m") -> None:
    """A register that goes on evenly, of the UTC day so many days before ``NOON``'s; told up to its last quarter."""
    start = TODAY - back * ONE_DAY
    readings = [
        (who, Reading(component, ENERGY, start + n * QUARTER_HOUR, Decimal(1000 - 96 * back + n), "kWh"))
        for n in range(96)
    ]
    assert not (await home.intake.take(Batch("box", next(_sequences), readings))).refused


async def swept(home: House) -> None:
    while await home.compactor.round():
        pass
    await home.gateway.sweep.round()


async def silent(home: House, who: SubjectId, state: Handling | None = Handling.OPEN) -> list[Listed]:
    found = await home.gateway.vee.work.listed(household=who, rule="consecutive-interval", state=state, most=500)
    return [each for each in found if dict(each.item.found.numbers).keys() == {"days"}]


async def spans(home: House, who: SubjectId) -> list[tuple[int, int]]:
    """Of open ones, in days before ``NOON``'s: first and one after the last."""

    def back(at: datetime) -> int:
        return (TODAY - at) // ONE_DAY

    found = [each.item.found for each in await silent(home, who)]
    return sorted(((back(one.start), back(one.end)) for one in found), reverse=True)


async def test_a_silent_day_is_one_exception_until_its_data_comes(home: House) -> None:
    who = await home.household()
    for back in (5, 4, 2, 1):
        await day(home, who, back)
    await swept(home)
    assert await spans(home, who) == [(3, 2)]
    await home.gateway.sweep.round()
    assert await spans(home, who) == [(3, 2)]
    await home.gateway.vee.run(who, (TODAY - 3 * ONE_DAY).date())
    assert await spans(home, who) == [(3, 2)]
    await day(home, who, 3)
    await swept(home)
    assert await silent(home, who, None) == []


async def test_a_household_that_stays_silent_has_one_exception_that_grows(home: House) -> None:
    who = await home.household()
    await day(home, who, 1)
    await swept(home)
    assert await spans(home, who) == []
    for n in range(1, 41):
        home.now = NOON + n * ONE_DAY
        await home.gateway.sweep.round()
        assert await spans(home, who) == ([(0, -n)])
    (one,) = await silent(home, who)
    assert dict(one.item.found.numbers) == {"days": 40}


async def test_data_in_the_middle_leaves_the_days_on_both_sides(home: House) -> None:
    who = await home.household()
    for back in (9, 1):
        await day(home, who, back)
    await swept(home)
    assert await spans(home, who) == [(8, 1)]
    await day(home, who, 5)
    await swept(home)
    assert await spans(home, who) == [(8, 5), (4, 1)]


async def test_what_somebody_accepted_is_not_listed_again_while_it_goes_on_or_is_filled(home: House) -> None:
    who = await home.household()
    for back in (9, 1):
        await day(home, who, back)
    await swept(home)
    (one,) = await silent(home, who)
    await home.gateway.vee.accept(one.id, "a", "on holiday, switched off")
    await day(home, who, 5)
    await swept(home)
    assert await silent(home, who) == []
    (left,) = await silent(home, who, None)
    assert (left.id, left.item.acts[0].reason) == (one.id, "on holiday, switched off")


async def test_one_of_two_meters_is_missed_where_the_other_speaks(home: House) -> None:
    who = await home.household()
    for back in (3, 2, 1):
        await day(home, who, back)
    await day(home, who, 3, "pump")
    await swept(home)
    (one,) = await silent(home, who)
    assert (one.item.found.meter, one.item.found.end - one.item.found.start) == ("pump", 2 * ONE_DAY)


async def test_a_stand_at_midnight_alone_is_no_word_of_the_day_that_begins_there(home: House) -> None:
    who = await home.household()
    for back in (4, 1):
        await day(home, who, back)
    midnight = Reading("m", ENERGY, TODAY - 3 * ONE_DAY, Decimal(712), "kWh")
    await home.intake.take(Batch("box", next(_sequences), [(who, midnight)]))
    await swept(home)
    assert await spans(home, who) == [(3, 1)]


async def test_nobody_is_missed_before_the_first_word_or_before_a_day_is_merged(home: House) -> None:
    silent_one, late = await home.household(), await home.household()
    await day(home, late, 3)
    await swept(home)
    assert await spans(home, late) == [(2, 0)]
    assert await silent(home, silent_one, None) == []
    home.now += ONE_DAY
    await home.intake.take(
        Batch("box", next(_sequences), [(late, Reading("m", ENERGY, TODAY + timedelta(hours=1), Decimal(1001), "kWh"))])
    )
    await home.gateway.sweep.round()  # there are pieces of that day: it waits for them
    assert await spans(home, late) == [(2, 0)]


async def test_what_was_noted_of_days_that_are_gone_goes_too(home: House) -> None:
    who = await home.household()
    await day(home, who, 1)
    await swept(home)
    noted = select(vee_seen.c.day).where(vee_seen.c.tenancy == who)
    assert await home.store.look(lambda connection: connection.execute(noted).fetchall())
    home.now += timedelta(days=500)
    await home.gateway.retention.run(home.now)
    await home.gateway.sweep.round()
    left = await home.store.look(lambda connection: connection.execute(noted).scalars().all())
    assert left == [home.now.toordinal() - 1]
