"""An epoch is drawn and closed when it is over, asked for or not; its cells have one value for ever, of never fewer
than k."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from adapters.plugin import Batch, Refused
from gateway.cohorts import desk as cohorts
from gateway.cohorts.closing import intervals
from gateway.storage.tables.cohorts import draw
from meter_driver.reading import Reading
from policies.cohorts import Cohort, SafetyRule
from policies.terms import Period, Reason, Row, SubjectId
from tests.gateway.cohorts.town import (
    DAY,
    HOUR,
    allow_figures,
    cells,
    drawn,
    feed,
    joined,
    midnight,
    next_day,
    question,
    work,
)
from tests.gateway.house import ENERGY, FEED, NOON, House, house


async def refused(home: House, place: str, hour: int, day: int = -1) -> Reason:
    with pytest.raises(Refused) as error:
        await home.rows(question(home, place, hour, day))
    (reason,) = error.value.refusal.reasons
    return reason


# -- epochs


async def test_a_day_is_drawn_and_closed_when_it_is_over_without_a_question(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await feed(home, people, range(4))
        await work(home)
        assert (await drawn(home), await cells(home)) == ([], {})
        assert await refused(home, "Z1", 0, day=0) is Reason.NOT_YET
        await next_day(home)
        assert await drawn(home) == ["2026-03-04"]
        assert await cells(home) == {0: 7, 1: 7, 2: 7}


async def test_who_leaves_on_a_day_is_in_none_of_its_figures_and_they_fall_silent_at_no_minute(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await feed(home, people, range(6))
        home.now += 3 * HOUR
        await home.consent.withdraw(people[0])
        await next_day(home)
        assert await cells(home) == dict.fromkeys(range(5), Decimal(2 + 4 + 8))


async def test_who_leaves_later_silences_nothing_that_was_told_and_all_that_was_not_after_a_day(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await feed(home, people, range(3))
        await feed(home, people[:2], range(3, 5))
        await next_day(home)
        first = await home.rows(question(home, "Z1", 1, day=-1))
        await home.consent.withdraw(people[0])
        await feed(home, people[2:], range(3, 5), first=2, day=-1)
        home.now += HOUR
        assert await home.rows(question(home, "Z1", 1, day=-1)) == first
        assert await refused(home, "Z1", 3) is Reason.NOT_YET, "as it was before"
        home.now += DAY
        assert await home.rows(question(home, "Z1", 1, day=-2)) == first
        assert await refused(home, "Z1", 3, day=-2) is Reason.COHORT_SILENT


async def test_newcomers_count_from_the_first_whole_day_on_that_their_values_are_allowed_of(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        home.now += 2 * HOUR
        late = await home.household("Z1")
        await allow_figures(home, late, values=Period(home.now, home.now + 9 * DAY))
        people.append(late)
        await feed(home, people, range(2))
        await next_day(home, 3)
        assert await cells(home) == {0: 7}
        await home.consent.withdraw(people[0])
        await feed(home, people, range(2))
        await next_day(home)
        assert (await cells(home))[0] == 2 + 4 + 8


async def test_what_had_too_few_values_is_told_when_they_come_within_a_day(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await feed(home, people, range(2))
        await feed(home, people[:2], range(2, 4))
        await next_day(home)
        assert await cells(home) == {0: 15}
        assert await refused(home, "Z1", 2) is Reason.NOT_YET
        await feed(home, people[2:3], range(1, 4), first=2, day=-1)
        home.now += HOUR
        await work(home)
        assert await cells(home) == {0: 15, 1: 7, 2: 7}
        await feed(home, people[3:], range(1, 4), first=3, day=-1)
        home.now += HOUR
        await work(home)
        assert await cells(home) == {0: 15, 1: 7, 2: 7}, "one value for ever"


async def test_what_was_not_told_a_day_later_never_is(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await feed(home, people, range(2))
        await next_day(home)
        home.now += DAY
        await work(home)
        await feed(home, people, range(1, 3), day=-2)
        for _ in range(2):
            assert await refused(home, "Z1", 1, day=-2) is Reason.COHORT_SILENT
            home.now += HOUR
            await work(home)
        assert await cells(home) == {0: 7}


async def test_what_came_within_a_day_is_told_by_one_last_look_also_when_nothing_looked_before(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await feed(home, people, range(2))
        await next_day(home)
        await feed(home, people, range(1, 3), day=-1)
        home.now += DAY + HOUR
        await work(home)
        assert await cells(home) == {0: 7, 1: 7}


async def test_a_question_makes_the_desk_look_again_but_not_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await feed(home, people, range(2))
        await next_day(home)
        assert await refused(home, "Z1", 1) is Reason.NOT_YET
        await feed(home, people, range(1, 3), day=-1)
        assert await refused(home, "Z1", 1) is Reason.NOT_YET
        home.now += 6 * HOUR / 3600
        assert [row.value for row in await home.rows(question(home, "Z1", 1, day=-1))] == [7]


async def test_days_before_the_first_are_drawn_at_a_question_for_a_week_back_and_no_more(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        for day in (-7, -8):
            await feed(home, people, range(2), day=day)
        assert [row.value for row in await home.rows(question(home, "Z1", 0, day=-7))] == [7]
        assert await refused(home, "Z1", 0, day=-8) is Reason.COHORT_TOO_SMALL
        assert await drawn(home) == ["2026-02-25"]


async def test_old_days_asked_for_backwards_keep_the_cohorts_together(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 20)
        for day in range(1, 6):
            for who in people:
                await feed(home, [who], range(2), day=-day)
            assert await home.rows(question(home, "Z1", 0, day=-day))
        bodies = await home.store.look(lambda c: c.execute(select(draw)).fetchall())
        assert len(bodies) == 5
        assert len({row.cohorts.replace(row.epoch, "") for row in bodies}) == 1


async def test_a_day_of_which_there_is_nothing_to_tell_leaves_no_row(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await joined(home, 3)
        assert await refused(home, "Z1", 0) is Reason.COHORT_TOO_SMALL
        assert await drawn(home) == []


async def test_what_was_drawn_and_closed_is_found_again_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await feed(home, people, range(2))
        await next_day(home)
    async with house(tmp_path) as again:
        again.now, again.registry.where = home.now + HOUR, home.registry.where
        await feed(again, people, range(1, 3), day=-1)
        await work(again)
        assert await cells(again) == {0: 7, 1: 7}
        assert await drawn(again) == ["2026-03-04"]


# -- who is in a cell


async def test_who_lacks_one_of_the_quantities_is_left_out_of_all(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4, quantities=frozenset({ENERGY, FEED}))
        for quantity in (ENERGY, FEED):
            await feed(home, people, range(2), quantity)
        await feed(home, people, range(1, 3))
        await feed(home, people[:3], range(1, 3), FEED)
        await next_day(home)
        assert await cells(home) == await cells(home, FEED) == {0: 15, 1: 7}


async def test_a_meter_without_a_register_counts_with_those_that_lack_it_too(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 6, quantities=frozenset({ENERGY, FEED}))
        await feed(home, people, range(2))
        await feed(home, people[:3], range(2), FEED)
        await next_day(home)
        assert await cells(home, FEED) == {0: 7}
        told = [await home.rows(question(home, f"Z1#2026-03-04-{n}", 0, day=-1)) for n in (0, 1)]
        assert sorted(row.value or 0 for (row,) in told) == [7, 56]
        assert [row.value for row in await home.rows(question(home, "Z1", 0, day=-1))] == [63]


async def test_a_household_counts_only_for_the_quantities_it_agreed_to(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3, quantities=frozenset({ENERGY, FEED}))
        people += await joined(home, 1, quantities=frozenset({FEED}))
        for quantity in (ENERGY, FEED):
            await feed(home, people, range(2), quantity)
        await next_day(home)
        assert await cells(home) == await cells(home, FEED) == {0: 7}


async def test_one_that_dominates_is_not_shown_later_either(tmp_path: Path) -> None:
    async with house(tmp_path, profile=SafetyRule(3, Decimal("0.5"))) as home:
        people = await joined(home, 3)
        await feed(home, people, range(2))
        await next_day(home)
        assert await refused(home, "Z1", 0) is Reason.NOT_YET
        home.now += DAY
        assert await refused(home, "Z1", 0, day=-2) is Reason.COHORT_SILENT
        assert await cells(home) == {}


async def test_the_households_of_one_holder_count_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        home.registry.whose = dict.fromkeys(people[:2], b"one")
        await feed(home, people, range(2))
        await next_day(home, 3)
        assert await drawn(home) == []
        people += await joined(home, 1)
        await feed(home, people, range(2))
        await next_day(home)
        assert await cells(home) == {0: 15}


async def test_a_household_one_of_whose_meters_is_silent_is_not_counted_by_the_others(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)

        async def both(hours: range, pump: range) -> None:
            """Everybody's meter; of the last one the heat pump's too, which uses a hundred an hour."""
            await feed(home, people, hours)
            begin = midnight(home)
            stands = [(people[3], Reading("pump", ENERGY, begin + h * HOUR, Decimal(100 * h), "kWh")) for h in pump]
            if stands:
                await home.take(stands)

        await both(range(5), range(3))
        await next_day(home)
        assert await cells(home) == {0: 115, 1: 115, 2: 7, 3: 7}, "from the day on which it fell silent"
        home.now += 6 * HOUR
        await both(range(3), range(0))
        await home.compactor.round()
        await next_day(home)
        assert await told(home, 0) == ("estimated", Decimal("0.75"), "kWh"), "and on the days after"
        assert [row.value for row in await home.rows(question(home, "Z1", 0, day=-1))] == [7]


async def test_members_whose_meters_count_in_another_unit_are_converted(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await feed(home, people[:3], range(2))
        begin = home.now.replace(hour=0)
        readings = [(people[3], Reading("m", ENERGY, begin + n * HOUR, Decimal(8000 * n), "Wh")) for n in range(2)]
        assert not (await home.intake.take(Batch("other", 1, readings))).refused
        await next_day(home)
        assert await cells(home) == {0: 15}


def test_a_member_whose_unit_cannot_be_converted_or_who_lacks_a_quantity_is_left_out() -> None:
    def rows(unit: str, *quantities: str) -> dict[str, Row]:
        return {q: Row("", q, NOON, NOON + HOUR, Decimal(1), unit) for q in quantities}

    people = [SubjectId(name) for name in "abcd"]
    mine = [rows("kWh", ENERGY, FEED), rows("Wh", ENERGY, FEED), rows("kvarh", ENERGY, FEED), rows("kWh", ENERGY)]
    loads = {who: {NOON: some} for who, some in zip(people, mine, strict=True)}
    cohort = Cohort(frozenset(people), frozenset({ENERGY, FEED}))
    (only,) = intervals(cohort, loads, [NOON, NOON + HOUR])
    assert (only.start, sorted(only.rows)) == (NOON, ["a", "b"])
    assert {row.unit for some in only.rows.values() for row in some.values()} == {"kWh"}


# -- places, rows


async def test_the_figure_of_a_place_stays_when_another_community_joins_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.household("Z1")
        people = await joined(home, 3, "Z1/a")
        await feed(home, people, range(2))
        await next_day(home)
        first = await home.rows(question(home, "Z1", 0, day=-1))
        assert [row.value for row in first] == [7]
        late = await joined(home, 3, "Z1/b")
        await feed(home, late, range(2), day=-1)
        home.now += HOUR
        assert [row.value for row in await home.rows(question(home, "Z1/b", 0, day=-1))] == [7]
        assert await home.rows(question(home, "Z1", 0, day=-1)) == first


async def test_a_place_is_silent_where_one_of_its_cohorts_is(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.household("Z1")
        one, two = await joined(home, 3, "Z1/a"), await joined(home, 3, "Z1/b")
        await feed(home, one, range(3))
        await feed(home, two, range(2), first=3)
        await next_day(home)
        assert [row.value for row in await home.rows(question(home, "Z1", 0, day=-1))] == [63]
        assert [row.value for row in await home.rows(question(home, "Z1/a", 1, day=-1))] == [7]
        assert await refused(home, "Z1", 1) is Reason.NOT_YET


async def told(home: House, hour: int) -> tuple[str, Decimal, str | None]:
    (row,) = await home.rows(question(home, "Z1", hour, day=-1))
    assert row.meter == ""
    return row.status, row.completeness, row.unit


async def test_a_cell_is_measured_when_all_its_members_are_and_says_of_how_many_it_is(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await feed(home, people, range(2))
        await feed(home, people[:3], range(2, 3))
        await next_day(home)
        assert await told(home, 0) == ("measured", Decimal(1), "kWh")
        assert await told(home, 1) == ("estimated", Decimal("0.75"), "kWh")


async def test_a_cell_with_an_estimated_load_in_it_is_estimated(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await feed(home, people[:2], range(3))
        start = home.now.replace(hour=0)
        await home.feed(people[2], [0, 4, 8], step=HOUR * 0.9, start=start + HOUR / 8)
        await home.feed(people[2], [9], step=HOUR, start=start + 2 * HOUR)
        await next_day(home)
        status, completeness, _ = await told(home, 1)
        assert (status, completeness) == ("estimated", Decimal(1))


async def test_days_of_cells_are_local_days(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        people = await joined(home, 3)
        midnight = home.now.replace(hour=0)
        home.now += 2 * DAY
        for n, who in enumerate(people):
            await home.feed(who, [hour * 2**n for hour in range(49)], step=HOUR, start=midnight)
        local = midnight - HOUR
        asked = replace(question(home, "Z1", 0), resolution=DAY, period=Period(local, local + 2 * DAY))
        (row,) = await home.rows(asked)
        assert (row.start, row.end, row.value) == (local + DAY, local + 2 * DAY, Decimal(24 * 7))
        with pytest.raises(Refused):
            await home.rows(replace(asked, period=Period(midnight, midnight + DAY)))


async def test_a_question_for_more_cells_than_it_may_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohorts, "MOST_CELLS", 2)
    async with house(tmp_path) as home:
        await home.household("Z1")
        begin = home.now.replace(hour=0) - DAY
        asked = replace(question(home, "Z1", 0), period=Period(begin, begin + 3 * HOUR))
        with pytest.raises(Refused) as error:
            await home.rows(asked)
        assert error.value.refusal.reasons == (Reason.NOTHING_ASKED,)


async def test_who_agreed_twice_is_in_it_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people: list[SubjectId] = await joined(home, 3)
        await allow_figures(home, people[0], frozenset({ENERGY, FEED}))
        await feed(home, people, range(2))
        await next_day(home)
        assert await cells(home) == {0: 7}
