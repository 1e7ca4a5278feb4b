"""A home with nothing used for a week and a spike: found, listed, edited; told so, and still there as received."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.plugin import Batch
from gateway.errors import NotAllowed, Unknown
from gateway.registry.meter_records import Reader
from gateway.storage.tables.vee import ALL, vee_correction, vee_exception
from gateway.vee.editing import Correcting, Target, unit_of
from gateway.vee.records import Handling, Listed
from meter_driver.reading import Reading
from policies.terms import AS_RECEIVED, ONE_DAY, QUARTER_HOUR, DetailClass, Period, Row, SubjectId
from policies.vee.estimation import Estimation
from tests.gateway.house import ENERGY, NOON, House, house, streamed

DAY = NOON.replace(hour=0) - ONE_DAY
"""Yesterday; days of the house are UTC."""
SPIKE = DAY + 40 * QUARTER_HOUR
HOUR = timedelta(hours=1)
HERE = Period(SPIKE, SPIKE + QUARTER_HOUR)
_sequences = count(1)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def stands(home: House, who: SubjectId, start: datetime, values: Sequence[float | str | None]) -> None:
    """A register every quarter of an hour; None is silence."""
    readings = [
        (who, Reading("m", ENERGY, start + n * QUARTER_HOUR, Decimal(str(v)), "kWh"))
        for n, v in enumerate(values)
        if v is not None
    ]
    answer = await home.intake.take(Batch("meter", next(_sequences), readings))
    assert not answer.refused


def spiked() -> list[float]:
    """A day at 0.1 kWh a quarter, but for one of 20 kWh."""
    return [round(1000 + 0.1 * n + (19.9 if n > 40 else 0), 1) for n in range(97)]


async def merged(home: House) -> None:
    while await home.compactor.round():
        pass


async def listed(home: House, **words: Any) -> list[Listed]:
    return await home.gateway.vee.work.listed(**words)


async def told(home: House, who: SubjectId, step: timedelta, start: datetime = DAY) -> list[Row]:
    period = Period(start, start + ONE_DAY)
    return await home.rows(home.question(who, resolution=step, period=period))


async def spike(home: House) -> tuple[SubjectId, Listed]:
    who = await home.household()
    await home.agree(who)
    await stands(home, who, DAY, spiked())
    await merged(home)
    assert await home.gateway.sweep.round()
    (one,) = [each for each in await listed(home, household=who) if each.item.found.rule == "spike"]
    return who, one


async def test_a_spike_is_listed_and_edited_and_told_as_validated_while_the_readings_stay(home: House) -> None:
    who, one = await spike(home)
    assert (one.item.found.start, one.state) == (SPIKE, Handling.OPEN)
    assert dict(one.item.found.numbers)["highest"] == 20
    raw = await told(home, who, AS_RECEIVED)
    day = (await told(home, who, ONE_DAY))[0].value
    wanted = Correcting("k.meier", "load test of the meter's maker", value=Decimal("0.1"), unit="kWh")
    edited = await home.gateway.vee.edit(one.id, wanted)
    assert (edited.listed.state, edited.listed.item.acts[-1].author) == (Handling.EDITED, "k.meier")
    row = next(row for row in await told(home, who, QUARTER_HOUR) if row.start == SPIKE)
    assert (row.value, row.status) == (Decimal("0.1"), "validated")
    assert day is not None
    after = (await told(home, who, ONE_DAY))[0]
    assert (after.value, after.status) == (day - Decimal("19.9"), "measured")
    assert await told(home, who, AS_RECEIVED) == raw
    assert not await listed(home, household=who, state=Handling.OPEN, rule="spike")


async def test_a_batch_that_comes_again_undoes_no_correction(home: House) -> None:
    who, one = await spike(home)
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))
    await stands(home, who, DAY, spiked())
    await merged(home)
    await home.gateway.sweep.round()
    row = next(row for row in await told(home, who, QUARTER_HOUR) if row.start == SPIKE)
    assert (row.value, row.status) == (Decimal("0.1"), "validated")
    assert not await listed(home, household=who)


async def test_the_newest_of_two_edits_counts_and_the_older_stays_in_the_books(home: House) -> None:
    who, one = await spike(home)
    for value in ("0.5", "0.2"):
        await home.gateway.vee.edit(one.id, Correcting("a", f"because {value}", value=Decimal(value), unit="kWh"))
    row = next(row for row in await told(home, who, QUARTER_HOUR) if row.start == SPIKE)
    assert row.value == Decimal("0.2")
    assert [each.act.reason for each in await home.gateway.vee.decided(who)] == ["because 0.2", "because 0.5"]
    assert len((await home.gateway.vee.work.get(one.id)).item.acts) == 2


async def test_what_was_accepted_is_not_found_again(home: House) -> None:
    who, one = await spike(home)
    assert (await home.gateway.vee.accept(one.id, "a", "an oven")).state is Handling.ACCEPTED
    await home.gateway.vee.run(who, DAY.date())
    assert not [each for each in await listed(home, household=who) if each.item.found.rule == "spike"]
    row = next(row for row in await told(home, who, QUARTER_HOUR) if row.start == SPIKE)
    assert (row.value, row.status) == (Decimal(20), "measured")


async def test_what_was_edited_is_not_accepted_as_the_correction_goes_on_counting(home: House) -> None:
    who, one = await spike(home)
    await home.gateway.vee.accept(one.id, "a", "an oven")
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))
    with pytest.raises(NotAllowed, match="exception: it was corrected"):
        await home.gateway.vee.accept(one.id, "a", "an oven after all")
    assert (await home.gateway.vee.work.get(one.id)).state is Handling.EDITED
    await home.gateway.vee.edit(one.id, Correcting("a", "an oven after all", value=Decimal(20), unit="kWh"))
    row = next(row for row in await told(home, who, QUARTER_HOUR) if row.start == SPIKE)
    assert (row.value, row.status) == (Decimal(20), "validated")


async def test_a_correction_taken_back_is_told_as_read_and_the_exception_is_open_again(home: House) -> None:
    who, one = await spike(home)
    before = [await told(home, who, step) for step in (QUARTER_HOUR, ONE_DAY)]
    for value in ("0.5", "0.2"):
        await home.gateway.vee.edit(one.id, Correcting("a", "a mistake", value=Decimal(value), unit="kWh"))
    assert [await told(home, who, step) for step in (QUARTER_HOUR, ONE_DAY)] != before
    done = await home.gateway.vee.undo(one.id, "k.meier", "it was the oven")
    assert [(c.start, c.unit, c.status) for c in done.corrections] == [(SPIKE, "kWh", "validated")]
    assert [await told(home, who, step) for step in (QUARTER_HOUR, ONE_DAY)] == before
    assert (done.open, (await home.gateway.vee.work.get(one.id)).state) == (True, Handling.OPEN)
    acts = [(act.state.value, act.reason) for act in (await home.gateway.vee.work.get(one.id)).item.acts]
    assert acts == [("edited", "a mistake")] * 2 + [("open", "it was the oven")]
    books = [(each.status, each.act.author, each.value) for each in await home.gateway.vee.decided(who)]
    edits = [("validated", "a", Decimal(value)) for value in ("0.2", "0.5")]
    assert books == [("as-read", "k.meier", None), *edits]


async def test_an_edit_after_one_was_taken_back_counts(home: House) -> None:
    who, one = await spike(home)
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.5"), unit="kWh"))
    await home.gateway.vee.undo(one.id, "a", "b")
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.3"), unit="kWh"))
    row = next(row for row in await told(home, who, QUARTER_HOUR) if row.start == SPIKE)
    assert (row.value, row.status) == (Decimal("0.3"), "validated")


async def test_nothing_is_taken_back_where_no_correction_counts(home: House) -> None:
    _, one = await spike(home)
    for _ in range(2):
        with pytest.raises(NotAllowed, match=r"^exception: nothing that was corrected for it counts"):
            await home.gateway.vee.undo(one.id, "a", "b")
        await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.5"), unit="kWh"))
        await home.gateway.vee.undo(one.id, "a", "b")


async def test_what_was_corrected_for_another_exception_stays(home: House) -> None:
    who, one = await spike(home)
    await stands(home, who, DAY - ONE_DAY, [round(970.5 + 0.1 * n + (19.9 if n > 40 else 0), 1) for n in range(97)])
    await merged(home)
    await home.gateway.sweep.round()
    (other,) = [e for e in await listed(home, household=who, rule="spike") if e.id != one.id]
    here = Period(SPIKE + HOUR, SPIKE + HOUR + QUARTER_HOUR)
    await home.gateway.vee.edit(other.id, Correcting("a", "b", here, Decimal("0.7"), "kWh"))
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.5"), unit="kWh"))
    day = (await told(home, who, ONE_DAY))[0].value
    await home.gateway.vee.undo(one.id, "a", "b")
    rows = {row.start: row.value for row in await told(home, who, QUARTER_HOUR)}
    assert (rows[here.start], rows[SPIKE]) == (Decimal("0.7"), Decimal(20))
    assert day is not None
    assert (await told(home, who, ONE_DAY))[0].value == day + Decimal("19.5")
    home.now += timedelta(days=500)
    await home.gateway.retention.run(home.now)
    parts = await home.gateway.own_data.own(who, home.own_right(), ONE_DAY)
    (kept,) = [row.value async for part in parts for row in part.released.rows if row.start == DAY]
    assert kept == day + Decimal("19.5")


async def test_an_estimate_of_a_gap_is_taken_back_and_the_gap_is_listed_again(home: House) -> None:
    who = await home.household()
    await home.agree(who)
    day: list[float | None] = [round(1000 + 0.1 * n, 1) for n in range(97)]
    day[41:44] = [None] * 3
    await stands(home, who, DAY - ONE_DAY, [round(990.4 + 0.1 * n, 1) for n in range(96)])
    await stands(home, who, DAY, day)
    await merged(home)
    await home.gateway.sweep.round()
    before = await told(home, who, QUARTER_HOUR)
    (gap,) = [one for one in await listed(home, household=who) if one.item.found.rule == "consecutive-interval"]
    await home.gateway.vee.edit(gap.id, Correcting("a", "meter was off line", method=Estimation.AVERAGE))
    done = await home.gateway.vee.undo(gap.id, "a", "wrong method")
    assert [(len(some), some[0].method) for some in done.edits()] == [(4, "average")]
    assert await told(home, who, QUARTER_HOUR) == before
    assert gap.id in {each.id for each in await listed(home, household=who)}


async def test_an_exception_whose_rule_finds_nothing_any_more_is_not_listed_again(home: House) -> None:
    who, one = await spike(home)
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))
    flat = [round(1000 + 0.1 * n, 1) for n in range(97)]
    await stands(home, who, DAY, flat)
    await merged(home)
    done = await home.gateway.vee.undo(one.id, "a", "the meter sent it again")
    assert not done.open
    assert not await listed(home, household=who)
    row = next(row for row in await told(home, who, QUARTER_HOUR) if row.start == SPIKE)
    assert (row.value, row.status) == (Decimal("0.1"), "measured")


async def test_of_two_who_act_at_once_on_an_exception_both_acts_are_in_the_books(home: House) -> None:
    _, one = await spike(home)
    desk = home.gateway.vee
    await asyncio.gather(desk.accept(one.id, "a", "an oven"), desk.accept(one.id, "b", "an oven"))
    assert {act.author for act in (await desk.work.get(one.id)).item.acts} == {"a", "b"}


async def test_a_week_without_consumption_is_found_once_and_goes_when_readings_come(home: House) -> None:
    who = await home.household()
    for n in range(9):
        await stands(home, who, DAY - n * ONE_DAY, [500.0] * 97)
    await merged(home)
    await home.gateway.sweep.round()
    assert await home.gateway.sweep.round() == 0
    assert {each.item.found.rule for each in await listed(home, household=who)} == {"zero-consumption"}
    before = len(await listed(home, household=who))
    await home.gateway.vee.run(who, DAY.date())
    assert len(await listed(home, household=who)) == before
    await stands(home, who, DAY + QUARTER_HOUR, [500.0 + n / 10 for n in range(1, 97)])
    await merged(home)
    await home.gateway.sweep.round()
    assert len(await listed(home, household=who, rule="zero-consumption")) == before - 1


async def test_a_gap_is_estimated_and_keeps_what_the_register_counted(home: House) -> None:
    who = await home.household()
    await home.agree(who)
    day: list[float | None] = [round(1000 + 0.1 * n, 1) for n in range(97)]
    day[41:44] = [None] * 3
    await stands(home, who, DAY - ONE_DAY, [round(990.4 + 0.1 * n, 1) for n in range(96)])
    await stands(home, who, DAY, day)
    await merged(home)
    await home.gateway.sweep.round()
    (gap,) = [one for one in await listed(home, household=who) if one.item.found.rule == "consecutive-interval"]
    assert (gap.item.found.start, gap.item.found.end) == (DAY + 40 * QUARTER_HOUR, DAY + 44 * QUARTER_HOUR)
    before = (await told(home, who, ONE_DAY))[0].value
    await home.gateway.vee.edit(gap.id, Correcting("a", "meter was off line", method=Estimation.AVERAGE))
    rows = [row for row in await told(home, who, QUARTER_HOUR) if DAY + 10 * HOUR <= row.start < DAY + 11 * HOUR]
    assert [(row.status, row.method) for row in rows] == [("estimated", "average")] * 4
    assert sum(row.value or 0 for row in rows) == Decimal("0.4")
    assert (await told(home, who, ONE_DAY))[0].value == before


async def test_a_measured_interval_is_not_estimated_over_and_says_so(home: House) -> None:
    _, one = await spike(home)
    with pytest.raises(NotAllowed, match="never estimated over"):
        await home.gateway.vee.edit(one.id, Correcting("a", "b", method=Estimation.LINEAR_INTERPOLATION))


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Correcting("a", "b"), "value"),
        (Correcting("a", " ", value=Decimal(1)), "reason"),
        (Correcting("a", "b", value=Decimal("NaN")), "value"),
        (Correcting("a", "b", value=Decimal("1e30")), "value"),
        (Correcting("a", "b", value=Decimal(1), unit="m3"), "unit: not one of this quantity: kWh"),
        (Correcting("a", "b", value=Decimal(1), unit="furlong"), "unit: not one of this quantity: kWh"),
        (Correcting("a", "b", value=Decimal(1)), "unit: a value has one: kWh"),
        (Correcting("a", "b", Period(SPIKE, SPIKE + timedelta(minutes=7)), Decimal(1)), "start"),
        (Correcting("a", "b", Period(SPIKE, SPIKE), Decimal(1)), "end"),
        (Correcting("a", "b", Period(SPIKE, SPIKE + 4 * ONE_DAY), Decimal(1)), "end"),
        (Correcting("a", "b", Period(NOON, NOON + QUARTER_HOUR), Decimal(1)), "end"),
    ],
)
async def test_an_edit_that_breaks_a_rule_is_refused_by_its_field(home: House, wanted: Correcting, field: str) -> None:
    _, one = await spike(home)
    with pytest.raises(NotAllowed, match=f"^{field}"):
        await home.gateway.vee.edit(one.id, wanted)


@pytest.mark.parametrize(
    ("value", "unit", "rules"),
    [
        ("900", "kWh", ["above what the connection carries in this time, 62.5 kWh"]),
        ("0.9", "MWh", ["above what the connection carries in this time, 62.5 kWh"]),
        ("-1", "kWh", ["below nothing, and this quantity cannot fall"]),
        ("62.5", "kWh", []),
        ("900", "Wh", []),
    ],
)
async def test_a_value_that_the_rules_doubt_is_taken_and_said_back_with_the_doubt(
    home: House, value: str, unit: str, rules: list[str]
) -> None:
    _, one = await spike(home)
    done = await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal(value), unit=unit))
    assert (done.value, done.unit, done.period) == (Decimal(value), unit, Period(SPIKE, SPIKE + QUARTER_HOUR))
    assert [rule for field, rule in done.doubts if field == "value"] == rules


@pytest.mark.parametrize(
    ("told", "said", "rule"),
    [
        (Target("m", ENERGY, HERE, None), None, "unit: a value has one: kWh, or a multiple"),
        (Target("m", ENERGY, HERE, None), "m3", "unit: not one of this quantity: kWh, or a multiple"),
        (Target("m", ENERGY, HERE, None), "MJ", "unit: not one of this quantity: kWh, or a multiple"),
        (Target("m", ENERGY, HERE, "kWh"), "MJ", "unit: not one of this quantity: kWh, or a multiple"),
        (Target("m", ENERGY, HERE, "kWh"), "Gcal", "unit: not one of this quantity: kWh, or a multiple"),
        (Target("m", "6-0:1.0.0*255", HERE, "Wh"), "J", "unit: not one of this quantity: kWh, or a multiple"),
        (Target("m", "7-0:3.1.0*255", HERE, None), None, "unit: a value has one: kWh, m3"),
        (Target("m", "anything", HERE, None, unitless=True), "kWh", "unit: this quantity is told without one"),
    ],
)
def test_where_no_reading_tells_the_unit_those_that_fit_the_quantity_are_named(
    told: Target, said: str | None, rule: str
) -> None:
    with pytest.raises(NotAllowed) as refused:
        unit_of(said, told)
    assert str(refused.value).startswith(rule)


def test_a_quantity_without_any_unit_needs_none() -> None:
    assert unit_of(None, Target("m", "1-0:13.7.0*255", HERE, None)) is None
    assert unit_of(None, Target("m", ENERGY, HERE, None, unitless=True)) is None
    assert unit_of("KWH", Target("m", ENERGY, HERE, "Wh")) == "kWh"


async def test_a_value_of_several_quarters_is_prorated_and_adds_up(home: House) -> None:
    who, one = await spike(home)
    hour = Period(SPIKE, SPIKE + HOUR)
    await home.gateway.vee.edit(one.id, Correcting("a", "b", hour, Decimal(1000), "Wh"))
    rows = [row for row in await told(home, who, QUARTER_HOUR) if hour.contains(row.start)]
    assert {(row.status, row.method) for row in rows} == {("estimated", "proration")}
    assert sum(row.value or 0 for row in rows) == 1


async def test_a_day_stays_corrected_when_its_quarters_are_gone(home: House) -> None:
    who, one = await spike(home)
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))
    day = (await told(home, who, ONE_DAY))[0]
    home.now += timedelta(days=500)
    await home.gateway.retention.run(home.now)
    assert (home.vault.oldest(who, DetailClass.QUARTER) or date.min) > DAY.date()
    right = home.own_right()
    parts = await home.gateway.own_data.own(who, right, ONE_DAY)
    rows = [row async for part in parts for row in part.released.rows if row.start == DAY]
    assert [(row.value, row.status) for row in rows] == [(day.value, "measured")]
    await home.gateway.sweep.round()
    kept = await home.store.look(lambda c: [c.execute(select(t)).fetchall() for t in (vee_exception, vee_correction)])
    assert [len(rows) for rows in kept] == [0, 1]


@pytest.mark.parametrize("swept", [True, False])
async def test_a_corrected_day_stays_right_by_what_came_weeks_later(home: House, swept: bool) -> None:
    """A gap whose readings come after the sweep looks back no more; then its quarters go."""
    who = await home.household()
    await home.agree(who)
    day: list[float | None] = [round(1000 + 0.1 * n, 1) for n in range(97)]
    late, day[41:60] = day[41:60], [None] * 19
    await stands(home, who, DAY - ONE_DAY, [round(990.4 + 0.1 * n, 1) for n in range(96)])
    await stands(home, who, DAY, day)
    await merged(home)
    await home.gateway.sweep.round()
    (gap,) = [one for one in await listed(home, household=who) if one.item.found.rule == "consecutive-interval"]
    period = Period(DAY + 45 * QUARTER_HOUR, DAY + 46 * QUARTER_HOUR)
    await home.gateway.vee.edit(gap.id, Correcting("a", "b", period=period, value=Decimal("0.7"), unit="kWh"))
    home.now += timedelta(days=45)
    await stands(home, who, DAY + 41 * QUARTER_HOUR, late)
    await merged(home)
    (right,) = await told(home, who, ONE_DAY)
    assert right.value == Decimal("10.2")
    if swept:
        await home.gateway.sweep.round()
        assert await home.gateway.sweep.round() == 0, "once for what came"
        kept = await home.gateway.vee.corrections.of(who, DetailClass.DAY, Period(DAY, DAY + ONE_DAY))
        assert [each.value for some in kept.values() for each in some][-1] == right.value
    home.now += timedelta(days=500)
    await home.gateway.retention.run(home.now)
    parts = await home.gateway.own_data.own(who, home.own_right(), ONE_DAY)
    rows = [row async for part in parts for row in part.released.rows if row.start == DAY]
    assert [(row.value, row.status) for row in rows] == [(right.value, right.status)]


async def test_a_day_is_as_read_when_its_quarters_are_gone_and_its_correction_was_taken_back(home: House) -> None:
    who, one = await spike(home)
    day = (await told(home, who, ONE_DAY))[0]
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))
    await home.gateway.vee.undo(one.id, "a", "b")
    home.now += timedelta(days=500)
    await home.gateway.retention.run(home.now)
    parts = await home.gateway.own_data.own(who, home.own_right(), ONE_DAY)
    rows = [row async for part in parts for row in part.released.rows if row.start == DAY]
    assert [(row.value, row.status) for row in rows] == [(day.value, "measured")]
    with pytest.raises(Unknown):
        await home.gateway.vee.undo(one.id, "a", "b")


async def test_erasure_forgets_all_of_it_and_a_look_that_was_under_way_writes_nothing(home: House) -> None:
    who, one = await spike(home)
    await home.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))
    await home.gateway.household_end.erase(who)
    with pytest.raises(Unknown):
        await home.gateway.vee.run(who, DAY.date())
    with pytest.raises(Unknown):
        await home.gateway.vee.accept(one.id, "a", "b")
    left = await home.store.look(lambda c: [c.execute(select(t).where(t.c.tenancy == who)).fetchall() for t in ALL])
    assert left == [[] for _ in ALL]
    assert await home.gateway.vee.decided(who) == []


async def test_nothing_of_a_finding_lies_in_clear(home: House, tmp_path: Path) -> None:
    who, one = await spike(home)
    await home.gateway.vee.edit(one.id, Correcting("an author", "a reason", value=Decimal("0.1"), unit="kWh"))
    rows = await home.store.look(lambda c: [c.execute(select(t)).fetchall() for t in ALL])
    written = repr(rows).encode()
    for word in (b"spike", b"an author", b"a reason", ENERGY.encode(), b"highest"):
        assert word not in written
    assert len(rows[0]) >= 1
    assert who.encode() in written


async def test_corrections_are_there_after_a_new_start(tmp_path: Path) -> None:
    async with house(tmp_path) as first:
        who, one = await spike(first)
        await first.gateway.vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))
    async with house(tmp_path) as second:
        second.registry.where[who] = ""
        row = next(row for row in await told(second, who, QUARTER_HOUR) if row.start == SPIKE)
        assert (row.value, row.status) == (Decimal("0.1"), "validated")


async def test_the_connection_limit_of_a_meter_comes_before_that_of_its_medium(home: House) -> None:
    who = await home.household()
    await home.gateway.registry.meters.assign(who, Reader("meter", "m"), label="m", limit=Decimal(40))
    await stands(home, who, DAY, spiked())
    await merged(home)
    await home.gateway.sweep.round()
    found = {each.item.found.rule: each.item.found for each in await listed(home, household=who)}
    assert dict(found["high-low"].numbers) == {"amount": Decimal("20.0"), "high": Decimal(10)}


async def test_a_stream_that_runs_is_told_an_edit_and_the_day_that_it_is_part_of_but_no_acceptance(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, one = await spike(home)
    vee = home.gateway.vee

    async def accept() -> object:
        return await vee.accept(one.id, "a", "an oven")

    async def edit() -> object:
        return await vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))

    async def again() -> object:
        return await vee.edit(one.id, Correcting("a", "c", value=Decimal("0.5"), unit="kWh"))

    for step, acts, start, value in (
        (ONE_DAY, [accept, edit], DAY, "9.6"),
        (QUARTER_HOUR, [home.gateway.sweep.round, again], SPIKE, "0.5"),
    ):
        question = home.question(who, resolution=step, period=Period(DAY, home.now + ONE_DAY))
        _, unchanged, edited = await streamed(home, question, monkeypatch, *acts)
        assert unchanged == []
        assert [(row.start, row.value) for row in edited] == [(start, Decimal(value))]


@pytest.mark.parametrize("step", [QUARTER_HOUR, timedelta(hours=1), ONE_DAY])
async def test_a_stream_that_runs_is_told_as_read_again_what_was_taken_back(
    home: House, monkeypatch: pytest.MonkeyPatch, step: timedelta
) -> None:
    who, one = await spike(home)
    vee = home.gateway.vee
    before = {row.start: (row.value, row.status) for row in await told(home, who, step)}

    async def edit() -> object:
        return await vee.edit(one.id, Correcting("a", "b", value=Decimal("0.1"), unit="kWh"))

    async def undo() -> object:
        return await vee.undo(one.id, "a", "it was the oven")

    question = home.question(who, resolution=step, period=Period(DAY, home.now + ONE_DAY))
    _, edited, undone = await streamed(home, question, monkeypatch, edit, undo)
    assert [row.start for row in undone] == [row.start for row in edited]
    assert {row.start: (row.value, row.status) for row in undone}.items() <= before.items()
