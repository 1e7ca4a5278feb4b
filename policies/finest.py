"""What is known, in its own length, of a time in which no interval of an answer has a number. Pure.

In all that a household takes along each value is told once, and in the finest form in which there is one. Of a register
that is read more seldom than intervals are long, or was silent for a while, that is from one reading to the next; an
amount of a day or a month is told beside the intervals (``policies.held``), and nothing is missing where it speaks.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from meter_driver.amounts import Method, Status
from meter_driver.quantities import MEANS, REGISTERS, Kind, parse
from policies.held import own_time
from policies.terms import Grant, Row
from policies.vault.values import Value

AROUND = timedelta(days=7)
"""What is read beside a window, so that a register that is read once a day is seen to go on, or to come back."""
_AHEAD = 8
"""Readings behind a window that may tell what it ends with, where one of them is garbled."""
_Edge = tuple[datetime, datetime]
_Tell = Callable[[Sequence[Value], Sequence[_Edge]], list[Row]]
"""Rows of any intervals by some values, one of a meter's quantity."""


@dataclass(slots=True)
class _Known:
    """Of one quantity of one meter. ``spans``: disjoint times that have a value of their own; ``window``: begin of the
    one before; ``since``: from when on nothing is told yet; ``near``: the values around it.
    """

    spans: list[_Edge] = field(default_factory=list)
    window: datetime | None = None
    since: datetime | None = None
    near: Sequence[Value] = ()


