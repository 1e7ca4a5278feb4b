"""Differences of a register's stands: the value of an interval is a difference inside a run, or across runs that follow
on each other because both stands of the exchange were written down.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from meter_driver.amounts.amount import HOUR_US, Amount, Edges, Method, Status
from meter_driver.amounts.runs import Run

LONGEST_DAY = 25 * HOUR_US
_SHORTEST_DAY = 23 * HOUR_US


def widest_of(length: int) -> int:
    """How far two stands may be apart, in microseconds, for what lies between them to be told of an interval so long:
    as far as it is long; of a local day as far as the longest, so that a meter which is read once a day has a number
    also on and beside the days on which the clocks change.
    """
    return LONGEST_DAY if _SHORTEST_DAY <= length < LONGEST_DAY else length


def amounts(runs: Sequence[Run], edges: Edges, widest: int = 0) -> list[Amount]:
    """Of each interval that the runs enclose, or touch (then it is missing); the others are left out.

    ``widest``: see ``widest_of``, of shorter intervals too.
    """
    if not runs:
        return []
    begins, ends = [run.ats[0] for run in runs], [run.ats[-1] for run in runs]
    found = []
    for begin, end in edges:
        first = bisect_right(begins, begin) - 1
        last = bisect_left(ends, end)
        if first >= 0 and last < len(runs) and first <= last and ends[first] >= begin and begins[last] <= end:
            amount = _across(runs, first, last, begin, end, max(widest, widest_of(end - begin)))
        else:
            amount = None
        if amount is None:
            amount = _touched(runs[max(first, 0) : last + 1], begin, end)
        if amount is not None:
            found.append(amount)
    return found


def _across(runs: Sequence[Run], first: int, last: int, begin: int, end: int, widest: int) -> Amount | None:
    following = runs[first + 1 : last + 1]
    if following and not all(run.follows for run in following):
        return None
    low, low_read = runs[first].stand(begin, widest)
    high, high_read = runs[last].stand(end, widest)
    if low is None or high is None:
        return None
    total = high - low
    for before, after in pairwise(runs[first : last + 1]) if following else ():
        total += before.values[-1] - after.values[0]
    if low_read and high_read:
        return Amount(begin, end, total, Status.MEASURED, Method.NONE, end - begin)
    return Amount(begin, end, total, Status.ESTIMATED, Method.INTERPOLATED, end - begin)


def _touched(runs: Sequence[Run], begin: int, end: int) -> Amount | None:
    """What readings touch and do not enclose is missing."""
    if not any(run.ats[0] < end and run.ats[-1] > begin for run in runs):
        return None
    return Amount(begin, end, None, Status.MISSING, Method.NONE, _covered(runs, begin, end))


def _covered(runs: Sequence[Run], begin: int, end: int) -> int:
    """Between readings that are no further apart than the interval is long: of more they do not speak."""
    covered = 0
    for run in runs:
        first, last = max(bisect_right(run.ats, begin) - 1, 0), bisect_left(run.ats, end) + 1
        for low, high in pairwise(run.ats[first:last]):
            if high - low <= widest_of(end - begin):
                covered += min(high, end) - max(low, begin)
    return covered
