"""Lines whose time is over fall at the instant; nothing is kept of what is over."""

import asyncio
import gc
import weakref
from datetime import datetime

import pytest

from gateway.door import lines
from gateway.door.lines import Lines
from gateway.door.standing import Standing
from gateway.rights import Footing, ground
from tests.gateway.door.queues import SECOND, Queue, Scene
from tests.gateway.door.stands import NOON

# -- the timer


def until(scene: Scene, name: str, seconds: int) -> Standing:
    yes = scene.standing(name, ends=NOON + seconds * SECOND)
    scene.lines.enter(scene.line, yes)
    return yes


def at(scene: Scene, seconds: int) -> datetime | None:
    scene.now = NOON + seconds * SECOND
    return scene.lines.pass_over(scene.now)


async def test_without_an_end_in_sight_there_is_no_next_instant() -> None:
    scene = Scene()
    assert at(scene, 0) is None
    scene.lines.enter(scene.line, scene.standing("a"))
    assert at(scene, 1) is None


async def test_a_line_falls_at_the_instant_and_the_next_one_is_told_before() -> None:
    scene = Scene()
    until(scene, "a", 3)
    assert at(scene, 2) == NOON + 3 * SECOND
    assert scene.sink.aborted == 0
    assert at(scene, 3) is None
    assert scene.sink.aborted == 1


async def test_all_lines_whose_time_is_over_fall_in_one_look() -> None:
    scene, sinks = Scene(), [Queue() for _ in range(3)]
    for seconds, sink in enumerate(sinks, 1):
        scene.lines.enter(scene.lines.of(sink), scene.standing("a", ends=NOON + seconds * SECOND))
    assert at(scene, 2) == NOON + 3 * SECOND
    assert [sink.aborted for sink in sinks] == [1, 1, 0]


async def test_a_line_that_was_looked_at_already_does_not_keep_others_from_falling_in_the_same_look() -> None:
    scene, second = Scene(), Queue()
    until(scene, "a", 5)
    sooner = until(scene, "b", 1)
    scene.lines.leave(scene.line, [sooner])
    assert at(scene, 1) == NOON + 5 * SECOND  # now it is there twice
    scene.lines.enter(scene.lines.of(second), scene.standing("c", ends=NOON + 5 * SECOND))
    assert at(scene, 5) is None
    assert [scene.sink.aborted, second.aborted] == [1, 1]


async def test_an_end_that_comes_before_another_does_not_make_the_other_be_forgotten() -> None:
    scene = Scene()
    until(scene, "a", 3)
    sooner = until(scene, "b", 1)
    scene.lines.leave(scene.line, [sooner])
    assert at(scene, 1) == NOON + 3 * SECOND
    assert scene.sink.aborted == 0
    assert at(scene, 3) is None
    assert scene.sink.aborted == 1


async def test_what_waits_in_a_queue_has_its_end_there_and_what_left_it_has_none() -> None:
    scene = Scene()
    scene.wrote(scene.standing("a", ends=NOON + SECOND))
    scene.sink.waits = False
    assert at(scene, 1) is None
    assert scene.sink.aborted == 0
    scene.wrote(scene.standing("b", ends=NOON + 2 * SECOND))
    assert at(scene, 2) is None
    assert scene.sink.aborted == 1


async def test_the_timer_does_not_wake_for_what_has_left() -> None:
    scene = Scene()
    sooner = until(scene, "b", 1)
    scene.wrote(scene.standing("a", ends=NOON + 5 * SECOND))
    scene.lines.leave(scene.line, [sooner])
    scene.sink.waits = False
    assert at(scene, 1) is None


async def test_of_several_ends_on_a_line_the_next_one_is_looked_at_next() -> None:
    scene = Scene()
    over = until(scene, "a", 1)
    for name, seconds in (("b", 5), ("c", 4)):
        until(scene, name, seconds)
    scene.lines.leave(scene.line, [over])
    assert at(scene, 1) == NOON + 4 * SECOND


