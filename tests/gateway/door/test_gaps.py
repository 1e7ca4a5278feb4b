"""Rows that are missing, on their way through the opener: in windows that are past, never in a stream."""

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.door import opening
from policies.terms import ONE_DAY, ONE_MONTH, QUARTER_HOUR, DetailClass, Period, Row
from tests.gateway.door.shelf import Scene, quarter
from tests.gateway.door.stands import NOON
from tests.gateway.door.test_following import DAY, HOUR, MIDNIGHT, Turns, nothing, quarters, starts
from tests.gateway.door.test_opening import Minimised, taken

BERLIN = ZoneInfo("Europe/Berlin")
START = MIDNIGHT - 40 * ONE_DAY


def heard(scene: Scene, *at: datetime, detail: DetailClass = DetailClass.QUARTER) -> None:
    scene.shelf.put(*(quarter(each, n) for n, each in enumerate(at)), detail=detail)


async def told(scene: Scene, period: Period, resolution: timedelta) -> list[Row]:
    return [row for part in await taken(scene, scene.opened(period, resolution)) for row in part.released.rows]


# -- what is told once


@pytest.mark.parametrize("step", [QUARTER_HOUR, HOUR, 4 * HOUR])
async def test_a_gap_over_several_windows_is_told_whole_and_in_order(step: timedelta) -> None:
    scene = Scene(UTC)
    first, last = START + 5 * HOUR, MIDNIGHT - 3 * HOUR
    heard(scene, first, first + QUARTER_HOUR, last)
    rows = await told(scene, Period(START, MIDNIGHT), step)
    begin = START + -(-(first - START) // step) * step
    count = (last - begin) // step
    found = [row.start for row in rows if begin <= row.start and row.end <= last]
    assert found == [begin + n * step for n in range(count)]
    assert {row.status for row in rows if row.start > first} == {"missing"}
    assert {(row.value, row.unit, row.subject) for row in rows if row.status == "missing"} == {(None, "kWh", "name")}


async def test_a_gap_is_told_a_window_at_a_time_and_by_the_window_that_ends_it() -> None:
    scene = Scene(UTC)
    heard(scene, START, MIDNIGHT - ONE_DAY)
    parts = [part async for part in scene.opener.parts(scene.opened(Period(START, MIDNIGHT), QUARTER_HOUR))]
    assert [len(part.released.rows) for part in parts] == [768, 768, 768, 768, 7 * 96]
    before = len(scene.shelf.asked)
    scene.shelf.asked.clear()
    stream = scene.opener.parts(scene.opened(Period(START, MIDNIGHT), QUARTER_HOUR))
    await anext(stream)
    assert len(scene.shelf.asked) == before, "what is owed is told when the gap ended"


async def test_nothing_is_read_twice_and_a_gap_that_does_not_end_is_not_told() -> None:
    scene = Scene(UTC)
    heard(scene, START, START + QUARTER_HOUR)
    rows = await told(scene, Period(START, MIDNIGHT), QUARTER_HOUR)
    assert [(row.start, row.status) for row in rows] == [(START, "measured")]
    assert len(scene.shelf.asked) == 5


async def test_a_gap_may_end_in_a_window_in_which_no_interval_is_whole() -> None:
    scene = Scene(UTC)
    end = START + 8 * ONE_DAY + HOUR / 2
    heard(scene, START, START + HOUR, end - QUARTER_HOUR)
    rows = await told(scene, Period(START, end), HOUR)
    assert [row.start for row in rows] == [START + n * HOUR for n in range(8 * 24)]


async def test_days_are_missing_over_the_seam_of_their_classes() -> None:
    scene = Scene(BERLIN)
    scene.shelf.first = {DetailClass.DAY: START.date(), DetailClass.QUARTER: (MIDNIGHT - 20 * ONE_DAY).date()}
    begin = START + 23 * HOUR
    heard(scene, begin, begin + ONE_DAY, detail=DetailClass.DAY)
    heard(scene, MIDNIGHT - HOUR, MIDNIGHT - HOUR + QUARTER_HOUR)
    rows = await told(scene, Period(START, MIDNIGHT), ONE_DAY)
    assert [(row.start, row.status) for row in rows] == [
        (begin + n * ONE_DAY, "missing" if n else "measured") for n in range(39)
    ]


async def test_months_are_missing_too() -> None:
    scene = Scene(UTC)
    scene.shelf.first = {DetailClass.DAY: datetime(2025, 10, 1, tzinfo=UTC).date()}
    scene.shelf.first[DetailClass.QUARTER] = NOON.date()
    first, last = datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 2, 27, tzinfo=UTC)
    heard(scene, first, last, detail=DetailClass.DAY)
    rows = await told(scene, Period(datetime(2025, 10, 1, tzinfo=UTC), NOON), ONE_MONTH)
    assert [(row.start.month, row.status) for row in rows if row.start.month != 2] == [
        (11, "missing"), (12, "missing"), (1, "missing"),
    ]  # fmt: skip


