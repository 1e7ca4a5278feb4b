"""What corrections make of the intervals of an answer. Pure.

Stands of a register are not worth less for what is estimated between them. Where the parts of an interval come to what
the stands at its ends say, it is as measured as they are; a hole between two stands that is filled in part only is
worth what they say of it. Where parts come to something else they count, and the whole is as good as the least of them.

A hole lies between two readings, of whatever interval it is a part: so parts make the whole in every length. Where a
part is too short to be told by readings and the whole is not, the part is what the whole leaves for it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from meter_driver.amounts import Method, Status
from meter_driver.quantities import is_signed
from policies.amounts import share_of
from policies.terms import Row
from policies.vee.corrections import Correction, newest
from policies.vee.parts import Edge, inside_of, joined, length_of, rest_of, row_of, value_in

_Rows = Callable[[Sequence[Edge]], list[Row]]


def corrected(
    edges: Sequence[Edge],
    corrections: Sequence[Correction],
    worked_out: _Rows,
    empty: Row,
    *,
    mean: bool,
    read: Sequence[datetime] = (),
) -> list[Row]:
    """Rows of ``edges`` (ascending, disjoint), of one meter's quantity.

    ``worked_out``: rows of intervals by the readings alone. ``empty``: who and what it is about, for rows of which no
    reading speaks, and the unit in which all is told, if it is settled. ``mean``: rows are means, not amounts.
    ``read``: instants of readings of amounts, ascending.
    """
    some = newest(corrections)
    holes = _holes(some, worked_out, empty, read)
    inside = {edge: _parted(edge, inside_of(edge, some), holes) for edge in edges}
    pieces = [piece for edge in edges for piece in rest_of(edge, inside[edge])]
    by_readings = {(row.start, row.end): row for row in worked_out(pieces)}
    rows: list[Row] = []
    for edge in edges:
        if not inside[edge]:
            rows += [by_readings[edge]] if edge in by_readings else []
            continue
        parts = [by_readings.get(piece) for piece in rest_of(edge, inside[edge])]
        rows.append(joined(edge, [*parts, *_said(inside[edge], empty)], empty, mean=mean))
    return rows if mean else _as_measured(_by_wholes(rows, inside, by_readings, worked_out, empty), inside, worked_out)


_Parts = Sequence[Correction | Row]
"""Ascending and disjoint: corrections, and holes with what lies in them."""


def _parted(edge: Edge, inside: Sequence[Correction], holes: Sequence[Row]) -> _Parts:
    """What shares something with an interval: holes that lie in it, and the corrections that lie in none of these."""
    first = bisect_left(holes, edge[0], key=lambda hole: hole.start)
    mine = [hole for hole in holes[first : bisect_left(holes, edge[1], key=lambda h: h.start)] if hole.end <= edge[1]]
    alone = [one for one in inside if not any(hole.start <= one.start < hole.end for hole in mine)]
    return sorted([*mine, *alone], key=lambda each: each.start)


def _by_wholes(
    rows: Sequence[Row],
    inside: Mapping[Edge, _Parts],
    by_readings: Mapping[Edge, Row],
    worked_out: _Rows,
    empty: Row,
) -> list[Row]:
    """``rows``, and of those that a part without a number leaves without one what readings say of all of it."""
    missing = [edge for row in rows if row.value is None and _lies_in(edge := (row.start, row.end), inside[edge])]
    if not missing:
        return [*rows]
    wholes = _told(worked_out(missing))
    said = worked_out([(each.start, each.end) for edge in wholes for each in inside[edge]])
    told = _told([*by_readings.values(), *said])
    found = []
    for row in rows:
        edge = row.start, row.end
        found.append(_shared(edge, wholes[edge], inside[edge], told, empty) if edge in wholes else row)
    return found


def _shared(edge: Edge, whole: Row, inside: _Parts, told: Mapping[Edge, Row], empty: Row) -> Row:
    """A ``whole`` by readings without what they tell of its parts is left for those of which they tell nothing."""
    rest = [told[each] for each in rest_of(edge, inside) if each in told]
    said = _said(inside, empty)
    counted = [part for part in said if (part.start, part.end) in told]
    unread = [part for part in said if (part.start, part.end) not in told]
    read = [*rest, *(told[part.start, part.end] for part in counted)]
    numbers = [value for part in read if (value := value_in(part, whole.unit)) is not None]
    length = length_of(edge) - sum(length_of((part.start, part.end)) for part in read)
    assert whole.value is not None
    left = whole.value - sum(numbers)
    hole = replace(whole, end=whole.start + timedelta(microseconds=int(length)), value=left)
    return joined(edge, [*rest, *counted, _filled(hole, unread)], empty)


def _said(inside: _Parts, empty: Row) -> list[Row]:
    return [each if isinstance(each, Row) else row_of(each, empty) for each in inside]


def _lies_in(edge: Edge, inside: _Parts) -> bool:
    return bool(inside) and edge[0] <= inside[0].start and inside[-1].end <= edge[1]


def _told(rows: Iterable[Row]) -> dict[Edge, Row]:
    return {(row.start, row.end): row for row in rows if row.value is not None}


def _as_measured(rows: Sequence[Row], inside: Mapping[Edge, _Parts], worked_out: _Rows) -> list[Row]:
    """``rows``, and of those whose parts come to what stands at both ends say what these say."""
    doubtful = [
        edge for row in rows if row.status == "estimated" and _several(edge := (row.start, row.end), inside[edge])
    ]
    wholes = _known(row for row in worked_out(doubtful) if row.status != "estimated") if doubtful else {}
    found = []
    for row in rows:
        whole = wholes.get((row.start, row.end))
        found.append(whole if whole is not None and value_in(row, whole.unit) == whole.value else row)
    return found


def _several(edge: Edge, inside: _Parts) -> bool:
    """Whether there is more in it than one correction."""
    return bool(inside) and (inside[0].start, inside[0].end) != edge


def _known(rows: Iterable[Row]) -> dict[Edge, Row]:
    """Those that have a number, by their edges."""
    return {(row.start, row.end): row for row in rows if row.value is not None}


# -- holes


def _holes(some: Sequence[Correction], worked_out: _Rows, empty: Row, read: Sequence[datetime]) -> list[Row]:
    """What the stretches are worth between two readings that lie around corrections of what no reading tells."""
    if not read:
        return []
    told = _known(worked_out([(one.start, one.end) for one in some]))
    around = [_around(one, read) for one in some if (one.start, one.end) not in told]
    known = _known(worked_out(_apart([edge for edge in around if edge is not None])))
    found = []
    for edge, row in known.items():
        inside = inside_of(edge, some)
        within = edge[0] <= inside[0].start and inside[-1].end <= edge[1]
        if within and rest_of(edge, inside):
            found.append(_filled(row, [row_of(one, empty) for one in inside]))
    return found


def _around(one: Correction, read: Sequence[datetime]) -> Edge | None:
    before, after = bisect_right(read, one.start) - 1, bisect_left(read, one.end)
    return (read[before], read[after]) if before >= 0 and after < len(read) else None


def _apart(edges: Sequence[Edge]) -> list[Edge]:
    """Ascending ones; those that share something are one."""
    found: list[Edge] = []
    for edge in edges:
        if found and edge[0] < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], edge[1])
        else:
            found.append(edge)
    return found


def _filled(hole: Row, parts: Sequence[Row]) -> Row:
    """As the stands say; where parts are said to be more than that, these, and of the rest its share by time."""
    numbers = [value for part in parts if (value := value_in(part, hole.unit)) is not None]
    if hole.value is None or len(numbers) < len(parts):
        return replace(hole, value=None, completeness=Decimal(0))
    said = sum(numbers, Decimal(0))
    if said <= hole.value or is_signed(hole.quantity):
        return hole
    length = length_of((hole.start, hole.end))
    left = length - sum(length_of((part.start, part.end)) for part in parts)
    rest = (hole.value * left / length).quantize(hole.value)
    words = {"status": Status.ESTIMATED.value, "method": Method.INTERPOLATED.value}
    return replace(hole, value=said + rest, completeness=share_of(left, length), **words)
