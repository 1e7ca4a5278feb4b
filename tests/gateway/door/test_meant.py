"""A stream in intervals tells again what people said of its readings since; energy is told in one unit."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from gateway.door import following, late, release
from gateway.door.following import Watch
from gateway.door.meant import whole_intervals
from gateway.errors import SubjectGone
from gateway.registry.meter_records import Exchanged, Reader
from gateway.vee.corrections import CorrectionBook
from gateway.vee.records import Act, Decided, Handling
from meter_driver.reading import Reading
from policies.amounts import Declared, Installation
from policies.minimise import Corrections
from policies.terms import (
    ONE_DAY,
    QUARTER_HOUR,
    DetailClass,
    Period,
    Portfolio,
    Row,
    SubjectId,
)
from policies.vault.values import Value
from policies.vee.corrections import Correction
from tests.gateway.door.shelf import ENERGY, Scene, Versioned, quarter
from tests.gateway.door.stands import NOON
from tests.gateway.door.test_days import run
from tests.gateway.house import House, house, streamed

HEAT = "6-0:1.0.0*255"
HOUR = timedelta(hours=1)
MIDNIGHT = NOON.replace(hour=0)
DAY = Period(MIDNIGHT, MIDNIGHT + ONE_DAY)
Step = Callable[[], object]


class Edits(Versioned):
    """What was decided, by hand, of some quarters of the day."""

    def __init__(self) -> None:
        self.made: list[Correction] = []

    def edit(self, place: int, value: str) -> None:
        begin = MIDNIGHT + place * QUARTER_HOUR
        self.number += 1
        one = Correction("m", ENERGY, begin, begin + QUARTER_HOUR, Decimal(value), "kWh", "validated")
        self.made.append(replace(one, version=self.number))

    async def of(self, household: SubjectId, detail: DetailClass, period: Period) -> Corrections:
        return {("m", ENERGY): self.made} if self.made else {}


class Stage:
    """A register that rises by one each quarter of an hour of a morning, and a stream of it."""

    def __init__(self, patch: pytest.MonkeyPatch, quarters: int = 12, **words: Any) -> None:
        self.edits, self.patch = Edits(), patch
        self.scene = Scene(UTC, self.edits)
        self.scene.now = MIDNIGHT + quarters * QUARTER_HOUR
        self.put(range(quarters + 1), **words)

    def put(self, places: Sequence[int], *, unit: str = "kWh", factor: str = "1", quantity: str = ENERGY) -> None:
        some = (quarter(MIDNIGHT + n * QUARTER_HOUR, n) for n in places)
        made = [self._in(value, unit, Decimal(factor), quantity) for value in some]
        self.scene.shelf.put(*made, detail=DetailClass.QUARTER)

    def _in(self, value: Value, unit: str, factor: Decimal, quantity: str) -> Value:
        first, last = value.first * factor, value.last * factor
        return structs.replace(value, first=first, last=last, unit=unit, quantity=quantity)

    def say(self, *exchanges: datetime, limit: int | None = None) -> None:
        """Of the meter, from now on."""
        said = Installation([Declared(at) for at in exchanges], None if limit is None else Decimal(limit))
        self.scene.meters.known = {"m": said}
        self.scene.meters.said += 1

    async def told(self, *steps: Step, period: Period = DAY, quantity: str = ENERGY) -> list[list[Row]]:
        """By turn: before the first step, and after each."""
        left, found = list(steps), [list[Row]()]

        async def moment(_: object) -> None:
            found.append([])
            if left:
                left.pop(0)()
            else:
                over.append(True)

        over: list[bool] = []
        self.patch.setattr(following, "_moment", moment)
        opened = self.scene.opened(period, QUARTER_HOUR)
        opened = replace(opened, grant=replace(opened.grant, quantities=frozenset({quantity})))
        async for part in self.scene.follower.follow([opened], Watch(lambda: not over, lambda: False)):
            found[-1] += part.released.rows
        return found[:-1]


def said(rows: Sequence[Row]) -> dict[int, tuple[str | None, str]]:
    """By quarter of the day."""
    return {
        (row.start - MIDNIGHT) // QUARTER_HOUR: (None if row.value is None else str(row.value), row.status)
        for row in rows
    }


ACROSS = MIDNIGHT + 3 * QUARTER_HOUR + timedelta(minutes=5)
MISSING = (None, "missing")


@pytest.mark.parametrize("remembered", [200, 2], ids=["lately", "long ago"])
async def test_an_exchange_that_is_declared_or_taken_back_is_told_of_the_interval_that_it_lies_in(
    remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", remembered)
    stage = Stage(monkeypatch)
    before, declared, nothing, undone = await stage.told(lambda: stage.say(ACROSS), lambda: None, stage.say)
    assert said(before)[3] == ("1", "measured")
    assert said(declared) == {3: MISSING}
    assert nothing == []
    assert said(undone) == {3: ("1", "measured")}


async def test_an_exchange_is_told_of_each_interval_whose_edge_lies_between_the_readings_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage(monkeypatch, 0)
    stage.scene.shelf.put(
        *(quarter(MIDNIGHT + n * QUARTER_HOUR + timedelta(minutes=10), n) for n in range(9)),
        detail=DetailClass.QUARTER,
    )
    stage.scene.now = MIDNIGHT + 2 * HOUR
    before, declared = await stage.told(lambda: stage.say(MIDNIGHT + timedelta(minutes=57)))
    assert said(before)[4][1] == "estimated"
    assert said(declared) == {3: MISSING, 4: MISSING}


async def test_an_exchange_between_two_readings_at_the_end_of_what_was_told_takes_its_number_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage(monkeypatch, 4)
    assert said((await stage.told(lambda: stage.say(ACROSS)))[1]) == {3: MISSING}


async def test_a_limit_is_told_of_all_that_it_speaks_of_and_of_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", 2)
    stage = Stage(monkeypatch, 0)
    rises = [n + (6 if n > 2 else 0) for n in range(9)]
    stage.scene.shelf.put(
        *(quarter(MIDNIGHT + n * QUARTER_HOUR, value) for n, value in enumerate(rises)), detail=DetailClass.QUARTER
    )
    stage.scene.now = MIDNIGHT + 2 * HOUR
    before, limited = await stage.told(lambda: stage.say(limit=8))
    assert said(before)[2] == ("7", "measured")
    assert said(limited) == {2: MISSING}


@pytest.mark.parametrize("remembered", [200, 2], ids=["lately", "long ago"])
async def test_each_correction_is_told_once_when_it_is_made(remembered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", remembered)
    stage = Stage(monkeypatch)
    stage.edits.edit(1, "0.1")

    def edits(place: int, value: str) -> Step:
        return lambda: stage.edits.edit(place, value)

    before, first, again, nothing, other = await stage.told(
        edits(2, "0.2"), edits(2, "0.3"), lambda: None, edits(7, "0.4")
    )
    assert said(before)[1] == ("0.1", "validated")
    assert (said(first), said(again)) == ({2: ("0.2", "validated")}, {2: ("0.3", "validated")})
    assert (nothing, said(other)) == ([], {7: ("0.4", "validated")})


async def test_a_correction_that_is_not_durable_yet_is_not_told_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one window told it would have to tell of all."""
    stage = Stage(monkeypatch)
    stage.edits.edit(1, "0.1")
    stage.edits.number = 0
    before, after = await stage.told(lambda: setattr(stage.edits, "number", 1))
    assert (said(before)[1], said(after)) == (("1", "measured"), {1: ("0.1", "validated")})


