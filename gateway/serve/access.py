"""The access log: route, caller and status of each request; a table, 90 days by default. Not the disclosure ledger.

Lines wait in a bounded queue and are written together; a full queue loses the oldest lines and says how many.
"""

import asyncio
from collections import deque
from datetime import timedelta

from sqlalchemy import Connection, delete

from adapters.plugin import Logger
from gateway.clock import Clock
from gateway.storage.port import Store
from gateway.storage.tables.identity import access as table

WRITE_EVERY = 2.0
"""Seconds between two writes."""
CALLS_WAITING = 50_000
SWEEP = timedelta(hours=1)


class AccessLog:
    """``note`` is cheap and never waits; ``run`` is a supervised loop."""

    def __init__(self, store: Store, clock: Clock, *, days: int, log: Logger) -> None:
        self._store, self._clock, self._kept, self._log = store, clock, timedelta(days=days), log
        self._lines: deque[tuple[float, str, str, str, int]] = deque(maxlen=CALLS_WAITING)
        self._lost = 0

    def note(self, route: str, verb: str, caller: str, status: int) -> None:
        """One request. ``caller`` is an id, never a name; "" for nobody in particular."""
        self._lost += len(self._lines) == CALLS_WAITING
        self._lines.append((self._clock().timestamp(), route, verb, caller[:128], status))

    async def flush(self) -> None:
        """Write what waits."""
        if not self._lines:
            return
        lines = list(self._lines)
        self._lines.clear()
        if self._lost:
            self._log.warning("access_log.lost", lines=self._lost)
            self._lost = 0
        await self._store.append(table, lines)

    async def run(self) -> None:
        """Write every few seconds, drop what is too old every hour."""
        swept = None
        while True:
            await asyncio.sleep(WRITE_EVERY)
            await self.flush()
            now = self._clock()
            if swept is None or now - swept > SWEEP:
                await self._sweep((now - self._kept).timestamp())
                swept = now

    async def _sweep(self, before: float) -> None:
        def write(connection: Connection) -> int:
            return connection.execute(delete(table).where(table.c.at < before)).rowcount

        await self._store.write(write)
