"""The one partition: who takes part in neighbourhood figures, and who was drawn together for an epoch (a day, UTC).

An epoch is drawn as it begins, among those who had agreed before and still do; newcomers wait for the next one. An
epoch of which nothing was drawn (the gateway was down, or a place is new) is drawn at the first question about it.
Whatever is drawn later keeps the cohorts of the epochs around it, so that asking for old days gives no fresh mixture.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

import msgspec
from sqlalchemy import Connection, insert, select

from gateway.clock import Clock
from gateway.grounds import GroundBook
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import draw as table
from gateway.vault.port import Vault
from policies.cohorts import Cohort, draw
from policies.decide import ends
from policies.terms import Level, Recipient, SubjectId

NEIGHBOURHOOD = Recipient("neighbourhood")
"""The recipient of the one consent to neighbourhood figures."""
DRAWS_REMEMBERED = 256
"""Draws kept in memory; more are read again."""


class Places(Protocol):
    """What is needed of the registry: where households live. ``zone`` and ``community`` are names, may be ""."""

    def residents(self, place: str) -> Collection[SubjectId]:
        """Live households whose smallest place this is."""

    def places(self) -> Sequence[str]:
        """All places, zones and communities."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One cohort: its members, and for which quantities each of them had agreed when it was drawn."""

    quantities: Mapping[SubjectId, frozenset[str]]

    @property
    def members(self) -> Cohort:
        return frozenset(self.quantities)

    def of(self, quantity: str) -> Cohort:
        """Who counts in the figures of one quantity."""
        return frozenset(m for m, some in self.quantities.items() if quantity in some)


Draws = Mapping[str, Drawn]
"""By name, ``place#epoch-number``."""


class Partition:
    """``k``: the smallest cohort."""

    def __init__(self, store: Store, vault: Vault, book: GroundBook, places: Places, clock: Clock, *, k: int) -> None:
        self._store, self._vault, self._book, self._places, self._clock = store, vault, book, places, clock
        self._k = k
        self._turn = asyncio.Lock()
        self._known: dict[tuple[str, date], Draws] = {}
        self._begun: tuple[date, set[str]] = (date.min, set())

    def below(self, place: str) -> list[str]:
        """The smallest places inside a place, itself included."""
        return [p for p in self._places.places() if p == place or p.startswith(place + "/")]

    def allows(self, subject: SubjectId, at: datetime, *, since: datetime | None = None) -> frozenset[str]:
        """Quantities of which a household allows figures at an instant of measurement; ``since``: agreed before."""
        now = self._clock()
        found: set[str] = set()
        for g in self._book.of(subject):
            scope = g.scope
            if (
                scope.recipient == NEIGHBOURHOOD
                and scope.level is Level.COHORT
                and scope.validity.start <= (now if since is None else since)
                and now < ends(g)
                and scope.values.contains(at)
            ):
                found |= scope.quantities
        return frozenset(found)

    async def begin(self, epoch: date, places: Sequence[str]) -> None:
        """Draw the epoch that is running, once for each place. Where nobody can be drawn nothing is written down."""
        if self._begun[0] != epoch:
            self._begun = (epoch, set())
        for place in places:
            if place not in self._begun[1]:
                async with self._turn:
                    await self._draw(place, epoch, since=_midnight(epoch))
                self._begun[1].add(place)

    async def drawn(self, place: str, epoch: date) -> Draws:
        """The cohorts of one smallest place; drawn now if nobody did before."""
        async with self._turn:
            return await self._draw(place, epoch)

    async def recorded(self, place: str, epoch: date) -> Draws | None:
        """Those that were drawn; None where nothing was."""
        if (known := self._known.get((place, epoch))) is not None:
            return known
        query = select(table.c.cohorts).where(table.c.place == place, table.c.epoch == epoch.isoformat())
        row = await self._store.look(lambda connection: connection.execute(query).first())
        return None if row is None else self._remember(place, epoch, _decoded(row.cohorts))

    async def _draw(self, place: str, epoch: date, *, since: datetime | None = None) -> Draws:
        if (known := await self.recorded(place, epoch)) is not None:
            return known
        at = _midnight(epoch)
        members = {s: some for s in self._places.residents(place) if (some := self.allows(s, at, since=since))}
        around = await self._around(place, epoch)
        cohorts = draw(frozenset(members), around, self._k, lambda s: self._vault.lookup("cohort", f"{epoch}\n{s}"))
        if not cohorts and since is not None:
            return {}
        made = {f"{place}#{epoch}-{n}": Drawn({m: members[m] for m in c}) for n, c in enumerate(cohorts)}
        body = msgspec.json.encode(
            {name: {m: sorted(q) for m, q in sorted(d.quantities.items())} for name, d in made.items()}
        )

        def write(connection: Connection) -> None:
            connection.execute(insert(table).values(place=place, epoch=epoch.isoformat(), cohorts=body.decode()))

        await self._store.write(write)
        return self._remember(place, epoch, made)

    async def _around(self, place: str, epoch: date) -> Sequence[Cohort]:
        """Cohorts of the last epoch before that was drawn, then of the first after."""
        c, day = table.c, epoch.isoformat()
        before = select(c.cohorts).where(c.place == place, c.epoch < day).order_by(c.epoch.desc()).limit(1)
        after = select(c.cohorts).where(c.place == place, c.epoch > day).order_by(c.epoch).limit(1)
        rows = await self._store.look(lambda connection: [connection.execute(each).first() for each in (before, after)])
        return [each.members for row in rows if row is not None for each in _decoded(row.cohorts).values()]

    def _remember(self, place: str, epoch: date, draws: Draws) -> Draws:
        while len(self._known) >= DRAWS_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[place, epoch] = draws
        return draws


def _decoded(body: str) -> Draws:
    found = msgspec.json.decode(body, type=dict[str, dict[str, frozenset[str]]])
    return {name: Drawn({SubjectId(m): some for m, some in of.items()}) for name, of in found.items()}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
