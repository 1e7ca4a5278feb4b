"""Whether a question holds a whole interval at all: days are those of the gateway's zone, shorter ones count in UTC.

Pure. A question that holds none is not answered by nothing: it is told where intervals begin.
"""

from datetime import datetime, timedelta, tzinfo

from meter_driver.instants import stamp
from policies.minimise import interval_of
from policies.terms import AS_RECEIVED, ONE_DAY, ONE_MONTH, ReleaseRequest

_LOCAL = {ONE_DAY: "day", ONE_MONTH: "month"}


def nothing_whole(question: ReleaseRequest, zone: tzinfo) -> str | None:
    """Why no row can be told of such a period, one sentence; None where at least one interval lies in it."""
    step, period = question.resolution, question.period
    if step <= AS_RECEIVED:
        return None
    start, end = first_from(period.start, step, zone)
    if end <= period.end:
        return None
    if (name := _LOCAL.get(step)) is not None:
        return (
            f"no whole {name} of {zone} lies in this period: there a {name} begins at {_written(start, zone)} "
            f"and ends at {_written(end, zone)}"
        )
    minutes = step.total_seconds() / 60
    return (
        f"no whole interval of {minutes:g} minutes lies in this period: they are counted in UTC, the first begins at "
        f"{stamp(start)} and ends at {stamp(end)}; days are those of {zone}"
    )


def first_from(start: datetime, step: timedelta, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first interval of a length that begins at an instant or after it."""
    edge = interval_of(start, step, zone)
    return edge if edge[0] >= start else interval_of(edge[1], step, zone)


def _written(at: datetime, zone: tzinfo) -> str:
    """In the gateway's zone, with its offset: a plus sign needs escaping in a query."""
    return at.astimezone(zone).isoformat()
