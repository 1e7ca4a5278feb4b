"""From readings to intervals: partials that can be merged, and the values of intervals that follow from them.

A *partial* sums up the readings of one quantity inside one interval: the earliest, the latest, their sum and number.
Partials of the same interval merge in any order; registers, instantaneous values and interval energies (OBIS value
group D of IEC 62056-6-1: 8, 7 and 29) all follow from them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from typing import NamedTuple, Protocol

QUARTER = timedelta(minutes=15)
QUARTER_US = 900_000_000
DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Partial(NamedTuple):
    """Integers all: instants in microseconds since 1970 UTC, values in one power of ten that the caller knows."""

    first_at: int
    first: int
    last_at: int
    last: int
    total: int
    readings: int


def merge(earlier: Partial, later: Partial) -> Partial:
    """Both together. ``later`` came later: at the same instant its reading counts (a correction).

    Associative and commutative as long as no instant is in both. The same single reading again replaces itself; a
    reading that is repeated inside a larger partial is counted twice, so a repeated batch must be stopped before.
    """
    if earlier.readings == later.readings == 1 and earlier.first_at == later.first_at:
        return later
    begin = earlier if earlier.first_at < later.first_at else later
    end = earlier if earlier.last_at > later.last_at else later
    return Partial(
        begin.first_at,
        begin.first,
        end.last_at,
        end.last,
        earlier.total + later.total,
        earlier.readings + later.readings,
    )


class Bucket(NamedTuple):
    """Readings of one interval among others.

    Attributes:
        begin: of the interval, microseconds.
        rows: which readings; a slice where they are neighbours.
        first, last: the rows of the earliest begin and the latest end.
        size: how many.
    """

    begin: int
    rows: slice | Sequence[int]
    first: int
    last: int
    size: int


def buckets(starts: Sequence[int], ends: Sequence[int], begin_of: Callable[[int], int]) -> list[Bucket]:
    """Readings by the interval in which they start, ascending.

    ``starts`` and ``ends`` are the same for registers and instantaneous values; a reading at the edge of two
    intervals belongs to the later one.
    """
    found: dict[int, list[int]] = {}
    for row, start in enumerate(starts):
        begin = begin_of(start)
        if begin in found:
            found[begin].append(row)
        else:
            found[begin] = [row]
    result = []
    for begin in sorted(found):
        rows = found[begin]
        first = min(rows, key=starts.__getitem__)
        last = max(reversed(rows), key=ends.__getitem__)
        neighbours = rows[-1] - rows[0] + 1 == len(rows)
        result.append(Bucket(begin, slice(rows[0], rows[-1] + 1) if neighbours else rows, first, last, len(rows)))
    return result


def quarter_begin(at: int) -> int:
    """Begin of the quarter of an hour; every zone in use is off UTC by whole quarters."""
    return at - at % QUARTER_US


def micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC of an aware instant."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(us: int) -> datetime:
    """The reverse, UTC."""
    return _EPOCH + timedelta(microseconds=us)


_MICROSECOND = timedelta(microseconds=1)


class DayFinder:
    """Local days as [begin, end) in microseconds: 23, 24 or 25 hours. Remembers the one asked last."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._begin = self._end = 0

    def begin(self, at: int) -> int:
        """Begin of the local day that an instant lies in."""
        if not self._begin <= at < self._end:
            day = instant(at).astimezone(self._zone).date()
            self._begin, self._end = (micros(edge) for edge in day_edges(day, self._zone))
        return self._begin


