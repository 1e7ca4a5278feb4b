"""The parts of an interval in which corrections lie, and what they come to together. Pure.

A longer interval is the corrected ones inside it and, exactly, what the readings say of the rest of it, so that parts
make the whole. An interval that a correction only touches has no number: it does not say how it is spread inside.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import mul

from msgspec.structs import replace

from meter_driver.errors import UnitError
from meter_driver.intervals import micros
from meter_driver.units import convert
from policies.amounts import THOUSANDTH, least, share_of
from policies.terms import WHOLE, Row
from policies.vee.corrections import Correction

Edge = tuple[datetime, datetime]


def inside_of(edge: Edge, some: Sequence[Correction]) -> list[Correction]:
    """Those that share something with an interval."""
    at = max(bisect_left(some, edge[0], key=lambda each: each.start) - 1, 0)
    found = []
    while at < len(some) and some[at].start < edge[1]:
        if some[at].end > edge[0]:
            found.append(some[at])
        at += 1
    return found


def rest_of(edge: Edge, inside: Sequence[Correction | Row]) -> list[Edge]:
    """What no correction speaks of."""
    found, begin = [], edge[0]
    for each in inside:
        if begin < each.start:
            found.append((begin, each.start))
        begin = max(begin, each.end)
    if begin < edge[1]:
        found.append((begin, edge[1]))
    return found


def row_of(one: Correction, empty: Row) -> Row:
    share = Decimal(0) if one.status == "estimated" else WHOLE
    changed = replace(empty, start=one.start, end=one.end, value=one.value, unit=one.unit)
    if empty.unit is not None and (value := value_in(changed, empty.unit)) is not None:
        changed = replace(changed, value=value, unit=empty.unit)
    return replace(changed, status=one.status, completeness=share, method=one.method)


def joined(edge: Edge, parts: Sequence[Row | None], empty: Row, *, mean: bool = False) -> Row:
    """Parts that make up an interval, corrections last, as one row; missing when one of them has no number, or reaches
    out of it.
    """
    there = [part for part in parts if part is not None]
    length = length_of(edge)
    share = share_of(sum((part.completeness * length_of((part.start, part.end)) for part in there), Decimal(0)), length)
    unit = there[0].unit
    nothing = replace(empty, start=edge[0], end=edge[1], unit=unit, completeness=min(share, WHOLE - THOUSANDTH))
    if len(there) < len(parts) or any(part.start < edge[0] or part.end > edge[1] for part in there):
        return nothing
    numbers = [value for part in there if (value := value_in(part, unit)) is not None]
    if len(numbers) < len(there):
        return nothing
    value = _mean(numbers, there, length) if mean else sum(numbers, Decimal(0))
    status = least({part.status for part in there})
    method = next((part.method for part in there if part.method), "")
    return replace(nothing, value=value, status=status, completeness=share, method=method)


def value_in(row: Row, unit: str | None) -> Decimal | None:
    if row.value is None:
        return None
    try:
        return convert(row.value, row.unit, unit)
    except UnitError:
        return None


def _mean(numbers: Sequence[Decimal], parts: Sequence[Row], length: Decimal) -> Decimal:
    lengths = (length_of((part.start, part.end)) for part in parts)
    finest = min(numbers, key=lambda number: int(number.as_tuple().exponent))
    return (sum(map(mul, numbers, lengths), Decimal(0)) / length).quantize(finest)


def length_of(edge: Edge) -> Decimal:
    """Microseconds."""
    return Decimal(micros(edge[1]) - micros(edge[0]))
