"""Lines, each guard of them alone: what is called back, what is let go, and that nothing is kept of what is over."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from gateway.door import lines
from gateway.door.lines import Lines
from gateway.door.standing import Standing
from gateway.rights import Footing, ground
from policies.terms import DetailClass, SubjectId
from tests.gateway.door.stands import NOON, Stand

SECOND = timedelta(seconds=1)


class Queue:
    """A sink that does nothing by itself: the test says what waits in it."""

    def __init__(self, queue: object = None) -> None:
        self.queue: object = self if queue is None else queue
        self.closed = self.waits = False
        self.aborted = self.released = 0

    async def begin(self, content_type: str) -> None:
        return

    def write(self, chunk: bytes) -> None:
        return

    async def drain(self) -> None:
        return

    async def finish(self) -> None:
        return

    def abort(self) -> None:
        self.aborted += 1
        self.closed, self.waits = True, False

    def unsent(self) -> bool:
        return self.waits

    def release(self) -> None:
        self.released += 1


class Later:
    """Stands in for the loop's timers: nothing happens until the test says so."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[float, Callable[[], object]]] = []
        patch.setattr(asyncio.get_running_loop(), "call_later", self.call_later)

    def call_later(self, wait: float, what: Callable[..., object], *args: Any) -> None:
        self.calls.append((wait, lambda: what(*args)))

    def next(self) -> float:
        """Lets the one timer ring; after how many seconds."""
        [(wait, what)] = self.calls
        self.calls.clear()
        what()
        return wait


class Scene(Stand):
    """A line with one sink."""

    def __init__(self) -> None:
        super().__init__()
        self.sink = Queue()
        self.line = self.lines.of(self.sink)

    def wrote(self, *named: Standing) -> None:
        """One chunk of each, which waits in the queue; their answers are over."""
        for yes in named:
            self.lines.carry(self.line, yes)
            self.sink.waits = True


# -- what is called back


async def test_an_open_answer_is_called_back_though_nothing_of_it_waits() -> None:
    scene = Scene()
    scene.lines.enter(scene.line, scene.standing("a"))
    assert await scene.end("b") == 0
    assert await scene.end("a") == 1
    assert scene.sink.aborted == 1


async def test_what_is_over_is_not_called_back_again() -> None:
    scene = Scene()
    scene.lines.enter(scene.line, scene.standing("a"))
    assert [await scene.end("a"), await scene.end("a")] == [1, 0]
    assert scene.sink.aborted == 1


async def test_an_answer_that_has_left_a_closed_sink_is_not_waited_for_but_what_waits_in_it_is_called_back() -> None:
    scene = Scene()
    scene.wrote(scene.standing("a"))
    scene.sink.closed = True
    assert await scene.end("a") == 1


async def test_what_was_written_is_called_back_as_long_as_it_waits() -> None:
    scene, left = Scene(), Scene()
    scene.wrote(scene.standing("a"))
    left.wrote(left.standing("a"))
    left.sink.waits = False
    assert [await scene.end("a"), await left.end("a")] == [1, 0]


async def test_everybody_in_a_queue_is_called_back_and_who_left_it_before_the_next_chunk_is_not() -> None:
    scene = Scene()
    scene.wrote(scene.standing("a"))
    scene.sink.waits = False
    scene.wrote(scene.standing("b"), scene.standing("c"))
    assert [await scene.end("a"), await scene.end("b")] == [0, 1]
    again = Scene()
    again.wrote(again.standing("b"), again.standing("c"))
    assert await again.end("c") == 1


async def test_a_chunk_that_a_closed_sink_does_not_take_makes_nobody_wait_in_it() -> None:
    scene = Scene()
    scene.wrote(scene.standing("a"))
    scene.sink.closed = True
    scene.lines.carry(scene.line, scene.standing("b"))
    assert await scene.end("b") == 0


async def test_an_answer_that_is_over_is_not_found_any_more() -> None:
    scene = Scene()
    yes, other = scene.standing("a"), scene.standing("b")
    scene.lines.enter(scene.line, yes)
    scene.lines.enter(scene.line, other)
    scene.lines.leave(scene.line, [yes])
    assert await scene.end("a") == 0
    assert await scene.end("b") == 1


async def test_two_answers_of_one_ground_on_one_line_are_found_until_both_are_over() -> None:
    scene = Scene()
    first, second = scene.standing("a"), scene.standing("a")
    scene.lines.enter(scene.line, first)
    scene.lines.enter(scene.line, second)
    scene.lines.leave(scene.line, [first])
    assert await scene.end("a") == 1


