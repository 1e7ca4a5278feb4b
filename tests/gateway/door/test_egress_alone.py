"""Egress on a sink that only writes down: what stands on the wire, in which order, and what ends an answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest

from adapters.plugin import Renderer
from gateway.door import egress
from gateway.door.egress import Cut, Part, Whole
from policies.terms import DetailClass, SubjectId
from tests.gateway.door.stands import CLIENT, NOON, RENDERER, Stand
from tests.gateway.door.test_interleavings import Wire

ENDED = "^the yes behind this answer has ended$"


class Noted(Wire):
    """Says what it was begun as, and whether something waits in it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []
        self.waits = False

    async def begin(self, content_type: str) -> None:
        self.begun.append(content_type)

    def unsent(self) -> bool:
        return self.waits and not self.closed


async def given(*parts: Part) -> AsyncIterator[Part]:
    for part in parts:
        yield part


def words(wire: Wire) -> list[str]:
    """The chunks without their filling."""
    return [chunk.decode().replace("x", "").replace(" \n", "\n").replace("\n", " ").strip() for chunk in wire.written]


async def sent(
    scene: Stand, parts: AsyncIterator[Part], renderer: Renderer = RENDERER, *, shared: bool = False
) -> Noted:
    wire = Noted()
    await scene.egress.send(parts, renderer, wire, right=scene.right, shared=shared)
    return wire


@pytest.mark.parametrize("shared", [False, True])
async def test_between_stands_before_each_part_but_the_first_and_nowhere_else(shared: bool) -> None:
    scene = Stand()
    wire = await sent(scene, given(scene.part("a", 2), scene.part("b", 2), scene.part("c", 1)), shared=shared)
    assert words(wire) == ["head", "a 0", "a 1", "-- b 0", "b 1", "-- c 0", "tail"]
    assert (wire.begun, wire.finished, wire.closed) == (["text/plain"], True, False)


async def test_parts_of_which_nothing_was_written_have_nothing_between_them() -> None:
    scene = Stand()
    gone = scene.part("a", 1)
    scene.epochs.flip("a")
    parts = (gone, scene.part("b", 0), scene.part("c", 1), gone, scene.part("d", 0), scene.part("e", 1))
    wire = await sent(scene, given(*parts), shared=True)
    assert words(wire) == ["head", "c 0", "-- e 0", "tail"]


async def test_a_format_without_head_tail_and_between_has_its_body_alone() -> None:
    scene = Stand()
    bare = replace(RENDERER, head=b"", tail=b"", between=b"")
    wire = await sent(scene, given(scene.part("a", 1), scene.part("b", 1)), bare)
    assert words(wire) == ["a 0", "b 0"]


async def test_a_single_answer_ends_with_any_of_its_grounds_also_one_whose_parts_are_written() -> None:
    scene = Stand()

    async def parts() -> AsyncIterator[Part]:
        yield scene.part("a", 1)
        scene.epochs.flip("a")
        yield scene.part("b", 1)

    wire = Noted()
    with pytest.raises(Cut, match=ENDED):
        await scene.egress.send(parts(), RENDERER, wire, right=scene.right, shared=False)
    assert wire.closed
    assert not wire.finished
    assert "tail" not in words(wire)


@pytest.mark.parametrize("shared", [False, True])
async def test_an_answer_whose_right_ends_is_cut_before_the_next_chunk(shared: bool) -> None:
    scene = Stand()

    async def parts() -> AsyncIterator[Part]:
        yield scene.part("a", 1)
        scene.alive = lambda: False
        yield scene.part("b", 1)

    wire = Noted()
    with pytest.raises(Cut, match=ENDED):
        await scene.egress.send(parts(), RENDERER, wire, right=scene.right, shared=shared)
    assert words(wire) == ["head", "a 0"]
    assert wire.closed


async def test_a_shared_answer_is_whole_though_all_of_it_left() -> None:
    scene = Stand()
    gone = scene.part("a", 1)
    scene.epochs.flip("a")
    assert words(await sent(scene, given(gone), shared=True)) == ["head", "tail"]


async def test_a_single_answer_goes_on_when_the_days_of_a_part_that_left_are_held_no_longer() -> None:
    scene = Stand()

    async def parts() -> AsyncIterator[Part]:
        yield scene.part("a", 1, first=date(2026, 2, 1))
        scene.oldest = date(2026, 2, 2)
        yield scene.part("a", 1, first=date(2026, 2, 2))

    assert words(await sent(scene, parts())) == ["head", "a 0", "-- a 0", "tail"]


async def test_a_part_whose_days_are_held_no_longer_is_not_written() -> None:
    scene = Stand()
    old = scene.part("a", 1, first=date(2026, 2, 1))
    scene.oldest = date(2026, 2, 2)
    with pytest.raises(Cut):
        await sent(scene, given(old))


# -- while it is under way


async def called_back(scene: Stand, parts: AsyncIterator[Part], name: str, *, shared: bool = False) -> tuple[int, bool]:
    """How many lines are called back when a ground ends while a part is waited for; whether the answer was cut."""
    wire = Noted()
    wire.waits = True
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(cut(scene, parts, wire, shared=shared))
        for _ in range(20):
            await asyncio.sleep(0)
        hit = await scene.end(name)
        answer.cancel()
        await asyncio.wait([answer])
    return hit, wire.closed


