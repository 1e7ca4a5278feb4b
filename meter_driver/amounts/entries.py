"""Sums of load-profile entries: each is the amount of an interval of its own."""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from meter_driver.amounts.amount import HOUR_US, Amount, Edges, Method, Status


class Entry(NamedTuple):
    """Entries that follow each other, or a single one, summed up.

    Attributes:
        begin, end: of the first and the last of them.
        covered: microseconds that they cover; less than ``end - begin`` where one is missing between them, more where
            two of them overlap, whatever is missing, 0 where nobody said what they cover: then they are no amount of
            any interval. 0 with a ``value`` of 0 where none of them is believed: then their time is missing.
    """

    begin: int
    end: int
    value: int
    covered: int


def believed(value: int, covered: int, most: int | Fraction | None, *, signed: bool, digit: int = 1) -> bool:
    """Whether entries can be so much in the time that they cover; as with stands, a last ``digit`` more is rounding.

    ``most``: mantissas an hour that a connection can carry; None: no bound is known. ``signed``: may be below nothing.
    """
    if value < 0 and not signed:
        return False
    return most is None or abs(value) <= most * covered // HOUR_US + digit


def amounts(entries: Sequence[Entry], edges: Edges) -> list[Amount]:
    """Exact sums where entries cover all of an interval; missing where they cover a part; else left out.

    ``entries`` ascending. One that reaches over an edge belongs to neither side; where two speak of the same time
    nobody can tell which is right, and there is no number.
    """
    entries = [entry for entry in entries if entry.covered or (not entry.value and entry.begin < entry.end)]
    begins = [entry.begin for entry in entries]
    reach = list(accumulate((entry.end for entry in entries), max))
    found = []
    for begin, end in edges:
        value = covered = touched = 0
        reached, twice = begin, False
        position = bisect_left(begins, begin)
        if position and reach[position - 1] > begin:
            touched, reached = 1, reach[position - 1]
        while position < len(entries) and entries[position].begin < end:
            entry = entries[position]
            touched = 1
            twice = twice or entry.begin < reached or entry.covered > entry.end - entry.begin
            reached = max(reached, entry.end)
            if entry.end <= end:
                value, covered = value + entry.value, covered + entry.covered
            position += 1
        if covered == end - begin and not twice:
            found.append(Amount(begin, end, value, Status.MEASURED, Method.NONE, covered))
        elif touched:
            found.append(Amount(begin, end, None, Status.MISSING, Method.NONE, 0 if twice else covered))
    return found
