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
from pathlib import Path
from time import monotonic

from sqlalchemy import Connection, delete, insert, select

from adapters.plugin import Logger
from gateway.clock import Clock
from gateway.errors import NotYetKept, StoreFull
from gateway.recovery.endings_file import EndingsFile, endings_key
from gateway.recovery.entries import EndingEntry, KnownUntil, encoded
from gateway.recovery.known import KnownBackup, KnownBackups
from gateway.storage.port import Store
from gateway.storage.tables.counters import owed_ending

EACH = 20.0
"""Seconds between two words that all is known."""
SILENT = 180.0
"""Seconds without a word after which no restore believes that a place knows everything."""
PLACE_SECONDS = 5.0
"""Seconds for one write to a place that may be far away."""
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
            raise NotYetKept(f"it has ended and stays so, but it is not yet written beside the backup in {unkept[0]}")


@contextmanager
def by_the_way() -> Iterator[None]:
    """Around an end that nobody asked for: what it was for is answered also where it is not beside a backup yet."""
    before = _UNKEPT.set(None)
    try:
        yield
    finally:
        _UNKEPT.reset(before)


class _Place:
    """Beside one backup: how far it has come."""

    def __init__(self, backup: KnownBackup, key: bytes, since: float) -> None:
        self.backup, self.last_word = backup, since
        self.file = EndingsFile(Path(backup.endings), backup.id, key)
        self.upto, self.fault, self.tried = 0, "", since


class EndingLog:
    """One instance for each process."""

    def __init__(
        self,
        store: Store,
        lookup_key: Callable[[], bytes],
        known: KnownBackups,
        window: timedelta,
        clock: Clock,
        log: Logger,
        *,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        """``lookup_key``: the gateway's own. ``window``: what counts now. ``timer``: seconds that no clock moves."""
        self._store, self._lookup_key, self._known, self._window = store, lookup_key, known, window
        self._clock, self._log, self._timer = clock, log, timer
        self._places = {each.id: self._place(each) for each in known.all if each.told}
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="endings")

    def close(self) -> None:
        """At the stop. A write that hangs is not waited for."""
        self._thread.shutdown(wait=False)

    @property
    def until(self) -> datetime | None:
        """When the last window is over; None without a backup that could be opened."""
        ends = [min(b.until, b.made + self._window.total_seconds()) for b in self._known.all]
        return datetime.fromtimestamp(max(ends), UTC) if ends else None

    @property
    def faults(self) -> list[str]:
        """Places that cannot be written, in sentences."""
        return [
            f"what ends cannot be written beside the backup in {p.backup.folder} ({p.fault}): mount {p.backup.endings}"
            for p in self._places.values()
            if p.fault
        ]

    # -- what ends

    def note(self, connection: Connection, entry: EndingEntry) -> None:
        """Inside the transaction that ends something."""
        if self._places:
            connection.execute(insert(owed_ending).values(body=encoded(entry).decode()))

    async def settle(self) -> None:
        """What was noted is beside every backup on return, or ``acknowledging`` says that it is not."""
        if self._places:
            await asyncio.shield(self._settled())

    async def tell(self, entry: EndingEntry) -> None:
        """Of what has ended in no transaction of the store."""
        await self._store.write(lambda connection: self.note(connection, entry), ending=True)
        await self.settle()

    async def at_once(self, entry: EndingEntry) -> None:
        """Of what was pressed and cannot be written into the store: beside every backup whose place takes it."""
        async with self._turn:
            for place in self._places.values():
                await self._written(place, [encoded(entry)])

    async def _settled(self) -> None:
        async with self._turn:
            for place in self._places.values():
                if not place.fault or self._timer() - place.tried >= PLACE_SECONDS:
                    await self._ship(place)
        behind = [p for p in self._places.values() if p.fault and self._timer() - p.last_word < SILENT]
        if behind and (unkept := _UNKEPT.get()) is not None:
            unkept.extend(place.backup.folder for place in behind)

    async def _ship(self, place: _Place) -> bool:
        """Everything that waits; whether all of it is there."""
        while rows := await self._owed(place.upto):
            if not await self._written(place, [body.encode() for _, body in rows]):
                return False
            place.upto = rows[-1][0]
        return True

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

    async def _written(self, place: _Place, entries: Sequence[bytes]) -> bool:
        place.tried = self._timer()
        try:
            await self._done(lambda: place.file.append(entries))
        except OSError as error:  # a timeout is one too
            fault = error.strerror or str(error) or "it does not answer"
            if fault != place.fault:
                self._log.error("endings.not_kept", folder=place.backup.folder, file=place.backup.endings, why=fault)
            place.fault = fault
            return False
        if place.fault:
            self._log.info("endings.kept_again", folder=place.backup.folder)
        place.fault, place.last_word = "", self._timer()
        return True

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
        return endings_key(self._lookup_key(), backup)

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
            word = encoded(KnownUntil(self._clock().timestamp()))
            for place in tuple(self._places.values()):
                if await self._ship(place):
                    await self._written(place, [word])
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

    def _place(self, backup: KnownBackup) -> _Place:
        return _Place(backup, self.key_of(backup.id), self._timer())
