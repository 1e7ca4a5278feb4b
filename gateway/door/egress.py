"""Egress: the only module that writes household payloads to a connection.

For each chunk: compare the ground's epoch, write to the transport with no await in between, then wait until the buffer
has drained. No compression here (it may suspend); a renderer may compress.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NoReturn

from aiohttp import web

from adapters.plugin import Released, Renderer
from gateway.door.epochs import Epochs
from gateway.door.lines import Line, Lines

SLOWEST = 300.0
"""Seconds in which one chunk must have left; a reader that stops for longer is cut off."""


class Cut(ConnectionResetError):
    """The ground ended while its answer was on its way: the connection was reset."""


@dataclass(frozen=True, slots=True)
class Part:
    """What the desk opened: rows, and the ground and epoch under which they may be written."""

    ground: str
    epoch: int
    released: Released


class Egress:
    """Writes parts that the desk opened. ``shared`` answers go on without a household that left."""

    def __init__(self, epochs: Epochs, lines: Lines) -> None:
        self._epochs = epochs
        self._lines = lines

    async def send(
        self,
        parts: AsyncIterator[Part],
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        *,
        shared: bool,
        alive: Callable[[], bool] = lambda: True,
    ) -> web.StreamResponse:
        """Write all parts. Raises ``Cut`` when the ground of a single household's answer ends, or ``alive`` says no.

        An answer whose ground has ended is cut also when there are no more parts: it shall not look complete.
        """
        if (transport := request.transport) is None:
            raise Cut("the recipient has gone")
        line = self._lines.of(transport)
        response.headers["Content-Type"] = renderer.content_type
        response.headers["Cache-Control"] = "no-store"
        held: dict[str, int] = {}
        try:
            await response.prepare(request)
            await self._plain(renderer.head, response)
            first = True
            async for part in parts:
                if not shared and part.ground not in held:
                    held[part.ground] = part.epoch
                    line.open.add(part.ground)
                written = await self._part(part, renderer, request, response, line, alive, shared=shared, first=first)
                first = first and not written
            if any(self._epochs.current(ground) != epoch for ground, epoch in held.items()):
                self._cut(line)
            await self._plain(renderer.tail, response)
            await response.write_eof()
        finally:
            line.open -= held.keys()
        return response

    async def _part(
        self,
        part: Part,
        renderer: Renderer,
        request: web.Request,
        response: web.StreamResponse,
        line: Line,
        alive: Callable[[], bool],
        *,
        shared: bool,
        first: bool,
    ) -> bool:
        """One part; whether anything of it was written."""
        written = False
        for chunk in renderer.body(part.released):
            lead = b"" if first or written else renderer.between
            if self._epochs.current(part.ground) != part.epoch or not alive():
                if shared and alive():
                    return written
                self._cut(line)
            line.carry(part.ground)
            await response.write(lead + chunk if lead else chunk)  # runs to the transport before it first suspends
            written = True
            async with asyncio.timeout(SLOWEST):
                await request.writer.drain()
        return written

    @staticmethod
    def _cut(line: Line) -> NoReturn:
        line.abort()
        raise Cut("the consent behind this answer has ended")

    @staticmethod
    async def _plain(frame: bytes, response: web.StreamResponse) -> None:
        if frame:
            await response.write(frame)
