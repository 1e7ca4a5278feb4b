"""A processor: the mean power of each hour of every household that allows it, written back as ``hourly-mean/power``.

It asks the door as the organisation that its settings name, hour by hour, and remembers how far it has come. After a
restart it asks for the last day again; what was written once is not written twice.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from adapters.plugin import Adapter, Opening, ProcessorServices, Refused, Released, Result
from policies.terms import Period, Pseudonym, ReleaseRequest

API_VERSION = 3
ENERGY = "1-0:1.8.0*255"
HOUR = timedelta(hours=1)
BACK = timedelta(days=1)
LATE = timedelta(hours=3)
"""An hour without values is asked for again until it is this old."""


def create(services: ProcessorServices) -> Adapter:
    """The entry point. ``every_seconds`` in the settings: how often it looks."""
    every = float(services.settings.get("every_seconds", 600))
    done: dict[str, datetime] = {}

    async def run() -> None:
        while True:
            await once(services, done)
            await asyncio.sleep(every)

    return Adapter("hourly-mean", background={"hours": run})


async def once(services: ProcessorServices, done: dict[str, datetime]) -> None:
    """Every household that allows it, up to the last whole hour. ``done``: by pseudonym."""
    now = services.clock().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for opening in services.openings():
        hour = done.get(opening.pseudonym, now - BACK)
        while hour < now:
            if not await kept(services, opening, hour) and now - hour < LATE:
                break
            hour += HOUR
        done[opening.pseudonym] = hour


async def kept(services: ProcessorServices, opening: Opening, hour: datetime) -> bool:
    """Whether this hour has its mean now."""
    question = ReleaseRequest(
        recipient=services.recipient,
        purpose=opening.purpose,
        subject=Pseudonym(opening.pseudonym),
        quantities=frozenset({ENERGY}),
        resolution=HOUR,
        level=opening.level,
        period=Period(hour, hour + HOUR),
    )
    try:
        answer = await services.process(question, mean)
    except Refused:
        return False
    return bool(answer.accepted) or answer.repeated


def mean(part: Released) -> Iterator[Result]:
    """Energy of an hour in kWh is its mean power in kW."""
    for row in part.rows:
        if row.value is not None:
            yield Result("power", row.start, row.end, row.value * 1000, "W")
