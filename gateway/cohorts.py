"""The cohort desk: draws the one partition, closes cells, answers for places and cohorts.

A household takes part by one consent, given to ``NEIGHBOURHOOD`` and not to a single recipient: there is one partition
and one value a cell for everybody. An epoch is a day (UTC). It is drawn once, when its first cell is closed; a cohort
that a member leaves afterwards closes no further cell in that epoch, and neither does any place above it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import msgspec
from sqlalchemy import insert, select

from gateway.clock import Clock
from gateway.groundbook import GroundBook
from gateway.storage.engine import Store
from gateway.storage.tables_cohorts import cell as cells
from gateway.storage.tables_cohorts import draw as draws
from gateway.vault import SubjectGone, Vault
from policies.cohorts import Cohort, Profile, draw, figure
from policies.decide import ends
from policies.minimise import floor, minimise
from policies.terms import (
    Grant,
    Level,
    Period,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    Row,
    SubjectId,
    Zone,
    class_of,
)

NEIGHBOURHOOD = Recipient("neighbourhood")
"""The recipient of the one consent to neighbourhood figures."""
LATE = timedelta(days=1)
"""How long a cell waits for a member whose readings are missing; then it is closed with those that came."""
MOST_CELLS = 10_000
"""Cells that one question may name."""


class Places(Protocol):
    """What the desk needs of the registry: where households live. ``zone`` and ``community`` are names, may be ""."""

    def place_of(self, subject: SubjectId) -> str:
        """The smallest place: ``zone`` or ``zone/community``; "" for none."""

    def places(self) -> Sequence[str]:
        """All places, zones and communities."""


@dataclass(frozen=True, slots=True)
class _Cell:
    node: str
    quantity: str
    start: datetime
    value: Decimal | None
    unit: str | None


class CohortDesk:
    """``interval``: length of a cell. ``grace``: how long after its end a cell waits for late readings."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        book: GroundBook,
        places: Places,
        clock: Clock,
        *,
        profile: Profile,
        interval: timedelta,
        grace: timedelta,
    ) -> None:
        self._store, self._vault, self._book, self._places, self._clock = store, vault, book, places, clock
        self._profile, self._interval, self._grace = profile, interval, grace
        self._turn = asyncio.Lock()
        self._drawn: dict[tuple[str, date], Mapping[str, Cohort]] = {}

    async def nodes(self, place: str, day: date) -> Mapping[str, Cohort]:
        """Cohorts below a place on a day, as far as they were drawn: name -> members."""
        found: dict[str, Cohort] = {}
        for each in self._below(place):
            found |= await self._recorded(each, day) or {}
        return found

    async def answer(self, question: ReleaseRequest) -> Sequence[Row] | Refusal:
        """Rows of one place or cohort, one for each interval of the question's resolution that has a figure.

        Refused when there is none at all; the reasons then say why.
        """
        assert isinstance(question.subject, Zone)
        step = question.resolution
        if not question.quantities or question.period.empty or not step or step % self._interval:
            return Refusal((Reason.NOTHING_ASKED,))
        now = self._clock()
        first, last = floor(question.period.start, step), min(question.period.end, now)
        if (last - first) / self._interval * len(question.quantities) > MOST_CELLS:
            return Refusal((Reason.NOTHING_ASKED,))
        rows: list[Row] = []
        reasons: set[Reason] = set()
        for quantity in sorted(question.quantities):
            start = first if first == question.period.start else first + step
            while start + step <= question.period.end:
                figure_or_reason = await self._window(question.subject.name, quantity, start, step)
                if isinstance(figure_or_reason, Row):
                    rows.append(figure_or_reason)
                else:
                    reasons.add(figure_or_reason)
                start += step
        return rows or Refusal(tuple(sorted(reasons)) or (Reason.NOT_YET,))

    async def _window(self, node: str, quantity: str, start: datetime, step: timedelta) -> Row | Reason:
        total, unit = Decimal(0), None
        for n in range(step // self._interval):
            cell = await self._cell(node, quantity, start + n * self._interval)
            if isinstance(cell, Reason):
                return cell
            total, unit = total + (cell.value or 0), cell.unit
        return Row(node, quantity, start, start + step, total, unit)

    # -- cells

    async def _cell(self, node: str, quantity: str, start: datetime) -> _Cell | Reason:
        """The cell of a cohort, or the sum over all cohorts of a place."""
        if start + self._interval + self._grace > self._clock():
            return Reason.NOT_YET
        place, _, name = node.partition("#")
        drawn: dict[str, Cohort] = {}
        for each in self._below(place):
            drawn |= await self._draw(each, start.date())
        wanted = [node] if name else sorted(drawn)
        if not wanted or any(w not in drawn for w in wanted):
            return Reason.COHORT_TOO_SMALL
        total, unit = Decimal(0), None
        for each in wanted:
            cell = await self._cohort_cell(each, drawn[each], quantity, start)
            if isinstance(cell, Reason):
                return cell
            if cell.value is None:
                return Reason.COHORT_TOO_SMALL
            total, unit = total + cell.value, cell.unit
        return _Cell(node, quantity, start, total, unit)

    async def _cohort_cell(self, node: str, members: Cohort, quantity: str, start: datetime) -> _Cell | Reason:
        async with self._turn:
            if (known := await self._known(node, quantity, start)) is not None:
                return known
            if any(not self._takes_part(m, start) for m in members):
                return Reason.COHORT_SILENT
            loads, unit = await self._loads(members, quantity, start)
            if len(loads) < len(members) and self._clock() < start + self._interval + LATE:
                return Reason.NOT_YET
            closed = _Cell(node, quantity, start, figure(loads, self._profile), unit)
            if any(not self._takes_part(m, start) for m in members):
                return Reason.COHORT_SILENT
            await self._close(closed)
            return closed

    async def _loads(self, members: Cohort, quantity: str, start: datetime) -> tuple[list[Decimal], str | None]:
        loads, unit = [], None
        for member in sorted(members):
            row = await self._load(member, quantity, start)
            if row is not None:
                loads.append(row.value)
                unit = row.unit
        return loads, unit

    async def _load(self, member: SubjectId, quantity: str, start: datetime) -> Row | None:
        period = Period(start, start + self._interval)
        grant = Grant(
            ground="neighbourhood",
            subject=member,
            recipient=NEIGHBOURHOOD,
            purpose=Purpose.NEIGHBOURHOOD,
            quantities=frozenset({quantity}),
            resolution=self._interval,
            level=Level.COHORT,
            period=period,
            until=period.end,
            keep=timedelta(0),
        )
        reach = Period(start - self._interval, period.end + self._interval)
        detail = class_of(self._interval)
        try:
            values = [v async for part in self._vault.read(member, detail, grant.quantities, reach) for v in part]
        except SubjectGone:
            return None
        rows = minimise(values, grant, "")
        return rows[0] if rows else None

    async def _known(self, node: str, quantity: str, start: datetime) -> _Cell | None:
        query = select(cells.c.value, cells.c.unit).where(
            cells.c.node == node, cells.c.quantity == quantity, cells.c.start == start.timestamp()
        )
        async with self._store.read() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        return _Cell(node, quantity, start, None if row.value is None else Decimal(row.value), row.unit)

    async def _close(self, cell: _Cell) -> None:
        row: dict[str, Any] = {
            "node": cell.node,
            "quantity": cell.quantity,
            "start": cell.start.timestamp(),
            "value": None if cell.value is None else str(cell.value),
            "unit": cell.unit,
        }
        await self._store.write(lambda c: c.execute(insert(cells).values(row)).rowcount)

    # -- the partition

    def _takes_part(self, subject: SubjectId, at: datetime) -> bool:
        now = self._clock()
        return any(
            g.scope.recipient == NEIGHBOURHOOD
            and g.scope.level is Level.COHORT
            and g.scope.validity.start <= now < ends(g)
            and g.scope.values.contains(at)
            for g in self._book.of(subject)
        )

    def _below(self, place: str) -> list[str]:
        """The smallest places inside a place, itself included."""
        return [p for p in self._places.places() if p == place or p.startswith(place + "/")]

    async def _recorded(self, place: str, day: date) -> Mapping[str, Cohort] | None:
        if (known := self._drawn.get((place, day))) is not None:
            return known
        query = select(draws.c.cohorts).where(draws.c.place == place, draws.c.epoch == day.isoformat())
        async with self._store.read() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        found = msgspec.json.decode(row.cohorts, type=dict[str, frozenset[str]])
        cohorts = {name: frozenset(map(SubjectId, ids)) for name, ids in found.items()}
        self._drawn[place, day] = cohorts
        return cohorts

    async def _draw(self, place: str, day: date) -> Mapping[str, Cohort]:
        """The epoch's cohorts; drawn now if nobody asked before."""
        async with self._turn:
            if (known := await self._recorded(place, day)) is not None:
                return known
            at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            subjects = self._book.subjects(NEIGHBOURHOOD)
            members = frozenset(s for s in subjects if self._places.place_of(s) == place and self._takes_part(s, at))
            before = await self._before(place, day)
            drawn = draw(members, before, self._profile.k, lambda s: self._vault.lookup("cohort", f"{day}\n{s}"))
            cohorts = {f"{place}#{day}-{n}": c for n, c in enumerate(drawn)}
            body = msgspec.json.encode({name: sorted(c) for name, c in cohorts.items()}).decode()
            row = {"place": place, "epoch": day.isoformat(), "cohorts": body}
            await self._store.write(lambda c: c.execute(insert(draws).values(row)).rowcount)
            self._drawn[place, day] = cohorts
            return cohorts

    async def _before(self, place: str, day: date) -> Sequence[Cohort]:
        query = select(draws.c.epoch).where(draws.c.place == place, draws.c.epoch < day.isoformat())
        async with self._store.read() as connection:
            last = (await connection.execute(query.order_by(draws.c.epoch.desc()).limit(1))).scalar()
        if last is None:
            return ()
        return tuple((await self._recorded(place, date.fromisoformat(last)) or {}).values())
