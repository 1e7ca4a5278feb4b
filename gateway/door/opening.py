"""Opening what a grant covers: values from the vault, minimised, as parts for egress."""

import asyncio
from collections.abc import AsyncIterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from itertools import islice
from typing import Any, Protocol

from adapters.plugin import Released
from gateway.clock import Clock
from gateway.door.egress import Part
from gateway.door.settled import plain_days
from gateway.door.standing import Standing
from gateway.door.windows import WindowSource, cut, windows
from gateway.errors import SubjectGone
from gateway.vault.port import Mark, Vault, held_since
from meter_driver.intervals import day_edges
from policies.amounts import can_change_to_joules, said_joules
from policies.gaps import Gaps, rows_owed
from policies.minimise import Corrections, Installed, ended, interval_of, minimise
from policies.terms import AS_RECEIVED, ONE_DAY, DetailClass, Grant, Period, Row, SubjectId, class_of
from policies.vault.values import Value
from policies.vee.corrections import Correction

VALUES_AT_ONCE = 200
"""Values that are minimised in the loop, a few milliseconds of it."""
INTERVALS_AT_ONCE = 500
"""Likewise: each may be a row, whatever was read of it."""
_INSTANT = timedelta(microseconds=1)
_AROUND = 6 * ONE_DAY
"""More than is read beside a window, and than it takes until a day is merged."""


@dataclass(frozen=True, slots=True)
class Open:
    """One household that may be opened, under which name, and what must stand for it."""

    grant: Grant
    name: str
    standing: Standing


class HouseholdMeters(Protocol):
    """What the door must know of a household's meters."""

    async def installed(self, household: SubjectId) -> Installed:
        """What was said of them, by label. Raises ``SubjectGone``."""


class Corrected(Protocol):
    """What the door must know of what was decided about a household's intervals."""

    async def of(self, household: SubjectId, detail: DetailClass, period: Period) -> Corrections:
        """Of the days that share something with the period. Raises ``SubjectGone``."""


class SettledDays(Protocol):
    """What the door must know of days that were worked out."""

    async def settled(self, subject: SubjectId, first: date, last: date) -> frozenset[date]:
        """Those of the local days [first, last] that are worked out from all of their quarters that are there."""


