"""Who allows neighbourhood figures, and whom somebody may see singly."""

from collections.abc import Collection
from datetime import datetime

from gateway.clock import Clock
from gateway.grounds import GroundBook
from gateway.storage.port import Store
from policies.beside import shows
from policies.decide import ends
from policies.terms import Level, Period, Recipient, SubjectId

NEIGHBOURHOOD = Recipient("neighbourhood")
"""The recipient of the one consent to neighbourhood figures."""


class Consents:
    """Holds nothing."""

    def __init__(self, store: Store, book: GroundBook, clock: Clock) -> None:
        self._store, self._book, self._clock = store, book, clock

    def agreed(self, subject: SubjectId, period: Period, *, since: datetime | None = None) -> frozenset[str]:
        """Quantities of which a household allows figures of all of a period now; ``since``: agreed before."""
        now = self._clock()
        found: set[str] = set()
        for g in self._book.of(subject):
            scope = g.scope
            if (
                scope.recipient == NEIGHBOURHOOD
                and scope.level is Level.COHORT
                and scope.validity.start <= (now if since is None else since)
                and now < ends(g)
                and scope.values.covers(period)
            ):
                found |= scope.quantities
        return frozenset(found)

    async def seen(self, subjects: Collection[SubjectId], period: Period) -> frozenset[SubjectId]:
        """Those whom somebody may see singly, or might have: by the record, since what has ended leaves memory."""
        grounds = await self._book.recorded(self._store, *sorted(subjects))
        return frozenset(ground.subject for ground in grounds if shows(ground, period))
