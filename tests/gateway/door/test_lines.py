"""What is called back from lines, and what is let go: each guard of them alone."""

import asyncio
from datetime import date

import pytest

from gateway.door import lines
from policies.terms import DetailClass, SubjectId
from tests.gateway.door.queues import Later, Queue, Scene

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
