"""Closing: the cells of a cohort's epoch, all that can be told of it, in one act after its end.

An interval is told with all of the cohort's quantities or with none, and of the same members. Who lacks one of them is
left out of all. What is not told stays untold and open for a while: more values may come. Nothing shows why.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from gateway.cohorts.cells import ClosedCell
from gateway.cohorts.consents import Consents
from gateway.cohorts.draw import Places
from gateway.cohorts.loads import Loader, Loads, in_one_unit, least_status
from gateway.cohorts.protection import Protection, Shown
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import cell as table
from meter_driver.amounts import Status
from policies.cohorts import CellTally, Cohort, SafetyRule
from policies.terms import Period, Row, SubjectId


@dataclass(frozen=True, slots=True)
class Present:
    """What one interval of a cohort is closed from: of each member its rows, all quantities of the cohort."""

    start: datetime
    rows: Mapping[SubjectId, Mapping[str, Row]]


class Closer:
    """``rule``: whom a figure may be of. ``interval``: length of a cell."""

    def __init__(
        self,
        store: Store,
        consents: Consents,
        places: Places,
        loader: Loader,
        protection: Protection,
        *,
        rule: SafetyRule,
        interval: timedelta,
    ) -> None:
        self._store, self._consents, self._places = store, consents, places
        self._loader, self._protection = loader, protection
        self._rule, self._interval = rule, interval

    async def close(self, node: str, cohort: Cohort, period: Period) -> bool:
        """Whether there may be more to tell of it later. A cohort that somebody left tells nothing more."""
        starts = await self._untold(node, period)
        if not starts or not self._stands(cohort, period):
            return False
        holders = await self._places.holders(cohort.members)
        loads = {m: await self._loader.loads(m, cohort.quantities, period) for m in sorted(cohort.members)}
        async with self._protection.turn:
            seen = await self._protection.seen(node) | await self._consents.seen(cohort.members, period)
            if not self._stands(cohort, period):
                return False
            closed = await asyncio.to_thread(self._all_told, node, cohort, loads, starts, holders, seen)
            if closed:
                await self._put(node, cohort, period, closed, seen)
        return len(closed) < len(starts)

    def _stands(self, cohort: Cohort, period: Period) -> bool:
        """Whether everybody who was drawn still allows these figures."""
        return all(self._consents.agreed(m, period) >= cohort.quantities for m in cohort.members)

    async def _untold(self, node: str, period: Period) -> list[datetime]:
        """The intervals of an epoch that have no cells."""
        c = table.c
        query = select(c.start).where(c.node == node, c.start >= period.start.timestamp()).distinct()
        closed = await self._store.look(lambda connection: {row.start for row in connection.execute(query)})
        starts = (period.start + n * self._interval for n in range((period.end - period.start) // self._interval))
        return [start for start in starts if start.timestamp() not in closed]

    def _all_told(
        self,
        node: str,
        cohort: Cohort,
        loads: Mapping[SubjectId, Loads],
        starts: Collection[datetime],
        holders: Mapping[SubjectId, bytes],
        seen: Collection[SubjectId],
    ) -> list[tuple[list[ClosedCell], int]]:
        told = (self._told(node, cohort, known, holders, seen) for known in intervals(cohort, loads, starts))
        return [each for each in told if each is not None]

    def _told(
        self,
        node: str,
        cohort: Cohort,
        known: Present,
        holders: Mapping[SubjectId, bytes],
        seen: Collection[SubjectId],
    ) -> tuple[list[ClosedCell], int] | None:
        """The cells of an interval, and how many may still be seen of those who are hidden in them; None where nothing
        may be told."""
        interval = CellTally()
        for member, rows in known.rows.items():
            loads = {quantity: row.value for quantity, row in rows.items() if row.value is not None}
            interval.add(loads, holders[member], seen=member in seen)
        if (slack := interval.slack(self._rule)) < 0:
            return None
        cells = []
        for quantity, value in interval.sums.items():
            rows_of = [rows[quantity] for rows in known.rows.values()]
            whole = len(rows_of) == len(cohort.members)
            status = least_status(rows_of) if whole else Status.ESTIMATED.value
            counts = (len(rows_of), len(cohort.members))
            cells.append(ClosedCell(node, quantity, known.start, value, rows_of[0].unit, status, *counts))
        return cells, slack

    async def _put(
        self,
        node: str,
        cohort: Cohort,
        period: Period,
        closed: list[tuple[list[ClosedCell], int]],
        seen: Collection[SubjectId],
    ) -> None:
        cells = [cell for some, _ in closed for cell in some]
        numbers = {(some[0].start - period.start) // self._interval for some, _ in closed}
        slack = min(slack for _, slack in closed)
        shown = Shown(node, period, self._interval, frozenset(numbers), slack)

        def write(connection: Connection) -> None:
            put(connection, cells)
            self._protection.put(connection, shown, {m: m in seen for m in sorted(cohort.members)})

        await self._store.write(write)


def intervals(cohort: Cohort, loads: Mapping[SubjectId, Loads], starts: Collection[datetime]) -> Iterator[Present]:
    """Of each interval those members that have a value of every quantity, in one unit."""
    order = sorted(cohort.quantities)
    for start in starts:
        whole = {
            m: mine[start] for m, mine in loads.items() if start in mine and mine[start].keys() >= cohort.quantities
        }
        columns = [in_one_unit([rows[quantity] for rows in whole.values()]) for quantity in order]
        found: dict[SubjectId, Mapping[str, Row]] = {}
        for member, some in zip(whole, zip(*columns, strict=True), strict=True):
            alike = {quantity: row for quantity, row in zip(order, some, strict=True) if row is not None}
            if len(alike) == len(order):
                found[member] = alike
        if found:
            yield Present(start, found)


def put(connection: Connection, cells: Collection[ClosedCell]) -> None:
    """New cells, inside somebody's transaction."""
    rows: list[dict[str, Any]] = [
        {
            "node": cell.node,
            "quantity": cell.quantity,
            "start": cell.start.timestamp(),
            "value": None if cell.value is None else str(cell.value),
            "unit": cell.unit,
            "status": cell.status,
            "counted": cell.counted,
            "members": cell.members,
        }
        for cell in cells
    ]
    connection.execute(insert(table), rows)
