"""A stream on a few values: what it tells, when, how often, and what ends it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace as dataclass_replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from gateway.door import following
from gateway.door.following import Watch
from gateway.door.opening import Open
from gateway.errors import SubjectGone
from gateway.intake.desk import AHEAD
from policies.terms import AS_RECEIVED, ONE_DAY, QUARTER_HOUR, DetailClass, Period
from tests.gateway.door.shelf import ENERGY, Scene, quarter, reading
from tests.gateway.door.stands import NOON
from tests.gateway.house import whole

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
NEED, POWER = "1-0:1.29.0*255", "1-0:1.7.0*255"
TICK = timedelta(microseconds=1)
MIDNIGHT = NOON.replace(hour=0)


# -- a stream


class Turns:
    """What happens each time a stream waits; it ends when nothing is left to happen, and not before."""

    def __init__(self, patch: pytest.MonkeyPatch, *steps: Callable[[], object]) -> None:
        self.steps, self.news = list(steps), list[asyncio.Event | None]()
        patch.setattr(following, "_moment", self.moment)

    async def moment(self, news: asyncio.Event | None) -> None:
        self.news.append(news)
        self.steps.pop(0)()

    def alive(self) -> bool:
        return bool(self.steps)

    async def told(self, scene: Scene, *opened: Open, gone: Callable[[], bool] = lambda: False) -> list[list[int]]:
        """What stands in each part."""
        stream = scene.follower.follow(opened, Watch(self.alive, gone))
        return [[whole(row) for row in part.released.rows] async for part in stream]


def nothing() -> None:
    return


DAY = Period(MIDNIGHT, MIDNIGHT + ONE_DAY)


async def test_a_stream_of_one_household_waits_for_its_news(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    turns = Turns(monkeypatch, nothing)
    assert await turns.told(scene, scene.opened(DAY)) == []
    assert turns.news == [scene.shelf.event]


async def test_a_stream_that_households_may_join_is_not_woken_by_each_reading_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, turns, asked = Scene(UTC), Turns(monkeypatch, nothing), list[None]()

    async def nobody() -> list[Open]:
        asked.append(None)
        return []

    stream = scene.follower.follow([scene.opened(DAY)], Watch(turns.alive, lambda: False, nobody))
    assert [part async for part in stream] == []
    assert turns.news == [None]
    assert asked == [None]


async def test_a_stream_ends_when_its_recipient_has_no_right_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.shelf.put(reading(MIDNIGHT, 1))
    turns = Turns(monkeypatch)
    assert await turns.told(scene, scene.opened(DAY)) == [[1]]
    assert turns.news == []


async def test_a_stream_ends_when_its_connection_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    turns = Turns(monkeypatch, nothing, nothing, nothing)
    await turns.told(scene, scene.opened(DAY), gone=lambda: len(turns.news) == 2)
    assert len(turns.news) == 2


async def test_a_stream_ends_when_the_last_of_its_periods_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    early, late = Period(MIDNIGHT, NOON + HOUR), Period(MIDNIGHT, NOON + 2 * HOUR)
    seen: list[datetime] = []

    def later() -> None:
        seen.append(scene.now)
        scene.now += HOUR - TICK if scene.now.minute == 0 else TICK

    turns = Turns(monkeypatch, *[later] * 9)
    await turns.told(scene, scene.opened(early), scene.opened(late, ground="b"))
    assert seen == [NOON, NOON + HOUR - TICK, NOON + HOUR, NOON + 2 * HOUR - TICK]


async def test_a_stream_ends_when_all_grounds_have(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)

    def ends(name: str) -> Callable[[], object]:
        return lambda: scene.epochs.flip(name)

    turns = Turns(monkeypatch, ends("a"), nothing, ends("b"), nothing)
    await turns.told(scene, scene.opened(DAY), scene.opened(DAY, ground="b"))
    assert len(turns.news) == 3


async def test_a_value_that_lies_ahead_as_far_as_one_may_is_not_told_again_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    ahead = reading(NOON + AHEAD, 9)
    scene.shelf.put(reading(NOON, 8), ahead)
    turns = Turns(monkeypatch, lambda: scene.shelf.put(reading(NOON, 8), ahead), nothing)
    assert await turns.told(scene, scene.opened(DAY)) == [[8], [9]]


async def test_a_correction_is_told_again_and_what_stands_beside_it_unchanged_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    scene.shelf.put(*(reading(MIDNIGHT + n * HOUR, n) for n in range(3)))

    def again() -> None:
        scene.shelf.put(reading(MIDNIGHT, 0), reading(MIDNIGHT + HOUR, 11), reading(MIDNIGHT + 2 * HOUR, 2))

    turns = Turns(monkeypatch, again, again, lambda: scene.shelf.put(reading(MIDNIGHT + HOUR, 1)), nothing)
    assert await turns.told(scene, scene.opened(DAY)) == [[0], [1], [2], [11], [1]]


async def test_entries_that_end_at_one_instant_and_what_two_meters_say_of_one_time_are_all_told_each_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    entries = [replace(reading(NOON, n), quantity=NEED, first_at=NOON - n * QUARTER_HOUR) for n in (1, 4)]
    stands = [replace(reading(NOON, n), serial=f"S{n}") for n in (5, 6)]
    means = [replace(each, quantity=POWER) for each in stands]
    corrected = replace(entries[1], last=Decimal(3)), replace(means[0], last=Decimal(8))

    def come() -> None:
        scene.shelf.put(*entries, *stands, *means)

    turns = Turns(monkeypatch, come, come, lambda: scene.shelf.put(*corrected), nothing)
    opened = scene.opened(DAY)
    asked = dataclass_replace(opened.grant, quantities=frozenset({NEED, ENERGY, POWER}))
    assert await turns.told(scene, dataclass_replace(opened, grant=asked)) == [[4, 1, 5, 6, 5, 6], [3, 8]]


async def test_of_what_came_of_one_instant_since_the_last_look_the_last_is_told_whatever_it_is_said_to_cover(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    says = [replace(reading(NOON, n), first_at=NOON - n * QUARTER_HOUR) for n in (1, 4)]
    turns = Turns(monkeypatch, lambda: scene.shelf.put(*says), nothing)
    assert await turns.told(scene, scene.opened(DAY)) == [[4]]


async def test_what_came_later_than_all_that_was_there_is_not_told_again_unchanged_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)

    def later() -> None:
        scene.now = NOON + HOUR
        scene.shelf.put(reading(NOON + HOUR, 9))

    turns = Turns(monkeypatch, later, lambda: scene.shelf.put(reading(NOON + HOUR, 9)), nothing)
    assert await turns.told(scene, scene.opened(DAY)) == [[9]]


@pytest.mark.parametrize("resolution", [AS_RECEIVED, QUARTER_HOUR])
async def test_a_household_that_is_gone_ends_its_stream_without_an_error(
    resolution: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(UTC)

    async def gone(*_: object) -> None:
        scene.epochs.flip("a")
        raise SubjectGone("gone")

    monkeypatch.setattr(scene.shelf, "since", gone)
    turns = Turns(monkeypatch, nothing, nothing)
    assert await starts(scene, turns, DAY, resolution) == []
    assert len(turns.news) == 1


def quarters(scene: Scene, *numbers: int) -> Callable[[], None]:
    """Registers at the begin of some quarters of the day; each stands at its number."""

    def put() -> None:
        scene.shelf.put(*(quarter(MIDNIGHT + n * QUARTER_HOUR, n) for n in numbers), detail=DetailClass.QUARTER)

    return put


async def starts(scene: Scene, turns: Turns, period: Period, resolution: timedelta) -> list[list[int]]:
    """Quarters of the day in which the intervals of each part begin."""
    stream = scene.follower.follow([scene.opened(period, resolution)], Watch(turns.alive, lambda: False))
    return [[(row.start - MIDNIGHT) // QUARTER_HOUR for row in part.released.rows] async for part in stream]


async def test_a_stream_in_intervals_begins_with_all_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR + TICK
    quarters(scene, 0, 1, 2, 3, 4)()
    turns = Turns(monkeypatch, nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == [[0, 1, 2, 3]]


async def test_an_interval_is_told_when_a_later_value_closed_it_and_not_by_the_clock_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR
    quarters(scene, 0, 1, 2, 3, 4)()

    def later() -> None:
        scene.now += HOUR

    turns = Turns(monkeypatch, later, nothing, quarters(scene, 5, 6), nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == [[0, 1, 2, 3], [4, 5]]
    assert len(scene.shelf.asked) == 2, "each interval is read once"


async def test_a_value_that_lies_ahead_closes_nothing_that_is_not_over(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR
    quarters(scene, 0, 1, 2, 3, 4)()

    def ahead() -> None:
        scene.now += QUARTER_HOUR - TICK
        quarters(scene, 5)()

    turns = Turns(monkeypatch, ahead, nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == [[0, 1, 2, 3]]


async def test_no_interval_is_told_that_ends_after_the_period(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 2 * HOUR
    quarters(scene, *range(9))()
    turns = Turns(monkeypatch, nothing)
    period = Period(MIDNIGHT, MIDNIGHT + HOUR)
    [opened, other] = [scene.opened(period, QUARTER_HOUR), scene.opened(DAY, AS_RECEIVED, ground="b")]
    stream = scene.follower.follow([opened, other], Watch(turns.alive, lambda: False))
    rows = [row for part in [part async for part in stream] for row in part.released.rows]
    assert [(row.start - MIDNIGHT) // QUARTER_HOUR for row in rows] == [0, 1, 2, 3]


async def test_a_look_that_finds_nothing_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR
    quarters(scene, 0, 1, 2, 3, 4)()
    turns = Turns(monkeypatch, nothing, nothing, nothing)
    await starts(scene, turns, DAY, QUARTER_HOUR)
    assert (len(scene.shelf.asked), scene.meters.asked) == (1, 1)


async def test_a_stream_in_days_tells_a_local_day_when_the_next_one_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(BERLIN)
    begin = MIDNIGHT - HOUR
    quarters(scene, *range(-4, 100))()
    scene.now = begin + ONE_DAY - TICK

    def midnight() -> None:
        scene.now += TICK
        quarters(scene, 100)()

    turns = Turns(monkeypatch, midnight, nothing)
    told = await starts(scene, turns, Period(begin, begin + 5 * ONE_DAY), ONE_DAY)
    assert told == [[-4]]
    assert len(turns.news) == 2


async def test_a_stream_in_intervals_shorter_than_a_quarter_is_closed_by_what_comes_as_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, step = Scene(UTC), timedelta(minutes=5)
    scene.now = MIDNIGHT + 3 * step
    scene.shelf.put(*(reading(MIDNIGHT + n * step, n) for n in range(4)))

    def later() -> None:
        scene.now += step
        scene.shelf.put(reading(scene.now, 4))

    turns = Turns(monkeypatch, later, nothing)
    stream = scene.follower.follow([scene.opened(DAY, step)], Watch(turns.alive, lambda: False))
    assert [[whole(row) for row in part.released.rows] async for part in stream] == [[1, 1, 1], [1]]


# -- waiting


async def test_a_stream_that_waits_looks_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_AGAIN", 0.01)
    async with asyncio.timeout(5):
        await following._moment(asyncio.Event())
        await following._moment(None)


@pytest.mark.parametrize("has_news", [True, False])
async def test_a_stream_that_waits_does_so_until_there_are_news(
    has_news: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_AGAIN", 3600.0)
    news = asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(following._moment(news if has_news else None))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        news.set()
        if not has_news:
            waiting.cancel()
