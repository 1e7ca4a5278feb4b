"""Opening what a grant covers: values from the vault, minimised, as parts for egress."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from itertools import groupby, islice
from typing import Any, Protocol

from adapters.plugin import Released
from gateway.clock import Clock
from gateway.door.egress import Part
from gateway.door.meant import Corrected, HouseholdMeters, Meant, Place, changed_spans, corrected_spans, whole_intervals
from gateway.door.settled import plain_days
from gateway.door.standing import Standing
from gateway.door.windows import WindowSource, cut, windows
from gateway.errors import SubjectGone
from gateway.vault.port import Mark, Vault, held_since
from meter_driver.intervals import day_edges
from policies.amounts import can_change_to_joules, said_joules
from policies.finest import AROUND, Finest
from policies.gaps import Gaps, rows_owed
from policies.minimise import Corrections, ended, interval_of, minimise
from policies.terms import AS_RECEIVED, EVERYTHING, ONE_DAY, DetailClass, Grant, Period, Row, SubjectId, class_of
from policies.vault.values import Value
from policies.vee.corrections import Correction

VALUES_AT_ONCE = 200
"""Values that are minimised in the loop, a few milliseconds of it."""
INTERVALS_AT_ONCE = 500
"""Likewise: each may be a row, whatever was read of it."""
_INSTANT = timedelta(microseconds=1)
_AROUND = 7 * ONE_DAY
"""More than is read beside a window, and than it takes until a day is merged."""


@dataclass(frozen=True, slots=True)
class Open:
    """One household that may be opened, under which name, and what must stand for it."""

    grant: Grant
    name: str
    standing: Standing


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

    async def answer(self, opened: Sequence[Open]) -> AsyncIterator[Part]:
        """Pieces that follow each other, one household's after another's, and each household's in one unit."""
        for _, some in groupby(opened, key=lambda each: each.grant.subject):
            pieces = list(some)
            try:
                meant = await self.meant_in([piece.grant for piece in pieces])
            except SubjectGone:
                continue
            for piece in pieces:
                async for part in self.parts(piece, meant=meant):
                    yield part

    async def parts(
        self, opened: Open, mark: Mark | None = None, meant: Meant | None = None, *, finest: Finest | None = None
    ) -> AsyncIterator[Part]:
        """A day, or a window of intervals, at a time. A household that leaves in the middle simply ends here.

        ``mark``: values as they stood at that position. ``meant``: what they mean; None: what they mean now.
        ``finest``: with what is known in another length than the grant's alone; what is held of amounts and means in
        their own (``policies.held``) is told by the caller.
        """
        try:
            if opened.grant.resolution == AS_RECEIVED:
                found = self._received(opened, mark)
            else:
                found = self._intervals(opened, mark, meant or await self.meant_in([opened.grant]), finest)
            async for part in found:
                yield part
        except SubjectGone:
            return

    # -- what readings mean

    async def meant_in(self, grants: Sequence[Grant]) -> Meant:
        """In an answer by these grants of one household, now. Raises ``SubjectGone``.

        What is worked out in one window shows there in which units it is.
        """
        some = [grant for grant in grants if grant.resolution != AS_RECEIVED]
        held = partial(held_since, self._vault, grants[0].subject)
        several = list(islice((window for grant in some for window in windows(grant, self._zone, held)), 2))[1:]
        return await self.meant(grants[0].subject, await self.joules(some) if several else frozenset())

    async def meant(self, household: SubjectId, joules: Set[Place]) -> Meant:
        """Now. Raises ``SubjectGone``."""
        acts, newest = self._said(household)
        return Meant(acts, newest, await self._meters.installed(household), joules)

    async def meant_after(self, before: Meant, grant: Grant, fresh: Sequence[Value]) -> Meant:
        """``before`` itself, if nobody said anything since, and nothing came that says joules for the first time.

        Raises ``SubjectGone``.
        """
        around = Period(grant.period.start - _AROUND, grant.period.end + _AROUND)
        joules = before.joules | said_joules(value for value in fresh if around.contains(value.at))
        if self._said(grant.subject) == (before.acts, before.newest) and joules == before.joules:
            return before
        return await self.meant(grant.subject, joules)

    async def meant_otherwise(self, before: Meant, now: Meant, grant: Grant, passed: Period) -> Iterator[Period]:
        """Windows of what was passed of a grant in which intervals may be told otherwise. Raises ``SubjectGone``."""
        spans = [*changed_spans(before, now, grant, passed)]
        if self._corrected is not None and now.newest > before.newest:
            for detail in {DetailClass.QUARTER, class_of(grant.resolution)} - {DetailClass.LIVE}:
                found = await self._corrected.of(grant.subject, detail, passed)
                spans += corrected_spans(found, before.newest, grant)
        return whole_intervals(spans, grant, passed, self._zone)

    def _said(self, household: SubjectId) -> tuple[int, int]:
        return self._meters.acts(household), 0 if self._corrected is None else self._corrected.newest(household)

    async def joules(self, grants: Sequence[Grant]) -> Set[Place]:
        """What is told in joules by all grants of one household in one answer, or in one stream.

        Days tell which units there are; they are merged within minutes after their end.
        """
        found: set[Place] = set()
        for grant in grants:
            asked = replace(grant, quantities=_changeable(grant.quantities))
            if asked.quantities == frozenset() and asked.quantities is not EVERYTHING:
                continue
            whole = Period(grant.period.start - _AROUND, grant.period.end + _AROUND)
            recent = Period(max(whole.start, self._clock() - _AROUND), whole.end)
            for detail, reach in ((DetailClass.DAY, whole), (DetailClass.QUARTER, recent)):
                async for values in self._read(asked, reach, detail=detail):
                    found |= said_joules(values)
        return found

    # -- from values to parts

    async def _received(self, opened: Open, mark: Mark | None) -> AsyncIterator[Part]:
        closed = Period(opened.grant.period.start, opened.grant.period.end + _INSTANT)  # entries end at it
        async for values in self._read(opened.grant, closed, mark):
            if not opened.standing.still():
                return
            if (part := await self.part(opened, values)) is not None:
                yield part

    async def _intervals(
        self, opened: Open, mark: Mark | None, meant: Meant, finest: Finest | None = None
    ) -> AsyncIterator[Part]:
        held = partial(held_since, self._vault, opened.grant.subject)
        settled = await self._settled(opened.grant) if mark is None else frozenset()
        gaps = Gaps(opened.grant.period)
        for window, sources in windows(opened.grant, self._zone, held):
            grant = replace(opened.grant, period=window)
            sources = sources if finest is None else [_further(source) for source in sources]
            changed = meant.known(await self._changes(grant, sources))
            plain = None if meant.installed or changed else await self._plain(grant, sources, settled)
            values = await self._values(grant, sources, mark) if plain is None else plain
            if not opened.standing.still():
                return
            if not values and not changed:
                continue
            part = await self.part(replace(opened, grant=grant), values, meant, changed, gaps, finest)
            async for earlier in self._owed(opened, gaps, finest, window.start):
                yield earlier
            if part is not None:
                yield part

    async def _owed(self, opened: Open, gaps: Gaps, finest: Finest | None, until: datetime) -> AsyncIterator[Part]:
        """Of windows before an instant, what is missing there; a gap shows when it has ended."""
        if not (owed := gaps.taken()):
            return
        grant, now = opened.grant, self._clock()
        start, _ = interval_of(min(one.told.last for one in owed), grant.resolution, self._zone)
        for piece in cut(Period(max(start, grant.period.start), until), grant.resolution, self._zone):
            edges = ended(piece, grant.resolution, self._zone, now)
            rows = await asyncio.to_thread(rows_owed, owed, edges)
            if rows := rows if finest is None else [*finest.rest(rows)]:
                yield _told(opened, rows, rows[0].start.date())

    async def _settled(self, grant: Grant) -> frozenset[date]:
        """Local days of a question by day, and those beside them, that are worked out from all that is there."""
        start = max(grant.period.start, held_since(self._vault, grant.subject, DetailClass.QUARTER))
        period = Period(start, min(grant.period.end, self._clock()))
        if self._days is None or grant.resolution != ONE_DAY or period.empty:
            return frozenset()
        days = self._around(period)
        return await self._days.settled(grant.subject, days[0], days[-1])

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
        meant: Meant | None = None,
        changed: Corrections | None = None,
        gaps: Gaps | None = None,
        finest: Finest | None = None,
    ) -> Part | None:
        """What is much leaves the loop; whoever withdraws meanwhile is seen by egress, before the write."""
        words: dict[str, Any] = {"corrections": changed, "gaps": gaps, "finest": finest}
        if meant is not None:
            words |= {"installed": meant.installed, "joules": meant.joules}
        work = partial(minimise, values, opened.grant, opened.name, self._zone, now=self._clock(), **words)
        few = len(values) <= VALUES_AT_ONCE and _intervals_in(opened.grant) <= INTERVALS_AT_ONCE
        rows = work() if few else await asyncio.to_thread(work)
        if not rows:
            return None
        earliest = values[0].at if values else rows[0].start
        first = min((v.at for v in values if v.at >= opened.grant.period.start), default=earliest)
        first = first if finest is None else min(first, *(row.start for row in rows))
        return _told(opened, rows, first.date())


def _further(source: WindowSource) -> WindowSource:
    return source._replace(reach=Period(source.reach.start - AROUND, source.reach.end + AROUND))


def _changeable(asked: frozenset[str]) -> frozenset[str]:
    return asked if asked is EVERYTHING else frozenset(filter(can_change_to_joules, asked))


def _intervals_in(grant: Grant) -> float:
    return (grant.period.end - grant.period.start) / grant.resolution if grant.resolution else 0


def _told(opened: Open, rows: Sequence[Row], first: date) -> Part:
    """``first``: the oldest day that they rest on."""
    g = opened.grant
    released = Released(opened.name, rows, g.recipient, g.purpose, g.resolution, g.level, g.keep, g.reference)
    return Part(opened.standing.since(g.subject, class_of(g.resolution), first), released)
