"""The sweep: households in slices, round after round; days that were merged since they were looked at are looked at,
and each household is listened to once a day: which of its meters said nothing. Rows that nobody can open any
more are deleted.

A day that is merged later than ``_LOOKS_BACK`` (history that was imported) is looked at when an operator asks for it,
and when something of it was corrected: what that makes of its local day is to be right by all that came.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, delete, func, literal, select, union_all

from adapters.plugin import Logger
from gateway.clock import Clock
from gateway.errors import RegistryError
from gateway.registry.tenancies import Tenancies
from gateway.registry.tenancy_records import Tenancy
from gateway.storage.port import Store
from gateway.storage.tables.vault import block, piece
from gateway.storage.tables.vee import ALL, vee_clock, vee_correction, vee_exception, vee_seen
from gateway.vault.compactor import SETTLED
from gateway.vault.port import Vault
from gateway.vee.desk import VeeDesk
from meter_driver.intervals import day_edges
from policies.terms import ONE_DAY, DetailClass, SubjectId
from policies.vault.seal import CLASS_CODES, CLASS_OF_CODE

_SLICE = 64
"""Households of which is asked at a time."""
_LOOKS_BACK = 35
"""Days that are looked at by themselves."""
_BREATH = timedelta(milliseconds=50)
"""Between two days that are looked at, so that answers come first."""
_EVERY = timedelta(minutes=5)
_QUARTER, _DAY = DetailClass.QUARTER, DetailClass.DAY
_ALL = date.max.toordinal() + 1


class Sweep:
    """``run`` is a supervised loop; ``round`` does what is due now.

    Args:
        zone: where days begin.
        looks: whether anything is looked at; where not, rows still end with their days.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        desk: VeeDesk,
        tenancies: Tenancies,
        clock: Clock,
        zone: tzinfo,
        log: Logger,
        *,
        looks: bool,
    ) -> None:
        self._store, self._vault, self._desk, self._tenancies = store, vault, desk, tenancies
        self._clock, self._zone, self._log, self._looks = clock, zone, log, looks

    async def run(self) -> None:
        while True:
            await self.round(_BREATH)
            await asyncio.sleep(_EVERY.total_seconds())

    async def round(self, breath: timedelta = timedelta(0)) -> int:
        """How many days were looked at."""
        looked, everybody = 0, self._tenancies.all()
        for some in (everybody[at : at + _SLICE] for at in range(0, len(everybody), _SLICE)):
            live = [each.id for each in some if each.live]
            if self._looks and live:
                looked += await self._look_at(live, breath)
            await self._expire(some)
        if looked:
            self._log.info("vee.swept", days=looked)
        return looked

    async def _look_at(self, some: Sequence[SubjectId], breath: timedelta) -> int:
        """How many days of these households were looked at."""
        looked, days = 0, self._days()
        due, waiting, quiet = await self._store.look(partial(_slice, some=some, days=days))
        for household in some:
            looked += await self._look(household, due.get(household, {}), breath)
            if household not in waiting and (household in due or household in quiet):
                await self._listen(household, days[1], breath)
        return looked

    def _days(self) -> tuple[int, int]:
        """UTC days (ordinals) that have ended and are settled."""
        last = (self._clock().astimezone(UTC) - SETTLED).toordinal() - 1
        return last - _LOOKS_BACK, last

    async def _look(self, household: SubjectId, merged: dict[int, int], breath: timedelta) -> int:
        """Local days that share something with merged ones. What cannot be is left for the next round."""
        looked = 0
        for ordinal, version in sorted(merged.items()):
            for day in self._local(ordinal):
                if day_edges(day, self._zone)[1] > self._clock():
                    continue
                try:
                    await self._desk.run(household, day, {ordinal: version})
                except RegistryError:
                    break
                looked += 1
                await asyncio.sleep(breath.total_seconds())
        return looked

    async def _listen(self, household: SubjectId, last: int, breath: timedelta) -> None:
        """For silent days: once a day, and when days were merged."""
        with suppress(RegistryError):
            await self._desk.listen(household, last, _LOOKS_BACK)
        await asyncio.sleep(breath.total_seconds())

    def _local(self, ordinal: int) -> Sequence[date]:
        start = datetime.combine(date.fromordinal(ordinal), time(), UTC)
        ends = start, start + ONE_DAY - timedelta(microseconds=1)
        return list(dict.fromkeys(at.astimezone(self._zone).date() for at in ends))

    async def _expire(self, some: Sequence[Tenancy]) -> None:
        """Rows that nobody can open any more: of days that are gone, and of the erased what a late batch left."""
        households = [each.id for each in some]
        oldest = {(who, each): self._vault.oldest(who, each) for who in households for each in (_QUARTER, _DAY)}
        before = {key: day.toordinal() for key, day in oldest.items() if day is not None}
        before |= {(each.id, detail): _ALL for each in some if each.erased for detail in (_QUARTER, _DAY)}

        def old(connection: Connection) -> Sequence[Any]:
            return connection.execute(union_all(*(_oldest(table, households) for table in ALL))).fetchall()

        rows = await self._store.look(old)
        if any(day < before.get((SubjectId(who), CLASS_OF_CODE[code]), day) for who, code, day in rows):
            await self._store.write(lambda connection: _drop(connection, before))