class Finest:
    """What is known on the way through the windows of all that is told of a household, which ascend; they may become
    finer on the way.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Known] = {}

    def told(self, rows: Sequence[Row], values: Sequence[Value], window: Grant, about: Row, tell: _Tell) -> list[Row]:
        """Rows of one quantity of one meter with what is known between them, and nothing missing there.

        ``rows`` with those that are missing; both ascend. ``about``: which quantity, of which meter. What a window ends
        with may be told beyond it, to the next reading.
        """
        quantity = parse(about.quantity)
        kind = quantity.kind if quantity is not None and quantity.present else None
        if kind is not Kind.INTERVAL and kind not in MEANS and kind not in REGISTERS:
            return [*rows]
        known = self._known.setdefault((about.quantity, about.meter), _Known())
        known.spans = [span for span in known.spans if known.window is None or span[1] > known.window]
        known.window = window.period.start
        found: list[Row] = []
        if kind in REGISTERS:
            since = known.since or window.period.start
            found = self._between(known, rows, values, window, tell)
            rows = [row for row in rows if row.value is None or row.start >= since]
            spans: Iterable[_Edge] = ((row.start, row.end) for row in found)
        else:
            told = {(row.start, row.end) for row in rows}
            spans = (span for value in values if (span := own_time(value)) is not None and span not in told)
        known.spans = _disjoint([*known.spans, *spans])
        return sorted([*self.rest(rows), *found], key=lambda row: row.start)

    def rest(self, rows: Iterable[Row]) -> Iterator[Row]:
        """``rows`` without those, or the parts of those, that tell less than what has a value of its own."""
        for row in rows:
            known = self._known.get((row.quantity, row.meter))
            if known is None or (row.value is not None and row.method != Method.HELD):
                yield row
                continue
            left = [*_rest((row.start, row.end), known.spans)]
            if left == [(row.start, row.end)]:
                yield row
                continue
            for start, end in left:
                yield replace(row, start=start, end=end, value=None, status=Status.MISSING.value,
                              completeness=row.completeness * 0, method="")  # fmt: skip

    # -- registers

    def _between(
        self, known: _Known, rows: Sequence[Row], values: Sequence[Value], window: Grant, tell: _Tell
    ) -> list[Row]:
        """Of each time between two readings, and rows, that none of the rows tells. A row that begins before ``since``
        is told in part already.
        """
        some, end = _ascending([*known.near, *values]), window.period.end
        begin = known.since or window.period.start
        with_value = [(row.start, row.end) for row in rows if row.value is not None and row.end > begin]
        valued = [edge for edge in with_value if edge[0] >= begin]
        ats = {at for value in some for at in (value.first_at, value.last_at)}
        read = sorted(at for at in ats if at >= begin and not _inside(at, valued))
        inside = bisect_right(read, end)
        marks = {*read[:inside], *(at for edge in with_value for at in edge if at >= begin)}
        marks |= {begin} if known.since else set()
        if not marks or begin >= end:
            return []
        if not valued or valued[-1][1] < end:
            marks |= {*read[inside : inside + _AHEAD]}
        groups = _groups([*_stretches(sorted(marks), set(valued), window.resolution)], some, tell)
        mine = [group for group in groups if group.begin < end]
        known.since = max([at for at in marks if at <= end] + [group.end for group in mine])
        known.near = [v for v in some if abs(v.last_at - known.since) <= AROUND]
        return [row for group in mine for row in group.rows]


def _stretches(marks: Sequence[datetime], valued: Set[_Edge], step: timedelta) -> Iterator[list[_Edge]]:
    """Times that are not told and follow each other: silences, and between them what is shorter than a step."""
    some: list[_Edge] = []
    for edge in pairwise(marks):
        if edge in valued:
            if some:
                yield some
            some = []
        elif some and all(end - start <= step for start, end in (some[-1], edge)):
            some[-1] = some[-1][0], edge[1]
        else:
            some.append(edge)
    if some:
        yield some


class _Group(NamedTuple):
    """Times that follow each other, and what is known of them."""

    begin: datetime
    end: datetime
    rows: Sequence[Row]


def _groups(stretches: Sequence[Sequence[_Edge]], values: Sequence[Value], tell: _Tell) -> list[_Group]:
    """What is not known of a piece may be of it and the next ones together: between them, something was garbled, or
    nothing was read where it begins.
    """
    alone = _told(tell(values, [edge for some in stretches for edge in some]))
    groups = [group for some in stretches for group in _grouped(some, alone)]
    whole = _told(tell(values, [(group[0][0], group[-1][1]) for group in groups if len(group) > 1]))
    found = []
    for group in groups:
        begin, end = group[0][0], group[-1][1]
        row = whole.get((begin, end))
        rows = [row] if row is not None else [alone[edge] for edge in group if edge in alone]
        found.append(_Group(begin, end, rows))
    return found


def _told(rows: Iterable[Row]) -> dict[_Edge, Row]:
    return {(row.start, row.end): row for row in rows if row.value is not None}


def _grouped(some: Sequence[_Edge], alone: dict[_Edge, Row]) -> Iterator[Sequence[_Edge]]:
    """Each that is known, with those before it that are not; behind the last the others join it."""
    groups: list[list[_Edge]] = [[]]
    for edge in some:
        groups[-1].append(edge)
        if edge in alone:
            groups.append([])
    tail = groups.pop()
    if tail and groups and len(tail) == 1:
        groups[-1] += tail
    elif tail:
        groups.append(tail)
    yield from groups


def _inside(at: datetime, edges: Sequence[_Edge]) -> bool:
    place = bisect_right(edges, at, key=lambda edge: edge[0]) - 1
    return place >= 0 and edges[place][0] < at < edges[place][1]


def _ascending(values: Iterable[Value]) -> Sequence[Value]:
    """Each once."""
    some = {(v.at, v.first_at, v.last_at, v.serial, v.unit, v.status): v for v in values}
    return sorted(some.values(), key=lambda v: (v.at, v.first_at))


def _disjoint(spans: Iterable[_Edge]) -> list[_Edge]:
    found: list[_Edge] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _rest(edge: _Edge, spans: Sequence[_Edge]) -> Iterator[_Edge]:
    """The parts of an interval that lie in none of ``spans``."""
    start, end = edge
    place = max(bisect_right(spans, start, key=lambda span: span[0]) - 1, 0)
    while place < len(spans) and spans[place][0] < end:
        low, high = spans[place]
        if high > start:
            if low > start:
                yield start, low
            start = high
        place += 1
    if start < end:
        yield start, end