async def test_what_is_not_told_yet_waits_for_its_reading_whatever_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, 4)

    def later() -> None:
        stage.scene.now += HOUR
        stage.put(range(5, 9))

    _, declared, after = await stage.told(lambda: stage.say(MIDNIGHT + 5 * QUARTER_HOUR + timedelta(minutes=1)), later)
    assert declared == []
    assert said(after) == {4: ("1", "measured"), 6: ("1", "measured"), 7: ("1", "measured")}


async def test_a_household_that_is_gone_when_something_is_said_ends_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)

    async def gone(_: SubjectId) -> Mapping[str, Installation]:
        raise SubjectGone("gone")

    def leaves() -> None:
        monkeypatch.setattr(stage.scene.meters, "installed", gone)
        stage.say()

    before, after = await stage.told(leaves)
    assert (len(before), after) == (12, [])


@pytest.mark.parametrize(
    ("start", "end", "windows"),
    [(20, 40, [(15, 45)]), (15, 30, [(15, 30)]), (-90, 7, [(0, 15)]), (170, 400, [(165, 180)]), (200, 400, [])],
)
def test_what_is_looked_at_again_are_whole_intervals_that_were_passed(
    start: int, end: int, windows: Sequence[tuple[int, int]]
) -> None:
    def period(begin: int, end: int) -> Period:
        return Period(MIDNIGHT + begin * timedelta(minutes=1), MIDNIGHT + end * timedelta(minutes=1))

    grant = Scene(UTC).opened(DAY, QUARTER_HOUR).grant
    spans = [period(start, end), period(start, end)]
    assert list(whole_intervals(spans, grant, period(0, 180), UTC)) == [period(*each) for each in windows]


