"""The HTTP sink between a transport and a socket that do nothing by themselves: each of its guards alone."""

import asyncio
import fcntl
import gc
import socket
import struct
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp.http import StreamWriter

from gateway.door.response import SEND_BUFFER, SIOCOUTQ, HttpSink
from gateway.door.sink import Cut

DROPS, KEEPS = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)


class Socket:
    """Writes down what it is told to do at its close. ``number``: -1 once it is closed."""

    def __init__(self, number: int = 7) -> None:
        self.number, self.told = number, list[tuple[int, Any]]()

    def fileno(self) -> int:
        return self.number

    def setsockopt(self, level: int, what: int, value: Any) -> None:
        assert level == socket.SOL_SOCKET
        if self.number < 0:
            raise OSError("closed")
        self.told.append((what, value))

    def at_close(self) -> list[bytes]:
        return [value for what, value in self.told if what == socket.SO_LINGER]


class Transport:
    """``waits``: bytes in its own buffer."""

    def __init__(self, sock: Socket | None) -> None:
        self.sock, self.waits, self.closing = sock, 0, False
        self.limits: list[tuple[int, int]] = []
        self.aborted: list[list[bytes]] = []

    def get_extra_info(self, name: str) -> Socket | None:
        return self.sock if name == "socket" else None

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.limits.append((high, low))

    def get_write_buffer_size(self) -> int:
        return self.waits

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted.append([] if self.sock is None else self.sock.at_close())
        self.closing = True


class Writer(StreamWriter):
    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    async def write(self, chunk: Any, *, drain: bool = True, LIMIT: int = 0) -> None:  # noqa: N803 - aiohttp's name
        assert not drain
        self.chunks.append(chunk)


class Request:
    def __init__(self, transport: Transport | None, method: str = "GET") -> None:
        self.transport, self.writer, self.method = transport, Writer(), method


class Response:
    def __init__(self, keep_alive: bool) -> None:
        self.keep_alive, self.headers, self.over = keep_alive, dict[str, str](), False
        self.prepared: list[Any] = []

    async def prepare(self, request: Any) -> None:
        self.prepared.append((request, dict(self.headers)))

    async def write_eof(self) -> None:
        self.over = True


def made(request: Any, response: Any) -> HttpSink:
    return HttpSink(request, response)


