"""The retention desk: expire at midnight and at once when a class is shortened, and delete what cannot be opened.

Expiry moves the ratchets; from that moment the days cannot be opened by anyone. Rows are deleted afterwards. Nothing
comes back: a clock that goes back, or a class that is lengthened, moves no ratchet back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, exists, func, select, tuple_, update

from adapters.plugin import Logger, upsert
from gateway.clock import Clock
from gateway.keeper.port import Keeper
from gateway.keeper.states import KEPT_AFTER_ERASURE
from gateway.recovery.ending_log import EndingLog
from gateway.recovery.entries import EndedDay, ShortenedClass
from gateway.rights import RecallDays
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import cell, draw, member, told
from gateway.storage.tables.vault import batch, batch_floor, block, piece, retention_days
from gateway.vault import keys
from gateway.vault.required import RequiredParts
from policies.retention import checked, first_kept
from policies.terms import SERIES_CLASSES, DetailClass, SubjectId
from policies.vault.seal import CLASS_CODES, CLASS_OF_CODE

LOOK = 1.0
"""Seconds between looks at the clock; a clock that was moved is noticed then."""
BATCHES_KNOWN = timedelta(days=14)
"""How long each batch is known by its own row; afterwards by its source's floor."""
ROWS_AT_ONCE = 2000


