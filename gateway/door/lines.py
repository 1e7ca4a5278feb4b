"""Lines: what carried a household's data or is open for it, and how to call back what is still on its way.

Written is not sent: a line counts as a ground's until its queue is empty, also when the answer is complete. Lines are
found by whatever an answer rests on (``gateway.rights``), so that an end looks at those it concerns and no others; one
heap of instants resets those whose time is over.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Protocol

from gateway.clock import Clock
from gateway.door.sink import Sink
from gateway.rights import Footing
from policies.terms import FAR_FUTURE, DetailClass

FEWEST = 256
"""Lines below which nobody looks for closed ones."""
CLOCK_LOOK = 1.0
"""Seconds between looks at the clock; a clock that was moved is noticed then."""
FIRST_WAIT = 0.05
"""Seconds until the first look at the queue of an answer that is over; doubles up to ``LOOK``."""


class Yes(Protocol):
    """What bytes rest on: a right, or a household's standing."""

    @property
    def footings(self) -> Sequence[Footing]: ...

    @property
    def until(self) -> datetime: ...

    def still(self) -> bool: ...


@dataclass(slots=True, eq=False)
class Line:
    """One queue, by the sink that wrote to it last.

    Attributes:
        queued: whose bytes may still be in it.
        open: what the answers that are under way on it rest on.
        footings: how often it is found under each name.
        due: the earliest instant at which the timer looks at it.
        watched: somebody looks already whether its queue is empty.
    """

    sink: Sink
    queued: set[Yes] = field(default_factory=set)
    open: set[Yes] = field(default_factory=set)
    footings: Counter[Footing] = field(default_factory=Counter)
    due: datetime = FAR_FUTURE
    watched: bool = False


class Lines:
    """All lines of this process. Those that are closed fall out when the table has doubled."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[int, Line] = {}  # by id(queue); uvloop's TLS transports know no weak references
        self._found: dict[str, dict[str, set[Line]]] = defaultdict(dict)
        self._instants: list[tuple[datetime, int, Line]] = []
        self._numbers = count()
        self._sooner = asyncio.Event()
        self._tidy_at = FEWEST

    # -- keeping the book

    def of(self, sink: Sink) -> Line:
        """The line of a sink's queue, made at its first use."""
        if (line := self._lines.get(id(sink.queue))) is None:
            line = self._lines[id(sink.queue)] = Line(sink)
            if len(self._lines) >= self._tidy_at:
                self._tidy()
        line.sink = sink
        return line

    def enter(self, line: Line, yes: Yes) -> None:
        """An answer that rests on it is under way."""
        line.open.add(yes)
        self._add(line, yes)

    def leave(self, line: Line, all_: Iterable[Yes]) -> None:
        """The answer is over; what it wrote may still be queued."""
        for yes in all_:
            line.open.discard(yes)
            self._drop(line, yes)
        if not line.watched:
            self._let_go(line, FIRST_WAIT)

    def carry(self, line: Line, yes: Yes) -> None:
        """About to write a chunk that rests on it. What left before needs no calling back."""
        self._settle(line)
        if yes not in line.queued and not line.sink.closed:
            line.queued.add(yes)
            self._add(line, yes)

    # -- calling back

    async def ended(self, footings: Iterable[Footing]) -> int:
        """Abort every line with an open answer, or anything unsent, that rests on these and stands no longer; how many.

        When this returns, their sockets are closed.
        """
        found = {line for what, name in footings for line in self._found[what].get(name, ())}
        return await self._call_back(found)

    async def expired(self, first: Mapping[DetailClass, date]) -> int:
        """The same for days before ``first`` of each class."""
        found: set[Line] = set()
        for detail, day in first.items():
            days = self._found[detail.value]
            for name in [name for name in days if name < day.isoformat()]:
                found |= days[name]
        return await self._call_back(found)

    async def watch(self) -> None:
        """Abort lines at the instants at which what they rest on is over. A supervised loop."""
        while True:
            self._sooner.clear()
            wait = CLOCK_LOOK
            if (due := self.pass_over(self._clock())) is not None:
                wait = min(CLOCK_LOOK, max(0.0, (due - self._clock()).total_seconds()))
            try:
                async with asyncio.timeout(wait):
                    await self._sooner.wait()
            except TimeoutError:
                continue

    def pass_over(self, now: datetime) -> datetime | None:
        """Abort what is over by now; the next instant, None without one."""
        while self._instants and self._instants[0][0] <= now:
            instant, _, line = heappop(self._instants)
            if instant != line.due:
                continue  # an earlier one came after it, and looked at all there was
            line.due = FAR_FUTURE
            self._settle(line)
            if not self._fall(line):
                later = (yes.until for yes in line.open | line.queued if yes.until > now)
                self._schedule(line, min(later, default=FAR_FUTURE))
        return self._instants[0][0] if self._instants else None

    async def _call_back(self, found: Iterable[Line]) -> int:
        hit = sum([self._fall(line) for line in list(found)])
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the sockets are closed in the loop's next turn
        return hit

    @staticmethod
    def _fall(line: Line) -> bool:
        """Whether it had to be aborted."""
        if _over(line):
            return False
        over = not all(yes.still() for yes in line.open)
        if not over:
            over = not all(yes.still() for yes in line.queued) and line.sink.unsent()
        if over:
            line.sink.abort()
        return over

    # -- the index

    def _add(self, line: Line, yes: Yes) -> None:
        for footing in yes.footings:
            line.footings[footing] += 1
            self._found[footing.what].setdefault(footing.id, set()).add(line)
        self._schedule(line, yes.until)

    def _drop(self, line: Line, yes: Yes) -> None:
        for footing in yes.footings:
            line.footings[footing] -= 1
            if not line.footings[footing]:
                del line.footings[footing]
                self._lose(line, footing)

    def _lose(self, line: Line, footing: Footing) -> None:
        names = self._found[footing.what]
        if (lines := names.get(footing.id)) is not None:
            lines.discard(line)
            if not lines:
                del names[footing.id]

    def _settle(self, line: Line) -> None:
        if line.queued and not line.sink.unsent():
            for yes in line.queued:
                self._drop(line, yes)
            line.queued.clear()

    def _let_go(self, line: Line, wait: float) -> None:
        """As soon as its queue is empty. While another answer is under way it is not looked at; that one comes here."""
        line.watched = not line.open and line.sink.unsent()
        if line.watched:
            asyncio.get_running_loop().call_later(wait, self._let_go, line, min(2 * wait, CLOCK_LOOK))
        elif not line.open:
            self._settle(line)
            line.sink.release()

    def _schedule(self, line: Line, until: datetime) -> None:
        if until < line.due:
            line.due = until
            if not self._instants or until < self._instants[0][0]:
                self._sooner.set()
            heappush(self._instants, (until, next(self._numbers), line))

    def _tidy(self) -> None:
        for line in [line for line in self._lines.values() if _over(line)]:
            del self._lines[id(line.sink.queue)]
            for footing in line.footings:
                self._lose(line, footing)
        self._instants = [each for each in self._instants if not _over(each[2]) and each[0] == each[2].due]
        heapify(self._instants)
        self._tidy_at = max(FEWEST, 2 * len(self._lines))


def _over(line: Line) -> bool:
    return line.sink.closed and not line.sink.unsent()
