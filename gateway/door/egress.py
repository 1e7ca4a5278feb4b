"""Egress: the only module that writes household payloads to a sink.

For each chunk: ask whether the yes still stands, write with no await in between, then wait until the buffer has
drained.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass

from adapters.plugin import Released, Renderer
from gateway.door.lines import Line, Lines, Yes
from gateway.door.sink import Cut, Sink
from gateway.door.standing import Right, Standing
from policies.terms import DetailClass

__all__ = ["Cut", "Egress", "Part", "Whole"]

SLOWEST = 300.0
"""Seconds in which one chunk must have left; a reader that stops for longer is cut off."""
_ENDED = "the yes behind this answer has ended"


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


class _Rests:
    """What the next chunk rests on: the standing of its part, and when ``kept`` of all parts before it as well, of each
    ground and class the one with the oldest day.
    """

    def __init__(self, *, kept: bool) -> None:
        self.kept = kept
        self._of: dict[tuple[str, DetailClass | None], Standing] = {}

    def on(self, standing: Standing) -> None:
        """A part begins."""
        if not self.kept:
            self._of.clear()
        name = standing.ground, standing.days[1] if standing.days else None
        known = self._of.get(name)
        if known is None or known.days is None or standing.days is None or standing.days[2] < known.days[2]:
            self._of[name] = standing

    @property
    def standings(self) -> Collection[Standing]:
        return self._of.values()

    def still(self) -> bool:
        return all(standing.still() for standing in self._of.values())


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
            first, rests = True, _Rests(kept=renderer.closing is not None)
            async for part in parts:
                if not shared and part.standing.ground not in whole:
                    whole[part.standing.ground] = yes = part.standing.undated()
                    self._lines.enter(line, yes)
                rests.on(part.standing)
                written = await self._part(part, renderer, rests, line, sink, shared=shared, first=first)
                first = first and not written
            if renderer.closing is not None:
                await self._closing(renderer.closing(), rests, whole.values(), line, sink)
            if not all(yes.still() for yes in whole.values()):
                raise Cut(_ENDED)
            if renderer.tail:
                sink.write(renderer.tail)
            async with asyncio.timeout(SLOWEST):
                await sink.finish()
        except BaseException:
            sink.abort()
            raise
        finally:
            self._lines.leave(line, whole.values())

    async def _part(
        self, part: Part, renderer: Renderer, rests: _Rests, line: Line, sink: Sink, *, shared: bool, first: bool
    ) -> bool:
        """One part; whether anything of it was written."""
        written = False
        for chunk in renderer.body(part.released):
            lead = b"" if first or written else renderer.between
            if not rests.still():
                if shared and not rests.kept and part.standing.right.still():
                    return written
                raise Cut(_ENDED)
            self._write(lead + chunk, rests, line, sink)
            written = True
            async with asyncio.timeout(SLOWEST):
                await sink.drain()
        return written

    async def _closing(
        self, chunks: Iterator[bytes], rests: _Rests, whole: Collection[Yes], line: Line, sink: Sink
    ) -> None:
        """Sums over all parts: of the days of each of them too."""
        for chunk in chunks:
            if not (rests.still() and all(yes.still() for yes in whole)):
                raise Cut(_ENDED)
            self._write(chunk, rests, line, sink)
            async with asyncio.timeout(SLOWEST):
                await sink.drain()

    def _write(self, chunk: bytes, rests: _Rests, line: Line, sink: Sink) -> None:
        for standing in rests.standings:
            self._lines.carry(line, standing)
        sink.write(chunk)
