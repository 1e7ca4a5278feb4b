"""A withdrawal at every turn of the loop: wherever an answer is suspended, nothing of it is written afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from aiohttp import web

from adapters.plugin import Released, Renderer
from gateway.door.egress import Cut, Egress, Part
from gateway.door.epochs import Epochs
from gateway.door.lines import Lines
from policies.terms import AS_RECEIVED, Level, Purpose, Recipient

TURNS = 60
"""More than the longest answer below takes."""
GRANT = (Recipient("r"), Purpose.FORECAST, AS_RECEIVED, Level.INDIVIDUAL, timedelta(0))


class Wire:
    """A transport, a response and a request writer in one: each suspends once, and everything is written down."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.headers: dict[str, str] = {}
        self.aborted = False

    @property
    def transport(self) -> "Wire":
        return self

    @property
    def writer(self) -> "Wire":
        return self

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        assert high == 1, "an empty buffer is the only one that does not wait"
        assert low == 0

    def get_extra_info(self, _: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True

    async def prepare(self, _: object) -> None:
        await asyncio.sleep(0)

    async def write(self, data: bytes) -> None:
        self.written.append(data)  # as aiohttp does: to the transport before it first suspends
        await asyncio.sleep(0)

    async def write_eof(self) -> None:
        await asyncio.sleep(0)

    async def drain(self) -> None:
        await asyncio.sleep(0)


def body(released: Released) -> Iterator[bytes]:
    for n in range(3):
        yield f"{released.subject} chunk {n}\n".encode()


RENDERER = Renderer("text/plain", body, head=b"head\n", tail=b"tail\n", between=b"--\n")


async def parts(decided: list[tuple[str, int]]) -> AsyncIterator[Part]:
    """Decided before, opened one after the other; opening suspends too."""
    for ground, epoch in decided:
        await asyncio.sleep(0)
        yield Part(ground, epoch, Released(ground, (), *GRANT))


async def answered(grounds: list[str], *, shared: bool, turns: int) -> tuple[Wire, int]:
    """An answer during which ``a`` withdraws after so many turns; the wire, and how much was written by then."""
    epochs, lines, wire = Epochs(), Lines(), Wire()
    egress = Egress(epochs, lines)
    decided = [(ground, epochs.current(ground)) for ground in grounds]
    request, response = cast(web.Request, wire), cast(web.StreamResponse, wire)

    async def answer() -> None:
        try:
            await egress.send(parts(decided), RENDERER, request, response, shared=shared)
        except Cut:
            return

    async with asyncio.TaskGroup() as group:
        group.create_task(answer())
        for _ in range(turns):
            await asyncio.sleep(0)
        epochs.flip("a")
        lines.reset(["a"])
        return wire, len(wire.written)


@pytest.mark.parametrize("turns", range(TURNS))
async def test_one_households_answer_ends_wherever_it_is(turns: int) -> None:
    wire, before = await answered(["a", "a"], shared=False, turns=turns)
    late = wire.written[before:]
    assert not [chunk for chunk in late if b"chunk" in chunk], f"after {turns} turns: {late}"


@pytest.mark.parametrize("turns", range(TURNS))
async def test_a_shared_answer_goes_on_without_who_left_and_with_who_stayed(turns: int) -> None:
    wire, before = await answered(["b", "a", "c"], shared=True, turns=turns)
    late = wire.written[before:]
    assert not [chunk for chunk in late if b"a chunk" in chunk], f"after {turns} turns: {late}"
    if not wire.aborted:
        assert sum(b"c chunk" in chunk for chunk in wire.written) == 3


async def test_the_turns_reach_from_before_the_first_byte_to_after_the_last() -> None:
    nothing, _ = await answered(["a"], shared=False, turns=0)
    everything, before = await answered(["a", "a"], shared=False, turns=TURNS - 1)
    assert not [chunk for chunk in nothing.written if b"chunk" in chunk]
    assert everything.written[-1] == b"tail\n"
    assert before == len(everything.written)


def test_a_loop_is_not_needed_to_know_that_any_value_is_bound_to_its_epoch() -> None:
    epochs = Epochs()
    seen: list[Any] = [epochs.current("a"), epochs.flip("a"), epochs.flip("a"), epochs.current("b")]
    assert seen == [0, 1, 2, 0]
