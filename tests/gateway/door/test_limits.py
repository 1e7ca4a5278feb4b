"""A meter's own connection limit counts in every answer: the door's, a household's own, VEE's and the cells'."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.registry.meter_records import Reader
from policies.terms import ONE_DAY, QUARTER_HOUR, Period, Row, SubjectId
from tests.gateway.house import ENERGY, NOON, House, house

DAY = NOON.replace(hour=0) - ONE_DAY
LEAP = DAY + 40 * QUARTER_HOUR
"""In this quarter the register rises by 20 kWh: 80 kW."""
HOUR = timedelta(hours=1)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def leapt(home: House) -> SubjectId:
    who = await home.household()
    await home.agree(who)
    values = [round(1000 + 0.1 * n + (19.9 if n > 40 else 0), 1) for n in range(97)]
    await home.feed(who, values, step=QUARTER_HOUR, start=DAY)
    return who


async def limited(home: House, who: SubjectId, limit: int) -> None:
    await home.gateway.registry.meters.assign(who, Reader("box", "m"), label="m", limit=Decimal(limit))


async def told(home: House, who: SubjectId) -> dict[str, list[Row]]:
    """Of the day: by whom it is asked, and in which intervals."""
    period = Period(DAY, DAY + ONE_DAY)
    found = {
        f"door {step}": await home.rows(home.question(who, resolution=step, period=period))
        for step in (QUARTER_HOUR, HOUR, ONE_DAY)
    }
    for step in (QUARTER_HOUR, ONE_DAY):
        parts = await home.gateway.own_data.own(who, home.own_right(), step)
        found[f"own {step}"] = [row async for part in parts for row in part.released.rows]
    loads = await home.cohorts._loader.loads(who, frozenset({ENERGY}), period)
    found["cell"] = [mine[ENERGY] for mine in loads.values() if ENERGY in mine]
    return {name: [row for row in rows if row.start <= LEAP < row.end] for name, rows in found.items()}


async def test_an_amount_that_the_meters_own_connection_cannot_carry_is_told_by_nobody(home: House) -> None:
    who = await leapt(home)
    assert {row.status for rows in (await told(home, who)).values() for row in rows} == {"measured"}
    await limited(home, who, 4)
    after = await told(home, who)
    assert len(after) == 6
    assert [name for name, rows in after.items() if any(row.value is not None for row in rows)] == []


async def test_what_a_connection_carries_for_a_while_is_told_and_listed(home: House) -> None:
    who = await leapt(home)
    await limited(home, who, 40)
    assert {row.status for rows in (await told(home, who)).values() for row in rows} == {"measured"}
    await home.compactor.round()
    await home.gateway.sweep.round()
    found = [each.item.found for each in await home.gateway.vee.work.listed(household=who)]
    assert ("high-low", LEAP) in [(one.rule, one.start) for one in found]