async def cut(scene: Stand, parts: AsyncIterator[Part], wire: Wire, *, shared: bool) -> None:
    await scene.egress.send(parts, RENDERER, wire, right=scene.right, shared=shared)


async def waiting(*parts: Part) -> AsyncIterator[Part]:
    for part in parts:
        yield part
    await asyncio.Event().wait()


async def test_an_answer_is_called_back_by_the_ground_of_a_part_also_when_nothing_of_it_waits() -> None:
    scene = Stand()
    assert await called_back(scene, waiting(scene.part("a", 1)), "a") == (1, True)


async def test_an_answer_is_called_back_by_a_ground_that_it_rests_on_before_any_part_comes() -> None:
    scene = Stand()
    parts = Whole([scene.standing("a"), scene.standing("b")], waiting())
    assert await called_back(scene, parts, "b") == (1, True)


async def test_a_shared_answer_is_called_back_for_what_waits_in_the_queue() -> None:
    scene = Stand()
    assert (await called_back(scene, waiting(scene.part("a", 1), scene.part("b", 1)), "a", shared=True))[0] == 1


async def test_an_answer_without_a_ground_rests_on_its_right_alone() -> None:
    scene = Stand()
    scene.alive = lambda: False
    with pytest.raises(Cut, match=ENDED):
        await sent(scene, Whole([], given()))


async def test_a_cancelled_answer_is_aborted_and_not_found_any_more() -> None:
    scene, wire = Stand(), Noted()
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(cut(scene, waiting(scene.part("a", 1)), wire, shared=False))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not wire.closed
        answer.cancel()
    assert wire.closed
    assert (await scene.end("a"), await scene.tell(CLIENT)) == (0, 0)


async def test_an_answer_that_is_over_rests_on_nothing_any_more() -> None:
    scene = Stand()
    wire = await sent(scene, Whole([scene.standing("a")], given(scene.part("a", 1))))
    wire.waits = True  # somebody else's bytes
    scene.alive = lambda: False
    assert (await scene.end("a"), await scene.tell(CLIENT)) == (0, 0)


# -- a reader that takes nothing


class Stuck(Noted):
    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    async def drain(self) -> None:
        if self.where == "drain":
            await asyncio.Event().wait()

    async def finish(self) -> None:
        if self.where == "finish":
            await asyncio.Event().wait()


@pytest.mark.parametrize("where", ["drain", "finish"])
async def test_a_sink_that_takes_nothing_is_aborted_when_its_time_is_over(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "SLOWEST", 0.01)
    scene, wire = Stand(), Stuck(where)
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await scene.egress.send(given(scene.part("a", 1)), RENDERER, wire, right=scene.right, shared=False)
        assert wire.closed


async def test_the_next_chunk_waits_until_the_buffer_is_empty() -> None:
    scene, wire = Stand(), Stuck("drain")
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(cut(scene, given(scene.part("a", 2)), wire, shared=False))
        for _ in range(20):
            await asyncio.sleep(0)
        assert words(wire) == ["head", "a 0"]
        answer.cancel()


async def test_a_whole_is_its_parts_in_their_order() -> None:
    scene = Stand()
    parts = [scene.part("a", 1), scene.part("b", 1)]
    whole = Whole([scene.standing("a")], given(*parts))
    assert [each.ground for each in whole.standings] == ["a"]
    assert [part async for part in whole] == parts


async def test_an_end_of_days_calls_back_what_waits_of_them_in_the_queue() -> None:
    scene, wire = Stand(), Noted()
    wire.waits = True
    part = scene.part("a", 1, first=NOON.date())
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(cut(scene, waiting(part), wire, shared=True))
        for _ in range(20):
            await asyncio.sleep(0)
        scene.oldest = NOON.date() + timedelta(days=1)
        assert await scene.lines.expired({DetailClass.LIVE: scene.oldest}) == 1
        answer.cancel()
    assert SubjectId("a") == part.released.subject


async def test_sums_that_nobody_takes_are_aborted_when_their_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts were taken; then the sink is stuck."""
    scene, wire = Stand(), Stuck("")
    summing = replace(RENDERER, closing=lambda: iter([b"sums\n"]))

    async def stuck_at_last() -> AsyncIterator[Part]:
        yield scene.part("a", 1)
        monkeypatch.setattr(egress, "SLOWEST", 0.01)
        wire.where = "drain"

    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await scene.egress.send(stuck_at_last(), summing, wire, right=scene.right, shared=False)
    assert (words(wire)[-1], wire.closed) == ("sums", True)


async def test_sums_rest_on_the_days_of_each_class_apart() -> None:
    """A month is read from days and from quarters: that one class keeps its days ends nothing of the other."""
    household, old, new = SubjectId("a"), date(2026, 1, 1), date(2026, 2, 1)
    order = [(DetailClass.DAY, old), (DetailClass.QUARTER, new)]
    for gone in DetailClass.DAY, DetailClass.QUARTER:
        for some in (order, order[::-1]):
            scene = Stand()
            held = {DetailClass.DAY: old, DetailClass.QUARTER: new}
            sight = replace(scene._sight, oldest=partial(_oldest, held))
            rests = egress._Rests(kept=True)
            for detail, first in some:
                rests.on(replace(scene.standing("g"), sight=sight).since(household, detail, first))
            assert rests.still()
            held[gone] += timedelta(days=1)
            assert not rests.still()


def _oldest(held: Mapping[DetailClass, date], _: SubjectId, detail: DetailClass) -> date:
    return held[detail]