# -- one unit


@pytest.mark.parametrize("remembered", [200, 2], ids=["lately", "long ago"])
async def test_when_a_meter_begins_to_say_joules_all_that_was_told_of_it_is_told_again_in_joules(
    remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", remembered)
    stage = Stage(monkeypatch, 4, quantity=HEAT)

    def changes() -> None:
        stage.scene.now += HOUR
        stage.put(range(5, 9), unit="MJ", factor="3.6", quantity=HEAT)

    before, after, nothing = await stage.told(changes, lambda: None, quantity=HEAT)
    assert [(row.value, row.unit) for row in before] == [(Decimal(1), "kWh")] * 4
    assert [(row.value, row.unit) for row in after] == [(Decimal("3.6"), "MJ")] * 8
    assert nothing == []


async def test_a_stream_that_begins_after_joules_were_said_tells_no_other_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, 4, quantity=HEAT, unit="MJ", factor="3.6")

    def changes() -> None:
        stage.scene.now += 3 * HOUR
        stage.put(range(5, 17), quantity=HEAT)

    turns = await stage.told(changes, quantity=HEAT)
    assert [{row.unit for row in rows} for rows in turns] == [{"MJ"}, {"MJ"}]


async def test_joules_of_another_time_than_the_stream_s_do_not_change_its_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, 4, quantity=HEAT)
    old = structs.replace(quarter(MIDNIGHT - 9 * ONE_DAY, 0), unit="MJ", quantity=HEAT)
    _, after = await stage.told(lambda: stage.scene.shelf.put(old, detail=DetailClass.QUARTER), quantity=HEAT)
    assert after == []


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def two_consents(home: House) -> tuple[SubjectId, datetime]:
    """That follow each other. The meter says joules in the time of the second alone, and far behind its begin."""
    who, seam = await home.household(), home.now.replace(hour=0) - 20 * ONE_DAY
    home.registry.quantities = frozenset({HEAT})
    for values in (Period(seam - 90 * ONE_DAY, seam), Period(seam, home.now + 90 * ONE_DAY)):
        await home.agree(who, quantities=frozenset({HEAT}), values=values)
    for days, unit, factor in ((-4, "kWh", "1"), (8, "MJ", "3.6")):
        start, some = seam + days * ONE_DAY, []
        for n in range(49):
            stood = (Decimal(100 + days) + Decimal(n) / 10) * Decimal(factor)
            some.append((who, Reading("m", HEAT, start + n * HOUR, stood, unit)))
        await home.take(some)
    while await home.compactor.round():
        pass
    return who, seam


async def test_an_answer_by_several_grounds_is_in_one_unit(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "SLICE", 1)
    who, seam = await two_consents(home)
    period = Period(seam - 5 * ONE_DAY, seam + 12 * ONE_DAY)
    question = home.question(who, quantities=frozenset({HEAT}), period=period, resolution=HOUR)
    for each in (question, replace(question, subject=Portfolio())):
        rows = await home.rows(each)
        assert {row.unit for row in rows if row.start < seam} == {"MJ"} == {row.unit for row in rows}


