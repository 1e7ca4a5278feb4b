"""Live lines: what a silence on them means."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from edge import links
from edge.links import Came, Link
from edge.links.serial import SerialLink
from edge.links.tcp import TcpLink
from edge.links.udp import UdpLink
from edge.pump import pump
from edge.simulator import Terminal, meter
from meter_driver.decoder import Decoder
from meter_driver.detect import detect
from meter_driver.reading import Event, FrameRejected

Say = Callable[[bytes], Awaitable[None]]
Line = Callable[[], AbstractAsyncContextManager[tuple[Link, Say]]]
SENDER = meter(1)
FIRST, SECOND = (SENDER.telegram(datetime(2026, 1, 2, 11, 4, second, tzinfo=UTC)) for second in (5, 10))
CUT = len(FIRST) - 20


class Patience:
    """Stands in place of ``links.within``: a silence lasts as long as the test says."""

    def __init__(self) -> None:
        self._limit: asyncio.Timeout | None = None
        self._over = False

    async def within(self, patience: float | None, coming: Awaitable[Came]) -> Came | None:
        assert patience in (None, links.SILENCE)
        try:
            async with asyncio.timeout(None) as limit:
                self._limit = limit if patience else None
                if self._over:
                    self.runs_out()
                return await coming
        except TimeoutError:
            self._over = False
            return None
        finally:
            self._limit = None

    @property
    def waits(self) -> bool:
        """Would a silence be told now?"""
        return self._limit is not None

    def runs_out(self) -> None:
        """Nothing comes any more: a link that waits, or will, is told so once."""
        self._over = True
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """Of one link; nobody waits for a clock."""
    made = Patience()
    monkeypatch.setattr(links, "within", made.within)
    return made


class Counting:
    """A decoder that tells when so many bytes came."""

    def __init__(self, decoder: Decoder, enough: int) -> None:
        self._decoder, self._enough = decoder, enough
        self.fed = asyncio.Event()

    def receive_data(self, data: bytes) -> None:
        self._enough -= len(data)
        if self._enough <= 0:
            self.fed.set()
        self._decoder.receive_data(data)

    def events(self) -> Iterator[Event]:
        return self._decoder.events()


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
async def test_a_silence_is_told_once(line: Line, patience: Patience) -> None:
    async with line() as (link, say), asyncio.timeout(10):
        opened = asyncio.Event()
        async with aclosing(link.bytes(opened.set)) as stream, asyncio.TaskGroup() as group:
            first = group.create_task(_next(stream))
            await opened.wait()
            assert not patience.waits
            await say(b"one")
            assert await first == b"one"
            silent = group.create_task(_next(stream))
            patience.runs_out()
            assert await silent == b""
            later = group.create_task(_next(stream))
            await say(b"two")
            assert not patience.waits
            assert await later == b"two"


async def _next(stream: AsyncIterator[bytes]) -> bytes:
    return await anext(stream)


@LINES
async def test_halves_of_two_telegrams_with_a_silence_between_are_not_joined(line: Line, patience: Patience) -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    opened = asyncio.Event()
    decoder = Counting(detect(SENDER.key), CUT)

    async def accept(more: list[Event]) -> None:
        for event in more:
            await events.put(event)

    async with line() as (link, say), asyncio.timeout(10), asyncio.TaskGroup() as group:
        reading = group.create_task(pump(link, decoder, accept, opened.set))
        await opened.wait()
        await say(FIRST[:CUT])
        await decoder.fed.wait()
        patience.runs_out()
        assert isinstance(await events.get(), FrameRejected)  # nothing came behind the half: the silence ends it
        await say(SECOND)
        while isinstance(event := await events.get(), FrameRejected):
            assert event.kind == "truncated"
        reading.cancel()
    assert event.counter == 2


async def test_patience_ends_and_no_patience_waits() -> None:
    never = asyncio.Event()
    assert await links.within(0.0, never.wait()) is None
    never.set()
    assert await links.within(None, never.wait()) is True


async def test_a_timeout_of_the_connection_itself_is_no_silence() -> None:
    async def broken() -> bytes:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await links.within(10.0, broken())


async def test_datagrams_of_two_senders_are_not_joined(patience: Patience, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    listening: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    listen = loop.create_datagram_endpoint

    async def noted(*words: Any, **more: Any) -> Any:
        transport, protocol = await listen(*words, **more)
        await listening.put(transport.get_extra_info("sockname"))
        return transport, protocol

    monkeypatch.setattr(loop, "create_datagram_endpoint", noted)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        stream = await stack.enter_async_context(aclosing(UdpLink("127.0.0.1", 0).bytes(lambda: None)))
        first = group.create_task(_next(stream))
        at = await listening.get()
        senders = [(await listen(asyncio.DatagramProtocol, remote_addr=at))[0] for _ in range(2)]
        for sender in senders:
            stack.callback(sender.close)
        senders[0].sendto(b"half")
        assert await first == b"half"
        senders[1].sendto(b"another")
        assert [await anext(stream), await anext(stream)] == [b"", b"another"]
        silent = group.create_task(_next(stream))
        patience.runs_out()
        assert await silent == b""
        senders[1].sendto(b"later")
        assert await anext(stream) == b"later"
