"""Partials: the readings of one quantity of one meter inside one interval, summed up so that they can be merged.

What is summed depends on the kind of the quantity. Registers need their outermost stands only. Of load-profile entries
it is the sum and the time that they cover, of instantaneous values the integral over the time in which one of them
stands. Two partials of one interval merge in any order unless readings of both may be the same (they *overlap*): then
the interval has to be computed again from the readings themselves.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import mul
from typing import NamedTuple

from meter_driver.amounts.means import LONGEST_HOLD
from meter_driver.quantities import MEANS, Kind
from meter_driver.units import base, factor, power_of_ten

_SUMMED = frozenset({Kind.INTERVAL}) | MEANS
INTEGRAL_EXPONENT = -6
"""An integral is held in value times microseconds, and told in value times seconds."""
_TOO_MUCH = 1_000_000
"""By how much entries that overlap cover more than their span at least: a second, for axes are shorter in seconds."""


class Partial(NamedTuple):
    """Integers all: instants in microseconds since 1970 UTC, mantissas in one power of ten that the caller knows.

    Attributes:
        first_at, last_at: begin of the earliest and end of the latest reading.
        total: sum of entries; integral of instantaneous values; 0 for registers.
        covered: microseconds that ``total`` speaks for; of entries of which two speak of one time always more than
            ``last_at - first_at``, whatever else is missing between them.
        readings: how many; below 0 where the last of them says until when it is the mean, so that it stands no longer.
    """

    first_at: int
    first: int
    last_at: int
    last: int
    total: int
    covered: int
    readings: int


def total_exponent(kind: Kind, exponent: int) -> int:
    """Power of ten of ``total`` where values have ``exponent``."""
    return exponent + INTEGRAL_EXPONENT if kind in MEANS else exponent


def summed(kind: Kind) -> bool:
    """Whether partials of this kind have a total."""
    return kind in _SUMMED


class Mantissas(NamedTuple):
    """Values as integers in one power of ten."""

    exponent: int
    values: Sequence[int]


def in_base(unit: str | None, exponent: int, values: Sequence[int]) -> Mantissas:
    """The same values in the unit ``base(unit)``, exactly."""
    power, whole = _in_base(unit)
    return Mantissas(exponent + power, values if whole == 1 else [value * whole for value in values])


@lru_cache(maxsize=256)
def _in_base(unit: str | None) -> tuple[int, int]:
    """The factor as a power of ten and a whole number."""
    ratio = factor(unit, base(unit)) or Fraction(1)
    power = power_of_ten(ratio)
    whole = ratio / Fraction(10) ** power
    return power, int(whole)


class Cover(NamedTuple):
    """What depends on instants alone: the readings by row, the outermost, and the time that is spoken for.

    ``held``: how long each value stands that is a mean or of an instant; of an instant
    the last one's time is not known.
    """

    order: Sequence[int]
    first_at: int
    last_at: int
    covered: int
    held: Sequence[int] = ()
    readings: int = 1


def begins(kind: Kind, starts: Sequence[int], ats: Sequence[int]) -> Sequence[int]:
    """Where readings belong: entries and means to their begin, stands to their instant, whatever a sender says."""
    return starts if summed(kind) else ats


def counts(kind: Kind, start: int, at: int) -> bool:
    """Whether a reading has a part in an interval's value: not one of an interval of which nobody said which it is."""
    return kind not in (Kind.INTERVAL, Kind.MEAN) or start < at


def cover(kind: Kind, rows: Sequence[int], starts: Sequence[int], ats: Sequence[int]) -> Cover:
    """Of the readings ``rows`` of one interval, in any order; no instant (for entries: no begin) twice."""
    if kind in MEANS:
        return _held(rows, starts, ats)
    firsts = begins(kind, starts, ats)
    order = sorted(rows, key=firsts.__getitem__)
    covered = 0
    if kind is Kind.INTERVAL:
        covered = sum(ats[row] - starts[row] for row in order)
        reached = accumulate((ats[row] for row in order), max)
        if any(end > starts[row] for end, row in zip(reached, order[1:], strict=False)):
            covered = max(covered, max(ats[row] for row in order) - starts[order[0]] + _TOO_MUCH)
    return Cover(order, firsts[order[0]], max(ats[row] for row in order), covered, (), len(order))


