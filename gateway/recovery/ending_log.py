"""What ends is written beside every backup that may still be restored, before it is acknowledged.

The change itself writes its entry into the store (``note``), in its own transaction; on return of ``settle`` all
entries are beside the backups. Nothing is lost between the two: entries wait in the store, over a restart too.

Where a place beside a backup cannot be written, what ended has ended all the same; who ended it is told that it is not
kept there yet (``acknowledging``), and it is tried again. After ``SILENT`` that place holds nobody up any more: by then
it is so far behind that no restore takes its word (``gateway.recovery.laying.QUIET``, which is less).
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic

from sqlalchemy import Connection, delete, insert, select

from adapters.plugin import Logger
from gateway.clock import Clock
from gateway.errors import NotYetKept, StoreFull
from gateway.keeper.port import Keeper
from gateway.recovery.endings_file import endings_key
from gateway.recovery.entries import EndingEntry, encoded
from gateway.recovery.known import KnownBackup, KnownBackups
from gateway.recovery.places import PLACE_SECONDS, SILENT, BackupPlace, PlaceApart, SecondPlace
from gateway.storage.port import Store
from gateway.storage.tables.counters import owed_ending

__all__ = ["EACH", "PLACE_SECONDS", "SILENT", "EndingLog", "acknowledging", "by_the_way"]

EACH = 20.0
"""Seconds between two words that all is known."""
SHIPPED_EACH = 1.0
"""Seconds that a change of keys which takes nothing from anybody may wait for the second keeper."""
ENTRIES_AT_ONCE = 500


_UNKEPT: ContextVar[list[str] | None] = ContextVar("unkept", default=None)


@contextmanager
def acknowledging() -> Iterator[None]:
    """Around what somebody is told. Raises ``NotYetKept`` at its end where what it ended is not beside a backup yet."""
    unkept: list[str] = []
    before = _UNKEPT.set(unkept)
    try:
        yield
    finally:
        _UNKEPT.reset(before)
        if unkept:  # whatever else would be said, a redirection for example
            raise NotYetKept(f"it has ended and stays so, but it is not yet written {unkept[0]}")


@contextmanager
def by_the_way() -> Iterator[None]:
    """Around an end that nobody asked for: what it was for is answered also where it is not beside a backup yet."""
    before = _UNKEPT.set(None)
    try:
        yield
    finally:
        _UNKEPT.reset(before)


class EndingLog:
    """One instance for each process."""

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        known: KnownBackups,
        window: timedelta,
        clock: Clock,
        log: Logger,
        *,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        """``window``: what counts now. ``timer``: seconds that no clock moves."""
        self._store, self._keeper, self._known, self._window = store, keeper, known, window
        self._clock, self._log, self._timer = clock, log, timer
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="endings")
        self._places = {each.id: self._place(each) for each in known.all if each.told}
        self._second = SecondPlace(keeper, log, self._seconds) if keeper.second else None

    async def close(self) -> None:
        """At the stop. A write that hangs is not waited for."""
        await self.ship()
        self._thread.shutdown(wait=False)

    @property
    def until(self) -> datetime | None:
        """When the last window is over; None without a backup that could be opened."""
        ends = [min(b.until, b.made + self._window.total_seconds()) for b in self._known.all]
        return datetime.fromtimestamp(max(ends), UTC) if ends else None

    @property
    def faults(self) -> list[str]:
        """Places that cannot be written, in sentences."""
        return [place.said for place in self._all if place.fault]

    @property
    def _all(self) -> Sequence[PlaceApart]:
        backups = tuple(self._places.values())
        return backups if self._second is None else (*backups, self._second)

    # -- what ends

    def note(self, connection: Connection, entry: EndingEntry) -> None:
        """Inside the transaction that ends something."""
        if self._places:
            connection.execute(insert(owed_ending).values(body=encoded(entry).decode()))

    async def settle(self) -> None:
        """What was noted is beside every backup on return, and what was done to keys on the second keeper; or
        ``acknowledging`` says that it is not.
        """
        if self._all:
            await asyncio.shield(self._settled())

    async def tell(self, entry: EndingEntry) -> None:
        """Of what has ended in no transaction of the store."""
        await self._store.write(lambda connection: self.note(connection, entry), ending=True)
        await self.settle()

    async def at_once(self, entry: EndingEntry) -> None:
        """Of what was pressed and cannot be written into the store: beside every backup whose place takes it."""
        async with self._turn:
            for place in self._places.values():
                await place.put([encoded(entry)])

    async def ship(self) -> None:
        """What was done to keys is on the second keeper, if it can be."""
        if self._second is not None:
            async with self._turn:
                if self._second.due:
                    await self._second.ship()

    async def follow(self) -> None:
        """A supervised loop: also what nobody waits for is there within seconds."""
        while self._second is not None:
            await asyncio.sleep(SHIPPED_EACH)
            await self.ship()

    async def _settled(self) -> None:
        async with self._turn:
            for place in self._all:
                if place.due:
                    await place.ship()
        behind = [place for place in self._all if place.holds_up]
        if behind and (unkept := _UNKEPT.get()) is not None:
            unkept.extend(place.where for place in behind)

    async def _owed(self, above: int) -> Sequence[tuple[int, str]]:
        query = select(owed_ending).where(owed_ending.c.number > above)
        query = query.order_by(owed_ending.c.number).limit(ENTRIES_AT_ONCE)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        return [(int(row.number), str(row.body)) for row in rows]

    async def _forget(self) -> None:
        """Entries that are beside every backup go."""
        upto = min((p.upto for p in self._places.values()), default=None)
        done = owed_ending.c.number <= upto if upto is not None else owed_ending.c.number > 0
        if await self._store.look(lambda c: c.execute(select(owed_ending.c.number).where(done).limit(1)).first()):
            await self._store.write(lambda connection: connection.execute(delete(owed_ending).where(done)).rowcount)

    # -- backups

    async def begin(self, backup: KnownBackup) -> None:
        """From now on what ends is written beside this one; its file is there already. Raises ``OSError``.

        What was written into the store before this returns may stand in no entry.
        """
        async with self._turn:
            await self._done(lambda: self._known.add(backup))
            self._places[backup.id] = self._place(backup)
        await self._store.write(lambda _: None)

    def key_of(self, backup: str) -> bytes:
        """What seals the entries beside a backup."""
        return endings_key(self._keeper.lookup_key, backup)

    async def forget(self, backup: str) -> None:
        """It failed: nobody will restore it."""
        async with self._turn:
            self._places.pop(backup, None)
            await self._done(partial(self._known.drop, backup))

    async def run(self) -> None:
        """A supervised loop: end windows in time, try again, say that all is known."""
        while True:
            await self.look()
            await asyncio.sleep(EACH)

    async def look(self) -> None:
        """Once."""
        async with self._turn:
            await self._end_windows()
            now = self._clock().timestamp()
            for place in self._all:
                if await place.ship():
                    await place.word(now)
            with suppress(StoreFull):  # they come twice then, which does nothing
                await self._forget()

    async def _end_windows(self) -> None:
        """Backups that are past their window are noise from now on."""
        now = self._clock()
        for backup in [each for each in self._known.all if each.over(now, self._window)]:
            file = self._places.pop(backup.id, self._place(backup)).file
            try:
                await self._done(file.end_window)
            except OSError as error:
                late = now.timestamp() - backup.until
                if not isinstance(error, FileNotFoundError) and late < self._window.total_seconds():
                    continue  # tried again
            await self._done(partial(self._known.drop, backup.id))
            self._log.info("backup.over", folder=backup.folder)

    async def _done(self, work: Callable[[], object]) -> None:
        """In the thread of places. Raises ``OSError``, also where it takes too long."""
        async with asyncio.timeout(PLACE_SECONDS):
            await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _place(self, backup: KnownBackup) -> BackupPlace:
        key = self.key_of(backup.id)
        return BackupPlace(backup, key, self._owed, self._thread, self._log, self._seconds)

    def _seconds(self) -> float:
        return self._timer()
