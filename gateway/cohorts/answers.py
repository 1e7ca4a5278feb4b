"""What an answer about a place is put together from: cells of each of its epochs, and why others are not there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gateway.cohorts.cells import ClosedCell, row_of, summed
from gateway.cohorts.draw import epoch_of
from policies.cohorts import CohortDay
from policies.terms import ONE_DAY, Reason, Row

Cells = Mapping[tuple[str, datetime], ClosedCell]
"""By quantity and start."""


@dataclass(frozen=True, slots=True)
class Figures:
    """``cohorts``: those of the epochs that the rows are of, as far as they have what was asked for."""

    rows: Sequence[Row]
    cohorts: Sequence[CohortDay]


class Gathered:
    """``known``: cells; ``missing``: of each epoch and quantity why there is none; ``cohorts``: who is behind them.

    ``lengths``: how long the cells of an epoch are, which need not be what is set now; none where they are not alike.
    """

    def __init__(self, edges: Sequence[tuple[datetime, datetime]], quantities: Collection[str]) -> None:
        self.edges, self.quantities = edges, sorted(quantities)
        self.known: dict[tuple[str, datetime], ClosedCell] = {}
        self.missing: dict[date, Mapping[str, Reason]] = {}
        self.cohorts: dict[str, CohortDay] = {}
        self.lengths: dict[date, timedelta] = {}

    @property
    def epochs(self) -> list[date]:
        """All that an interval shares something with, ascending."""
        days = {
            start.astimezone(UTC).date() + n * ONE_DAY
            for start, end in self.edges
            for n in range((end - start) // ONE_DAY + 2)
            if epoch_of(start.astimezone(UTC).date() + n * ONE_DAY).start < end
        }
        return sorted(days)

    @property
    def size(self) -> int:
        """How many cells there may be to look at."""
        return len(self.quantities) * sum(ONE_DAY // length for length in self.lengths.values())

    def rows(self, node: str) -> tuple[list[Row], set[Reason]]:
        rows: list[Row] = []
        reasons: set[Reason] = set()
        intervals = [(start, end, self._starts(start, end)) for start, end in self.edges]
        for quantity in self.quantities:
            for start, end, starts in intervals:
                parts = [self.known.get((quantity, at)) if whole else None for at, whole in starts]
                told = [part for part in parts if part is not None and part.value is not None]
                total = summed(node, quantity, start, told) if len(told) == len(parts) else None
                if total is not None:
                    rows.append(row_of(total, end))
                    continue
                reasons |= {
                    self.missing[at.astimezone(UTC).date()][quantity]
                    for (at, _), part in zip(starts, parts, strict=True)
                    if part is None or part.value is None
                } or {Reason.COHORT_TOO_SMALL}
        return rows, reasons

    def _starts(self, start: datetime, end: datetime) -> list[tuple[datetime, bool]]:
        """Where cells begin that make up an interval, and whether each lies inside it as a whole."""
        found: list[tuple[datetime, bool]] = []
        at = start
        while at < end:
            epoch = epoch_of(at.astimezone(UTC).date())
            length = self.lengths.get(epoch.start.date())
            next_ = epoch.end if length is None else at + length
            found.append((at, length is not None and not (at - epoch.start) % length and next_ <= end))
            at = next_
        return found