class Opener:
    """Holds no values between calls. ``zone``: where days begin.

    ``corrected``: None where nobody corrects. ``days``: None where days are always worked out from quarters.
    """

    def __init__(
        self,
        vault: Vault,
        meters: HouseholdMeters,
        clock: Clock,
        zone: tzinfo = UTC,
        corrected: Corrected | None = None,
        days: SettledDays | None = None,
    ) -> None:
        self._vault, self._meters, self._clock, self._zone = vault, meters, clock, zone
        self._corrected, self._days = corrected, days

    async def parts(self, opened: Open, mark: Mark | None = None) -> AsyncIterator[Part]:
        """A day, or a window of intervals, at a time. A household that leaves in the middle simply ends here.

        ``mark``: values as they stood at that position.
        """
        try:
            as_received = opened.grant.resolution == AS_RECEIVED
            found = self._received(opened, mark) if as_received else self._intervals(opened, mark)
            async for part in found:
                yield part
        except SubjectGone:
            return

    async def _received(self, opened: Open, mark: Mark | None) -> AsyncIterator[Part]:
        closed = Period(opened.grant.period.start, opened.grant.period.end + _INSTANT)  # entries end at it
        async for values in self._read(opened.grant, closed, mark):
            if not opened.standing.still():
                return
            if (part := await self.part(opened, values)) is not None:
                yield part

    async def _intervals(self, opened: Open, mark: Mark | None) -> AsyncIterator[Part]:
        installed = await self._meters.installed(opened.grant.subject)
        held = partial(held_since, self._vault, opened.grant.subject)
        settled = await self._settled(opened.grant) if mark is None else frozenset()
        gaps = Gaps(opened.grant.period)
        joules = await self._joules(opened.grant) if mark is None else frozenset()
        for window, sources in windows(opened.grant, self._zone, held):
            grant = replace(opened.grant, period=window)
            changed = await self._changes(grant, sources)
            plain = None if installed or changed else await self._plain(grant, sources, settled)
            values = await self._values(grant, sources, mark) if plain is None else plain
            if not opened.standing.still():
                return
            if not values and not changed:
                continue
            part = await self.part(replace(opened, grant=grant), values, installed, changed, gaps, joules)
            async for earlier in self._owed(opened, gaps, window.start):
                yield earlier
            if part is not None:
                yield part

    async def _owed(self, opened: Open, gaps: Gaps, until: datetime) -> AsyncIterator[Part]:
        """Of windows before an instant, what is missing there; a gap shows when it has ended."""
        if not (owed := gaps.taken()):
            return
        grant, now = opened.grant, self._clock()
        start, _ = interval_of(min(one.told.last for one in owed), grant.resolution, self._zone)
        for piece in cut(Period(max(start, grant.period.start), until), grant.resolution, self._zone):
            edges = ended(piece, grant.resolution, self._zone, now)
            if rows := await asyncio.to_thread(rows_owed, owed, edges):
                yield _told(opened, rows, rows[0].start.date())

    async def _settled(self, grant: Grant) -> frozenset[date]:
        """Local days of a question by day, and those beside them, that are worked out from all that is there."""
        start = max(grant.period.start, held_since(self._vault, grant.subject, DetailClass.QUARTER))
        period = Period(start, min(grant.period.end, self._clock()))
        if self._days is None or grant.resolution != ONE_DAY or period.empty:
            return frozenset()
        days = self._around(period)
        return await self._days.settled(grant.subject, days[0], days[-1])

    async def _joules(self, grant: Grant) -> Set[tuple[str, str]]:
        """What is told in joules in all of an answer that is worked out in more than one window.

        Days tell which units there are; they are merged within minutes after their end.
        """
        held = partial(held_since, self._vault, grant.subject)
        asked = replace(grant, quantities=frozenset(filter(can_change_to_joules, grant.quantities)))
        if not asked.quantities or len(list(islice(windows(grant, self._zone, held), 2))) < 2:
            return frozenset()
        whole = Period(grant.period.start - _AROUND, grant.period.end + _AROUND)
        recent = Period(max(whole.start, self._clock() - _AROUND), whole.end)
        found: set[tuple[str, str]] = set()
        for detail, reach in ((DetailClass.DAY, whole), (DetailClass.QUARTER, recent)):
            async for values in self._read(asked, reach, detail=detail):
                found |= said_joules(values)
        return found

    async def _plain(
        self, grant: Grant, sources: Sequence[WindowSource], settled: frozenset[date]
    ) -> Sequence[Value] | None:
        """Days of a window and those beside it, where they tell what their quarters tell."""
        days = self._around(grant.period)
        if [each.detail for each in sources] != [DetailClass.QUARTER] or not settled.issuperset(days):
            return None
        reach = Period(day_edges(days[0], self._zone)[0], day_edges(days[-1], self._zone)[1])
        values = await self._values(grant, [WindowSource(DetailClass.DAY, reach, grant.period)])
        return values if plain_days(values, days, self._zone) else None

    def _around(self, period: Period) -> Sequence[date]:
        first, last = (at.astimezone(self._zone).date() for at in (period.start - _INSTANT, period.end))
        return [first + n * ONE_DAY for n in range((last - first).days + 1)]

    async def _changes(self, grant: Grant, sources: Sequence[WindowSource]) -> Corrections:
        """Corrections, of each class those that share something with its part."""
        if self._corrected is None:
            return {}
        found: dict[tuple[str, str], list[Correction]] = {}
        for detail, _, part in sources:
            for name, some in (await self._corrected.of(grant.subject, detail, part)).items():
                found.setdefault(name, []).extend(
                    one for one in some if len(sources) == 1 or (one.start < part.end and one.end > part.start)
                )
        return found

    def _read(
        self, grant: Grant, period: Period, mark: Mark | None = None, *, detail: DetailClass | None = None
    ) -> AsyncIterator[Sequence[Value]]:
        source = detail or class_of(grant.resolution)
        return self._vault.read(grant.subject, source, grant.quantities, period, mark=mark)

    async def _values(self, grant: Grant, sources: Sequence[WindowSource], mark: Mark | None = None) -> Sequence[Value]:
        return [v for s in sources async for some in self._read(grant, s.reach, mark, detail=s.detail) for v in some]

    async def part(
        self,
        opened: Open,
        values: Sequence[Value],
        installed: Installed | None = None,
        changed: Corrections | None = None,
        gaps: Gaps | None = None,
        joules: Set[tuple[str, str]] = frozenset(),
    ) -> Part | None:
        """What is much leaves the loop; whoever withdraws meanwhile is seen by egress, before the write."""
        words: dict[str, Any] = {"installed": installed, "corrections": changed, "gaps": gaps, "joules": joules}
        work = partial(minimise, values, opened.grant, opened.name, self._zone, now=self._clock(), **words)
        few = len(values) <= VALUES_AT_ONCE and _intervals_in(opened.grant) <= INTERVALS_AT_ONCE
        rows = work() if few else await asyncio.to_thread(work)
        if not rows:
            return None
        earliest = values[0].at if values else rows[0].start
        first = min((v.at for v in values if v.at >= opened.grant.period.start), default=earliest)
        return _told(opened, rows, first.date())


def _intervals_in(grant: Grant) -> float:
    return (grant.period.end - grant.period.start) / grant.resolution if grant.resolution else 0


def _told(opened: Open, rows: Sequence[Row], first: date) -> Part:
    """``first``: the oldest day that they rest on."""
    g = opened.grant
    released = Released(opened.name, rows, g.recipient, g.purpose, g.resolution, g.level, g.keep, g.reference)
    return Part(opened.standing.since(g.subject, class_of(g.resolution), first), released)