async def test_a_stream_by_several_grounds_is_in_one_unit(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    who, seam = await two_consents(home)
    period = Period(seam - 5 * ONE_DAY, home.now + ONE_DAY)
    question = home.question(who, quantities=frozenset({HEAT}), period=period, resolution=HOUR)
    rows = [row for some in await streamed(home, question, monkeypatch) for row in some]
    assert min(row.start for row in rows) < seam < max(row.start for row in rows)
    assert {row.unit for row in rows} == {"MJ"}


async def test_an_export_of_everything_is_in_one_unit(home: House) -> None:
    who, seam = await two_consents(home)
    for step in (None, HOUR, ONE_DAY):
        parts = await home.gateway.own_data.own(who, home.own_right(), step)
        rows = [row async for part in parts for row in part.released.rows]
        intervals = {row.unit for row in rows if row.end > row.start}
        assert min(row.start for row in rows) < seam
        assert intervals == {"MJ"}


async def test_an_export_is_in_one_unit_when_its_days_were_said_in_another_than_its_quarters(tmp_path: Path) -> None:
    async with house(tmp_path, kept={DetailClass.LIVE: 1, DetailClass.QUARTER: 6}) as home:
        who = await home.household()
        for day in range(12):
            begin = home.now
            await run(home, begin + ONE_DAY)
            factor, unit = (Decimal(1), "kWh") if day < 11 else (Decimal("3.6"), "MJ")
            some = [(begin + n * HOUR, (Decimal(100 + day) + Decimal(n) / 24) * factor) for n in range(24)]
            await home.take([(who, Reading("m", HEAT, at, round(stood, 6), unit)) for at, stood in some])
        parts = await home.gateway.own_data.own(who, home.own_right(), None)
        rows = [row async for part in parts for row in part.released.rows if row.end > row.start]
        assert {row.end - row.start for row in rows} == {12 * HOUR, ONE_DAY, HOUR}
        assert {row.unit for row in rows} == {"MJ"}


# -- the roads to a running stream


async def test_what_the_registry_is_told_of_a_meter_reaches_streams_that_run(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await home.household()
    await home.agree(who)
    meters = home.gateway.registry.meters
    await meters.assign(who, Reader("box", "m", ""), label="m")
    await home.feed(who, [n + (40 if n > 4 else 0) for n in range(9)])
    begin = home.now - 12 * HOUR
    at = begin + 4 * QUARTER_HOUR + timedelta(minutes=1)
    question = home.question(who, resolution=QUARTER_HOUR, period=Period(begin, home.now + HOUR))
    turns = await streamed(
        home,
        question,
        monkeypatch,
        lambda: meters.exchange(who, "m", Exchanged(at, "", "")),
        lambda: meters.undo(who, "m", at),
        lambda: meters.assign(who, Reader("", "", ""), label="m", limit=Decimal(50)),
        lambda: meters.confirm(who, "m"),
    )
    before, exchanged, undone, limited, confirmed = ([(row.start, row.value) for row in rows] for rows in turns)
    across = begin + 4 * QUARTER_HOUR
    assert [value for _, value in before] == [1, 1, 1, 1, 41, 1, 1, 1]
    assert [exchanged, undone, limited] == [[(across, value)] for value in (None, Decimal(41), None)]
    assert confirmed == []


async def test_corrections_at_rest_are_known_by_their_newest_when_they_are_durable_and_after_a_start(
    home: House,
) -> None:
    who, vee = await home.household(), home.gateway.vee
    assert vee.corrections.newest(who) == 0
    act = Act(home.now, Handling.EDITED, "operator", "a", "b")
    begin = home.now.replace(hour=0) - ONE_DAY
    made = Decided("e", act, "m", ENERGY, begin, begin + QUARTER_HOUR, Decimal(1), "kWh", "validated", "")
    found = []
    for name in ("1", "2"):
        rows = await vee.corrections.rows(who, [(DetailClass.QUARTER, made)], [name])
        await vee.corrections.put(who, rows, lambda _: found.append(vee.corrections.newest(who)))
        found.append(vee.corrections.newest(who))
    assert found == [0, 1, 1, 2]
    again = CorrectionBook(home.store, vee.corrections._seals)
    await again.load()
    assert again.newest(who) == 2
