"""Doubtful clocks at rest: one note for each household, meter and local day, written with the batch that first told it.

A note is sealed under the key of its day, in class ``quarter``. Looks at a day read it; nobody else does.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any

import msgspec
from sqlalchemy import select

from gateway.errors import Expired, SubjectGone
from gateway.intake.doubts import Beside, Doubted
from gateway.storage.port import Store
from gateway.storage.tables.vee import vee_clock as table
from gateway.vault.sealed import SealedVault
from gateway.vee.seals import SealedRow, Seals
from meter_driver.intervals import day_edges
from policies.terms import DetailClass, Period, SubjectId
from policies.vee.terms import Clocked

_QUARTER = DetailClass.QUARTER
REMEMBERED_NOTES = 65_536
"""Of notes that are durable; one that was forgotten is sealed again, and the store leaves it out."""
MeterDay = tuple[str, date]
"""A meter and a local day."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Clocked).decode


class ClockBook:
    """Implements ``gateway.intake.doubts.Doubts``. ``zone``: where days begin."""

    def __init__(self, store: Store, vault: SealedVault, seals: Seals, zone: tzinfo) -> None:
        self._store, self._vault, self._seals, self._zone = store, vault, seals, zone
        self._durable: set[str] = set()

    async def notes(self, told: Iterable[Doubted]) -> Beside:
        rows: list[tuple[str, str, int, bytes]] = []
        for household, firsts in first_doubts(told, self._zone).items():
            fresh = {
                name: Clocked(place[0], at, doubtful=True)
                for place, at in firsts.items()
                if (name := self._name(household, place)) not in self._durable
            }
            rows += await self._rows(household, fresh)
        return [(table, rows)] if rows else []

    def noted(self, notes: Beside) -> None:
        if len(self._durable) >= REMEMBERED_NOTES:
            self._durable.clear()
        self._durable.update(row[0] for _, rows in notes for row in rows)

    async def of(self, household: SubjectId, period: Period) -> list[Clocked]:
        """What is noted of a local day, by meter. Raises ``SubjectGone``."""
        first, last = (at.astimezone(UTC).toordinal() for at in (period.start, period.end))
        query = select(table).where(table.c.tenancy == household, table.c.day.between(first, last))
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        sealed = [SealedRow((_QUARTER, row.day), _about(row.id), row.sealed) for row in rows]
        found = [one for one in await self._seals.opened(household, sealed, _decode) if one is not None]
        return sorted((one for one in found if period.contains(one.at)), key=lambda one: one.meter)

    async def _rows(self, household: SubjectId, fresh: Mapping[str, Clocked]) -> list[Any]:
        """Of days that are held."""
        oldest = self._vault.oldest(household, _QUARTER)
        days = {name: one.at.astimezone(UTC).toordinal() for name, one in fresh.items()}
        held = {name: day for name, day in days.items() if oldest is not None and day >= oldest.toordinal()}
        if not held:
            return []
        try:
            sealed = await self._seals.sealing(household, [(_QUARTER, day) for day in set(held.values())])
        except (Expired, SubjectGone):
            return []
        return [
            (name, household, day, sealed((_QUARTER, day), _about(name), _encode(fresh[name])))
            for name, day in held.items()
        ]

    def _name(self, household: SubjectId, place: MeterDay) -> str:
        """The same for the same meter and day, so that a note that comes again is not kept twice."""
        meter, day = place
        return self._vault.lookup("vee clock", f"{household}\n{day}\n{meter}").hex()[:32]


def first_doubts(told: Iterable[Doubted], zone: tzinfo) -> dict[SubjectId, dict[MeterDay, datetime]]:
    """The earliest of each household's meter and local day. Readings of one day mostly follow each other."""
    found: dict[SubjectId, dict[MeterDay, datetime]] = {}
    start = end = datetime.max.replace(tzinfo=UTC)
    day = date.max
    for household, meter, at in told:
        if not start <= at < end:
            day = at.astimezone(zone).date()
            start, end = day_edges(day, zone)
        mine = found.setdefault(household, {})
        mine[meter, day] = min(at, mine.get((meter, day), at))
    return found


def _about(name: str) -> str:
    return f"clock {name}"
