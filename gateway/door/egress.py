"""Egress: the only module that writes household payloads to a sink.

For each chunk: ask whether the yes still stands, write with no await in between, then wait until the buffer has
drained.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from adapters.plugin import Released, Renderer
from gateway.door.lines import Line, Lines, Yes
from gateway.door.sink import Cut, Sink
from gateway.door.standing import Right, Standing

__all__ = ["Cut", "Egress", "Part", "Whole"]

SLOWEST = 300.0
"""Seconds in which one chunk must have left; a reader that stops for longer is cut off."""


@dataclass(frozen=True, slots=True)
class Part:
    """What the desk opened: rows, and what must still stand when they are written."""

    standing: Standing
    released: Released


class Whole:
    """Parts of one household's answer, and the standings that it rests on as a whole, also when no part comes."""

    def __init__(self, standings: Sequence[Standing], parts: AsyncIterator[Part]) -> None:
        self.standings, self._parts = standings, parts

    def __aiter__(self) -> "Whole":
        return self

    async def __anext__(self) -> Part:
        return await anext(self._parts)


class Egress:
    """Writes parts that the desk opened. ``shared`` answers go on without a household that left."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def send(
        self, parts: AsyncIterator[Part], renderer: Renderer, sink: Sink, *, right: Right, shared: bool
    ) -> None:
        """Write all parts. Raises ``Cut`` when the ground of a single household's answer ends, or anybody's right.

        An answer whose yes has ended is cut also when there are no more parts: it shall not look complete. Whatever
        else goes wrong aborts the sink too: no error may stand where a chunk belongs.
        """
        line = self._lines.of(sink)
        whole: dict[str, Yes] = {"": right}
        if isinstance(parts, Whole):
            whole |= {standing.ground: standing for standing in parts.standings}
        for yes in whole.values():
            self._lines.enter(line, yes)
        try:
            await sink.begin(renderer.content_type)
            if renderer.head:
                sink.write(renderer.head)
            first = True
            async for part in parts:
                if not shared and part.standing.ground not in whole:
                    whole[part.standing.ground] = yes = part.standing.undated()
                    self._lines.enter(line, yes)
                written = await self._part(part, renderer, line, sink, shared=shared, first=first)
                first = first and not written
            if not all(yes.still() for yes in whole.values()):
                self._cut(sink)
            if renderer.tail:
                sink.write(renderer.tail)
            async with asyncio.timeout(SLOWEST):
                await sink.finish()
        except BaseException:
            sink.abort()
            raise
        finally:
            self._lines.leave(line, whole.values())

    async def _part(self, part: Part, renderer: Renderer, line: Line, sink: Sink, *, shared: bool, first: bool) -> bool:
        """One part; whether anything of it was written."""
        written = False
        for chunk in renderer.body(part.released):
            lead = b"" if first or written else renderer.between
            if not part.standing.still():
                if shared and part.standing.right.still():
                    return written
                self._cut(sink)
            self._lines.carry(line, part.standing)
            sink.write(lead + chunk if lead else chunk)
            written = True
            async with asyncio.timeout(SLOWEST):
                await sink.drain()
        return written

    @staticmethod
    def _cut(sink: Sink) -> NoReturn:
        sink.abort()
        raise Cut("the yes behind this answer has ended")
