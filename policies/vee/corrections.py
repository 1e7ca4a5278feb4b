"""Corrections beside the readings: an interval that somebody decided counts instead of what the readings say of it.

Raw values are never changed. A correction is of one interval of one meter's quantity; the newest of an interval counts,
and none is undone by readings that come (again) later. A longer interval is the corrected ones inside it and, exactly,
what the readings say of the rest of it, so that parts still make the whole. An interval that a correction only touches
has no number: a correction does not say how it is spread inside.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import mul

from msgspec.structs import replace

from meter_driver.errors import UnitError
from meter_driver.intervals import micros
from meter_driver.units import convert
from policies.amounts import THOUSANDTH, least, share_of
from policies.terms import WHOLE, Row

Edge = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Correction:
    """Of [start, end), UTC.

    Attributes:
        value: in ``unit``: the amount, or the mean of an instantaneous value. None: as read again, so that no older
            version of the interval counts.
        status: ``validated`` when somebody said the value, ``estimated`` when it was worked out, by ``method``.
        version: the higher one of an interval counts.
    """

    meter: str
    quantity: str
    start: datetime
    end: datetime
    value: Decimal | None
    unit: str | None
    status: str
    method: str = ""
    version: int = 0


def effective(some: Sequence[Correction]) -> Sequence[Correction]:
    """Of versions of one meter's quantity those that count, and versions before them; none of what was undone."""
    return newest(some) if any(one.value is None for one in some) else some


def newest(corrections: Sequence[Correction]) -> list[Correction]:
    """Those that count, ascending and disjoint."""
    return [one for one in latest(corrections) if one.value is not None]


def latest(corrections: Sequence[Correction]) -> list[Correction]:
    """One for each interval, ascending; an older one that overlaps a newer counts for nothing."""
    kept: list[Correction] = []
    for one in sorted(corrections, key=lambda each: each.version, reverse=True):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda each: each.start)


def corrected(
    edges: Sequence[Edge],
    corrections: Sequence[Correction],
    worked_out: Callable[[Sequence[Edge]], list[Row]],
    empty: Row,
    *,
    mean: bool,
) -> list[Row]:
    """Rows of ``edges`` (ascending, disjoint), of one meter's quantity.

    ``worked_out``: rows of intervals by the readings alone. ``empty``: who and what it is about, for rows of which no
    reading speaks, and the unit in which all is told, if it is settled. ``mean``: rows are means, not amounts.
    """
    some = newest(corrections)
    inside = {edge: _inside(edge, some) for edge in edges}
    pieces = [piece for edge in edges for piece in _rest(edge, inside[edge])]
    by_readings = {(row.start, row.end): row for row in worked_out(pieces)}
    rows: list[Row] = []
    for edge in edges:
        if not inside[edge]:
            rows += [by_readings[edge]] if edge in by_readings else []
            continue
        parts = [by_readings.get(piece) for piece in _rest(edge, inside[edge])]
        rows.append(_joined(edge, [*parts, *(_row(each, empty) for each in inside[edge])], empty, mean=mean))
    return rows


def _inside(edge: Edge, some: Sequence[Correction]) -> list[Correction]:
    """Those that share something with an interval."""
    at = max(bisect_left(some, edge[0], key=lambda each: each.start) - 1, 0)
    found = []
    while at < len(some) and some[at].start < edge[1]:
        if some[at].end > edge[0]:
            found.append(some[at])
        at += 1
    return found


def _rest(edge: Edge, inside: Sequence[Correction]) -> list[Edge]:
    """What no correction speaks of."""
    found, begin = [], edge[0]
    for each in inside:
        if begin < each.start:
            found.append((begin, each.start))
        begin = max(begin, each.end)
    if begin < edge[1]:
        found.append((begin, edge[1]))
    return found


def _row(one: Correction, empty: Row) -> Row:
    share = WHOLE if one.status == "validated" else Decimal(0)
    changed = replace(empty, start=one.start, end=one.end, value=one.value, unit=one.unit)
    if empty.unit is not None and (value := _value_in(changed, empty.unit)) is not None:
        changed = replace(changed, value=value, unit=empty.unit)
    return replace(changed, status=one.status, completeness=share, method=one.method)


def _joined(edge: Edge, parts: Sequence[Row | None], empty: Row, *, mean: bool) -> Row:
    """Parts that make up an interval, corrections last, as one row; missing when one of them has no number, or reaches
    out of it.
    """
    there = [part for part in parts if part is not None]
    length = _length(edge)
    share = share_of(sum((part.completeness * _length((part.start, part.end)) for part in there), Decimal(0)), length)
    unit = there[0].unit
    nothing = replace(empty, start=edge[0], end=edge[1], unit=unit, completeness=min(share, WHOLE - THOUSANDTH))
    if len(there) < len(parts) or any(part.start < edge[0] or part.end > edge[1] for part in there):
        return nothing
    numbers = [value for part in there if (value := _value_in(part, unit)) is not None]
    if len(numbers) < len(there):
        return nothing
    value = _mean(numbers, there, length) if mean else sum(numbers, Decimal(0))
    status = least({part.status for part in there})
    method = next((part.method for part in there if part.method), "")
    return replace(nothing, value=value, status=status, completeness=share, method=method)


def _value_in(row: Row, unit: str | None) -> Decimal | None:
    if row.value is None:
        return None
    try:
        return convert(row.value, row.unit, unit)
    except UnitError:
        return None


def _mean(numbers: Sequence[Decimal], parts: Sequence[Row], length: Decimal) -> Decimal:
    lengths = (_length((part.start, part.end)) for part in parts)
    finest = min(numbers, key=lambda number: int(number.as_tuple().exponent))
    return (sum(map(mul, numbers, lengths), Decimal(0)) / length).quantize(finest)


def _length(edge: Edge) -> Decimal:
    return Decimal(micros(edge[1]) - micros(edge[0]))
