"""Means over time of values that stand until the next one, at most for the longest silence of a dead band.

Of a mean somebody says until when it is one: it stands until then, or until the next begins, and for no longer.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from meter_driver.amounts.amount import HOUR_US, SECOND_US, Amount, Edges, Method, Status, divided

LONGEST_HOLD = 900 * SECOND_US
"""How long a value stands when no other follows."""
FINER = 1000
"""A mean is told in thousandths of the readings' last digit: what is finer nobody measured."""


class Span(NamedTuple):
    """Values that follow each other, or a single one, summed up.

    Attributes:
        begin, end: instants of the first and the last of them.
        last: the value that stands after ``end``; where ``stands`` is not set, up to it.
        integral: of value times microseconds over the time in which one of them stands, before ``end``.
        covered: microseconds of that time.
        digit: the last digit in which they were said, as a mantissa: a power of ten.
    """

    begin: int
    end: int
    last: int
    integral: int
    covered: int
    digit: int = 1
    stands: bool = True


def joined(earlier: Span, later: Span) -> Span:
    """Both together; ``later`` begins at or after the end of ``earlier``."""
    held = min(later.begin - earlier.end, LONGEST_HOLD) if earlier.stands else 0
    return Span(
        earlier.begin,
        later.end,
        later.last,
        earlier.integral + earlier.last * held + later.integral,
        earlier.covered + held + later.covered,
        min(earlier.digit, later.digit),
        later.stands,
    )


def amounts(spans: Sequence[Span], edges: Edges) -> list[Amount]:
    """Mantissas are ``FINER`` times as fine as those of the spans, and rounded to ``FINER`` times the finest digit of
    what stands in the interval, whatever stands elsewhere.

    ``spans`` ascending by their begin; each begins inside one interval or outside of all, and only its last value may
    reach out of it. Measured where a value stands at each moment; estimated where one stands for a part of an interval
    of at most an hour, or is the mean of a time that reaches out of it: nobody said how that is spread; else missing,
    or left out where nothing stands.
    """
    begins = [span.begin for span in spans]
    found = []
    for begin, end in edges:
        integral = covered = digit = 0
        spread = False
        position = max(bisect_right(begins, begin) - 1, 0)
        stop = bisect_left(begins, end)
        for index in range(position, stop):
            span = spans[index]
            follows = spans[index + 1].begin if index + 1 < len(spans) else end
            stood = _stood(span, begin, min(follows, end))
            integral, covered = integral + stood.integral, covered + stood.covered
            if stood.covered or span.begin >= begin:
                digit = min(digit or span.digit, span.digit)
            spread = spread or (not span.stands and stood.covered > 0 and (span.begin < begin or span.end > end))
        if not covered:
            continue
        mean = divided(integral * FINER, covered * digit) * digit
        if covered == end - begin and not spread:
            found.append(Amount(begin, end, mean, Status.MEASURED, Method.NONE, covered, digit))
        elif covered == end - begin or end - begin <= HOUR_US:
            found.append(Amount(begin, end, mean, Status.ESTIMATED, Method.HELD, covered, digit))
        else:
            found.append(Amount(begin, end, None, Status.MISSING, Method.NONE, covered))
    return found


class _Stood(NamedTuple):
    integral: int
    covered: int


def _stood(span: Span, begin: int, until: int) -> _Stood:
    """What of a span stands from ``begin`` to ``until``, which lies behind its begin."""
    last = min(until, span.end + LONGEST_HOLD if span.stands else span.end)
    if span.begin >= begin:
        after = last - span.end  # below 0 where its last value reaches out of the interval
        return _Stood(span.integral + span.last * after, span.covered + after)
    held = max(last - (max(span.end, begin) if span.stands else begin), 0)
    return _Stood(span.last * held, held)
