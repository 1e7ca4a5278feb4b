"""What is over is forgotten: negotiations and transfers soon, agreements when nobody can dispute them any more."""

import asyncio
from datetime import timedelta

from sqlalchemy import Connection

from adapters.gaiax.dsp import store
from adapters.gaiax.settings import Settings
from adapters.plugin import Services

PURGE_EVERY = 3600.0
"""Seconds between two rounds."""
PURGED_AT_ONCE = 500
"""Rows that go in one transaction, so that messages get in between."""


async def run(services: Services, settings: Settings) -> None:
    """Supervised: a round now and then."""
    while True:
        await purge(services, settings)
        await asyncio.sleep(PURGE_EVERY)


async def purge(services: Services, settings: Settings) -> int:
    """One round; how many rows went. An agreement stays at least as long as the last process under it."""
    now = services.clock()
    processes = now - timedelta(days=settings.processes_kept_days)
    agreements = now - timedelta(days=settings.agreements_kept_days)

    def portion(connection: Connection) -> int:
        gone = store.purge_processes(connection, processes, PURGED_AT_ONCE)
        return gone + store.purge_agreements(connection, agreements, PURGED_AT_ONCE)

    rows = await services.write(lambda connection: store.purge_seen(connection, now))
    while gone := await services.write(portion):
        rows += gone
    if rows:
        services.log.info("dsp.purged", rows=rows)
    return rows
