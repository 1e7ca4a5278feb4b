"""Means over time of values that stand until the next one, at most for the longest silence of a dead band."""

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
        last: the value that stands after ``end``.
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


def joined(earlier: Span, later: Span) -> Span:
    """Both together; ``later`` begins at or after the end of ``earlier``."""
    held = min(later.begin - earlier.end, LONGEST_HOLD)
    return Span(
        earlier.begin,
        later.end,
        later.last,
        earlier.integral + earlier.last * held + later.integral,
        earlier.covered + held + later.covered,
        min(earlier.digit, later.digit),
    )


def amounts(spans: Sequence[Span], edges: Edges) -> list[Amount]:
    """Mantissas are ``FINER`` times as fine as those of the spans, and rounded to ``FINER`` times the finest digit of
    what stands in the interval, whatever stands elsewhere.

    ``spans`` ascending and disjoint; each lies inside one interval or outside of all, but for the value that stands
    after it. Measured where a value stands at each moment; estimated where one stands for a part of an interval of at
    most an hour; else missing, or left out where nothing stands.
    """
    begins = [span.begin for span in spans]
    found = []
    for begin, end in edges:
        integral = covered = digit = 0
        position = max(bisect_right(begins, begin) - 1, 0)
        stop = bisect_left(begins, end)
        for index in range(position, stop):
            span = spans[index]
            inside = span.begin >= begin
            if inside:
                integral, covered = integral + span.integral, covered + span.covered
            follows = spans[index + 1].begin if index + 1 < len(spans) else end
            held = min(follows, span.end + LONGEST_HOLD, end) - max(span.end, begin)
            if held > 0:
                integral, covered = integral + span.last * held, covered + held
            if inside or held > 0:
                digit = min(digit or span.digit, span.digit)
        if not covered:
            continue
        mean = divided(integral * FINER, covered * digit) * digit
        if covered == end - begin:
            found.append(Amount(begin, end, mean, Status.MEASURED, Method.NONE, covered, digit))
        elif end - begin <= HOUR_US:
            found.append(Amount(begin, end, mean, Status.ESTIMATED, Method.HELD, covered, digit))
        else:
            found.append(Amount(begin, end, None, Status.MISSING, Method.NONE, covered))
    return found
