"""The durable outbox of questions: what must still be asked or told, kept until its handler is done with it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, delete, exists, insert, select, update

from adapters.plugin import Later, Logger, Notice, NoticeHandler
from gateway.clock import Clock
from gateway.storage.port import Store
from gateway.storage.tables.door import notice as table

FIRST_NOTICE_WAIT, LONGEST_NOTICE_WAIT = 0.25, 600.0
"""Seconds of back-off; doubles with each try."""
NOTICE_TRIES = 60
"""After that a notice is given up and logged; with the back-off above that is more than eight hours."""
NOTICES_AT_ONCE = 64
POLL = 0.25


@dataclass(frozen=True, slots=True)
class _Due:
    number: int
    notice: Notice


class Outbox:
    """Implements ``adapters.plugin.Notices``; ``run`` is its supervised loop."""

    def __init__(self, store: Store, clock: Clock, log: Logger) -> None:
        self._store, self._clock, self._log = store, clock, log
        self._handlers: dict[str, list[NoticeHandler]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._busy: set[str] = set()

    def handle(self, handlers: Mapping[str, NoticeHandler]) -> None:
        """Add an adapter's handlers; several may share a kind, and each is called."""
        for kind, handler in handlers.items():
            self._handlers.setdefault(kind, []).append(handler)

    def put(self, connection: Connection, notice: Notice, *, after: timedelta = timedelta(0)) -> None:
        """Inside a transaction: cause and notice are durable together."""
        due = (self._clock() + after).timestamp()
        payload = msgspec.json.encode(notice.payload).decode()
        row = {"kind": notice.kind, "key": notice.key, "payload": payload, "due": due, "tries": notice.tries}
        connection.execute(insert(table).values(row))
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Deliver for ever. Keys in flight wait for their turn; different keys go side by side."""
        self._loop = asyncio.get_running_loop()
        self._busy.clear()  # of a run that failed: one that had not begun yet could not leave its lane
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for due in await self._due():
                    self._busy.add(_lane(due))
                    group.create_task(self._deliver(due))
                try:
                    async with asyncio.timeout(POLL):
                        await self._wake.wait()
                        await asyncio.sleep(0.005)  # the transaction that woke us is about to commit
                except TimeoutError:
                    continue

    async def _due(self) -> Sequence[_Due]:
        """The oldest notice of each free key, if its time has come."""
        now = self._clock().timestamp()
        earlier = table.alias("earlier")
        first = ~exists().where(earlier.c.key == table.c.key, earlier.c.key != "", earlier.c.number < table.c.number)
        query = select(table).where(table.c.due <= now, first).order_by(table.c.due).limit(4 * NOTICES_AT_ONCE)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        all_due = [_Due(r.number, Notice(r.kind, msgspec.json.decode(r.payload), r.key, r.tries)) for r in rows]
        return [each for each in all_due if _lane(each) not in self._busy][: NOTICES_AT_ONCE - len(self._busy)]

    async def _deliver(self, due: _Due) -> None:
        try:
            for handler in self._handlers.get(due.notice.kind, ()):
                await handler(due.notice)
            await self._store.write(lambda c: _done(c, due.number))
        except Later as later:
            await self._again(due, later.seconds, str(later))
        except (Exception, asyncio.CancelledError) as error:  # a handler's fault must not stop the other notices
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            await self._again(due, None, type(error).__name__)
        finally:
            self._busy.discard(_lane(due))
            self._wake.set()

    async def _again(self, due: _Due, seconds: float | None, why: str) -> None:
        tries = due.notice.tries + 1
        if tries >= NOTICE_TRIES:
            self._log.error("notice.given_up", kind=due.notice.kind, tries=tries, why=why)
            await self._store.write(lambda c: _done(c, due.number))
            return
        wait = seconds if seconds is not None else min(FIRST_NOTICE_WAIT * 2 ** min(tries - 1, 20), LONGEST_NOTICE_WAIT)
        self._log.info("notice.later", kind=due.notice.kind, tries=tries, why=why)
        at = (self._clock() + timedelta(seconds=wait)).timestamp()
        await self._store.write(lambda c: _postpone(c, due.number, at, tries))


def _done(connection: Connection, number: int) -> None:
    connection.execute(delete(table).where(table.c.number == number))


def _postpone(connection: Connection, number: int, due: float, tries: int) -> None:
    connection.execute(update(table).where(table.c.number == number).values(due=due, tries=tries))


def _lane(due: _Due) -> str:
    return due.notice.key or f"#{due.number}"
