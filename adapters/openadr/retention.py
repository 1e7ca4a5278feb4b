"""The background loop that forgets what is long over, in portions between the messages of VENs."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from adapters.openadr.desk import Desk
from adapters.openadr.model import Drop, Event, OptSchedule, Record, ReportRequest
from adapters.openadr.v2b.past import long_over

FORGET_EVERY = 3600.0
"""Seconds between two rounds."""
RECORDS_AT_ONCE = 200
"""Records that go in one transaction."""


async def run(desk: Desk) -> None:
    """Supervised: a round now and then."""
    while True:
        await purge(desk)
        await asyncio.sleep(FORGET_EVERY)


async def purge(desk: Desk) -> int:
    """One round; how many records went, answers to events not counted."""
    before = desk.services.clock() - timedelta(days=desk.settings.ended_kept_days)
    gone = 0
    while True:
        async with desk.business():
            found = list(islice(long_over(desk.machine, before), RECORDS_AT_ONCE))
            async with desk.turns(_concerned(desk, found)):
                still = {(record.kind, record.key) for record in long_over(desk.machine, before)} if found else set()
                dropped = [Drop(record) for record in found if (record.kind, record.key) in still]
                await desk.commit(dropped)
        gone += len(dropped)
        if len(found) < RECORDS_AT_ONCE:
            break
    if gone:
        desk.log.info("openadr.purged", records=gone)
    return gone


def _concerned(desk: Desk, records: Iterable[Record]) -> set[str]:
    """VENs whose messages may be about these records."""
    vens: set[str] = set()
    for record in records:
        match record:
            case Event():
                vens |= record.told | desk.state.answers.get(record.id, {}).keys()
            case ReportRequest() | OptSchedule():
                vens.add(record.ven)
    return vens
