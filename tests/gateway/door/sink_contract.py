"""The law of sinks (``gateway.door.sink``) as tests. A sink's own suite derives from ``SinkContract``."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from gateway.door.sink import Sink

CHUNK = bytes(range(32, 96)) * 32
"""2 kB; a hundred of them are more than any queue here holds."""
MANY = 200


class Far(Protocol):
    """The far end of one sink that has begun. It takes nothing by itself."""

    @property
    def sink(self) -> Sink: ...

    def here(self) -> int:
        """Bytes that have left already, as the far end counts them; what lies there cannot be called back."""

    async def take(self) -> tuple[bytes, bool]:
        """All that still comes: the body, and whether the answer looks complete."""

    async def take_raw(self) -> int:
        """How many bytes still come, counted as ``here`` counts."""

    def leave(self) -> None:
        """The far end goes away."""


class SinkContract:
    """``opened`` gives a sink after ``begin``, with a far end of the same loop."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Far]:
        raise NotImplementedError
        yield

    async def test_a_chunk_is_handed_over_before_write_returns(self) -> None:
        async with self.opened() as far:
            await gone(far)
            before = far.here()
            assert not inspect.iscoroutinefunction(far.sink.write)
            far.sink.write(CHUNK)  # no turn of the loop from here on
            assert far.sink.unsent() or far.here() > before

    async def test_what_was_written_arrives_whole_in_order_and_looks_complete(self) -> None:
        async with self.opened() as far, asyncio.TaskGroup() as group:
            group.create_task(written(far.sink, MANY))
            body, complete = await far.take()
            assert body == b"".join(CHUNK + b"%d\n" % n for n in range(MANY))
            assert complete

    async def test_drain_waits_for_a_far_end_that_takes_nothing(self) -> None:
        async with self.opened() as far, asyncio.TaskGroup() as group:
            writer = group.create_task(written(far.sink, MANY))
            done, _ = await asyncio.wait([writer], timeout=0.3)
            assert not done
            await far.take()
            await writer

    async def test_written_is_not_sent_also_when_the_answer_is_complete(self) -> None:
        async with self.opened() as far, asyncio.TaskGroup() as group:
            writer = group.create_task(written(far.sink, MANY))
            await asyncio.sleep(0.2)
            assert far.sink.unsent()
            await far.take()
            await writer
            await gone(far)
            assert not far.sink.unsent()

    async def test_after_an_abort_nothing_leaves_and_nothing_looks_complete(self) -> None:
        async with self.opened() as far, asyncio.TaskGroup() as group:
            writer = group.create_task(cut(far.sink))
            await asyncio.sleep(0.2)
            far.sink.abort()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            already = far.here()
            await writer
            assert await far.take_raw() <= already

    async def test_what_an_abort_leaves_behind_is_a_part_of_what_was_written(self) -> None:
        async with self.opened() as far, asyncio.TaskGroup() as group:
            writer = group.create_task(cut(far.sink))
            await asyncio.sleep(0.2)
            far.sink.abort()
            await writer
            body, complete = await far.take()
            assert b"".join(CHUNK + b"%d\n" % n for n in range(MANY)).startswith(body)
            assert not complete

    async def test_an_aborted_sink_is_closed_and_takes_nothing(self) -> None:
        async with self.opened() as far:
            far.sink.write(CHUNK)
            far.sink.abort()
            far.sink.abort()
            for _ in range(4):
                assert far.sink.closed
                assert not far.sink.unsent()
                with pytest.raises(ConnectionError):
                    far.sink.write(CHUNK)
                await asyncio.sleep(0)

    async def test_a_sink_whose_far_end_has_left_is_closed_in_the_end(self) -> None:
        async with self.opened() as far:
            far.leave()
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(written_on_and_on(far.sink), 5)

    async def test_its_queue_is_the_same_thing_all_the_time(self) -> None:
        async with self.opened() as far:
            before = far.sink.queue
            far.sink.write(CHUNK)
            assert far.sink.queue is before


async def written(sink: Sink, count: int) -> None:
    """As egress writes."""
    for n in range(count):
        sink.write(CHUNK + b"%d\n" % n)
        await sink.drain()
    await sink.finish()


async def written_on_and_on(sink: Sink) -> None:
    while True:
        sink.write(CHUNK)
        await sink.drain()
        await asyncio.sleep(0.01)


async def cut(sink: Sink) -> None:
    try:
        await written(sink, MANY)
    except ConnectionError:
        return
    raise AssertionError("nobody was told")


async def gone(far: Far) -> None:
    """Until the queue is empty."""
    async with asyncio.timeout(5):
        while far.sink.unsent():  # noqa: ASYNC110 - the kernel has no event for it
            await asyncio.sleep(0.01)