async def test_the_timer_sleeps_until_the_next_instant_and_at_most_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, waits = Scene(), list[float]()

    def timeout(wait: float) -> asyncio.Timeout:
        waits.append(wait)
        return sleeps(None if len(waits) > 4 else 0)

    sleeps = asyncio.timeout
    ends = iter([None, NOON + 0.25 * SECOND, NOON + 60 * SECOND, NOON - SECOND, None])
    monkeypatch.setattr(scene.lines, "pass_over", lambda _: next(ends))
    monkeypatch.setattr(asyncio, "timeout", timeout)
    async with asyncio.TaskGroup() as group:
        timer = group.create_task(scene.lines.watch())
        for _ in range(20):
            await asyncio.sleep(0.001)
        timer.cancel()
    assert waits == [1.0, 0.25, 1.0, 0.0, 1.0]


async def test_the_timer_that_was_woken_sleeps_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, looks = Scene(), list[datetime]()
    look = scene.lines.pass_over

    def counted(now: datetime) -> datetime | None:
        looks.append(now)
        return look(now)

    monkeypatch.setattr(scene.lines, "pass_over", counted)
    async with asyncio.TaskGroup() as group:
        timer = group.create_task(scene.lines.watch())
        await asyncio.sleep(0)
        scene.lines.enter(scene.line, scene.standing("a", ends=NOON + 60 * SECOND))
        for _ in range(20):
            await asyncio.sleep(0)
        timer.cancel()
    assert len(looks) == 2


# -- nothing is kept of what is over


async def test_of_closed_lines_nothing_is_kept_when_the_table_has_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "FEWEST", 4)
    scene = Scene()
    table, gone = Lines(scene.clock), list[weakref.ref[Queue]]()
    for _ in range(2):
        sink = Queue()
        line = table.of(sink)
        table.carry(line, scene.standing("a", ends=NOON + SECOND))
        sink.waits = True
        table.carry(line, scene.standing("b", ends=NOON + 9 * SECOND))
        sink.closed, sink.waits = True, False
        gone.append(weakref.ref(sink))
    stays = Queue()
    table.enter(table.of(stays), scene.standing("a", ends=NOON + 2 * SECOND))
    del sink, line
    gc.collect()
    assert all(each() is not None for each in gone)
    fourth = Queue()
    table.of(fourth)
    gc.collect()
    assert [each() for each in gone] == [None, None]
    assert table.pass_over(NOON) == NOON + 2 * SECOND
    scene.epochs.flip("a")
    assert await table.ended([ground("a")]) == 1
    assert stays.aborted == 1


async def test_after_a_tidying_the_first_instant_is_still_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "FEWEST", 4)
    scene = Scene()
    table, sinks = Lines(scene.clock), [Queue() for _ in range(4)]
    for sink, seconds in zip(sinks, (1, 5, 2), strict=False):
        table.enter(table.of(sink), scene.standing("a", ends=NOON + seconds * SECOND))
    sinks[0].closed = True
    table.of(sinks[3])
    assert table.pass_over(NOON) == NOON + 2 * SECOND


async def test_a_closed_line_in_which_something_waits_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "FEWEST", 2)
    scene = Scene()
    table, sink = Lines(scene.clock), Queue()
    table.carry(table.of(sink), scene.standing("a"))
    sink.closed = sink.waits = True
    table.of(Queue())
    scene.epochs.flip("a")
    assert await table.ended([ground("a")]) == 1


async def test_the_table_is_tidied_when_it_has_doubled_and_not_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "FEWEST", 3)
    scene = Scene()
    table, tidied = Lines(scene.clock), list[int]()
    tidy = table._tidy

    def counted() -> None:
        tidied.append(len(kept))
        tidy()

    monkeypatch.setattr(table, "_tidy", counted)
    kept: list[Queue] = []
    for _ in range(13):
        kept.append(Queue())
        table.of(kept[-1])
        table.of(kept[0])
    assert tidied == [3, 6, 12]


async def test_who_is_told_of_many_ends_keeps_no_name_of_those_that_concern_nobody() -> None:
    scene = Scene()
    for n in range(10):
        yes = scene.standing(f"a{n}")
        scene.lines.enter(scene.line, yes)
        scene.lines.leave(scene.line, [yes])
        await scene.lines.ended([Footing("ground", f"b{n}")])
    assert scene.lines._found["ground"] == {}
    assert not scene.line.footings