class Scene:
    def __init__(self, *, kept: bool = True, method: str = "GET", sock: Socket | None = None) -> None:
        self.sock = sock or Socket()
        self.transport = Transport(self.sock)
        self.request: Any = Request(self.transport, method)
        self.response: Any = Response(kept)
        self.sink = made(self.request, self.response)

    @property
    def chunks(self) -> list[bytes]:
        written: list[bytes] = self.request.writer.chunks
        return written


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the kernel says of its queue: bytes, or an error; the last one again and again."""
    says: list[Any] = [0]

    def ioctl(number: int, what: int, room: bytes) -> bytes:
        assert (number >= 0, what) == (True, SIOCOUTQ)
        now = says.pop(0) if len(says) > 1 else says[0]
        if isinstance(now, Exception):
            raise now
        return int(now).to_bytes(len(room), "little")

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    return says


# -- before the first chunk


def test_a_recipient_that_has_gone_gets_no_sink() -> None:
    with pytest.raises(Cut, match=r"^the recipient has gone$"):
        made(Request(None), Response(keep_alive=True))


def test_what_a_slow_reader_can_hold_up_is_little() -> None:
    scene = Scene()
    assert scene.transport.limits == [(1, 0)]
    assert scene.sock.told == [(socket.SO_SNDBUF, SEND_BUFFER)]
    queue: object = scene.sink.queue
    assert queue is scene.transport


async def test_an_answer_begins_with_its_type_and_may_not_be_kept() -> None:
    scene = Scene()
    await scene.sink.begin("text/csv")
    headers = {"Content-Type": "text/csv", "Cache-Control": "no-store"}
    assert scene.response.prepared == [(scene.request, headers)]


# -- a chunk


def test_a_chunk_is_handed_over_and_from_the_first_on_a_close_drops_the_queue() -> None:
    scene = Scene()
    assert scene.sock.at_close() == []
    scene.sink.write(b"a")
    assert (scene.chunks, scene.sock.at_close()) == ([b"a"], [DROPS])
    scene.sink.write(b"b")
    assert (scene.chunks, scene.sock.at_close()) == ([b"a", b"b"], [DROPS])


def test_an_empty_chunk_is_no_chunk_for_it_would_end_the_answer() -> None:
    scene = Scene()
    scene.sink.write(b"")
    assert (scene.chunks, scene.sock.at_close()) == ([], [])


def test_an_answer_to_head_has_no_chunks() -> None:
    scene = Scene(method="HEAD")
    scene.sink.write(b"a")
    assert (scene.chunks, scene.sock.at_close()) == ([], [])


def test_a_closed_sink_takes_nothing() -> None:
    scene = Scene()
    scene.transport.closing = True
    assert scene.sink.closed
    with pytest.raises(Cut, match=r"^the connection is closed$"):
        scene.sink.write(b"a")
    assert scene.chunks == []


def test_a_chunk_that_is_not_taken_at_once_aborts() -> None:
    scene = Scene()

    class Suspends:
        closed = False

        def send(self, _: None) -> None:
            return

        def close(self) -> None:
            self.closed = True

    handing_over = Suspends()
    scene.request.writer.write = lambda *_, **__: handing_over
    with pytest.raises(RuntimeError, match=r"^the transport did not take a chunk at once; is the response compressed"):
        scene.sink.write(b"a")
    assert handing_over.closed
    assert scene.sink.closed
    assert scene.transport.aborted == [[DROPS, DROPS]]


# -- what has not left


def test_what_lies_in_our_buffer_or_in_the_kernels_has_not_left(kernel: list[Any]) -> None:
    scene = Scene()
    assert not scene.sink.unsent()
    for ours, theirs in ((1, 0), (0, 1), (0, 256), (5, 5)):
        scene.transport.waits, kernel[:] = ours, [theirs]
        assert scene.sink.unsent()


def test_what_is_not_known_counts_as_not_left(kernel: list[Any]) -> None:
    scene = Scene()
    kernel[:] = [OSError("what?")]
    assert scene.sink.unsent()


def test_of_a_connection_that_is_being_closed_the_kernel_may_still_hold_something(kernel: list[Any]) -> None:
    scene = Scene()
    scene.transport.closing = True
    kernel[:] = [3]
    assert scene.sink.unsent()
    scene.transport.waits, kernel[:] = 3, [0]
    assert scene.sink.unsent()


def test_when_the_socket_is_closed_nothing_is_left_in_it() -> None:
    scene = Scene()
    scene.transport.waits = 3
    scene.sock.number = -1
    assert scene.sink.unsent(), "the transport has not noticed yet"
    scene.transport.closing = True
    assert not scene.sink.unsent()


def test_without_a_socket_our_own_buffer_counts() -> None:
    transport = Transport(None)
    sink = made(Request(transport), Response(keep_alive=True))
    assert not sink.unsent()
    transport.waits = 1
    assert sink.unsent()
    sink.write(b"a")
    sink.release()
    sink.abort()
    assert transport.aborted == [[]]
    assert not sink.unsent()


@pytest.mark.parametrize("number", [0, 1])
def test_a_socket_may_have_any_number(number: int, kernel: list[Any]) -> None:
    scene = Scene(sock=Socket(number))
    kernel[:] = [1]
    assert scene.sink.unsent()


# -- how it ends


def test_an_abort_drops_the_queue_before_it_closes_and_does_so_once(kernel: list[Any]) -> None:
    scene = Scene()
    kernel[:] = [9]
    scene.sink.abort()
    scene.sink.abort()
    assert scene.transport.aborted == [[DROPS]]
    assert scene.sink.closed
    assert not scene.sink.unsent(), "it is dropped"


def test_what_is_being_closed_is_aborted_too() -> None:
    scene = Scene()
    scene.transport.closing = True
    scene.sink.abort()
    assert scene.transport.aborted == [[DROPS]]


def test_an_abort_of_a_socket_that_is_closed_does_no_harm() -> None:
    scene = Scene()
    scene.sock.number = -1
    scene.sink.abort()
    assert scene.transport.aborted == [[]]


def test_a_line_that_is_let_go_may_be_closed_in_order_and_a_closed_one_is_left_alone() -> None:
    scene = Scene()
    scene.sink.write(b"a")
    scene.sink.release()
    assert scene.sock.at_close() == [DROPS, KEEPS]
    scene.transport.closing = True
    scene.sink.release()
    assert scene.sock.at_close() == [DROPS, KEEPS]


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> Sequence[float]:
    waits: list[float] = []

    async def sleep(wait: float) -> None:
        waits.append(wait)
        assert len(waits) < 50, "it waits for ever"

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waits


async def test_a_connection_that_is_not_kept_is_closed_after_its_queue_is_empty(
    kernel: list[Any], sleeps: Sequence[float]
) -> None:
    scene = Scene(kept=False)
    scene.sink.write(b"a")
    kernel[:] = [*[1] * 8, 0]
    await scene.sink.finish()
    assert scene.response.over
    assert list(sleeps) == [0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.1, 0.1]
    assert scene.sock.at_close() == [DROPS, KEEPS]


async def test_a_connection_that_is_kept_is_not_waited_for(kernel: list[Any], sleeps: Sequence[float]) -> None:
    scene = Scene(kept=True)
    scene.sink.write(b"a")
    kernel[:] = [1]
    await scene.sink.finish()
    assert scene.response.over
    assert list(sleeps) == []
    assert scene.sock.at_close() == [DROPS]


@pytest.mark.parametrize("kept", [False, True])
async def test_an_answer_that_is_over_lets_go_of_its_request(kept: bool, kernel: list[Any]) -> None:
    scene = Scene(kept=kept)
    gone = [weakref.ref(scene.request), weakref.ref(scene.response)]
    await scene.sink.finish()
    del scene.request, scene.response
    gc.collect()
    assert [each() for each in gone] == [None, None]
