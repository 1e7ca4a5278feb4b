"""The opener on a few values: what it reads, in which windows and from which class, and what a part says."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from gateway.door import opening, windows
from gateway.door.egress import Part
from gateway.door.opening import Open
from gateway.door.windows import local_midnight
from gateway.errors import SubjectGone
from policies.amounts import Declared, Installation
from policies.gaps import Gaps
from policies.minimise import Corrections, beside_of
from policies.terms import AS_RECEIVED, ONE_DAY, QUARTER_HOUR, DetailClass, Period, Row, SubjectId
from policies.vee.corrections import Correction
from tests.gateway.door.shelf import WHO, Scene, Versioned, quarter, reading
from tests.gateway.door.stands import NOON
from tests.gateway.house import whole

BERLIN, AZORES = ZoneInfo("Europe/Berlin"), ZoneInfo("Atlantic/Azores")
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
MIDNIGHT = NOON.replace(hour=0)


async def taken(scene: Scene, opened: Open, **words: Any) -> list[Part]:
    return [part async for part in scene.opener.parts(opened, **words)]


# -- windows


async def test_intervals_are_read_a_week_and_a_day_at_a_time_cut_at_midnight_and_with_what_lies_beside() -> None:
    scene = Scene(UTC)
    cuts = [NOON, MIDNIGHT + 8 * ONE_DAY, MIDNIGHT + 16 * ONE_DAY, MIDNIGHT + 16 * ONE_DAY + 6 * HOUR]
    await taken(scene, scene.opened(Period(cuts[0], cuts[-1]), QUARTER_HOUR))
    beside = beside_of(QUARTER_HOUR)
    spans = [(a - beside, b + beside) for a, b in pairwise(cuts)]
    assert [(each.period.start, each.period.end) for each in scene.shelf.asked] == spans
    assert {(each.detail, each.mark) for each in scene.shelf.asked} == {(DetailClass.QUARTER, None)}


async def test_intervals_of_minutes_are_read_from_what_was_received() -> None:
    scene = Scene(UTC)
    await taken(scene, scene.opened(Period(NOON - 20 * ONE_DAY, NOON), QUARTER_HOUR / 3))
    assert {each.detail for each in scene.shelf.asked} == {DetailClass.LIVE}


HEAT = "6-0:1.0.0*255"


def heat(scene: Scene, start: datetime, days: int, units: tuple[str, str]) -> None:
    """A register that rises by 1 kWh an hour, and changes its unit at half of the time."""
    for n in range(days * 24 + 1):
        unit = units[n >= days * 12]
        said = quarter(start + n * HOUR, 1000 * n * (3600 if unit == "J" else 1))
        value = structs.replace(said, quantity=HEAT, unit=unit)
        scene.shelf.put(value, detail=DetailClass.QUARTER)
        if n % 24 == 0:
            scene.shelf.put(value, detail=DetailClass.DAY)


@pytest.mark.parametrize("resolution", [HOUR, ONE_DAY])
@pytest.mark.parametrize(("units", "told"), [(("J", "Wh"), "MJ"), (("Wh", "J"), "MJ"), (("Wh", "Wh"), "kWh")])
async def test_an_energy_is_told_in_one_unit_in_all_windows_of_an_answer(
    units: tuple[str, str], told: str, resolution: timedelta
) -> None:
    scene, start = Scene(UTC), MIDNIGHT - 30 * ONE_DAY
    heat(scene, start, 30, units)
    opened = scene.opened(Period(start, MIDNIGHT), resolution)
    asked = replace(opened, grant=replace(opened.grant, quantities=frozenset({HEAT})))
    rows = [row for part in await taken(scene, asked) for row in part.released.rows]
    assert {row.unit for row in rows} == {told}
    each = Decimal(resolution // HOUR) * (Decimal("3.6") if told == "MJ" else 1)
    assert [row.value for row in rows] == [each] * (30 * ONE_DAY // resolution)


async def test_a_gap_and_a_correction_are_told_in_the_unit_of_all() -> None:
    start = MIDNIGHT - 30 * ONE_DAY
    decided = Correction("m", HEAT, start + ONE_DAY, start + ONE_DAY + HOUR, Decimal(2), "kWh", "validated")
    edited = Edited()
    edited.corrections = {("m", HEAT): [decided]}
    scene = Scene(UTC, edited)
    heat(scene, start, 30, ("Wh", "J"))
    gone = [start + timedelta(hours=n) for n in range(24, 240)]
    scene.shelf.came = [each for each in scene.shelf.came if each[1].at not in gone]
    opened = scene.opened(Period(start, MIDNIGHT), HOUR)
    asked = replace(opened, grant=replace(opened.grant, quantities=frozenset({HEAT})))
    rows = [row for part in await taken(scene, asked) for row in part.released.rows]
    assert {row.unit for row in rows} == {"MJ"}
    assert [row.value for row in rows if row.status == "validated"] == [Decimal("7.2")]
    assert sum(row.value is None for row in rows) == len(gone)


async def test_an_answer_of_electricity_or_of_one_window_is_read_once() -> None:
    scene = Scene(UTC)
    await taken(scene, scene.opened(Period(MIDNIGHT - 30 * ONE_DAY, MIDNIGHT), HOUR))
    opened = scene.opened(Period(MIDNIGHT - ONE_DAY, MIDNIGHT), HOUR)
    await taken(scene, replace(opened, grant=replace(opened.grant, quantities=frozenset({HEAT}))))
    assert {each.detail for each in scene.shelf.asked} == {DetailClass.QUARTER}


async def test_each_window_tells_its_own_intervals_and_none_twice() -> None:
    scene = Scene(UTC)
    start = MIDNIGHT - 10 * ONE_DAY
    scene.shelf.put(*(quarter(start + n * HOUR, n) for n in range(241)), detail=DetailClass.QUARTER)
    parts = await taken(scene, scene.opened(Period(start, MIDNIGHT), HOUR))
    starts = [row.start for part in parts for row in part.released.rows if row.status == "measured"]
    assert starts == [start + n * HOUR for n in range(240)]
    assert [len(part.released.rows) for part in parts] == [192, 48]


async def test_windows_of_days_are_cut_at_local_midnights() -> None:
    scene = Scene(BERLIN)
    start = datetime(2026, 3, 24, 23, tzinfo=UTC)  # midnight of the 25th; the clocks change on the 29th
    end = datetime(2026, 4, 9, 22, tzinfo=UTC)
    await taken(scene, scene.opened(Period(start, end), ONE_DAY))
    seam = datetime(2026, 4, 1, 22, tzinfo=UTC)
    beside = beside_of(ONE_DAY)
    spans = [(start - beside, seam + beside), (seam - beside, end + beside)]
    assert [(each.period.start, each.period.end) for each in scene.shelf.asked] == spans


async def test_windows_of_what_is_shorter_than_a_day_are_cut_where_no_interval_is() -> None:
    """Eight hours are counted in UTC: a midnight in Berlin lies inside of them."""
    scene = Scene(BERLIN)
    await taken(scene, scene.opened(Period(MIDNIGHT, MIDNIGHT + 9 * ONE_DAY), 8 * HOUR))
    assert [each.period.end - beside_of(8 * HOUR) for each in scene.shelf.asked] == [
        MIDNIGHT + n * ONE_DAY for n in (8, 9)
    ]


async def test_of_no_time_at_all_nothing_is_read() -> None:
    scene = Scene(UTC)
    for resolution in (QUARTER_HOUR, ONE_DAY):
        assert await taken(scene, scene.opened(Period(NOON, NOON), resolution)) == []
    assert scene.shelf.asked == []


# -- days from days, days from quarters


async def test_days_are_read_from_quarters_as_far_as_those_reach_and_from_days_before() -> None:
    scene = Scene(UTC)
    scene.shelf.first = {DetailClass.DAY: date(2026, 2, 1), DetailClass.QUARTER: date(2026, 2, 20)}
    await taken(scene, scene.opened(Period(MIDNIGHT - 60 * ONE_DAY, MIDNIGHT), ONE_DAY))
    spans: dict[DetailClass, list[datetime]] = {}
    for each in scene.shelf.asked:
        spans.setdefault(each.detail, []).extend([each.period.start, each.period.end])
    beside = beside_of(ONE_DAY)
    seam = datetime(2026, 2, 22, tzinfo=UTC)  # the first whole day beside which quarters are held
    first = datetime(2026, 2, 1, tzinfo=UTC)
    assert min(spans[DetailClass.DAY]) + beside == first
    assert max(spans[DetailClass.DAY]) - beside == seam
    assert min(spans[DetailClass.QUARTER]) == datetime(2026, 2, 20, tzinfo=UTC)
    assert max(spans[DetailClass.QUARTER]) - beside == MIDNIGHT


@pytest.mark.parametrize(
    ("at", "zone", "midnight"),
    [
        (datetime(2026, 3, 1, 23, tzinfo=UTC), BERLIN, datetime(2026, 3, 1, 23, tzinfo=UTC)),
        (datetime(2026, 3, 1, 23, tzinfo=UTC) + TICK, BERLIN, datetime(2026, 3, 2, 23, tzinfo=UTC)),
        (datetime(2026, 3, 1, 22, 59, tzinfo=UTC), BERLIN, datetime(2026, 3, 1, 23, tzinfo=UTC)),
        (datetime(2026, 3, 1, 0, 30, tzinfo=UTC), AZORES, datetime(2026, 3, 1, 1, tzinfo=UTC)),
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), BERLIN, datetime(2026, 3, 29, 22, tzinfo=UTC)),
    ],
)
def test_the_first_midnight_at_or_after_an_instant_is_a_local_one(
    at: datetime, zone: ZoneInfo, midnight: datetime
) -> None:
    assert local_midnight(at, zone) == midnight


# -- as received


async def test_as_received_a_reading_at_the_end_is_not_told_and_an_entry_that_ends_there_is() -> None:
    scene = Scene(UTC)
    hour = structs.replace(reading(NOON, 7), first_at=NOON - HOUR)
    scene.shelf.put(reading(NOON - HOUR, 5), reading(NOON, 6))
    period = Period(NOON - HOUR, NOON)
    assert [whole(r) for part in await taken(scene, scene.opened(period)) for r in part.released.rows] == [5]
    scene.shelf.put(hour)
    assert [whole(r) for part in await taken(scene, scene.opened(period)) for r in part.released.rows] == [5, 7]


async def test_as_received_is_read_up_to_the_position_that_was_asked_for() -> None:
    scene = Scene(UTC)
    scene.shelf.put(reading(NOON - HOUR, 5))
    mark = scene.shelf.mark(WHO)
    scene.shelf.put(reading(NOON - HOUR / 2, 6))
    opened = scene.opened(Period(MIDNIGHT, NOON))
    assert [whole(r) for p in await taken(scene, opened, mark=mark) for r in p.released.rows] == [5]
    assert [whole(r) for p in await taken(scene, opened) for r in p.released.rows] == [5, 6]


# -- who leaves meanwhile


def stocked(scene: Scene) -> None:
    """A reading each hour from ten days ago on, in every class."""
    for detail in (DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY):
        scene.shelf.put(*(quarter(MIDNIGHT + n * HOUR, n) for n in range(-240, 1)), detail=detail)


@pytest.mark.parametrize("resolution", [AS_RECEIVED, HOUR, ONE_DAY])
async def test_what_was_read_while_the_ground_ended_is_no_part(resolution: timedelta) -> None:
    scene = Scene(UTC)
    stocked(scene)
    period = Period(MIDNIGHT - 10 * ONE_DAY, MIDNIGHT)
    assert await taken(scene, scene.opened(period, resolution))
    opened = scene.opened(period, resolution)
    before = len(scene.shelf.asked)
    scene.shelf.reading = lambda: scene.epochs.flip("a")
    assert await taken(scene, opened) == []
    assert len(scene.shelf.asked) == before + 1, "and nothing more is read"


@pytest.mark.parametrize("resolution", [AS_RECEIVED, HOUR, ONE_DAY])
async def test_a_household_that_is_gone_in_the_middle_ends_its_answer_without_an_error(resolution: timedelta) -> None:
    scene = Scene(UTC)
    stocked(scene)

    def gone() -> None:
        if len(scene.shelf.asked) > 1 or resolution == AS_RECEIVED:
            raise SubjectGone("gone")

    scene.shelf.reading = gone
    parts = await taken(scene, scene.opened(Period(MIDNIGHT - 10 * ONE_DAY, MIDNIGHT), resolution))
    assert len(parts) == (0 if resolution == AS_RECEIVED else 1)


# -- one part


class Minimised:
    """Stands in for the arithmetic and writes down what it was given."""

    def __init__(self, patch: pytest.MonkeyPatch, rows: Sequence[Row] | None = None) -> None:
        self.rows, self.words, self.threads = rows, list[dict[str, Any]](), list[int]()
        self.values: list[int] = []
        patch.setattr(opening, "minimise", self)

    def __call__(self, values: Sequence[Any], grant: Any, name: str, zone: Any, **words: Any) -> Sequence[Row]:
        self.words.append({"grant": grant, "name": name, "zone": zone, **words})
        self.threads.append(threading.get_ident())
        self.values.append(len(values))
        return [Row(name, v.quantity, v.at, v.at, v.last, v.unit) for v in values] if self.rows is None else self.rows


class Edited(Versioned):
    """Some corrections of every window."""

    def __init__(self) -> None:
        self.asked: list[tuple[SubjectId, DetailClass, Period]] = []
        self.corrections: Corrections = {}

    async def of(self, household: SubjectId, detail: DetailClass, period: Period) -> Corrections:
        self.asked.append((household, detail, period))
        return self.corrections


async def test_intervals_are_worked_out_with_what_was_said_of_meters_and_corrections_in_the_zone_up_to_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edited = Edited()
    scene = Scene(BERLIN, edited)
    edited.corrections = {("m", "q"): [CHANGED]}
    scene.meters.known = {"m": Installation((Declared(NOON),))}
    minimised = Minimised(monkeypatch)
    scene.shelf.put(quarter(NOON - HOUR, 1), detail=DetailClass.QUARTER)
    opened = scene.opened(Period(MIDNIGHT, NOON), QUARTER_HOUR)
    assert len(await taken(scene, opened)) == 1
    assert isinstance(minimised.words[0].pop("gaps"), Gaps)
    assert minimised.words == [
        {
            "grant": opened.grant,
            "name": "name",
            "zone": BERLIN,
            "now": NOON,
            "installed": scene.meters.known,
            "corrections": edited.corrections,
            "joules": frozenset(),
            "finest": None,
        }
    ]
    assert edited.asked == [(WHO, DetailClass.QUARTER, opened.grant.period)]


@pytest.mark.parametrize(("count", "inside"), [(2, True), (3, False)])
async def test_what_is_much_leaves_the_loop_and_what_is_little_does_not(
    count: int, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "VALUES_AT_ONCE", 2)
    scene, minimised = Scene(UTC), Minimised(monkeypatch)
    many = [quarter(MIDNIGHT + n * HOUR, n) for n in range(count)]
    scene.shelf.put(*many, detail=DetailClass.QUARTER)
    await taken(scene, scene.opened(Period(MIDNIGHT, NOON), QUARTER_HOUR))
    assert minimised.values == [count]
    assert (minimised.threads == [threading.get_ident()]) is inside


async def test_a_part_says_what_was_granted() -> None:
    scene = Scene(UTC)
    scene.shelf.put(reading(NOON - HOUR, 5))
    opened = scene.opened(Period(MIDNIGHT, NOON))
    [part] = await taken(scene, opened)
    r, g = part.released, opened.grant
    assert (r.subject, r.recipient, r.purpose, r.resolution) == ("name", g.recipient, g.purpose, g.resolution)
    assert (r.level, r.keep, r.reference) == (g.level, timedelta(days=3), "ref")


async def test_where_there_are_no_rows_there_is_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    Minimised(monkeypatch, rows=[])
    scene.shelf.put(reading(NOON - HOUR, 5))
    assert await taken(scene, scene.opened(Period(MIDNIGHT, NOON))) == []


CHANGED = Correction("m", "q", NOON - HOUR, NOON, Decimal(1), "kWh", "validated")
ROW = Row("name", "q", NOON - 3 * ONE_DAY, NOON - 3 * ONE_DAY, None, None, "missing")
LATER = Row("name", "q", NOON, NOON, None, None, "missing")
FIRSTS: dict[str, tuple[Sequence[datetime], date]] = {
    "its first value in the period": ([MIDNIGHT - HOUR, MIDNIGHT + HOUR, MIDNIGHT + ONE_DAY], date(2026, 3, 1)),
    "a value at its begin": ([MIDNIGHT, MIDNIGHT + ONE_DAY], date(2026, 3, 1)),
    "its first value, if all lie before": ([MIDNIGHT - 26 * HOUR, MIDNIGHT - HOUR], date(2026, 2, 27)),
    "its only value, if that lies before": ([MIDNIGHT - HOUR], date(2026, 2, 28)),
    "its first row, if there is no value": ([], date(2026, 2, 26)),
}


@pytest.mark.parametrize("name", FIRSTS)
async def test_a_part_rests_on_the_day_of(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values, first = FIRSTS[name]
    edited = Edited()
    edited.corrections = {("m", "q"): [CHANGED]}
    scene = Scene(UTC, edited)
    Minimised(monkeypatch, rows=[ROW, LATER])
    scene.shelf.put(*(quarter(at, 1) for at in values), detail=DetailClass.QUARTER)
    monkeypatch.setattr(windows, "beside_of", lambda _: 2 * ONE_DAY)  # so that all of them are read
    [part] = await taken(scene, scene.opened(Period(MIDNIGHT, MIDNIGHT + 2 * ONE_DAY), QUARTER_HOUR))
    assert part.standing.days == (WHO, DetailClass.QUARTER, first)
