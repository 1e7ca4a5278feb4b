"""The one partition: who was drawn together for an epoch (a day, UTC).

An epoch is drawn when it is over, among those who had agreed by then and still do: whoever leaves in it is in none of
its figures, and nothing shows at which minute. An epoch of which nothing was drawn (the gateway was down, or a place is
new) is drawn at the first question about it, for a while. Whatever is drawn later keeps the cohorts of the epochs
around it, so that asking for old days gives no fresh mixture.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import msgspec
from sqlalchemy import Connection, insert, select

from gateway.cohorts.consents import Consents
from gateway.cohorts.loads import Loader
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import draw as table
from gateway.vault.port import Vault
from policies.cohorts import Cohort, Resident, draw
from policies.terms import ONE_DAY, Period, SubjectId

DRAWS_REMEMBERED = 256
"""Draws kept in memory; more are read again."""
CLOSED_FOR_GOOD = timedelta(0)
"""Length of the cells of a day that was drawn before it was written down: nobody knows it any more."""
DRAWN_IN_THE_LOOP = 200
"""Households among whom is drawn there: a few milliseconds."""


class Places(Protocol):
    """What is needed of the registry: where households live. ``zone`` and ``community`` are names, may be ""."""

    def residents(self, place: str) -> Collection[SubjectId]:
        """Live households whose smallest place this is."""

    def places(self) -> Sequence[str]:
        """All places, zones and communities."""

    def place_of(self, subject: SubjectId) -> str:
        """The smallest place of a household; "" for none."""

    async def holders(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, bytes]:
        """Whose each household is: several of one holder are one person."""


class _Together(msgspec.Struct):
    members: list[SubjectId]
    quantities: list[str]


class _Body(msgspec.Struct):
    seconds: int
    cohorts: dict[str, _Together]


@dataclass(frozen=True, slots=True)
class Drawn:
    """An epoch of one place. ``cohorts`` by name, ``place#epoch-number``; their cells are ``interval`` long."""

    interval: timedelta
    cohorts: Mapping[str, Cohort]


class Partition:
    """``k``: the smallest cohort. ``interval``: length of a cell."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        consents: Consents,
        places: Places,
        loader: Loader,
        *,
        k: int,
        interval: timedelta,
    ) -> None:
        self._store, self._vault, self._consents, self._places = store, vault, consents, places
        self._loader, self._k, self._interval = loader, k, interval
        self._known: dict[tuple[str, date], Drawn] = {}

    def below(self, place: str) -> list[str]:
        """The smallest places inside a place, itself included."""
        return [p for p in self._places.places() if p == place or p.startswith(place + "/")]

    async def recorded(self, place: str, epoch: date) -> Drawn | None:
        """What was drawn; None where nothing was."""
        if (known := self._known.get((place, epoch))) is not None:
            return known
        query = select(table.c.cohorts).where(table.c.place == place, table.c.epoch == epoch.isoformat())
        row = await self._store.look(lambda connection: connection.execute(query).first())
        return None if row is None else self._remember(place, epoch, _decoded(row.cohorts))

    async def drawn(self, place: str, epoch: date, *, since: datetime | None = None) -> Drawn | None:
        """The cohorts of one smallest place, drawn now if nobody did before: one caller at a time.

        ``since``: among those who agreed before. Where nobody can be drawn nothing is written down.
        """
        if (known := await self.recorded(place, epoch)) is not None:
            return known
        residents = await self._residents(place, epoch_of(epoch), since)
        if len(residents) < self._k:
            return None
        before = await self._around(place, epoch)
        keys = {s: self._vault.lookup("cohort", f"{epoch}\n{s}") for s in residents}
        few = len(residents) <= DRAWN_IN_THE_LOOP
        words = (residents, before, self._k, keys.__getitem__)
        cohorts = draw(*words) if few else await asyncio.to_thread(draw, *words)
        if not cohorts:
            return None
        made = Drawn(self._interval, {f"{place}#{epoch}-{n}": cohort for n, cohort in enumerate(cohorts)})
        body = _encoded(made)

        def write(connection: Connection) -> None:
            connection.execute(insert(table).values(place=place, epoch=epoch.isoformat(), cohorts=body))

        await self._store.write(write)
        return self._remember(place, epoch, made)

    async def _residents(self, place: str, period: Period, since: datetime | None) -> dict[SubjectId, Resident]:
        """Those who agreed, and what is looked at in them."""
        asked = {s: self._consents.agreed(s, period, since=since) for s in self._places.residents(place)}
        agreed = {subject: some for subject, some in asked.items() if some}
        if len(agreed) < self._k:
            return {}
        holders, seen = await self._places.holders(agreed), await self._consents.seen(agreed, period)
        return {
            subject: Resident(
                holders[subject], some, await self._loader.delivered(subject, some, period), subject in seen
            )
            for subject, some in agreed.items()
        }

    async def _around(self, place: str, epoch: date) -> Sequence[Cohort]:
        """Cohorts of the last epoch before that was drawn, then of the first after."""
        c, day = table.c, epoch.isoformat()
        before = select(c.cohorts).where(c.place == place, c.epoch < day).order_by(c.epoch.desc()).limit(1)
        after = select(c.cohorts).where(c.place == place, c.epoch > day).order_by(c.epoch).limit(1)
        rows = await self._store.look(lambda connection: [connection.execute(each).first() for each in (before, after)])
        return [each for row in rows if row is not None for each in _decoded(row.cohorts).cohorts.values()]

    def _remember(self, place: str, epoch: date, drawn: Drawn) -> Drawn:
        while len(self._known) >= DRAWS_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[place, epoch] = drawn
        return drawn


def epoch_of(day: date) -> Period:
    """All of it, UTC."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Period(begin, begin + ONE_DAY)


def _encoded(drawn: Drawn) -> str:
    cohorts = {name: _Together(sorted(c.members), sorted(c.quantities)) for name, c in drawn.cohorts.items()}
    return msgspec.json.encode(_Body(int(drawn.interval.total_seconds()), cohorts)).decode()


def _decoded(body: str) -> Drawn:
    found = msgspec.json.decode(body, type=_Body)
    cohorts = {name: Cohort(frozenset(c.members), frozenset(c.quantities)) for name, c in found.cohorts.items()}
    return Drawn(timedelta(seconds=found.seconds), cohorts)
