"""Cells are closed at their watermark without a question, once, for ever, and never of fewer than k."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.plugin import Batch, Refused
from gateway.cohorts import desk as cohorts
from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.storage.tables.cohorts import cell, draw
from meter_driver.reading import Reading
from policies.cohorts import SafetyRule
from policies.terms import Level, Period, Purpose, Reason, SubjectId, Zone
from tests.gateway.house import ENERGY, FEED, House, house

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def joined(home: House, count: int, place: str = "Z1", **other: Any) -> list[SubjectId]:
    """Households of a place that allow figures, agreed now."""
    people = [await home.household(place) for _ in range(count)]
    for who in people:
        words = {"recipient": NEIGHBOURHOOD, "purpose": Purpose.NEIGHBOURHOOD, "level": Level.COHORT}
        await home.agree(who, **words, **other)
    return people


async def feed(
    home: House, people: Sequence[SubjectId], hours: range, quantity: str = ENERGY, *, first: int = 0, day: int = 0
) -> None:
    """Registers at full hours since a midnight; household n, counted from ``first``, uses 2^n an hour."""
    midnight = home.now.replace(hour=0) + day * DAY
    for n, who in enumerate(people, first):
        values = [h * 2**n for h in hours]
        await home.feed(who, values, step=HOUR, start=midnight + hours[0] * HOUR, quantity=quantity)


async def stored(home: House) -> dict[tuple[str, int, str], Decimal | None]:
    """Every cell: place or cohort's place, hour of the day, quantity -> value."""
    rows = await home.store.look(lambda connection: connection.execute(select(cell)).fetchall())
    return {
        (r.node, int(r.start % 86400 // 3600), r.quantity): None if r.value is None else Decimal(r.value) for r in rows
    }


async def energy(home: House) -> dict[int, Decimal | None]:
    """Of the only cohort, by hour."""
    return {hour: value for (_, hour, quantity), value in (await stored(home)).items() if quantity == ENERGY}


async def drawn(home: House) -> list[str]:
    query = select(draw.c.epoch).order_by(draw.c.epoch)
    return await home.store.look(lambda connection: [row[0] for row in connection.execute(query)])


async def work(home: House) -> None:
    while await home.cohorts.turn():
        pass


def question(home: House, place: str, hour: int, day: int = 0) -> Any:
    begin = home.now.replace(hour=0) + day * DAY + hour * HOUR
    return home.question(
        SubjectId(""),
        subject=Zone(place),
        level=Level.COHORT,
        purpose=Purpose.NEIGHBOURHOOD,
        resolution=HOUR,
        period=Period(begin, begin + HOUR),
    )


async def next_day(home: House, hour: int) -> None:
    home.now = home.now.replace(hour=0) + DAY + hour * HOUR


async def test_an_epoch_is_drawn_as_it_begins_and_its_cells_close_without_a_question(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await next_day(home, 0)
        await work(home)
        assert await drawn(home) == ["2026-03-05"]
        home.now += 3 * HOUR
        await feed(home, people, range(4))
        await work(home)
        assert await energy(home) == {0: 7, 1: 7, 2: 7}


async def test_newcomers_wait_for_the_next_epoch(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await next_day(home, 1)
        people += await joined(home, 3)
        await feed(home, people, range(2))
        await work(home)
        assert await energy(home) == {0: 7}
        await next_day(home, 1)
        await feed(home, people, range(2))
        await work(home)
        assert await drawn(home) == ["2026-03-05", "2026-03-06"]
        assert sorted(v for v in (await stored(home)).values() if v is not None) == [7, 7, 7 * 8]


async def test_a_member_that_delivered_nothing_is_left_out_at_the_watermark(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await next_day(home, 2)
        await feed(home, people[:3], range(3))
        await work(home)
        assert await energy(home) == {0: 7, 1: 7}
        await feed(home, people[3:], range(3), first=3)
        await work(home)
        home.now += DAY
        await work(home)
        assert {hour: (await energy(home))[hour] for hour in (0, 1)} == {0: 7, 1: 7}, "one value for ever"


async def test_a_member_that_delivers_but_has_not_reached_the_end_is_waited_for_one_interval(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await next_day(home, 1)
        await feed(home, people[:3], range(2))
        start = home.now - HOUR
        await home.feed(people[3], [0, 4], step=HOUR / 2, start=start)
        await work(home)
        assert await energy(home) == {}
        home.now += HOUR
        await feed(home, people[:3], range(3))
        await work(home)
        assert await energy(home) == {0: 7, 1: 7}


async def test_too_few_are_no_figure_and_the_cell_stays_open_until_there_are_enough(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await next_day(home, 1)
        await feed(home, people[:2], range(2))
        await work(home)
        with pytest.raises(Refused) as refused:
            await home.rows(question(home, "Z1", 0))
        assert refused.value.refusal.reasons == (Reason.NOT_YET,)
        await feed(home, people[2:], range(2), first=2)
        home.now += HOUR
        await work(home)
        assert (await energy(home))[0] == 7


async def test_of_a_cell_that_stays_too_small_nothing_is_ever_shown(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await next_day(home, 1)
        await work(home)
        await feed(home, people[:2], range(2))
        home.now += DAY + HOUR
        for late in (people[:0], people[2:]):
            await feed(home, late, range(2), first=2, day=-1)
            with pytest.raises(Refused) as refused:
                await home.rows(question(home, "Z1", 0, day=-1))
            assert refused.value.refusal.reasons == (Reason.COHORT_TOO_SMALL,)


async def test_a_cohort_that_somebody_left_closes_no_later_cell(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await next_day(home, 1)
        await feed(home, people, range(2))
        await work(home)
        home.now += HOUR
        await feed(home, people, range(3))
        await home.consent.withdraw(people[0])
        await work(home)
        assert await energy(home) == {0: 15}


async def test_one_that_dominates_is_not_shown_later_either(tmp_path: Path) -> None:
    async with house(tmp_path, profile=SafetyRule(3, Decimal("0.5"))) as home:
        people = await joined(home, 3)
        await next_day(home, 1)
        await feed(home, people, range(2))
        await work(home)
        assert await energy(home) == {0: None}


async def test_a_household_counts_only_for_the_quantities_it_agreed_to(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        people += await joined(home, 1, quantities=frozenset({FEED}))
        await next_day(home, 1)
        for quantity in (ENERGY, FEED):
            await feed(home, people, range(2), quantity)
        await work(home)
        assert {q: v for (_, _, q), v in (await stored(home)).items()} == {ENERGY: 7, FEED: 15}


async def test_one_turn_closes_a_bounded_number_of_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohorts, "CELLS_AT_ONCE", 2)
    async with house(tmp_path) as home:
        people = await joined(home, 3, quantities=frozenset({ENERGY}))
        await next_day(home, 5)
        await feed(home, people, range(6))
        assert await home.cohorts.turn()
        assert await energy(home) == {0: 7, 1: 7}
        await work(home)
        assert await energy(home) == dict.fromkeys(range(5), Decimal(7))


async def test_what_was_drawn_and_closed_is_found_again_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await next_day(home, 1)
        await feed(home, people, range(2))
        await work(home)
    async with house(tmp_path) as again:
        again.now, again.registry.where = home.now + HOUR, home.registry.where
        await feed(again, people, range(1, 3))
        await work(again)
        assert await energy(again) == {0: 7, 1: 7}
        assert await drawn(again) == ["2026-03-05"]


async def test_old_days_asked_for_backwards_keep_the_cohorts_together(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await joined(home, 20)
        for day in range(1, 6):
            with pytest.raises(Refused):
                await home.rows(question(home, "Z1", 1, day=-day))
        bodies = await home.store.look(lambda c: [row[0] for row in c.execute(select(draw.c.cohorts))])
        assert len(bodies) == 5
        together = {body.replace(day, "") for body in bodies for day in [body[5:15]]}
        assert len(together) == 1


async def test_members_whose_meters_count_in_another_unit_are_converted(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await next_day(home, 1)
        await feed(home, people[:3], range(2))
        begin = home.now - HOUR
        readings = [(people[3], Reading("m", ENERGY, begin + n * HOUR, Decimal(8000 * n), "Wh")) for n in range(2)]
        assert not (await home.intake.take(Batch("other", 1, readings))).refused
        await work(home)
        assert await energy(home) == {0: 15}


async def test_the_figure_of_a_place_stays_when_another_community_joins_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.household("Z1")
        people = await joined(home, 3, "Z1/a")
        await next_day(home, 1)
        await feed(home, people, range(2))
        first = await home.rows(question(home, "Z1", 0))
        assert [row.value for row in first] == [7]
        home.now += HOUR
        late = await joined(home, 3, "Z1/b")
        await feed(home, late, range(2))
        assert await home.rows(question(home, "Z1", 0)) == first


async def told(home: House, hour: int) -> tuple[str, Decimal, str | None]:
    (row,) = await home.rows(question(home, "Z1", hour))
    assert row.meter == ""
    return row.status, row.completeness, row.unit


async def test_a_cell_is_measured_when_all_its_members_are_and_says_of_how_many_it_is(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await next_day(home, 2)
        await feed(home, people, range(2))
        await feed(home, people[:3], range(2, 3))
        await work(home)
        home.now += HOUR
        await work(home)
        assert await told(home, 0) == ("measured", Decimal(1), "kWh")
        assert await told(home, 1) == ("estimated", Decimal("0.75"), "kWh")


async def test_a_cell_with_an_estimated_load_in_it_is_estimated(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await next_day(home, 2)
        await feed(home, people[:2], range(3))
        start = home.now.replace(hour=0)
        await home.feed(people[2], [0, 4, 8], step=HOUR * 0.9, start=start + HOUR / 8)
        await home.feed(people[2], [9], step=HOUR, start=home.now)
        await work(home)
        status, completeness, _ = await told(home, 1)
        assert (status, completeness) == ("estimated", Decimal(1))


async def test_days_of_cells_are_local_days(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        people = await joined(home, 3)
        await next_day(home, 0)
        await work(home)
        await next_day(home, 0)
        await work(home)
        await next_day(home, 0)
        midnight = home.now - 2 * DAY
        for n, who in enumerate(people):
            await home.feed(who, [hour * 2**n for hour in range(49)], step=HOUR, start=midnight)
        local = midnight - HOUR
        asked = replace(question(home, "Z1", 0), resolution=DAY, period=Period(local, local + 2 * DAY))
        (row,) = await home.rows(asked)
        assert (row.start, row.end, row.value) == (local + DAY, local + 2 * DAY, Decimal(24 * 7))
        with pytest.raises(Refused):
            await home.rows(replace(asked, period=Period(midnight, midnight + DAY)))
