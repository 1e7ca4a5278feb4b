"""All that a household takes along: each value once, in the finest form in which there is one, over every seam."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from meter_driver.intervals import day_edges, month_edges
from meter_driver.reading import Reading
from policies.terms import ONE_DAY, ONE_MONTH, QUARTER_HOUR, DetailClass, Row
from tests.gateway.door.test_days import BERLIN, SPRING, at_noon, own, run
from tests.gateway.house import House, house

STAND, NEED = "1-0:1.8.0*255", "1-0:1.29.0*255"
KEPT = {DetailClass.LIVE: 3, DetailClass.QUARTER: 9}


def spans(rows: Sequence[Row], quantity: str) -> list[Row]:
    return sorted((r for r in rows if r.quantity == quantity and r.start < r.end), key=lambda r: (r.start, r.end))


def total(rows: Sequence[Row]) -> Decimal:
    return sum((row.value for row in rows if row.value is not None), Decimal(0))


async def amounts(home: House, who: str, edges: Sequence[tuple[datetime, datetime]], value: str = "7.5") -> None:
    await home.take([(who, Reading("m", NEED, end, Decimal(value), "kWh", begin)) for begin, end in edges])  # type: ignore[misc]


@pytest.mark.parametrize("quarters", [15, 400])
async def test_a_register_that_is_read_once_a_day_rises_by_what_is_told_of_it(tmp_path: Path, quarters: int) -> None:
    """Also where readings are held no longer than days are; on the day on which the clocks change too."""
    async with house(tmp_path, zone="Europe/Berlin", kept={**KEPT, DetailClass.QUARTER: quarters}) as home:
        home.now = at_noon(SPRING) - 12 * ONE_DAY
        who, start = await home.household(), home.now - timedelta(hours=5)
        for n in range(25):
            await run(home, start + n * ONE_DAY)
            await home.feed(who, [100 + 10 * n], start=home.now, quantity=STAND)
        rows = spans(await own(home, who), STAND)
        assert all(one.end <= two.start for one, two in pairwise(rows))
        known = [row for row in rows if row.value is not None]
        assert all(one.end == two.start for one, two in pairwise(known))
        assert total(known) == Decimal(10) * ((known[-1].end - known[0].start) // ONE_DAY)
        assert {row.end - row.start for row in known if row.status == "measured"} == {ONE_DAY}
        assert all(row.value is not None for row in (await own(home, who, ONE_DAY))[1:])


async def test_a_silence_of_a_register_is_one_amount_and_quarters_go_on_behind_it(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin", kept={DetailClass.LIVE: 2}) as home:
        home.now = at_noon(SPRING)
        who, start = await home.household(), home.now - 10 * ONE_DAY
        await home.feed(who, list(range(200)), start=start, quantity=STAND)
        again = start + 199 * QUARTER_HOUR + 3 * ONE_DAY
        await home.feed(who, list(range(500, 700)), start=again, quantity=STAND)
        rows = spans(await own(home, who), STAND)
        (silence,) = [row for row in rows if row.end - row.start != QUARTER_HOUR]
        assert (silence.start, silence.end) == (again - 3 * ONE_DAY, again)
        assert (silence.value, silence.status, silence.completeness) == (Decimal(301), "measured", Decimal(1))
        assert (total(rows), {row.status for row in rows}) == (Decimal(699), {"measured"})


@pytest.mark.parametrize("quarters", [15, 400])
async def test_amounts_of_days_months_and_quarters_are_each_told_once_and_a_true_gap_is_missing(
    tmp_path: Path, quarters: int
) -> None:
    """As a history brings them; days, months and everything agree."""
    async with house(tmp_path, zone="Europe/Berlin", kept={DetailClass.LIVE: 3, DetailClass.QUARTER: quarters}) as home:
        home.now = at_noon(SPRING) - 90 * ONE_DAY
        who = await home.household()
        february = [day_edges(date(2026, 2, 1) + n * ONE_DAY, BERLIN) for n in range(28)]
        january = [
            (day_edges(date(2026, 1, n), BERLIN)[0], day_edges(date(2026, 1, n + 10), BERLIN)[0]) for n in (1, 11, 21)
        ]
        january[2] = (january[2][0], february[0][0])
        for third in january:
            await run(home, third[1] + timedelta(hours=6))
            await amounts(home, who, [third] if quarters < 31 else [], "80")
        if quarters > 31:
            await amounts(home, who, [month_edges(date(2026, 1, 5), BERLIN)], "240")
        for n, day in enumerate(february):
            await run(home, day[1] + timedelta(hours=6))
            if n not in (20, 21, 22):
                await amounts(home, who, [day])
        begin = february[-1][1]
        await run(home, begin + 2 * ONE_DAY)
        await amounts(home, who, [(begin + n * QUARTER_HOUR, begin + (n + 1) * QUARTER_HOUR) for n in range(96)], "0.1")
        await run(home, begin + 14 * ONE_DAY)
        whole = spans(await own(home, who), NEED)
        assert all(one.end == two.start for one, two in pairwise(whole))
        assert total(whole) == 240 + 25 * Decimal("7.5") + Decimal("9.6")
        gap = [row for row in whole if row.value is None]
        assert (gap[0].start, gap[-1].end) == (february[20][0], february[22][1])
        days, months = await own(home, who, ONE_DAY), await own(home, who, ONE_MONTH)
        assert total(days) == 25 * Decimal("7.5") + Decimal("9.6")
        assert [row.value for row in months][:2] == [240, None]
