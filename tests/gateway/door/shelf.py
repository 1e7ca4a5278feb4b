"""A vault of a few values in memory for tests of the opener, which writes down what it was asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from gateway.door.following import Follower
from gateway.door.meant import Corrected
from gateway.door.opening import Open, Opener
from gateway.vault.port import Mark
from policies.minimise import Installed
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    DetailClass,
    Grant,
    Level,
    Period,
    Purpose,
    Recipient,
    SubjectId,
)
from policies.vault.values import Value
from tests.gateway.door.stands import Stand

ENERGY = "1-0:1.8.0*255"
WHO = SubjectId("w")


class Asked(NamedTuple):
    """One read: of which class, of which period, up to which position."""

    detail: DetailClass
    period: Period
    mark: Mark | None


class Shelf:
    """Values in the order in which they came; their place in it is their position."""

    def __init__(self) -> None:
        self.came: list[tuple[DetailClass, Value]] = []
        self.asked: list[Asked] = []
        self.first: dict[DetailClass, date] = {}
        self.event = asyncio.Event()
        self.reading: Callable[[], object] = lambda: None
        """What happens while something is read."""

    def put(self, *values: Value, detail: DetailClass = DetailClass.LIVE) -> None:
        self.came += [(detail, value) for value in values]

    def oldest(self, subject: SubjectId, detail: DetailClass) -> date | None:
        return self.first.get(detail, date(2000, 1, 1))

    async def read(
        self,
        subject: SubjectId,
        detail: DetailClass,
        quantities: frozenset[str],
        period: Period,
        *,
        mark: Mark | None = None,
    ) -> AsyncIterator[Sequence[Value]]:
        self.asked.append(Asked(detail, period, mark))
        self.reading()
        upto = len(self.came) if mark is None else mark.position
        newest = {
            (v.at, v.meter, v.first_at, v.quantity, v.serial): v
            for which, v in self.came[:upto]
            if which is detail and period.contains(v.at)
        }
        for place in sorted(newest):
            yield [newest[place]]

    def mark(self, subject: SubjectId) -> Mark:
        return Mark(subject, len(self.came))

    async def since(self, mark: Mark, detail: DetailClass, quantities: frozenset[str]) -> tuple[Sequence[Value], int]:
        return [v for which, v in self.came[mark.position :] if which is detail], len(self.came)

    def news(self, subject: SubjectId) -> asyncio.Event:
        return self.event


class Meters:
    """Nobody said anything of them but what the test says."""

    def __init__(self) -> None:
        self.known: Installed = {}
        self.asked = self.said = 0

    async def installed(self, household: SubjectId) -> Installed:
        self.asked += 1
        return self.known

    def acts(self, household: SubjectId) -> int:
        return self.said


class Versioned:
    """What was decided has versions up to a number."""

    number = 0

    def newest(self, household: SubjectId) -> int:
        return self.number


class Scene(Stand):
    """An opener on a shelf."""

    def __init__(self, zone: tzinfo, corrected: Corrected | None = None) -> None:
        super().__init__()
        self.shelf, self.meters = Shelf(), Meters()
        vault: Any = self.shelf
        self.opener = Opener(vault, self.meters, self.clock, zone, corrected)
        self.follower = Follower(self.opener, vault, self.clock, zone)

    def opened(self, period: Period, resolution: timedelta = AS_RECEIVED, ground: str = "a") -> Open:
        words: dict[str, Any] = {
            "recipient": Recipient("r"),
            "purpose": Purpose.FORECAST,
            "quantities": frozenset({ENERGY}),
            "level": Level.INDIVIDUAL,
            "keep": timedelta(days=3),
            "reference": "ref",
        }
        grant = Grant(ground, WHO, resolution=resolution, period=period, until=FAR_FUTURE, **words)
        return Open(grant, "name", self.standing(ground))


def reading(at: datetime, value: float = 1) -> Value:
    """What a register stood at."""
    number = Decimal(str(value))
    return Value(ENERGY, "kWh", at, at, number, at, number, Decimal(0), 1, meter="m")


def quarter(start: datetime, value: float) -> Value:
    """A quarter of an hour that has one reading, at its begin."""
    return reading(start, value)
