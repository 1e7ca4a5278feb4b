"""What a stream in intervals tells of a time that it has passed already. Pure.

A stream tells each interval once, and none that has no number: it may get one as long as something can come late.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from gateway.door.egress import Part
from gateway.door.windows import beside_of, cut
from policies.minimise import interval_of
from policies.terms import Grant, Period, Row
from policies.vault.values import Value

_Interval = tuple[str, str, datetime]


def touched(fresh: Sequence[Value], grant: Grant, done: datetime, zone: tzinfo) -> Iterator[Period]:
    """Windows of whole intervals before ``done`` that may have a number by what came, ascending."""
    beside = beside_of(grant.resolution)
    whole = Period(grant.period.start, done)
    spans: list[Period] = []
    for value in sorted((v for v in fresh if v.at < done), key=lambda v: v.first_at):
        start, _ = interval_of(value.first_at - beside, grant.resolution, zone)
        _, end = interval_of(value.last_at + beside, grant.resolution, zone)
        if spans and start <= spans[-1].end:
            spans[-1] = Period(spans[-1].start, max(end, spans[-1].end))
        else:
            spans.append(Period(start, end))
    for span in spans:
        yield from cut(span.intersect(whole), grant.resolution, zone)


def told(row: Row) -> _Interval:
    """Which interval of which quantity of which meter."""
    return row.quantity, row.meter, row.start


def with_numbers(part: Part, but: Collection[_Interval] = ()) -> Part | None:
    """Without rows that have no number, and without those that were told before; None where nothing is left."""
    rows = [row for row in part.released.rows if row.value is not None and told(row) not in but]
    return replace(part, released=replace(part.released, rows=rows)) if rows else None
