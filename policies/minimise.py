"""From stored values to what a grant lets out: only its quantities, its period, its detail, under its name.

Pure. Rows never say more than the grant: an interval that reaches over the period's edge is left out.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby

from meter_driver.intervals import day_edges, intervals
from policies.terms import AS_RECEIVED, ONE_DAY, Grant, Period, Row
from policies.vault.values import Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Edges = list[tuple[datetime, datetime]]


def minimise(values: Iterable[Value], grant: Grant, subject: str, zone: tzinfo = UTC) -> list[Row]:
    """Rows of one household, by quantity, then instant.

    ``values`` are of the class that serves the grant's resolution; for intervals they should reach one interval
    beyond the period on both sides, since registers are read at its edges. ``subject`` is the name under which the
    recipient knows the household. ``zone``: where days begin.
    """
    wanted = sorted((v for v in values if v.quantity in grant.quantities), key=lambda v: (v.quantity, v.at))
    edges = edges_of(grant.period, grant.resolution, zone) if grant.resolution else []
    rows: list[Row] = []
    for quantity, group in groupby(wanted, key=lambda v: v.quantity):
        series = list(group)
        if grant.resolution == AS_RECEIVED:
            inside = (v for v in series if grant.period.contains(v.at))
            rows += [Row(subject, quantity, v.at, v.at, v.last, v.unit, v.status) for v in inside]
            continue
        unit = series[-1].unit
        for each in intervals(quantity, series, edges):
            rows.append(Row(subject, quantity, each.start, each.end, each.value, unit, each.status))
    return rows


def edges_of(period: Period, resolution: timedelta, zone: tzinfo) -> Edges:
    """The whole intervals inside a period. Days are local (23 to 25 hours), shorter ones are counted in UTC."""
    edges: Edges = []
    if resolution == ONE_DAY:
        day = period.start.astimezone(zone).date()
        while (edge := day_edges(day, zone))[1] <= period.end:
            if edge[0] >= period.start:
                edges.append(edge)
            day += ONE_DAY
        return edges
    start = floor(period.start, resolution)
    start += resolution if start < period.start else timedelta(0)
    while start + resolution <= period.end:
        edges.append((start, start + resolution))
        start += resolution
    return edges


def floor(instant: datetime, step: timedelta) -> datetime:
    """The begin of the interval of length ``step`` that holds an instant; intervals are counted from 1970 in UTC."""
    return instant - (instant - EPOCH) % step
