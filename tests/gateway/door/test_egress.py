"""After a ground's end nothing of it leaves: open answers, finished answers, slow readers, shared answers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import web

from adapters.plugin import Released, Renderer
from gateway.door.egress import Cut, Egress, Part
from gateway.door.epochs import Epochs
from gateway.door.lines import Lines
from policies.terms import AS_RECEIVED, Level, Purpose, Recipient, Row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RENDERER = Renderer("text/plain", lambda released: _lines(released), head=b"head\n", tail=b"tail\n", between=b"--\n")


def _lines(released: Released) -> Iterator[bytes]:
    for row in released.rows:
        yield f"{row.subject} {row.value} {'x' * 2000}\n".encode()


def part(ground: str, epoch: int, rows: int) -> Part:
    made = [Row(ground, "1-0:1.8.0*255", NOON + timedelta(seconds=n), NOON, Decimal(n), "kWh") for n in range(rows)]
    released = Released(
        ground, made, Recipient("r"), Purpose.FORECAST, AS_RECEIVED, Level.INDIVIDUAL, timedelta(days=1)
    )
    return Part(ground, epoch, released)


class Door:
    """A server with one route that sends the parts a test names."""

    def __init__(self, parts: list[tuple[str, int]], *, shared: bool = False) -> None:
        self.epochs, self.lines = Epochs(), Lines()
        self.egress = Egress(self.epochs, self.lines)
        self.parts, self.shared = parts, shared
        self.alive: Callable[[], bool] = lambda: True
        self.cut = asyncio.Event()
        self.done = asyncio.Event()

    async def _parts(self) -> AsyncIterator[Part]:
        for ground, rows in self.parts:
            yield part(ground, self.epochs.current(ground), rows)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        try:
            await self.egress.send(self._parts(), RENDERER, request, response, shared=self.shared, alive=self.alive)
            self.done.set()
        except Cut:
            self.cut.set()
        return response

    async def end(self, ground: str) -> int:
        """What the consent desk does in memory."""
        self.epochs.flip(ground)
        hit = self.lines.reset([ground])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return hit


@asynccontextmanager
async def serving(door: Door) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/", door.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


_OPEN: list[socket.socket] = []


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def ask(port: int, receive_buffer: int = 4096) -> socket.socket:
    """A recipient that has asked and reads nothing by itself."""
    sock = socket.socket()
    _OPEN.append(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect(("127.0.0.1", port))
    sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    sock.setblocking(False)
    return sock


async def read_all(sock: socket.socket) -> bytes:
    """Everything until the end, or the reset."""
    got = bytearray()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(5):
            while data := await loop.sock_recv(sock, 1 << 16):
                got += data
                if got.endswith(b"0\r\n\r\n"):
                    break
    except ConnectionResetError:
        pass
    return bytes(got)


def here(sock: socket.socket) -> int:
    """Bytes that lie in the recipient's own kernel."""
    import fcntl
    import termios

    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)), "little")


async def test_an_answer_is_head_parts_with_something_between_and_tail() -> None:
    door = Door([("a", 1), ("b", 2)], shared=True)
    async with serving(door) as port:
        body = await read_all(ask(port))
    assert body.count(b"--\n") == 1
    assert b"head\n" in body
    assert b"tail\n" in body


async def test_an_answer_whose_ground_ends_before_its_last_part_does_not_look_complete() -> None:
    """As an opener does it: it sees that the ground has ended and has no more parts."""
    door = Door([])

    async def one_then_over() -> AsyncIterator[Part]:
        yield part("a", 0, 1)
        door.epochs.flip("a")

    door._parts = one_then_over  # type: ignore[method-assign]
    async with serving(door) as port:
        body = await read_all(ask(port))
        async with asyncio.timeout(5):
            await door.cut.wait()
    assert b"tail\n" not in body
    assert not body.endswith(b"0\r\n\r\n")


async def test_a_slow_reader_gets_nothing_more_after_the_ground_has_ended() -> None:
    door = Door([("a", 2000)])
    async with serving(door) as port:
        sock = ask(port)
        before = 0
        while (now := here(sock)) == 0 or now != before:  # until its buffer is full and the server waits
            before = now
            await asyncio.sleep(0.05)
        assert await door.end("a") == 1
        already = here(sock)
        assert len(await read_all(sock)) <= already
        await asyncio.wait_for(door.cut.wait(), 2)


async def test_an_answer_that_is_written_but_not_sent_is_called_back() -> None:
    door = Door([("a", 8)])  # fits into the kernel's send buffer: the handler is done, the reader has not read
    async with serving(door) as port:
        sock = ask(port, 2048)
        await asyncio.wait_for(door.done.wait(), 2)
        assert await door.end("a") == 1
        already = here(sock)
        assert len(await read_all(sock)) <= already


async def test_a_connection_whose_answer_has_left_is_not_reset() -> None:
    door = Door([("a", 2)])
    async with serving(door) as port:
        sock = ask(port, 1 << 16)
        await read_all(sock)
        await asyncio.sleep(0.05)
        assert await door.end("a") == 0


async def test_a_shared_answer_goes_on_without_the_one_who_left() -> None:
    door = Door([("a", 1), ("b", 1), ("c", 1)], shared=True)

    async def parts() -> AsyncIterator[Part]:
        yield part("a", 0, 1)
        opened = part("b", door.epochs.current("b"), 1)
        door.epochs.flip("b")  # leaves between opening and writing
        yield opened
        yield part("c", 0, 1)

    door._parts = parts  # type: ignore[method-assign]
    async with serving(door) as port:
        body = await read_all(ask(port, 1 << 16))
    assert b"a 0" in body
    assert b"b 0" not in body
    assert b"c 0" in body
    assert b"tail\n" in body


async def test_an_answer_ends_when_its_transfer_is_no_longer_alive() -> None:
    door = Door([("a", 50)])
    left = iter([True] * 10)
    door.alive = lambda: next(left, False)
    async with serving(door) as port:
        body = await read_all(ask(port, 1 << 20))
        await asyncio.wait_for(door.cut.wait(), 2)
    assert b"tail\n" not in body
    assert body.count(b"a ") <= 10