_Merged = dict[SubjectId, dict[int, int]]
"""By household: UTC days with the version of their block."""


def _slice(
    connection: Connection, some: Sequence[SubjectId], days: tuple[int, int]
) -> tuple[_Merged, set[SubjectId], set[SubjectId]]:
    """Of some households: merged days to look at, who has days that are not merged yet, who was not listened to."""
    p, seen = piece.c, vee_seen.c
    unmerged = (p.subject.in_(some), p["class"] == CLASS_CODES[_QUARTER], p.day.between(*days))
    waiting = connection.execute(select(p.subject).where(*unmerged).distinct()).scalars()
    heard = connection.execute(select(seen.tenancy).where(seen.tenancy.in_(some), seen.day == days[1])).scalars()
    return _by_household(_due(connection, some, days)), set(map(SubjectId, waiting)), set(some) - set(heard)


def _due(connection: Connection, some: Sequence[SubjectId], days: tuple[int, int]) -> Sequence[Any]:
    """Merged days whose version was not looked at; older ones where something of them was corrected."""
    b, seen, changed = block.c, vee_seen.c, vee_correction.c
    together = (seen.tenancy == b.subject) & (seen.day == b.day)
    of_day = (changed.tenancy == b.subject) & (changed.day == b.day)
    quarters = (b.subject.in_(some), b["class"] == CLASS_CODES[_QUARTER])
    unseen = seen.version.is_(None) | (seen.version != b.version)
    columns, looked = select(b.subject, b.day, b.version), block.outerjoin(vee_seen, together)
    recent = columns.select_from(looked).where(*quarters, b.day.between(*days), unseen)
    old = (changed.tenancy.in_(some), changed["class"] == CLASS_CODES[_QUARTER], changed.day < days[0])
    corrected = columns.select_from(looked.join(vee_correction, of_day)).where(*quarters, *old, unseen).distinct()
    return [*connection.execute(recent), *connection.execute(corrected)]


def _oldest(table: Table, some: Sequence[SubjectId]) -> Any:
    """By household and class the oldest day of which there is a row."""
    c = table.c
    code = c["class"] if "class" in c else literal(CLASS_CODES[_QUARTER]).label("class")
    return select(c.tenancy, code, func.min(c.day)).where(c.tenancy.in_(some)).group_by(c.tenancy, code)


def _by_household(rows: Sequence[Any]) -> _Merged:
    found: _Merged = {}
    for row in rows:
        found.setdefault(SubjectId(row.subject), {})[row.day] = row.version
    return found


def _drop(connection: Connection, before: dict[tuple[SubjectId, DetailClass], int]) -> None:
    for (who, detail), first in before.items():
        old = vee_correction.c
        where = (old.tenancy == who, old["class"] == CLASS_CODES[detail], old.day < first)
        connection.execute(delete(vee_correction).where(*where))
        if detail is _QUARTER:
            for table in (vee_exception, vee_clock, vee_seen):
                connection.execute(delete(table).where(table.c.tenancy == who, table.c.day < first))