def day_edges(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Begin and end of a local day, UTC."""
    begin = datetime.combine(day, time(), zone).astimezone(UTC)
    return begin, datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


class Measure(Enum):
    """How the values of a quantity make the value of an interval."""

    REGISTER = "register"
    """It only grows; the interval's value is a difference."""
    INSTANT = "instantaneous"
    """The interval's value is a mean."""
    INTERVAL = "interval"
    """Each reading already is the amount of its own interval; the interval's value is their sum."""


_BY_D = {"8": Measure.REGISTER, "9": Measure.REGISTER, "29": Measure.INTERVAL}
_AMOUNTS = ("energy", "volume", "mass", "units for HCA")


def measure_of(quantity: str) -> Measure:
    """By OBIS value group D, or by the name of an EN 13757-3 quantity; what is unknown is instantaneous."""
    if ":" in quantity:
        groups = quantity.partition(":")[2].split(".")
        return _BY_D.get(groups[1], Measure.INSTANT) if len(groups) > 1 else Measure.INSTANT
    return Measure.REGISTER if quantity.startswith(_AMOUNTS) else Measure.INSTANT


class Summed(Protocol):
    """A partial in the words of the vault: instants aware, values in their unit. ``at`` is the interval's begin."""

    @property
    def at(self) -> datetime: ...
    @property
    def first_at(self) -> datetime: ...
    @property
    def first(self) -> Decimal: ...
    @property
    def last_at(self) -> datetime: ...
    @property
    def last(self) -> Decimal: ...
    @property
    def total(self) -> Decimal: ...
    @property
    def count(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Interval:
    """The value of [start, end). ``status``: measured, or estimated where an edge had to be interpolated."""

    start: datetime
    end: datetime
    value: Decimal
    status: str


def intervals(quantity: str, partials: Iterable[Summed], edges: Sequence[tuple[datetime, datetime]]) -> list[Interval]:
    """The values of the intervals ``edges``, ascending and disjoint; those that cannot be told are left out.

    ``partials`` ascending by ``at``; each lies in one of the intervals or outside of all. For registers the one after
    the last interval is needed too, or the last interval goes only as far as its readings.
    """
    known = list(partials)
    match measure_of(quantity):
        case Measure.REGISTER:
            return _differences(known, edges)
        case Measure.INSTANT:
            return [
                Interval(start, end, sum((p.total for p in some), Decimal(0)) / sum(p.count for p in some), "measured")
                for start, end, some in _inside(known, edges)
            ]
        case Measure.INTERVAL:
            return [
                Interval(start, end, sum((p.total for p in some), Decimal(0)), "measured")
                for start, end, some in _inside(known, edges)
            ]


def advance(before: Decimal, after: Decimal) -> Decimal | None:
    """How far a register went. A roll-over at a power of ten is undone; None: it fell, so the meter was exchanged.

    A roll-over is believed when the register stood in the last tenth of its range and stands in the first tenth.
    """
    if after >= before:
        return after - before
    span = Decimal(10) ** max(before.adjusted() + 1, 1)
    if before >= span * 9 / 10 and after < span / 10:
        return after + span - before
    return None


def _inside(
    partials: Sequence[Summed], edges: Sequence[tuple[datetime, datetime]]
) -> Iterable[tuple[datetime, datetime, list[Summed]]]:
    position = 0
    for start, end in edges:
        while position < len(partials) and partials[position].at < start:
            position += 1
        some = []
        while position < len(partials) and partials[position].at < end:
            some.append(partials[position])
            position += 1
        if some:
            yield start, end, some


def _differences(partials: Sequence[Summed], edges: Sequence[tuple[datetime, datetime]]) -> list[Interval]:
    points = sorted({(p.first_at, p.first) for p in partials} | {(p.last_at, p.last) for p in partials})
    runs = _unrolled(points)
    begins = [run.ats[0] for run in runs]
    found = []
    for start, end in edges:
        position = bisect_right(begins, start) - 1
        if position < 0:
            continue
        begin_value, begin_exact = runs[position].stand(start)
        end_value, end_exact = runs[position].stand(end)
        if begin_value is not None and end_value is not None:
            status = "measured" if begin_exact and end_exact else "estimated"
            found.append(Interval(start, end, end_value - begin_value, status))
    return found


class _Run(NamedTuple):
    """One meter's register, which never falls; ascending."""

    ats: list[datetime]
    values: list[Decimal]

    def stand(self, at: datetime) -> tuple[Decimal | None, bool]:
        """Where it stood: read at that instant, or on the straight line between its neighbours; None outside."""
        right = bisect_left(self.ats, at)
        if right == len(self.ats):
            return None, False
        if self.ats[right] == at:
            return self.values[right], True
        if right == 0:
            return None, False
        before, low, high = self.ats[right - 1], self.values[right - 1], self.values[right]
        share = Decimal((at - before) // _MICROSECOND) / Decimal((self.ats[right] - before) // _MICROSECOND)
        return (low + (high - low) * share).quantize(low), False


def _unrolled(points: Sequence[tuple[datetime, Decimal]]) -> list[_Run]:
    """Runs of one meter each, in which the register never falls."""
    runs: list[_Run] = []
    before: Decimal | None = None
    for at, after in points:
        went = None if before is None else advance(before, after)
        if went is None:
            runs.append(_Run([at], [after]))
        else:
            runs[-1].ats.append(at)
            runs[-1].values.append(runs[-1].values[-1] + went)
        before = after
    return runs