class Retention:
    """``run`` once before any port opens, then ``watch`` as a supervised loop.

    Args:
        days: kept days by class as the settings say; changed in place when the operator shortens a class, so that
            whoever holds the same mapping (the vault) sees it.
        leaving: told the oldest held days before the ratchets move: what other classes still need of what goes.
        erased: told a household's UTC day (ordinal) that was erased alone.
        expired: told the oldest held days when the ratchets have moved: what is on its way of older ones is called
            back.
    """

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        ending_log: EndingLog,
        days: dict[DetailClass, int],
        *,
        clock: Clock,
        log: Logger,
        leaving: Callable[[Mapping[DetailClass, date]], Awaitable[None]],
        erased: Callable[[SubjectId, int], Awaitable[None]],
        expired: RecallDays,
        required: RequiredParts,
    ) -> None:
        self._store, self._keeper, self._ending_log, self._days = store, keeper, ending_log, days
        self._leaving, self._erased, self._expired, self._required = leaving, erased, expired, required
        self._clock, self._log = clock, log
        self._done: dict[DetailClass, date] = {}
        self._turn = asyncio.Lock()

    @property
    def days(self) -> Mapping[DetailClass, int]:
        """What counts now: the settings, or less where the operator shortened a class."""
        return self._days

    async def load(self) -> None:
        """Take over what the operator shortened before the last start. Once, before ``run``."""
        for code, days in await self._store.look(lambda c: c.execute(select(retention_days)).fetchall()):
            detail = CLASS_OF_CODE[code]
            self._days[detail] = min(days, self._days[detail])

    async def shorten(self, detail: DetailClass, days: int) -> None:
        """Keep a class for fewer days, from now on and durably. Raises ``ValueError`` when it is not fewer."""
        checked({detail: days})
        if days >= self._days[detail]:
            raise ValueError(f"{detail} is kept for {self._days[detail]} days; this only shortens")
        row = {"class": CLASS_CODES[detail], "days": days}

        def write(connection: Connection) -> None:
            connection.execute(upsert(retention_days), row)
            self._ending_log.note(connection, ShortenedClass(detail, days))

        await self._store.write(write, ending=True)
        self._days[detail] = days
        await self.run(self._clock())
        await self._ending_log.settle()

    async def erase_day(self, subject: SubjectId, day: date) -> None:
        """One UTC day of every class but ``legal``, and what is in local days that reach into it.

        Raises ``ValueError`` when too many were erased singly, ``SubjectGone``, ``DayChanged``: again.
        """
        await self._keeper.erase_day(subject, day)
        await self._erased(subject, day.toordinal())
        await self._ending_log.tell(EndedDay(subject, day))

    async def watch(self) -> None:
        """Run soon after each midnight (UTC), whoever moved the clock there."""
        while True:
            now = self._clock()
            if any(self._done.get(detail, date.min) < day for detail, day in self._first(now).items()):
                await self.run(now)
            await asyncio.sleep(LOOK)

    async def run(self, now: datetime) -> None:
        """Expire what is past its class; durable on return. Then delete the rows."""
        async with self._turn:
            first = self._first(now)
            await self._leaving(first)
            changed = await self._keeper.move_on(first, now.date())
            await self._expired(first)
            self._done = {detail: max(day, self._done.get(detail, date.min)) for detail, day in first.items()}
            rows = await self._delete_expired(first) + await self._delete_orphans()
            rows += await self._delete_figures(first)
            await self._forget_batches(now)
            self._log.info("retention.done", households=changed, rows=rows)

    def _first(self, now: datetime) -> dict[DetailClass, date]:
        return {detail: first_kept(now, self._days[detail]) for detail in SERIES_CLASSES}

    async def _delete_expired(self, first: Mapping[DetailClass, date]) -> int:
        await self._required.expire({CLASS_CODES[detail]: day.toordinal() for detail, day in first.items()})
        rows = 0
        for detail, day in first.items():
            for table, key in ((piece, piece.c.number), (block, block.c.id)):
                c = table.c
                old = select(key).where(c["class"] == CLASS_CODES[detail], c.day < day.toordinal()).limit(ROWS_AT_ONCE)
                rows += await self._delete_in_parts(delete(table).where(key.in_(old)))
        return rows

    async def _delete_figures(self, first: Mapping[DetailClass, date]) -> int:
        """Neighbourhood figures as old as no value is that they could be closed from again: one value for ever."""
        day = min(first[detail] for detail in (DetailClass.QUARTER, DetailClass.DAY))
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
        keys = select(cell.c.node, cell.c.quantity, cell.c.start).where(cell.c.start < midnight).limit(ROWS_AT_ONCE)
        rows = await self._delete_in_parts(
            delete(cell).where(tuple_(cell.c.node, cell.c.quantity, cell.c.start).in_(keys))
        )
        told_before = select(told.c.node).where(told.c.begin < midnight).limit(ROWS_AT_ONCE)
        rows += await self._delete_in_parts(delete(told).where(told.c.node.in_(told_before)))
        for table in (draw, member):
            epochs = select(table.c.epoch).where(table.c.epoch < day.isoformat()).distinct().limit(1)
            rows += await self._delete_in_parts(delete(table).where(table.c.epoch.in_(epochs)))
        return rows

    async def _delete_orphans(self) -> int:
        """Rows of households that were erased while a batch of theirs was on its way, or during a crash."""
        query = select(piece.c.subject).union(select(block.c.subject))
        subjects = await self._store.look(lambda c: [SubjectId(row[0]) for row in c.execute(query)])
        codes = [CLASS_CODES[detail] for detail in SERIES_CLASSES if detail not in KEPT_AFTER_ERASURE]
        living, rows = await keys.living(self._keeper, subjects), 0
        for subject in subjects:
            if subject not in living:
                await self._required.forget(subject)
                for table in (piece, block):
                    gone = delete(table).where(table.c.subject == subject, table.c["class"].in_(codes))
                    rows += await self._store.write(lambda connection, gone=gone: connection.execute(gone).rowcount)  # type: ignore[misc]
        return rows

    async def _delete_in_parts(self, statement: Any) -> int:
        """Not all at once, so that batches get in between."""
        rows = 0
        while count := await self._store.write(lambda connection: int(connection.execute(statement).rowcount)):
            rows += count
        return rows

    async def _forget_batches(self, now: datetime) -> None:
        before = int((now - BATCHES_KNOWN).timestamp())
        await self._store.write(lambda connection: _forget(connection, before))


def _forget(connection: Connection, before: int) -> None:
    """Raise the floor of each source that has batches of before, make it where there is none, then delete them."""
    old, floor = batch.c.taken < before, batch_floor.c
    newest = select(func.max(batch.c.sequence)).where(old, batch.c.source == floor.source).scalar_subquery()
    connection.execute(update(batch_floor).where(floor.floor < newest).values(floor=newest))
    known = exists().where(floor.source == batch.c.source)
    first = select(batch.c.source, func.max(batch.c.sequence)).where(old, ~known).group_by(batch.c.source)
    connection.execute(batch_floor.insert().from_select(["source", "floor"], first))
    connection.execute(delete(batch).where(old))
