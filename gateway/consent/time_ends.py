"""Grounds end by their time: recorded and told like a withdrawal, and reminded of before (``policies.reminders``).

The door lets nothing out from that instant on, whether this has run or not. What is due stands in the store, so it is
told after a restart too, and once: what is told goes with what was due in one transaction.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from adapters.plugin import Logger, Notices
from gateway.clock import Clock
from gateway.consent.ground_ends import GroundEnds
from gateway.consent.records import Ended, ended_notice, ending_soon_notice
from gateway.errors import StoreFull, SubjectGone
from gateway.grounds import GroundBook, end, over
from gateway.storage.port import Store
from gateway.storage.tables.door import ground as record
from gateway.storage.tables.door import ground_term as term
from policies.grounds import Ground
from policies.reminders import next_word, reminder
from policies.terms import SubjectId

DUE_EACH = 1.0
"""Seconds between two looks at what is due."""
DUE_AT_ONCE = 8
"""Grounds of one transaction, so that others get in between."""
ENDED_AGAIN = timedelta(minutes=1)
"""What cannot be ended now is not in the way of others meanwhile."""


class TimeEnds:
    """``run`` is a supervised loop."""

    def __init__(
        self, store: Store, grounds: GroundBook, ends: GroundEnds, outbox: Notices, clock: Clock, log: Logger
    ) -> None:
        self._store, self._grounds, self._ends = store, grounds, ends
        self._outbox, self._clock, self._log = outbox, clock, log

    async def run(self) -> None:
        while True:
            while await self.look():
                pass
            await asyncio.sleep(DUE_EACH)

    async def look(self) -> bool:
        """One portion of what is due, oldest first; whether there may be more."""
        now = self._clock()
        rows = await self._store.look(lambda connection: connection.execute(_due(now)).fetchall())
        known = [(row, self._grounds.find(SubjectId(row.subject or ""), row.ground)) for row in rows]
        gone = [row.ground for row, ground in known if ground is None]
        if gone:  # not believed, or of a household that is gone
            await self._store.write(lambda c: c.execute(delete(term).where(term.c.ground.in_(gone))).rowcount)
        due = [ground for _, ground in known if ground is not None]
        await self._later([each for each in due if over(each)], now)  # pressed, and being recorded
        left = [each for each in due if not over(each)]
        for every in _rounds([each for each in left if each.scope.validity.end <= now]):
            await self._end(every, now)
        await self._remind([each for each in left if each.scope.validity.end > now], now)
        return len(rows) == DUE_AT_ONCE

    # -- the end

    async def _end(self, every: Sequence[Ended], now: datetime) -> None:
        """All together, or, where that fails, each household alone."""
        try:
            await self._ends.by_time(every)
        except StoreFull:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, others are not in its way
            if len(every) > 1:
                for each in every:
                    await self._end([each], now)
            elif isinstance(error, SubjectGone):
                await self._end_record(every[0])
            else:
                self._log.error("ground.not_ended", error=type(error).__name__, grounds=len(every[0].grounds))
                await self._later(every[0].grounds, now)

    async def _end_record(self, ended: Ended) -> None:
        """Without keys there is no ledger to write to."""

        def write(connection: Connection) -> None:
            end(connection, ended.grounds, ended.at)
            for ground in ended.grounds:
                self._outbox.put(connection, ended_notice(ground, by_time=True))

        await self._store.write(write)
        self._grounds.time_out(*ended.names)

    async def _later(self, grounds: Sequence[Ground], now: datetime) -> None:
        names, due = [ground.id for ground in grounds], (now + ENDED_AGAIN).timestamp()
        if names:
            later = update(term).where(term.c.ground.in_(names)).values(due=due)
            await self._store.write(lambda connection: connection.execute(later).rowcount)

    # -- before it

    async def _remind(self, some: Sequence[Ground], now: datetime) -> None:
        if some:
            await self._store.write(partial(self._put_reminders, some=some, now=now))
            self._log.info("ground.reminded", grounds=len(some))

    def _put_reminders(self, connection: Connection, some: Sequence[Ground], now: datetime) -> None:
        for ground in some:
            until = ground.scope.validity.end
            moved = update(term).where(term.c.ground == ground.id).values(due=next_word(until, now).timestamp())
            before = reminder(until, now)
            if connection.execute(moved).rowcount and before is not None:  # else it was ended meanwhile
                self._outbox.put(connection, ending_soon_notice(ground, before))


def _due(now: datetime) -> Select[Any]:
    of_ground = record.c.id == term.c.ground
    query = select(term.c.ground, record.c.subject).outerjoin(record, of_ground)
    return query.where(term.c.due <= now.timestamp()).order_by(term.c.due, term.c.ground).limit(DUE_AT_ONCE)


def _rounds(grounds: Sequence[Ground]) -> Sequence[Sequence[Ended]]:
    """What may be written together: of each household those that ended at one instant."""
    together: dict[tuple[SubjectId, datetime], list[Ground]] = {}
    for ground in grounds:
        together.setdefault((ground.subject, ground.scope.validity.end), []).append(ground)
    found: list[list[Ended]] = []
    turns: Counter[SubjectId] = Counter()
    for (who, at), mine in together.items():
        if turns[who] == len(found):
            found.append([])
        found[turns[who]].append(Ended(who, mine, at, by_time=True))
        turns[who] += 1
    return found
