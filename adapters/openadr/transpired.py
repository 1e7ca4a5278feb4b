"""When a 3.1 event has transpired, whatever its payloads say. Pure.

OpenADR 3.1, Definition: intervals follow one another from the start of the event's ``intervalPeriod``, unless one has a
start of its own; ``duration`` of the event, where it is given, is how long its intervals are repeated or cut.
"""

from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from adapters.openadr.durations import FOREVER, NOW, read_span, read_stamp
from adapters.openadr.model import Event
from adapters.openadr.objects import Interval, IntervalPeriod

_NOTHING = IntervalPeriod()


def over(event: Event) -> datetime | None:
    """The instant, UTC, from which nothing of it is to come; None where it has no end, or does not say one."""
    content = event.content
    period = _NOTHING if content.interval_period is UNSET else content.interval_period
    try:
        begin = _instant(period.start, event)
        tolerance = timedelta(0) if period.randomize_start is UNSET else abs(read_span(period.randomize_start))
        end = _behind(begin, content.intervals or [], period, event)
        if content.duration is not UNSET:
            span = _span(content.duration)
            end = None if begin is None or span is None else begin + span
        return None if end is None else end + tolerance
    except (ValueError, OverflowError):
        return None


def _behind(begin: datetime | None, intervals: list[Interval], period: IntervalPeriod, event: Event) -> datetime | None:
    """The latest end of the intervals; None when one of them has none."""
    at, latest = begin, None
    for interval in intervals:
        own = _NOTHING if interval.interval_period is UNSET else interval.interval_period
        if own.start is not UNSET:
            at = _instant(own.start, event)
        span = _span(own.duration if own.duration is not UNSET else period.duration)
        if at is None or span is None:
            return None
        at += span
        latest = at if latest is None else max(latest, at)
    return latest


def _instant(text: str | UnsetType, event: Event) -> datetime | None:
    if text is UNSET:
        return None
    return event.created if text.startswith(NOW) else read_stamp(text)


def _span(text: str | UnsetType) -> timedelta | None:
    return None if text is UNSET or text == FOREVER else read_span(text)
