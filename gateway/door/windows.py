"""In which windows an answer in intervals is worked out, and from which class each is read. Pure.

Days and months are worked out from quarters where those are held, so that a day is the sum of its quarters and a month
that of its days; but none whose own class is past.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from meter_driver.intervals import day_edges
from policies.minimise import beside_of, floor, local_edges
from policies.terms import ONE_DAY, ONE_MONTH, DetailClass, Grant, Period, class_of

WINDOW = 8 * ONE_DAY
"""Intervals of one household that are in clear at a time; a month is so at once."""
_LEAST = ONE_DAY + timedelta(hours=1)
"""Beside a day that is worked out from quarters, of how long they are held at least."""


class WindowSource(NamedTuple):
    """A class, what is read of it for a window, and of which part of the window it decides."""

    detail: DetailClass
    reach: Period
    part: Period


class Window(NamedTuple):
    """Whole intervals of it are worked out at once. ``sources`` follow each other."""

    period: Period
    sources: Sequence[WindowSource]


def windows(grant: Grant, zone: tzinfo, held: Callable[[DetailClass], datetime]) -> Iterator[Window]:
    """``held``: from when on a class can be opened."""
    detail, whole, beside = class_of(grant.resolution), grant.period, beside_of(grant.resolution)
    if detail is not DetailClass.DAY:
        for window in cut(whole, grant.resolution, zone):
            yield Window(window, [WindowSource(detail, _reach(window, window, beside), window)])
        return
    start = max(whole.start, held(detail))
    oldest = held(DetailClass.QUARTER)
    seam = max(start, local_midnight(oldest + _LEAST, zone))
    periods = [Period(start, min(seam, whole.end)), Period(seam, whole.end)]
    if grant.resolution == ONE_MONTH:
        periods = [Period(start, whole.end)]
    for period in periods:
        for window in cut(period, grant.resolution, zone):
            parts = (
                (detail, Period(window.start, min(window.end, seam))),
                (DetailClass.QUARTER, Period(max(window.start, seam), window.end)),
            )
            yield Window(window, [_source(of, part, window, beside, oldest) for of, part in parts if not part.empty])


def _source(detail: DetailClass, part: Period, window: Period, beside: timedelta, oldest: datetime) -> WindowSource:
    """``oldest``: from when on quarters are held."""
    reach = _reach(part, window, beside)
    if detail is DetailClass.QUARTER:
        reach = Period(max(oldest, reach.start), reach.end)
    return WindowSource(detail, reach, part)


def local_midnight(at: datetime, zone: tzinfo) -> datetime:
    """The first begin of a local day at or after an instant."""
    begin, end = day_edges(at.astimezone(zone).date(), zone)
    return begin if begin == at else end


def _reach(part: Period, window: Period, beside: timedelta) -> Period:
    """Beyond the window, and not into the part of another class."""
    start = part.start - beside if part.start == window.start else part.start
    end = part.end + beside if part.end == window.end else part.end
    return Period(start, end)


def cut(period: Period, resolution: timedelta, zone: tzinfo) -> Iterator[Period]:
    """A period in pieces of at most ``WINDOW``, or of a month, cut where no interval is cut."""
    start = period.start
    while start < period.end:
        if resolution == ONE_MONTH:
            end = local_edges(start, resolution, zone)[1]
        elif resolution == ONE_DAY:
            end = day_edges(start.astimezone(zone).date() + WINDOW, zone)[0]
        else:
            end = floor(start, ONE_DAY) + WINDOW
        end = min(end, period.end)
        yield Period(start, end)
        start = end
