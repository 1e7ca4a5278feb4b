"""Lines to a meter: serial port, TCP stream, or a recording. A link is something that gives bytes until it ends."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import serial

from edge.errors import LinkError

CHUNK = 4096
CONNECT_SECONDS = 10.0
SILENCE = 1.6
"""Seconds after which what a live line said is over. IEC 62056-21 lets up to 1.5 s pass between two characters, and
between a message and its answer; no other standard allows a longer gap inside a telegram."""

Opened = Callable[[], None]
Came = TypeVar("Came")


class Link(Protocol):
    """Where bytes come from.

    ``live`` tells whether they come as the meter sends them: a recording has old instants, and ends.
    """

    live: bool

    def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        """Open the line, call ``opened``, give what comes; ends with the line.

        A live line that falls silent for ``SILENCE`` gives ``b""``, once: what was begun will not be completed.
        What was sent before the line was open is lost. LinkError when it cannot be opened or breaks.
        """


class SerialLink:
    """A serial port (or a pseudo-terminal). Meters differ in ``baud``, ``parity`` (N, E, O) and ``data`` bits."""

    live = True

    def __init__(self, port: str, *, baud: int = 115200, parity: str = "N", data: int = 8, stop: int = 1) -> None:
        self._port = port
        self._baud, self._parity, self._data, self._stop = baud, parity, data, stop

    def _open(self) -> serial.Serial:
        return serial.Serial(self._port, self._baud, self._data, self._parity, self._stop, timeout=0, exclusive=True)

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        with _link_errors(), self._open() as line:
            loop, readable = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(line.fileno(), readable.set)
            opened()
            patience = None
            try:
                while True:
                    if await _within(patience, readable.wait()) is None:
                        patience = None
                        yield b""
                        continue
                    readable.clear()
                    if data := line.read(CHUNK):
                        patience = SILENCE
                        yield data
            finally:
                loop.remove_reader(line.fileno())


class TcpLink:
    """A stream from a serial server or a gateway beside the meter."""

    live = True

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        with _link_errors():
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(self._host, self._port)
            opened()
            patience = None
            try:
                while (data := await _within(patience, reader.read(CHUNK))) != b"":
                    patience = None if data is None else SILENCE
                    yield data or b""
            finally:
                writer.close()


class ReplayLink:
    """A recording: bytes as they once came."""

    live = False

    def __init__(self, path: Path) -> None:
        self._path = path

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        with _link_errors(), self._path.open("rb") as file:
            opened()
            while data := file.read(CHUNK):
                yield data
                await asyncio.sleep(0)


async def _within(patience: float | None, coming: Awaitable[Came]) -> Came | None:
    """What comes, or None after so many seconds of silence; no patience waits for ever."""
    try:
        async with asyncio.timeout(patience) as limit:
            return await coming
    except TimeoutError:
        if limit.expired():
            return None
        raise  # the line's own


@contextmanager
def _link_errors() -> Iterator[None]:
    try:
        yield
    except (serial.SerialException, OSError, ValueError, TimeoutError) as error:
        raise LinkError(type(error).__name__) from error
