"""The data desk: a household's own data, whole and as it came in (GDPR Articles 15 and 20), and what is kept how long.

The export goes from coarse to fine without overlap: where the readings as received are gone, the last register of each
quarter of an hour; where those are gone, of each day. Cut like every answer: by the household's erasure, by the end of
the session that asked, and by the end of a day's retention.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from adapters.plugin import Released
from gateway.clock import Clock
from gateway.door.egress import Part, Whole
from gateway.door.epochs import Epochs
from gateway.door.release import SELF
from gateway.door.standing import Right, Sight, Standing
from gateway.errors import SubjectGone
from gateway.vault.port import Vault
from policies.terms import AS_RECEIVED, DetailClass, Level, Period, Purpose, Row, SubjectId
from policies.vault.values import Value

FINE_TO_COARSE = (DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY)
AHEAD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Kept:
    """One class of detail: the oldest day that can be opened, and the last day on which what comes in today can be."""

    detail: DetailClass
    oldest: date
    until: date


class DataDesk:
    """``days``: kept days by class, the mapping that retention changes."""

    def __init__(self, vault: Vault, epochs: Epochs, days: Mapping[DetailClass, int], clock: Clock) -> None:
        self._vault, self._days, self._clock = vault, days, clock
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

    async def own(self, subject: SubjectId, right: Right, since: datetime | None = None) -> AsyncIterator[Part]:
        """Everything of a household from ``since`` on, oldest first, a day at a time. Raises ``SubjectGone``."""
        standing, end = self._standing(subject, right), self._clock() + AHEAD
        spans = []
        for detail in FINE_TO_COARSE:
            oldest = self._vault.oldest(subject, detail)
            if oldest is None:
                raise SubjectGone("no such household")
            start = datetime.combine(oldest, time(), UTC)
            spans.append((detail, Period(max(start, since) if since else start, end)))
            end = min(start, end)
        return Whole(standing, self._parts(subject, standing, spans[::-1]))

    async def latest(self, subject: SubjectId, right: Right) -> Part | None:
        """The newest register of each quantity since yesterday; None without one. Raises ``SubjectGone``."""
        standing, now = self._standing(subject, right), self._clock()
        period = Period(now - timedelta(days=1), now + AHEAD)
        newest: dict[str, Value] = {}
        async for values in self._vault.read(subject, DetailClass.QUARTER, EVERYTHING, period):
            newest |= {v.quantity: v for v in sorted(values, key=lambda v: v.at)}
        return _part(standing, subject, DetailClass.QUARTER, list(newest.values())) if newest else None

    def _standing(self, subject: SubjectId, right: Right) -> Standing:
        """Before anything is read; its epoch is flipped by erasure alone."""
        own = f"own:{subject}"
        return Standing(self._sight, right, own, self._sight.epochs.current(own))

    async def _parts(
        self, subject: SubjectId, standing: Standing, spans: Sequence[tuple[DetailClass, Period]]
    ) -> AsyncIterator[Part]:
        for detail, period in spans:
            if period.empty:
                continue
            try:
                async for values in self._vault.read(subject, detail, EVERYTHING, period):
                    if not standing.still():
                        return
                    if values:
                        yield _part(standing, subject, detail, values)
            except SubjectGone:
                return


class _Everything(frozenset[str]):
    """A household may see all of its quantities; nobody needs a list of them for that."""

    def __contains__(self, _: object) -> bool:
        return True


EVERYTHING: frozenset[str] = _Everything()


def _part(standing: Standing, subject: SubjectId, detail: DetailClass, values: Sequence[Value]) -> Part:
    first = min(value.at for value in values).date()
    return Part(standing.since(subject, detail, first), _released(values))


def _released(values: Sequence[Value]) -> Released:
    ordered = sorted(values, key=lambda v: (v.quantity, v.at))
    rows = [Row("self", v.quantity, v.last_at, v.last_at, v.last, v.unit, v.status) for v in ordered]
    return Released("self", rows, SELF, Purpose.ENERGY_ADVICE, AS_RECEIVED, Level.INDIVIDUAL, timedelta(0))