def _held(rows: Sequence[int], starts: Sequence[int], ats: Sequence[int]) -> Cover:
    """Each stands until the next one, at most for the longest hold, or until the end that it says."""
    order = sorted(rows, key=ats.__getitem__)
    order.sort(key=starts.__getitem__)
    last = order[-1]
    closed = starts[last] < ats[last]
    held = [min(starts[b] - starts[a], ats[a] - starts[a] or LONGEST_HOLD) for a, b in pairwise(order)]
    if closed:
        held.append(ats[last] - starts[last])
    return Cover(order, starts[order[0]], ats[last], sum(held), held, -len(order) if closed else len(order))


def total(kind: Kind, of: Cover, values: Sequence[int]) -> int:
    """``Partial.total`` of the same readings."""
    if kind in MEANS:
        return sum(map(mul, map(values.__getitem__, of.order), of.held))
    return sum(map(values.__getitem__, of.order)) if kind is Kind.INTERVAL else 0


def believed(of: Cover, starts: Sequence[int], ats: Sequence[int], values: Sequence[int]) -> tuple[int, int]:
    """``Partial.total`` and ``covered`` of entries that cannot be below nothing: those that are speak for no time.

    Afterwards they could not be told from the others. What is too much shows in the sum.
    """
    covered = of.covered
    if covered <= of.last_at - of.first_at:
        covered -= sum(ats[row] - starts[row] for row in of.order if values[row] < 0)
    return sum(values[row] for row in of.order if values[row] >= 0), covered


def merged(kind: Kind, earlier: Partial, later: Partial) -> Partial | None:
    """Both together; ``later`` came later, so of one instant, or of the same entries, it is the one that counts.

    None where they overlap: a reading may be in both.
    """
    if not summed(kind):
        return _outermost(earlier, later)
    if (earlier.first_at, earlier.last_at, earlier.readings) == (later.first_at, later.last_at, later.readings):
        return later if _same_times(kind, earlier, later) else None
    one, two = (earlier, later) if earlier.first_at <= later.first_at else (later, earlier)
    if kind is Kind.INTERVAL:
        if one.last_at > two.first_at:
            return None
        return _added(one, two, one.total + two.total, one.covered + two.covered)
    closed = one.readings < 0
    if one.last_at > two.first_at or (one.last_at == two.first_at and not closed):
        return None
    held = 0 if closed else min(two.first_at - one.last_at, LONGEST_HOLD)
    return _added(one, two, one.total + one.last * held + two.total, one.covered + held + two.covered)


def _same_times(kind: Kind, one: Partial, two: Partial) -> bool:
    """Whether two with the same ends and as many readings must be of the same times, so that one replaces the other."""
    if kind is Kind.INTERVAL:
        return one.readings == 1 or one.covered == two.covered == one.last_at - one.first_at
    return one.readings <= 2 if one.readings > 0 else one.readings == -1


def overlapping(one: Partial) -> bool:
    """Whether two of its entries speak of one time; what is no entry never covers more than its span."""
    return one.covered > one.last_at - one.first_at


def noted_overlap(one: Partial) -> Partial:
    """Entries of which two speak of one time, perhaps where ``covered`` alone does not show it."""
    return one._replace(covered=max(one.covered, one.last_at - one.first_at + _TOO_MUCH))


def settled(kind: Kind, earlier: Partial, later: Partial) -> Partial:
    """What counts when two overlap and their readings are gone: the one that speaks for more, or came later."""
    both = merged(kind, earlier, later)
    if both is not None:
        return both
    more = (earlier.covered, abs(earlier.readings)) > (later.covered, abs(later.readings))
    return earlier if more else later


def _outermost(earlier: Partial, later: Partial) -> Partial:
    begin = earlier if earlier.first_at < later.first_at else later
    end = earlier if earlier.last_at > later.last_at else later
    same = (earlier.first_at, earlier.last_at, earlier.readings) == (later.first_at, later.last_at, later.readings)
    readings = later.readings if same else earlier.readings + later.readings
    return Partial(begin.first_at, begin.first, end.last_at, end.last, 0, 0, readings)


def _added(one: Partial, two: Partial, total_: int, covered: int) -> Partial:
    readings = counted(abs(one.readings) + abs(two.readings), two)
    both = Partial(one.first_at, one.first, two.last_at, two.last, total_, covered, readings)
    return noted_overlap(both) if overlapping(one) or overlapping(two) else both


def counted(readings: int, last: Partial) -> int:
    """So many, of which the last are those of ``last``."""
    return -readings if last.readings < 0 else readings
