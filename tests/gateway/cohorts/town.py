"""Short words for tests of neighbourhood figures: a house, people of a place, hours of a day that is then over."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.storage.tables.cohorts import cell, draw
from policies.terms import Level, Period, Purpose, ReleaseRequest, SubjectId, Zone
from tests.gateway.house import ENERGY, House

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ONLY = frozenset({ENERGY})


async def allow_figures(home: House, who: SubjectId, quantities: frozenset[str] = ONLY, **other: Any) -> None:
    words = {"recipient": NEIGHBOURHOOD, "purpose": Purpose.NEIGHBOURHOOD, "level": Level.COHORT}
    await home.agree(who, **words, quantities=quantities, **other)


async def joined(home: House, count: int, place: str = "Z1", quantities: frozenset[str] = ONLY) -> list[SubjectId]:
    """Households of a place that allow figures, agreed now."""
    people = [await home.household(place) for _ in range(count)]
    for who in people:
        await allow_figures(home, who, quantities)
    return people


async def feed(
    home: House, people: Sequence[SubjectId], hours: range, quantity: str = ENERGY, *, first: int = 0, day: int = 0
) -> None:
    """Registers at full hours since a midnight; household n, counted from ``first``, uses 2^n an hour."""
    begin = midnight(home) + day * DAY + hours[0] * HOUR
    for n, who in enumerate(people, first):
        await home.feed(who, [h * 2**n for h in hours], step=HOUR, start=begin, quantity=quantity)


async def next_day(home: House, hour: int = 0) -> None:
    """The day is over, and its loop has run."""
    home.now = midnight(home) + DAY + hour * HOUR
    await work(home)


def midnight(home: House) -> datetime:
    return home.now.replace(hour=0, minute=0, second=0, microsecond=0)


async def work(home: House) -> None:
    while await home.cohorts.turn():
        pass


async def cells(home: House, quantity: str = ENERGY) -> dict[int, Decimal | None]:
    """Of all nodes, by hour of the day; there is one a day in most tests."""
    query = select(cell).where(cell.c.quantity == quantity)
    rows = await home.store.look(lambda connection: connection.execute(query).fetchall())
    return {int(r.start % 86400 // 3600): None if r.value is None else Decimal(r.value) for r in rows}


async def drawn(home: House) -> list[str]:
    query = select(draw.c.epoch).order_by(draw.c.epoch)
    return await home.store.look(lambda connection: [row[0] for row in connection.execute(query)])


def question(home: House, place: str, hour: int, day: int = 0, **other: Any) -> ReleaseRequest:
    begin = midnight(home) + day * DAY + hour * HOUR
    words: dict[str, Any] = {
        "subject": Zone(place),
        "level": Level.COHORT,
        "purpose": Purpose.NEIGHBOURHOOD,
        "resolution": HOUR,
        "period": Period(begin, begin + HOUR),
    }
    return home.question(SubjectId(""), **{**words, **other})
