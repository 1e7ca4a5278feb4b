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

from msgspec.structs import replace

from meter_driver.amounts import Method, Status
from meter_driver.quantities import MEANS, REGISTERS, Kind, parse
from policies.held import own_time
from policies.terms import Grant, Row
from policies.vault.values import Value

AROUND = timedelta(days=7)
"""What is read beside a window, so that a register that is read once a day is seen to go on, or to come back."""
_MOST_OPEN = 8
"""Readings in a row between which nothing is known: of more, what comes next is told from the last."""
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
            found = self._between(known, rows, values, window, tell)
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
        """Of each time between two readings, and rows, that none of the rows tells."""
        some = _ascending([*known.near, *values])
        valued = [(row.start, row.end) for row in rows if row.value is not None]
        begin = window.period.start if known.since is None else known.since
        ats = {at for value in some for at in (value.first_at, value.last_at)}
        read = sorted(at for at in ats if at >= begin and not _inside(at, valued))
        inside = bisect_right(read, window.period.end)
        marks = {*read[:inside], *(at for edge in valued for at in edge)} | ({begin} if known.since else set())
        if marks and max(marks) < window.period.end:
            marks |= {*read[inside : inside + 1]}
        stretches = [*_stretches(sorted(marks), set(valued), window.resolution)]
        found = _rows_of(stretches, lambda edges: tell(some, edges) if edges else [])
        if marks:
            known.since = _open_since(max(marks), stretches, found)
            known.near = [v for v in some if v.last_at >= known.since - AROUND and v.first_at <= known.since + AROUND]
        return found


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


def _rows_of(stretches: Sequence[Sequence[_Edge]], tell: Callable[[Sequence[_Edge]], list[Row]]) -> list[Row]:
    """What is not known of a piece may be of it and the next ones together: between them, something was garbled, or
    nothing was read where it begins.
    """
    alone = {(row.start, row.end): row for row in tell([edge for some in stretches for edge in some]) if _has(row)}
    groups = [group for some in stretches for group in _grouped(some, alone)]
    wider = [group for group in groups if len(group) > 1]
    whole = {(row.start, row.end): row for row in tell([(g[0][0], g[-1][1]) for g in wider]) if _has(row)}
    found: list[Row] = []
    for group in groups:
        row = whole.get((group[0][0], group[-1][1]))
        found += [row] if row is not None else [alone[edge] for edge in group if edge in alone]
    return found


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


def _open_since(last: datetime, stretches: Sequence[Sequence[_Edge]], found: Sequence[Row]) -> datetime:
    """The begin of what is not known at the end, as long as that is not much."""
    if not stretches or stretches[-1][-1][1] != last:
        return last
    told = max((row.end for row in found), default=stretches[-1][0][0])
    unknown = [start for start, _ in stretches[-1] if start >= told]
    return unknown[0] if 0 < len(unknown) <= _MOST_OPEN else last


def _has(row: Row) -> bool:
    return row.value is not None


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
