"""The data desk: a household's own data, whole (GDPR Articles 15 and 20), and what is kept how long.

A household gets at least what its recipients get: its readings as received, and quarters, days and months as they are
worked out for everybody. The export of everything goes from coarse to fine without overlap, and has the readings too
that are kept of a quarter or a day when those as received are held no longer. Cut like every answer: by the
household's erasure, by the end of the session that asked, and by the end of a day's retention.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from adapters.plugin import Released
from gateway.clock import Clock
from gateway.door.egress import Part, Whole
from gateway.door.epochs import Epochs
from gateway.door.opening import Corrected, HouseholdMeters, Open, Opener, SettledDays
from gateway.door.release import SELF
from gateway.door.standing import Right, Sight, Standing
from gateway.door.windows import local_midnight
from gateway.errors import SubjectGone
from gateway.vault.port import Vault, held_since
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
    Row,
    SubjectId,
    class_of,
)
from policies.vault.values import Value

FINE_TO_COARSE = (DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY)
_AHEAD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Kept:
    """One class of detail: the oldest day that can be opened, and the last day on which what comes in today can be."""

    detail: DetailClass
    oldest: date
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

    def kept(self, subject: SubjectId) -> Sequence[Kept]:
        """Fine to coarse. Empty for a household that is gone."""
        today = self._clock().date()
        found = []
        for detail in FINE_TO_COARSE:
            oldest = self._vault.oldest(subject, detail)
            if oldest is not None:
                found.append(Kept(detail, oldest, today + timedelta(days=self._days[detail])))
        return found

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

    async def latest(self, subject: SubjectId, right: Right) -> Part | None:
        """The newest register of each quantity since yesterday; None without one. Raises ``SubjectGone``."""
        standing, now = self._standing(subject, right), self._clock()
        period = Period(now - timedelta(days=1), self._end())
        newest: dict[tuple[str, str], Value] = {}
        async for values in self._vault.read(subject, DetailClass.QUARTER, EVERYTHING, period):
            newest |= {(v.quantity, v.meter): v for v in sorted(values, key=lambda v: v.at)}
        if not newest:
            return None
        some = sorted(newest.values(), key=lambda v: (v.quantity, v.meter))
        rows = [reading(value, value.last_at, value.last, "self") for value in some]
        return _part(standing, subject, DetailClass.QUARTER, min(value.at for value in some).date(), rows)

    def _standing(self, subject: SubjectId, right: Right) -> Standing:
        """Before anything is read; its epoch is flipped by erasure alone."""
        own = f"own:{subject}"
        return Standing(self._sight, right, own, self._sight.epochs.current(own))

    async def _everything(
        self, subject: SubjectId, standing: Standing, spans: Sequence[tuple[timedelta, Period]]
    ) -> AsyncIterator[Part]:
        for step, period in spans:
            if step == AS_RECEIVED:
                async for part in self._held_of(subject, standing, period.start):
                    yield part
            async for part in self._parts(subject, standing, step, period):
                yield part

    async def _parts(
        self, subject: SubjectId, standing: Standing, step: timedelta, period: Period
    ) -> AsyncIterator[Part]:
        if not period.empty:
            grant = _grant(standing.ground, subject, step, period)
            async for part in self._opener.parts(Open(grant, "self", standing)):
                yield part

    async def _held_of(self, subject: SubjectId, standing: Standing, until: datetime) -> AsyncIterator[Part]:
        """A day at a time: of days until quarters are held, then of quarters. A household that leaves in the middle
        simply ends here.
        """
        try:
            held, days = held_since(self._vault, subject, DetailClass.QUARTER), self._finest(subject)[0][1]
            for detail, period in ((DetailClass.DAY, days), (DetailClass.QUARTER, Period(held, until))):
                if period.empty:
                    continue
                async for values in self._vault.read(subject, detail, EVERYTHING, period):
                    rows = await asyncio.to_thread(readings_held, values, detail, "self", self._zone)
                    some = [row for row in rows if detail is DetailClass.QUARTER or row.start < held]
                    if some:
                        yield _part(standing, subject, detail, min(value.at for value in values).date(), some)
        except SubjectGone:
            return


def _grant(ground: str, subject: SubjectId, step: timedelta, period: Period) -> Grant:
    """What a household's own right to its data covers."""
    words = SELF, Purpose.ENERGY_ADVICE, EVERYTHING, step, Level.INDIVIDUAL, period
    return Grant(ground, subject, *words, until=FAR_FUTURE, keep=timedelta(0))


def _part(standing: Standing, subject: SubjectId, detail: DetailClass, first: date, rows: Sequence[Row]) -> Part:
    """Readings as they stand, of days from ``first`` on."""
    words = SELF, Purpose.ENERGY_ADVICE, AS_RECEIVED, Level.INDIVIDUAL, timedelta(0)
    return Part(standing.since(subject, detail, first), Released("self", rows, *words))