async def test_lines_of_one_ground_are_all_called_back_and_those_of_another_are_not_looked_at() -> None:
    scene = Scene()
    sinks = [Queue() for _ in range(3)]
    for sink in sinks:
        scene.lines.enter(scene.lines.of(sink), scene.standing("a"))
    other = Queue()
    scene.lines.enter(scene.lines.of(other), scene.standing("b"))
    scene.epochs.flip("b")
    assert await scene.end("a") == 3
    assert [sink.aborted for sink in (*sinks, other)] == [1, 1, 1, 0]


async def test_one_who_leaves_a_line_leaves_the_others_of_its_ground_findable() -> None:
    scene, second = Scene(), Queue()
    mine, theirs = scene.standing("a"), scene.standing("a")
    scene.lines.enter(scene.line, mine)
    scene.lines.enter(scene.lines.of(second), theirs)
    scene.lines.leave(scene.line, [mine])
    assert await scene.end("a") == 1
    assert second.aborted == 1


async def test_answers_that_share_a_queue_share_a_line_which_is_called_back_by_the_last_of_them() -> None:
    scene = Scene()
    later = Queue(scene.sink.queue)
    scene.wrote(scene.standing("a"))
    assert scene.lines.of(later) is scene.line
    later.waits = True
    assert await scene.end("a") == 1
    assert (scene.sink.aborted, later.aborted) == (0, 1)


async def test_every_class_of_days_is_called_back_and_no_other_day() -> None:
    scene = Scene()
    first = date(2026, 2, 1)
    for name, detail, day in (("a", DetailClass.LIVE, 1), ("b", DetailClass.QUARTER, 2), ("c", DetailClass.LIVE, 9)):
        line = scene.lines.of(Queue())
        scene.lines.enter(line, scene.standing(name).since(SubjectId(name), detail, first.replace(day=day)))
    scene.oldest = date(2026, 2, 5)
    held = {DetailClass.LIVE: date(2026, 2, 1), DetailClass.QUARTER: date(2026, 2, 2)}
    assert await scene.lines.expired(held) == 0
    assert await scene.lines.expired({DetailClass.LIVE: scene.oldest, DetailClass.QUARTER: scene.oldest}) == 2


async def test_an_end_is_told_after_the_sockets_are_closed_and_not_much_later() -> None:
    scene, closed = Scene(), asyncio.Event()
    scene.lines.enter(scene.line, scene.standing("a"))

    def abort() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, closed.set)  # as a transport does it, in a later turn

    async def end() -> bool:
        await scene.end("a")
        return closed.is_set()

    scene.sink.abort = abort  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        told = group.create_task(end())
        for _ in range(5):
            await asyncio.sleep(0)
        assert told.done()
        assert told.result()


# -- what is let go


async def test_a_line_is_let_go_when_its_queue_is_empty_and_looked_at_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, later = Scene(), Later(monkeypatch)
    yes = scene.standing("a")
    scene.lines.enter(scene.line, yes)
    scene.wrote(yes)
    scene.lines.leave(scene.line, [yes])
    assert [later.next() for _ in range(7)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert scene.sink.released == 0
    scene.sink.waits = False
    later.next()
    assert (scene.sink.released, later.calls) == (1, [])


async def test_what_is_let_go_is_not_found_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, later = Scene(), Later(monkeypatch)
    yes = scene.standing("a")
    scene.lines.enter(scene.line, yes)
    scene.wrote(yes)
    scene.lines.leave(scene.line, [yes])
    scene.sink.waits = False
    later.next()
    assert not scene.line.footings
    scene.sink.waits = True  # bytes of somebody else
    assert await scene.end("a") == 0


async def test_one_timer_looks_at_a_line_however_many_answers_were_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, later = Scene(), Later(monkeypatch)
    scene.sink.waits = True
    for name in "abc":
        yes = scene.standing(name)
        scene.lines.enter(scene.line, yes)
        scene.lines.leave(scene.line, [yes])
    assert len(later.calls) == 1


async def test_a_line_with_an_answer_under_way_is_let_go_by_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, later = Scene(), Later(monkeypatch)
    first, second = scene.standing("a"), scene.standing("b")
    for yes in (first, second):
        scene.lines.enter(scene.line, yes)
    scene.sink.waits = True
    scene.lines.leave(scene.line, [first])
    scene.sink.waits = False
    assert (scene.sink.released, later.calls) == (0, [])
    scene.lines.leave(scene.line, [second])
    assert scene.sink.released == 1


async def test_a_timer_that_rings_while_another_answer_is_under_way_leaves_the_line_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, later = Scene(), Later(monkeypatch)
    first, second = scene.standing("a"), scene.standing("b")
    scene.lines.enter(scene.line, first)
    scene.sink.waits = True
    scene.lines.leave(scene.line, [first])
    scene.lines.enter(scene.line, second)
    scene.sink.waits = False
    later.next()
    assert (scene.sink.released, later.calls) == (0, [])
    scene.sink.waits = True
    scene.lines.leave(scene.line, [second])
    assert later.next() == lines.FIRST_WAIT


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
