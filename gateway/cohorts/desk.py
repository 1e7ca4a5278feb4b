"""The cohort desk: closes cells at their watermark, answers for places and cohorts.

A household takes part by one consent, given to ``NEIGHBOURHOOD`` and not to a single recipient: there is one partition
(see ``draw``) and one value a cell for everybody. A cohort that a member leaves closes no further cell in
its epoch, and neither does any place above it. A member that has merely delivered nothing is left out of a cell by the
rule of ``policies.cohorts.closes``.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import insert, select

from gateway.clock import Clock
from gateway.cohorts.cells import ClosedCell, row_of, stored, summed
from gateway.cohorts.draw import NEIGHBOURHOOD, Drawn, Draws, Partition, Places
from gateway.cohorts.loads import Loader, in_one_unit, least_status
from gateway.grounds import GroundBook
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import cell as table
from gateway.vault.port import AskInstalled, Vault
from meter_driver.amounts import Status
from policies.cohorts import SafetyRule, closes, figure
from policies.minimise import edges_of, floor
from policies.terms import FAR_FUTURE, Period, Reason, Refusal, ReleaseRequest, Row, Zone

__all__ = ["NEIGHBOURHOOD", "CohortDesk", "Places"]

CELL_LATE = timedelta(days=1)
"""How long a cell with too few values is held open after its watermark; afterwards it is closed without a figure."""
MOST_CELLS = 10_000
"""Cells that one question may name."""
CELLS_LOOK = 5.0
"""Seconds between looks at the clock."""
CELLS_AT_ONCE = 64
"""Cells that are closed in one turn of the loop; questions get in between."""


_Known = Mapping[tuple[str, datetime], ClosedCell]
"""Cells by quantity and start."""


class CohortDesk:
    """``interval``: length of a cell. ``grace``: how long after its end, at its watermark, a cell is closed.

    ``zone``: where days begin. ``installed``: what was said of a household's meters.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        book: GroundBook,
        places: Places,
        clock: Clock,
        *,
        profile: SafetyRule,
        interval: timedelta,
        grace: timedelta,
        zone: tzinfo = UTC,
        installed: AskInstalled | None = None,
    ) -> None:
        self._store, self._places, self._clock = store, places, clock
        self._loader = Loader(vault, interval, installed)
        self._profile, self._interval, self._grace, self._zone = profile, interval, grace, zone
        self._partition = Partition(store, vault, book, places, clock, k=profile.k)
        self._turn = asyncio.Lock()
        self._again: dict[tuple[str, datetime], datetime] = {}
        """By place and interval: when the loop looks at its cells again."""

    # -- the loop

    async def run(self) -> None:
        """Supervised: draw each epoch as it begins, close each cell at its watermark, asked for or not."""
        while True:
            more = await self.turn()
            await asyncio.sleep(0 if more else CELLS_LOOK)

    async def turn(self) -> bool:
        """Close what is due, at most ``CELLS_AT_ONCE`` cells of each look; whether there is more to do at once.

        Nothing is remembered but what the tables say: after a restart the cells of the last day are looked at again.
        Older ones are closed by the first question about them.
        """
        now = self._clock()
        places = self._places.places()
        await self._partition.begin(now.date(), places)
        self._again = {key: at for key, at in self._again.items() if key[1] > now - 2 * CELL_LATE}
        room = CELLS_AT_ONCE
        drawn_of: dict[tuple[str, date], Draws] = {}
        for place, start in self._due(now, places):
            key = (place, start.date())
            if key not in drawn_of:
                drawn_of[key] = await self._partition.recorded(*key) or {}
            drawn = drawn_of[key]
            known = await self._closed(drawn, start) if drawn else set()
            whole = bool(drawn)
            for node, cohort in drawn.items():
                wanted = [q for q in self._quantities(cohort) if (node, q) not in known]
                if not wanted:
                    continue
                if room <= 0:
                    return True
                room -= len(wanted)
                answers = await self._cohort_cells(node, cohort, wanted, start)
                whole = whole and Reason.NOT_YET not in answers.values()
            # a cohort that is silent stays so in this epoch
            self._again[place, start] = FAR_FUTURE if whole else now + self._interval
        return False

    def _due(self, now: datetime, places: Sequence[str]) -> Iterator[tuple[str, datetime]]:
        """Intervals past their watermark, of the last day, that are to be looked at now; oldest first."""
        wait = self._interval + self._grace
        start = floor(now - wait - CELL_LATE, self._interval) + self._interval
        while start + wait <= now:
            for place in places:
                if self._again.get((place, start), now) <= now:
                    yield place, start
            start += self._interval

    def _quantities(self, cohort: Drawn) -> list[str]:
        """Those of which enough members allow figures."""
        count = Counter(q for some in cohort.quantities.values() for q in some)
        return sorted(q for q, members in count.items() if members >= self._profile.k)

    async def _closed(self, nodes: Collection[str], start: datetime) -> set[tuple[str, str]]:
        c = table.c
        query = select(c.node, c.quantity).where(c.node.in_(nodes), c.start == start.timestamp())
        return await self._store.look(
            lambda connection: {(row.node, row.quantity) for row in connection.execute(query)}
        )

    # -- answers

    async def answer(self, question: ReleaseRequest) -> Sequence[Row] | Refusal:
        """Rows of one place or cohort, one for each interval of the question's resolution that has a figure.

        Days are local ones; where they do not begin with a cell there are none. Refused when there is no row at all;
        the reasons then say why.
        """
        assert isinstance(question.subject, Zone)
        step, node = question.resolution, question.subject.name
        if not question.quantities or question.period.empty or not step or step % self._interval:
            return Refusal((Reason.NOTHING_ASKED,))
        first, last = question.period.start, min(question.period.end, self._clock())
        if (last - first) / self._interval * len(question.quantities) > MOST_CELLS:
            return Refusal((Reason.NOTHING_ASKED,))
        edges = edges_of(Period(first, last), step, self._zone)
        if any(floor(start, self._interval) != start for start, _ in edges):
            return Refusal((Reason.NOTHING_ASKED,))
        known = await self._known(node, question.quantities, first, last)
        rows: list[Row] = []
        reasons: set[Reason] = set()
        for quantity in sorted(question.quantities):
            for edge in edges:
                figure_or_reason = await self._window(node, quantity, edge, known)
                if isinstance(figure_or_reason, Row):
                    rows.append(figure_or_reason)
                else:
                    reasons.add(figure_or_reason)
        return rows or Refusal(tuple(sorted(reasons)) or (Reason.NOT_YET,))

    async def _window(self, node: str, quantity: str, edge: tuple[datetime, datetime], known: _Known) -> Row | Reason:
        start, end = edge
        parts: list[ClosedCell] = []
        for n in range((end - start) // self._interval):
            cell = await self._cell(node, quantity, start + n * self._interval, known)
            if isinstance(cell, Reason):
                return cell
            parts.append(cell)
        total = summed(node, quantity, start, parts)
        return Reason.COHORT_TOO_SMALL if total is None else row_of(total, end)

    # -- cells

    async def _cell(self, node: str, quantity: str, start: datetime, known: _Known) -> ClosedCell | Reason:
        """The cell of a cohort, or the sum over all cohorts of a place; that is written down as well.

        ``known``: what was closed a moment ago. Whoever closes a cell looks again before, in its turn.
        """
        if start + self._interval + self._grace > self._clock():
            return Reason.NOT_YET
        if (quantity, start) in known:
            return known[quantity, start]
        place, _, name = node.partition("#")
        drawn: dict[str, Drawn] = {}
        for each in self._partition.below(place):
            drawn |= await self._partition.drawn(each, start.date())
        if name:
            cohort = drawn.get(node)
            return await self._of_cohort(node, cohort, quantity, start) if cohort else Reason.COHORT_TOO_SMALL
        parts: list[ClosedCell] = []
        for each, cohort in sorted(drawn.items()):
            cell = await self._of_cohort(each, cohort, quantity, start)
            if isinstance(cell, Reason):
                return cell
            parts.append(cell)
        if not parts or (made := summed(node, quantity, start, parts)) is None:
            return Reason.COHORT_TOO_SMALL
        async with self._turn:
            closed = await self._known(node, {quantity}, start, start + self._interval)
            if (quantity, start) in closed:
                return closed[quantity, start]
            await self._close([made])
        return made

    async def _of_cohort(self, node: str, cohort: Drawn, quantity: str, start: datetime) -> ClosedCell | Reason:
        if len(cohort.of(quantity)) < self._profile.k:
            return Reason.COHORT_TOO_SMALL
        answer = (await self._cohort_cells(node, cohort, [quantity], start))[quantity]
        return Reason.COHORT_TOO_SMALL if isinstance(answer, ClosedCell) and answer.value is None else answer

    async def _cohort_cells(
        self, node: str, cohort: Drawn, quantities: Sequence[str], start: datetime
    ) -> Mapping[str, ClosedCell | Reason]:
        """Cells of one cohort and interval: those that were closed before, those that can be closed now."""
        async with self._turn:
            known = await self._known(node, quantities, start, start + self._interval)
            found: dict[str, ClosedCell | Reason] = {
                q: known.get((q, start)) or self._stands(cohort, q, start) or Reason.NOT_YET for q in quantities
            }
            wanted = frozenset(q for q, answer in found.items() if answer is Reason.NOT_YET)
            loads = await self._loader.loads(cohort, wanted, start)
            closed: list[ClosedCell] = []
            for quantity, of in loads.items():
                members = len(cohort.of(quantity))
                rows = in_one_unit(of.rows)
                waited = self._clock() - start - self._interval - self._grace
                if (silence := self._stands(cohort, quantity, start)) is not None:
                    found[quantity] = silence
                elif closes(
                    members, len(rows), of.silent, self._profile.k, waited, patience=self._interval, late=CELL_LATE
                ):
                    found[quantity] = cell = self._made(node, quantity, start, rows, members)
                    closed.append(cell)
            if closed:
                await self._close(closed)
            return found

    def _made(self, node: str, quantity: str, start: datetime, rows: Sequence[Row], members: int) -> ClosedCell:
        """From the loads of those members that are in it, in one unit."""
        value = figure([row.value for row in rows if row.value is not None], self._profile)
        unit = rows[0].unit if value is not None else None
        status = least_status(rows) if len(rows) == members else Status.ESTIMATED.value
        return ClosedCell(node, quantity, start, value, unit, status, len(rows), members)

    def _stands(self, cohort: Drawn, quantity: str, start: datetime) -> Reason | None:
        """None if everybody who was drawn still allows this figure."""
        left = any(quantity not in self._partition.allows(m, start) for m in cohort.of(quantity))
        return Reason.COHORT_SILENT if left else None

    async def _known(self, node: str, quantities: Collection[str], first: datetime, last: datetime) -> _Known:
        """The cells of a place or cohort that are closed and begin between two instants; the last excluded."""
        c = table.c
        span = (c.start >= first.timestamp(), c.start < last.timestamp())
        query = select(table).where(c.node == node, c.quantity.in_(quantities), *span)
        rows = await self._store.look(lambda connection: connection.execute(query).fetchall())
        return {(cell.quantity, cell.start): cell for cell in map(stored, rows)}

    async def _close(self, closed: Sequence[ClosedCell]) -> None:
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
            for cell in closed
        ]
        await self._store.write(lambda c: c.execute(insert(table), rows).rowcount)
