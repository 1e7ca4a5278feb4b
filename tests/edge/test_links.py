"""Live lines: what a silence on them means."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime

import pytest

from edge import links
from edge.links import Link, SerialLink, TcpLink
from edge.pump import pump
from edge.simulator import Terminal, meter
from meter_driver.detect import detect
from meter_driver.reading import Event, FrameRejected

Say = Callable[[bytes], Awaitable[None]]
Line = Callable[[], AbstractAsyncContextManager[tuple[Link, Say]]]
SENDER = meter(1)
FIRST, SECOND = (SENDER.telegram(datetime(2026, 1, 2, 11, 4, second, tzinfo=UTC)) for second in (5, 10))
CUT = len(FIRST) - 20


@pytest.fixture(autouse=True)
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "SILENCE", 0.2)


@asynccontextmanager
async def serial_line() -> AsyncIterator[tuple[Link, Say]]:
    terminal = Terminal()
    try:
        yield SerialLink(terminal.path), terminal.write
    finally:
        terminal.close()


@asynccontextmanager
async def tcp_line() -> AsyncIterator[tuple[Link, Say]]:
    writers: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writers.put(writer)

    async def say(data: bytes) -> None:
        writer = await writers.get()
        writer.write(data)
        await writer.drain()
        await writers.put(writer)

    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        stack.push_async_callback(server.wait_closed)
        stack.callback(server.close)
        yield TcpLink("127.0.0.1", server.sockets[0].getsockname()[1]), say
        (await writers.get()).close()


LINES = pytest.mark.parametrize("line", [serial_line, tcp_line])


@LINES
async def test_a_silence_is_told_once(line: Line) -> None:
    async with line() as (link, say), asyncio.timeout(10):
        opened = asyncio.Event()
        async with aclosing(link.bytes(opened.set)) as stream, asyncio.TaskGroup() as group:

            async def talk() -> None:
                await opened.wait()
                await say(b"one")

            group.create_task(talk())
            assert [await anext(stream), await anext(stream)] == [b"one", b""]
            later = group.create_task(_next(stream))
            await asyncio.sleep(0.5)
            assert not later.done()
            await say(b"two")
            assert await later == b"two"


async def _next(stream: AsyncIterator[bytes]) -> bytes:
    return await anext(stream)


@LINES
async def test_halves_of_two_telegrams_with_a_silence_between_are_not_joined(line: Line) -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    opened = asyncio.Event()

    async def accept(more: list[Event]) -> None:
        for event in more:
            await events.put(event)

    async with line() as (link, say), asyncio.timeout(10), asyncio.TaskGroup() as group:
        reading = group.create_task(pump(link, detect(SENDER.key), accept, opened.set))
        await opened.wait()
        await say(FIRST[:CUT])
        assert isinstance(await events.get(), FrameRejected)  # nothing came behind the half: the silence ends it
        await say(SECOND)
        while isinstance(event := await events.get(), FrameRejected):
            assert event.kind == "truncated"
        reading.cancel()
    assert event.counter == 2


async def test_a_timeout_of_the_connection_itself_is_no_silence() -> None:
    async def broken() -> bytes:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await links._within(10.0, broken())
