"""The data desk: a household's own data, whole (GDPR Articles 15 and 20), and what is kept how long.

A household gets at least what its recipients get: its readings as received, and quarters and days as they are worked
out for everybody. The export of everything goes from coarse to fine without overlap. Cut like every answer: by the
household's erasure, by the end of the session that asked, and by the end of a day's retention.
"""

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
from gateway.vault.port import Vault, held_since
from meter_driver.units import convert, told
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
        """Everything of a household, oldest first: in intervals of one length (0: as received), or in the finest detail
        that is held of each time.

        Raises ``SubjectGone``.
        """
        standing = self._standing(subject, right)
        if step is None:
            spans = self._finest(subject)
        else:
            spans = [(step, Period(held_since(self._vault, subject, class_of(step)), self._end()))]
        return Whole([standing], self._parts(subject, standing, spans))

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
        return _part(standing, subject, DetailClass.QUARTER, list(newest.values())) if newest else None

    def _standing(self, subject: SubjectId, right: Right) -> Standing:
        """Before anything is read; its epoch is flipped by erasure alone."""
        own = f"own:{subject}"
        return Standing(self._sight, right, own, self._sight.epochs.current(own))

    async def _parts(
        self, subject: SubjectId, standing: Standing, spans: Sequence[tuple[timedelta, Period]]
    ) -> AsyncIterator[Part]:
        for step, period in spans:
            if not period.empty:
                grant = _grant(standing.ground, subject, step, period)
                async for part in self._opener.parts(Open(grant, "self", standing)):
                    yield part


def _grant(ground: str, subject: SubjectId, step: timedelta, period: Period) -> Grant:
    """What a household's own right to its data covers."""
    words = SELF, Purpose.ENERGY_ADVICE, EVERYTHING, step, Level.INDIVIDUAL, period
    return Grant(ground, subject, *words, until=FAR_FUTURE, keep=timedelta(0))


def _part(standing: Standing, subject: SubjectId, detail: DetailClass, values: Sequence[Value]) -> Part:
    first = min(value.at for value in values).date()
    return Part(standing.since(subject, detail, first), _released(values))


def _released(values: Sequence[Value]) -> Released:
    """Registers as they stand, in the unit in which they are told."""
    rows = [newest_row(value) for value in sorted(values, key=lambda v: (v.quantity, v.meter))]
    return Released("self", rows, SELF, Purpose.ENERGY_ADVICE, AS_RECEIVED, Level.INDIVIDUAL, timedelta(0))


def newest_row(value: Value) -> Row:
    unit = told(value.unit)
    said = value.last if unit is None or value.unit is None else convert(value.last, value.unit, unit)
    return Row("self", value.quantity, value.last_at, value.last_at, said, unit, value.status, value.meter)
