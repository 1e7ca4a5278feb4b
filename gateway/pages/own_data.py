"""The data desk: a household's own data, whole (GDPR Articles 15 and 20), and what is kept how long.

A household gets at least what its recipients get: its readings as received, and quarters, days and months as they are
worked out for everybody. The export of everything goes from coarse to fine without overlap, and has the readings too
that are kept of a quarter or a day when those as received are held no longer. Cut like every answer: by the
household's erasure, by the end of the session that asked, and by the end of a day's retention.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo

from gateway.clock import Clock
from gateway.door.egress import Part, Whole
from gateway.door.epochs import Epochs
from gateway.door.meant import Corrected, HouseholdMeters, Meant
from gateway.door.opening import Open, Opener, SettledDays
from gateway.door.release import SELF
from gateway.door.standing import Right, Sight, Standing
from gateway.door.windows import local_midnight
from gateway.errors import SubjectGone
from gateway.pages.lately import UNSETTLED, finer_since, newest_of, oldest, readings_part, whole_of
from gateway.vault.port import Vault, held_since
from meter_driver.intervals import day_edges
from meter_driver.quantities import is_amount
from policies.finest import Finest
from policies.held import reading, readings_held
from policies.terms import (
    AS_RECEIVED,
    EVERYTHING,
    FAR_FUTURE,
    ONE_DAY,
    QUARTER_HOUR,
    DetailClass,
    Grant,
    Level,
    Period,
    Purpose,
    SubjectId,
    class_of,
)

FINE_TO_COARSE = (DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY)
_AHEAD = timedelta(days=2)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """One class of detail.

    Attributes:
        first: of the oldest value that is held, UTC; None while there is none.
        length: for how long a value can be opened.
        until: the last day on which what comes in today can be.
    """

    detail: DetailClass
    first: datetime | None
    length: timedelta
    until: date


class DataDesk:
    """``days``: kept days by class, the mapping that retention changes. ``zone``: where days begin."""

    def __init__(
        self,
        vault: Vault,
        meters: HouseholdMeters,
        epochs: Epochs,
        days: Mapping[DetailClass, int],
        clock: Clock,
        zone: tzinfo = UTC,
        corrected: Corrected | None = None,
        settled: SettledDays | None = None,
    ) -> None:
        self._vault, self._days, self._clock, self._zone = vault, days, clock, zone
        self._opener = Opener(vault, meters, clock, zone, corrected, settled)
        self._sight = Sight(epochs, clock, vault.oldest)

    async def kept(self, subject: SubjectId) -> Sequence[Kept]:
        """Fine to coarse. Empty for a household that is gone."""
        today, found = self._clock().date(), []
        for detail in FINE_TO_COARSE:
            length = timedelta(days=self._days[detail])
            try:
                found.append(Kept(detail, await self._first_of(subject, detail), length, today + length))
            except SubjectGone:
                return []
        return found

    async def _first_of(self, subject: SubjectId, detail: DetailClass) -> datetime | None:
        """The instant of the oldest value that is held. Raises ``SubjectGone``."""
        period = Period(held_since(self._vault, subject, detail), self._end())
        async for values in self._vault.read(subject, detail, EVERYTHING, period):
            return min(value.first_at for value in values)
        return None

    async def own(self, subject: SubjectId, right: Right, step: timedelta | None = None) -> AsyncIterator[Part]:
        """In intervals of one length (0: as received), oldest first. None: everything that is held, coarse to fine, and
        each time in its finest detail; where that is intervals, with the readings that are held of them.

        Raises ``SubjectGone``.
        """
        standing = self._standing(subject, right)
        if step is None:
            return Whole([standing], self._everything(subject, standing, self._finest(subject)))
        period = Period(held_since(self._vault, subject, class_of(step)), self._end())
        return Whole([standing], self._parts(subject, standing, step, period))

    async def stands(self, subject: SubjectId, right: Right) -> AsyncIterator[Part]:
        """Readings that are held of days and quarters, the first and the last of each, oldest first.

        Raises ``SubjectGone``.
        """
        standing = self._standing(subject, right)
        return Whole([standing], self._held_of(subject, standing, self._end()))

    def _finest(self, subject: SubjectId) -> Sequence[tuple[timedelta, Period]]:
        """Coarse to fine. Days are told whole, so what is finer begins at a local midnight."""
        live, quarter, day = (held_since(self._vault, subject, detail) for detail in FINE_TO_COARSE)
        quarter = min(quarter, live)
        if day < quarter:
            quarter = local_midnight(quarter, self._zone)
            live = max(live, quarter)
        spans = Period(day, quarter), Period(quarter, live), Period(live, self._end())
        return list(zip((ONE_DAY, QUARTER_HOUR, AS_RECEIVED), spans, strict=True))

    def _end(self) -> datetime:
        return self._clock() + _AHEAD

    async def lately(self, subject: SubjectId, right: Right) -> AsyncIterator[Part]:
        """What the page *Now* tells: the newest reading of each quantity since yesterday (in detail as received); then
        of amounts the local day of yesterday, the hours of today, and the quarters since an hour has no value; of a day
        that is not whole its hours too, and a reading from before, where there is one: from the meter's first value on
        something can be missing.
        """
        standing = self._standing(subject, right)
        return Whole([standing], self._lately(subject, standing))

    def _standing(self, subject: SubjectId, right: Right) -> Standing:
        """Before anything is read; its epoch is flipped by erasure alone."""
        own = f"own:{subject}"
        return Standing(self._sight, right, own, self._sight.epochs.current(own))

    async def _everything(
        self, subject: SubjectId, standing: Standing, spans: Sequence[tuple[timedelta, Period]]
    ) -> AsyncIterator[Part]:
        told = [_grant(standing.ground, subject, step, period) for step, period in spans if not period.empty]
        try:
            meant = await self._opener.meant_in(told)
        except SubjectGone:
            return
        finest = Finest()
        for step, period in spans:
            if step == AS_RECEIVED:
                async for part in self._held_of(subject, standing, period.start, whole_days=True):
                    yield part
            async for part in self._parts(subject, standing, step, period, meant=meant, finest=finest):
                yield part

    async def _lately(self, subject: SubjectId, standing: Standing) -> AsyncIterator[Part]:
        day = self._clock().astimezone(self._zone).date()
        yesterday, today = (day_edges(each, self._zone)[0] for each in (day - ONE_DAY, day))
        both = Period(yesterday, self._end())
        if not (newest := await newest_of(self._vault, subject, both)):
            return
        rows = [reading(value, value.last_at, value.last, "self") for value in newest]
        yield readings_part(standing, subject, DetailClass.QUARTER, min(value.at for value in newest).date(), rows)
        places = {(value.meter, value.quantity) for value in newest if is_amount(value.quantity)}
        since, count = yesterday, frozenset(quantity for _, quantity in places)
        for step in (ONE_DAY, _HOUR, QUARTER_HOUR) if places else ():
            period = Period(yesterday, today) if step == ONE_DAY else Period(since, self._end())
            parts = [part async for part in self._parts(subject, standing, step, period, count)]
            for part in parts:
                yield part
            rows = [row for part in parts for row in part.released.rows]
            if step == ONE_DAY and (unsure := places - whole_of(rows)):
                async for part in self._before(subject, standing, unsure, yesterday):
                    yield part
            since = finer_since(rows, places, since, step, today)

    async def _before(
        self, subject: SubjectId, standing: Standing, places: Collection[tuple[str, str]], until: datetime
    ) -> AsyncIterator[Part]:
        """One reading of each meter and quantity that told anything before an instant, out of days; of what was not
        worked out into days yet, out of the quarters of ``UNSETTLED``.
        """
        left = set(places)
        for detail in (DetailClass.DAY, DetailClass.QUARTER):
            start = held_since(self._vault, subject, detail)
            start = start if detail is DetailClass.DAY else max(start, until - UNSETTLED)
            if found := await oldest(self._vault, subject, detail, left, Period(start, until)):
                rows = [reading(value, value.first_at, value.first, "self") for value in found]
                yield readings_part(standing, subject, detail, min(value.at for value in found).date(), rows)

    async def _parts(
        self,
        subject: SubjectId,
        standing: Standing,
        step: timedelta,
        period: Period,
        quantities: frozenset[str] = EVERYTHING,
        meant: Meant | None = None,
        *,
        finest: Finest | None = None,
    ) -> AsyncIterator[Part]:
        if not period.empty:
            grant = replace(_grant(standing.ground, subject, step, period), quantities=quantities)
            async for part in self._opener.parts(Open(grant, "self", standing), meant=meant, finest=finest):
                yield part

    async def _held_of(
        self, subject: SubjectId, standing: Standing, until: datetime, *, whole_days: bool = False
    ) -> AsyncIterator[Part]:
        """A day at a time: of days until quarters are held, then of quarters. A household that leaves in the middle
        simply ends here.

        ``whole_days``: what is of a time of its own is told of days as long as these are told, and of quarters since.
        """
        try:
            held, days = held_since(self._vault, subject, DetailClass.QUARTER), self._finest(subject)[0][1]
            seam = days.end if whole_days else held
            for detail, period in ((DetailClass.DAY, days), (DetailClass.QUARTER, Period(held, until))):
                if period.empty:
                    continue
                async for values in self._vault.read(subject, detail, EVERYTHING, period):
                    rows = await asyncio.to_thread(readings_held, values, detail, "self", self._zone)
                    quarter = detail is DetailClass.QUARTER
                    some = [r for r in rows if (r.start >= (seam if r.start < r.end else held)) == quarter]
                    if some:
                        yield readings_part(standing, subject, detail, min(value.at for value in values).date(), some)
        except SubjectGone:
            return


def _grant(ground: str, subject: SubjectId, step: timedelta, period: Period) -> Grant:
    """What a household's own right to its data covers."""
    words = SELF, Purpose.ENERGY_ADVICE, EVERYTHING, step, Level.INDIVIDUAL, period
    return Grant(ground, subject, *words, until=FAR_FUTURE, keep=timedelta(0))