async def test_what_was_owed_falls_with_the_oldest_of_its_own_days() -> None:
    scene = Scene(UTC)
    heard(scene, START, MIDNIGHT - ONE_DAY)
    parts = await taken(scene, scene.opened(Period(START, MIDNIGHT), QUARTER_HOUR))
    days = [part.standing.days and part.standing.days[1:] for part in parts]
    cuts = [(START + n * 8 * ONE_DAY).date() for n in range(4)]
    assert days == [(DetailClass.QUARTER, cut) for cut in [*cuts, (MIDNIGHT - ONE_DAY).date()]]


async def test_an_interval_that_has_not_ended_is_not_missing_also_when_it_is_owed() -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT - 8 * ONE_DAY - HOUR
    heard(scene, START, MIDNIGHT - 7 * ONE_DAY)  # by a clock that was wrong
    rows = await told(scene, Period(START, MIDNIGHT), HOUR)
    assert rows
    assert max(row.end for row in rows) == scene.now


@pytest.mark.parametrize(("hours", "inside"), [(2, True), (3, False)])
async def test_many_intervals_leave_the_loop_as_many_values_do(
    hours: int, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "INTERVALS_AT_ONCE", 8)
    scene, minimised = Scene(UTC), Minimised(monkeypatch)
    heard(scene, MIDNIGHT)
    await taken(scene, scene.opened(Period(MIDNIGHT, MIDNIGHT + hours * HOUR), QUARTER_HOUR))
    assert (minimised.threads == [threading.get_ident()]) is inside


# -- a stream


async def test_a_stream_tells_nothing_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 3 * HOUR
    quarters(scene, 0, 1, 8, 9)()

    def later() -> None:
        scene.now += 3 * HOUR
        quarters(scene, 20, 21, 22)()

    assert await starts(scene, Turns(monkeypatch, later, nothing), DAY, QUARTER_HOUR) == [[0, 8], [20, 21]]


async def test_an_interval_that_late_values_filled_comes_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 3 * HOUR
    quarters(scene, 0, 1, 8, 9)()
    late = quarters(scene, 4, 5, 6)
    turns = Turns(monkeypatch, nothing, late, late, quarters(scene, 2, 3), nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == [[0, 8], [4, 5], [1, 2, 3]]


async def test_late_values_of_before_the_period_and_of_what_was_told_are_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 2 * HOUR
    quarters(scene, *range(4, 9))()
    turns = Turns(monkeypatch, quarters(scene, 0, 1, 2), quarters(scene, 6, 7), nothing)
    assert await starts(scene, turns, Period(MIDNIGHT + HOUR, MIDNIGHT + ONE_DAY), QUARTER_HOUR) == [[4, 5, 6, 7]]


async def test_late_values_far_apart_are_looked_at_around_them_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    quarters(scene, -3000, -2999, 47, 48)()
    late = quarters(scene, -2998, -1000, -999, 10, 11)
    whole = Period(MIDNIGHT - 40 * ONE_DAY, MIDNIGHT + ONE_DAY)

    def backfill() -> None:
        scene.shelf.asked.clear()
        late()

    turns = Turns(monkeypatch, nothing, backfill, nothing)
    assert await starts(scene, turns, whole, QUARTER_HOUR) == [[-3000], [47], [-2999], [-1000], [10]]
    assert all(each.period.end - each.period.start < ONE_DAY for each in scene.shelf.asked)
    assert len(scene.shelf.asked) == 3


async def test_what_comes_late_while_a_stream_reads_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 3 * HOUR
    quarters(scene, 0, 1, 8, 9)()
    late = [quarters(scene, 4, 5)]
    scene.shelf.reading = lambda: late.pop()() if late else None
    assert await starts(scene, Turns(monkeypatch, nothing, nothing), DAY, QUARTER_HOUR) == [[0, 8], [4]]


async def test_what_comes_while_a_stream_looks_at_late_values_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 3 * HOUR
    quarters(scene, 0, 1, 10, 11)()
    later = [quarters(scene, 6, 7)]

    def late() -> None:
        quarters(scene, 4, 5)()
        scene.shelf.reading = lambda: later.pop()() if later else None

    turns = Turns(monkeypatch, late, nothing, nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == [[0, 10], [4], [5, 6]]


async def test_a_value_of_the_interval_under_way_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR
    quarters(scene, *range(5))()
    turns = Turns(monkeypatch, quarters(scene, 4), nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == [[0, 1, 2, 3]]
    assert len(scene.shelf.asked) == 1


async def test_late_values_side_by_side_are_looked_at_together(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    quarters(scene, 46, 47, 48)()
    turns = Turns(monkeypatch, nothing, quarters(scene, 10, 11, 22, 23), nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == [[46, 47], [10, 22]]
