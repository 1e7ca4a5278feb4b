"""An end at every turn of the loop: wherever an answer is suspended, nothing of it is written afterwards.

Once in the table of epochs alone, and once by the consent desk itself, whose write to the store is slow.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.door.egress import Cut, Part
from policies.terms import SubjectId
from tests.gateway.door.stands import RENDERER, Stand
from tests.gateway.house import House, house

TURNS = 60
"""More than the longest answer below takes."""


class Wire:
    """A sink whose every step suspends once; everything is written down."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = self.finished = False

    @property
    def queue(self) -> "Wire":
        return self

    async def begin(self, content_type: str) -> None:
        await asyncio.sleep(0)

    def write(self, chunk: bytes) -> None:
        if self.closed:
            raise Cut("closed")
        self.written.append(chunk)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    async def finish(self) -> None:
        self.finished = True
        await asyncio.sleep(0)

    def abort(self) -> None:
        self.closed = True

    def unsent(self) -> bool:
        return False

    def release(self) -> None:
        return


async def parts(stand: Stand, decided: Sequence[Part]) -> AsyncIterator[Part]:
    """Decided before, opened one after the other; opening suspends too."""
    for part in decided:
        await asyncio.sleep(0)
        yield part


async def answered(grounds: Sequence[str], *, shared: bool, turns: int) -> tuple[Wire, int]:
    """An answer during which ``a`` withdraws after so many turns; the wire, and how much was written by then."""
    stand, wire = Stand(), Wire()
    decided = [stand.part(name, 3) for name in grounds]

    async def answer() -> None:
        try:
            await stand.egress.send(parts(stand, decided), RENDERER, wire, right=stand.right, shared=shared)
        except Cut:
            return

    async with asyncio.TaskGroup() as group:
        group.create_task(answer())
        for _ in range(turns):
            await asyncio.sleep(0)
        before = len(wire.written)
        await stand.end("a")
    return wire, before


def of(name: str, chunks: Sequence[bytes]) -> list[bytes]:
    return [chunk for chunk in chunks if f"{name} ".encode() in chunk]


@pytest.mark.parametrize("turns", range(TURNS))
async def test_one_households_answer_ends_wherever_it_is(turns: int) -> None:
    wire, before = await answered(["a", "a"], shared=False, turns=turns)
    assert not of("a", wire.written[before:]), f"after {turns} turns"


@pytest.mark.parametrize("turns", range(TURNS))
async def test_a_shared_answer_goes_on_without_who_left_and_with_who_stayed(turns: int) -> None:
    wire, before = await answered(["b", "a", "c"], shared=True, turns=turns)
    assert not of("a", wire.written[before:]), f"after {turns} turns"
    if not wire.closed:
        assert len(of("c", wire.written)) == 3


async def test_the_turns_reach_from_before_the_first_byte_to_after_the_last() -> None:
    nothing, _ = await answered(["a"], shared=False, turns=0)
    everything, before = await answered(["a", "a"], shared=False, turns=TURNS - 1)
    assert not of("a", nothing.written)
    assert everything.finished
    assert everything.written[-1] == b"tail\n"
    assert before == len(everything.written)


# -- the desk itself


def values(wire: Wire) -> int:
    return sum(b"xxx" in chunk for chunk in wire.written)


async def pressed(home: House, turns: int, press: Callable[[SubjectId], Awaitable[object]]) -> Wire:
    """An endless answer; after so many turns somebody presses, and the store takes its time. Nothing is written then.

    Egress is the only guard here: its parts were decided and opened before.
    """
    who = await home.household()
    await home.feed(who, list(range(40)))
    await home.agree(who)
    wire, question = Wire(), home.question(who)
    right = home.right(question)
    opened = [part async for part in await home.release.release(question, right)]
    write = home.store.write

    async def slow(work: Any, *, ending: bool = False) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        assert values(wire) == before, "written while the end was on its way to the disk"
        return await write(work, ending=ending)

    async def endless() -> AsyncIterator[Part]:
        while True:
            await asyncio.sleep(0)
            yield opened[0]

    async def answer() -> None:
        try:
            await home.egress.send(endless(), RENDERER, wire, right=right, shared=False)
        except Cut:
            return

    async with asyncio.TaskGroup() as group:
        group.create_task(answer())
        for _ in range(turns):
            await asyncio.sleep(0)
        before = values(wire)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(home.store, "write", slow)
            await press(who)
    return wire


@pytest.mark.parametrize("turns", range(0, 30, 3))
async def test_from_the_press_on_nothing_is_written_though_the_store_is_slow(tmp_path: Path, turns: int) -> None:
    async with house(tmp_path) as home:
        wire = await pressed(home, turns, home.consent.withdraw)
        assert wire.closed
        assert b"tail\n" not in wire.written


@pytest.mark.parametrize("what", ["one household", "a stream", "its own data"])
async def test_an_answer_whose_yes_ends_before_its_first_part_does_not_look_complete(tmp_path: Path, what: str) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2, 3])
        await home.agree(who)
        wire, question = Wire(), home.question(who)
        right = home.own_right() if what == "its own data" else home.right(question)
        match what:
            case "one household":
                parts = await home.release.release(question, right)
            case "a stream":
                parts = await home.release.follow(question, right, gone=lambda: False)
            case _:
                desk = home.gateway.own_data
                parts = await desk.own(who, right)
        await home.gateway.household_end.erase(who)
        with pytest.raises(Cut):
            await home.egress.send(parts, RENDERER, wire, right=right, shared=False)
        assert wire.closed
        assert b"tail\n" not in wire.written
