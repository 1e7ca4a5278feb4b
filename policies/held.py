"""What is held beside the values of intervals: the readings themselves that were kept of each quarter or day. Pure.

Of a quarter or a day the first and the last reading are kept, whatever became of those between. Of load-profile entries
it is their sum; where it, or a mean, is that of a whole interval, the interval's own row says it, and it is not told
twice.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_DOWN, Decimal

from msgspec.structs import replace

from meter_driver.intervals import day_edges
from meter_driver.quantities import MEANS, Kind, parse
from meter_driver.units import convert, told
from policies.terms import QUARTER_HOUR, DetailClass, Row
from policies.vault.values import Value

_SHARE = Decimal("0.001")
_MICROSECOND = timedelta(microseconds=1)


def readings_held(values: Iterable[Value], detail: DetailClass, subject: str, zone: tzinfo) -> list[Row]:
    """Rows by quantity, meter and instant, as they stand: never corrected. ``values`` are of class quarter or day."""
    rows: list[Row] = []
    for value in sorted(values, key=lambda v: (v.quantity, v.meter, v.at, v.first_at)):
        known = parse(value.quantity)
        if known is not None and known.kind is Kind.INTERVAL:
            rows += _sum(value, _end(value, detail, zone), subject)
        else:
            rows += _outermost(value, _end(value, detail, zone), subject)
    return rows


def reading(value: Value, at: datetime, said: Decimal, subject: str) -> Row:
    """One reading of a value, in the unit in which it is told."""
    unit = told(value.unit)
    return Row(subject, value.quantity, at, at, convert(said, value.unit, unit), unit, value.status, value.meter)


def own_time(value: Value) -> tuple[datetime, datetime] | None:
    """Of an amount, or a single mean, what it is of; None where it is of an instant, or nobody said of which time."""
    known = parse(value.quantity)
    spanned = known is not None and (known.kind is Kind.INTERVAL or (known.kind in MEANS and value.count == -1))
    return (value.first_at, value.last_at) if spanned and value.first_at < value.last_at else None


def _outermost(value: Value, end: datetime, subject: str) -> Iterator[Row]:
    """One that is the mean of a time is told as that, unless it is the interval's own."""
    if value.count == -1:
        if (value.first_at, value.last_at) != (value.at, end):
            yield replace(reading(value, value.last_at, value.last, subject), start=value.first_at)
        return
    if value.first_at < value.last_at:
        yield reading(value, value.first_at, value.first, subject)
    yield reading(value, value.last_at, value.last, subject)


def _sum(value: Value, end: datetime, subject: str) -> Iterator[Row]:
    """Of entries, over the time from the first to the last of them. Where they do not fill it, two speak of the same
    time, or nobody said of which, it is no amount of that time, and says so.
    """
    length = value.last_at - value.first_at
    if value.first_at == value.at and value.last_at == end and value.covered == length:
        return
    row = reading(value, value.last_at, value.total if value.covered else value.last, subject)
    if length and value.covered == length:
        yield replace(row, start=value.first_at)
        return
    share = Decimal(value.covered // _MICROSECOND) / (length // _MICROSECOND) if value.covered < length else Decimal(0)
    share = share.quantize(_SHARE, ROUND_DOWN)
    yield replace(row, start=value.first_at, status="estimated", completeness=share)


def _end(value: Value, detail: DetailClass, zone: tzinfo) -> datetime:
    if detail is DetailClass.DAY:
        return day_edges(value.at.astimezone(zone).date(), zone)[1]
    return value.at + QUARTER_HOUR
