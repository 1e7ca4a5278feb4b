"""Local time in the words of ESPI (LocalTimeParameters): offset from UTC, and rules by which clocks change. Pure.

A rule is one number (DstRuleType): from the lowest bit on 12 bits of seconds in the hour, 5 of the hour on the clock
before the change, 3 of the weekday (Monday is 1), 5 of the day of the month, 3 of the operator, 4 of the month.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

NO_CHANGE = 0xFFFF_FFFF
"""Clocks do not change."""
_YEARS = 5
"""In which a rule has to hold, so that it is one and no coincidence."""
_DAY = timedelta(days=1)
_ON_DAY, _ON_OR_AFTER, _FIRST, _LAST = 0, 1, 2, 7


@dataclass(frozen=True, slots=True)
class LocalTime:
    """``offset``: of the winter's clock from UTC; ``ahead``: how far the summer's is ahead of it; both in seconds.

    In the south the end lies before the start in a year.
    """

    start_rule: int
    end_rule: int
    ahead: int
    offset: int

    def fields(self) -> dict[str, str]:
        """By the names of the schema, in its order."""
        return {
            "dstEndRule": f"{self.end_rule:08X}",
            "dstOffset": str(self.ahead),
            "dstStartRule": f"{self.start_rule:08X}",
            "tzOffset": str(self.offset),
        }


@dataclass(frozen=True, slots=True)
class _Change:
    """``wall``: what clocks show when it comes, without a zone."""

    wall: datetime
    before: timedelta
    after: timedelta


@lru_cache(maxsize=16)
def local_time(zone: tzinfo, year: int) -> LocalTime | None:
    """Of a zone from a year on; None where clocks change by no rule that this has words for."""
    years = [list(_changes(zone, each)) for each in range(year, year + _YEARS)]
    offset = datetime(year, 1, 1, tzinfo=UTC).astimezone(zone).utcoffset() or timedelta(0)
    if not any(years):
        return LocalTime(NO_CHANGE, NO_CHANGE, 0, _seconds(offset))
    if any(len(changes) != 2 for changes in years):
        return None
    starts = [change for changes in years for change in changes if change.after > change.before]
    ends = [change for changes in years for change in changes if change.after < change.before]
    gaps = {(change.before, change.after) for change in starts} | {(change.after, change.before) for change in ends}
    start_rule, end_rule = _rule(starts), _rule(ends)
    if len(gaps) != 1 or start_rule is None or end_rule is None:
        return None
    winter, summer = gaps.pop()
    return LocalTime(start_rule, end_rule, _seconds(summer - winter), _seconds(winter))


def _changes(zone: tzinfo, year: int) -> Iterator[_Change]:
    """In a year, ascending."""
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    before = _ahead(at, zone)
    while at < end:
        after = _ahead(at + _DAY, zone)
        if before != after:
            wall = _first_second(at, zone, after) + before
            yield _Change(wall.replace(tzinfo=None), before, after)
        at, before = at + _DAY, after


def _first_second(at: datetime, zone: tzinfo, after: timedelta) -> datetime:
    """Within a day of an instant, where clocks begin to show ``after``."""
    first, last = 0, 86_400
    while last - first > 1:
        middle = (first + last) // 2
        if _ahead(at + timedelta(seconds=middle), zone) == after:
            last = middle
        else:
            first = middle
    return at + timedelta(seconds=last)


def _ahead(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _rule(changes: Sequence[_Change]) -> int | None:
    """The rule of changes of several years, one each; None where there is none."""
    walls = [change.wall for change in changes]
    if len({(wall.month, wall.time()) for wall in walls}) != 1:
        return None
    wall = walls[0]
    seconds = wall.minute * 60 + wall.second
    for operator, day, weekday in _candidates(walls):
        return wall.month << 28 | operator << 25 | day << 20 | weekday << 17 | wall.hour << 12 | seconds
    return None


def _candidates(walls: Sequence[datetime]) -> Iterator[tuple[int, int, int]]:
    """Operator, day of the month, weekday: those that fit all years."""
    days, weekdays = [wall.day for wall in walls], {wall.isoweekday() for wall in walls}
    if len(weekdays) == 1:
        weekday = weekdays.pop()
        if all((wall + 7 * _DAY).month != wall.month for wall in walls):
            yield _LAST, 0, weekday
        if len(nth := {(day - 1) // 7 for day in days}) == 1:
            yield _FIRST + nth.pop(), 0, weekday
        if max(days) - min(days) < 7:
            yield _ON_OR_AFTER, min(days), weekday
    if len(set(days)) == 1:
        yield _ON_DAY, days[0], 0


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
