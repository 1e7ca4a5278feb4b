"""Several pieces of a household's day as one: later pieces win. Pure, on integers.

A reading that comes again, corrected or not, replaces the one of its instant and device. In partials it cannot be found
any more: two partials of one interval whose readings overlap *clash*. Then one of them stands for the moment, and
whoever holds the readings themselves computes the interval again from them (``mended``).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from gateway.vault.partials import (
    Clashes,
    PartialKey,
    SerialStatus,
    key_of,
    kind_of,
    merged_partials,
    serial_status,
)
from gateway.vault.port import Value
from gateway.vault.readings import latest
from meter_driver.amounts import partials
from meter_driver.intervals import instant, micros, quarter_begin
from meter_driver.quantities import MEANS, Kind, is_signed
from meter_driver.units import base
from policies.terms import DetailClass, Period
from policies.vault.columns import LARGEST, PARTIALS, READINGS, Series, encode
from policies.vault.padding import pad_block, pad_piece

__all__ = ["Clashes", "combined", "kind_of", "layout_of", "mended", "to_block", "to_piece", "values_of"]


def layout_of(detail: DetailClass) -> int:
    """``live`` and ``legal`` hold readings, the coarser classes partials."""
    return PARTIALS if detail in (DetailClass.QUARTER, DetailClass.DAY) else READINGS


def to_piece(detail: DetailClass, series: Sequence[Series]) -> bytes:
    """What is sealed as a piece, padded."""
    return pad_piece(_plain(detail, series))


def to_block(detail: DetailClass, series: Sequence[Series]) -> bytes:
    """What is sealed as a block, padded."""
    return pad_block(_plain(detail, series))


def _plain(detail: DetailClass, series: Sequence[Series]) -> bytes:
    """Raises ``ValueError`` for what does not fit in parts either."""
    try:
        return encode(layout_of(detail), series)
    except ValueError:
        return encode(layout_of(detail), [part for one in series for part in _fitting(one)])


def combined(detail: DetailClass, parts: Sequence[Sequence[Series]], clashes: Clashes | None = None) -> list[Series]:
    """One series for each meter, serial number, quantity, unit and status, ascending; ``parts`` as they came.

    ``clashes`` is filled with the intervals in which readings of different parts overlap, and with those of which one
    part has several partials whose readings overlap.
    """
    partial = layout_of(detail) == PARTIALS
    if len(parts) == 1 and not (partial and len({key_of(one) for one in parts[0]}) < len(parts[0])):
        return list(parts[0])
    return merged_partials(parts, {} if clashes is None else clashes) if partial else latest(parts).told()


def mended(series: Sequence[Series], readings: Sequence[Sequence[Series]], clashes: Clashes) -> list[Series]:
    """Partials in which those of ``clashes`` are computed from all readings of their time, given as they came."""
    kept = []
    for one in series:
        rows = [row for row, begin in enumerate(one.axis[0]) if (one.meter, one.quantity, begin) not in clashes]
        if rows:
            kept.append(one if len(rows) == len(one.axis[0]) else _rows(one, rows))
    told: dict[PartialKey, list[Series]] = {}
    for one in latest(readings).counted:
        told.setdefault(key_of(one._replace(unit=base(one.unit))), []).append(one)
    right = [
        partial
        for some in told.values()
        for (meter, quantity, begin), end in clashes.items()
        if (meter, quantity) == (some[0].meter, some[0].quantity)
        and (partial := _partial_of(some, begin, end)) is not None
    ]
    return merged_partials([kept, *([one] for one in right)], None)


def _partial_of(readings: Sequence[Series], begin: int, end: int) -> Series | None:
    """Of readings that make one partial those that start at or after ``begin`` and end at ``end`` at the latest."""
    kind = kind_of(readings[0].quantity)
    some = [row for one in readings for row in _between(one, kind, begin, end)]
    if any(row.start < row.at == end for row in some):  # what begins there is of the next interval
        some = [row for row in some if row.start < end or quarter_begin(end) == quarter_begin(begin)]
    if not some:
        return None
    exponent = min(row.exponent for row in some)
    some.sort(key=lambda row: (row.at, row.start))
    values = [row.value * 10 ** (row.exponent - exponent) for row in some]
    cover = partials.cover(kind, range(len(some)), [row.start for row in some], [row.at for row in some])
    columns: tuple[Sequence[int], ...] = ((values[cover.order[0]],), (values[cover.order[-1]],))
    covered = cover.covered
    if kind is Kind.INTERVAL and min(values) < 0 and not is_signed(readings[0].quantity):
        total, covered = partials.believed(cover, [row.start for row in some], [row.at for row in some], values)
        columns = (*columns, (total,))
    elif partials.summed(kind):
        columns = (*columns, (partials.total(kind, cover, values),))
    serial, status = serial_status([row.told for row in some]) if partials.summed(kind) else some[0].told
    return readings[0]._replace(
        serial=serial,
        unit=base(readings[0].unit),
        status=status,
        axis=((begin,), (cover.first_at,), (cover.last_at,), (cover.readings,), (covered,)),
        exponent=exponent,
        total_exponent=partials.total_exponent(kind, exponent),
        values=columns,
    )


class _Reading(NamedTuple):
    """``exponent``: of ``value``, in the base unit."""

    start: int
    at: int
    value: int
    exponent: int
    told: SerialStatus


def _between(one: Series, kind: Kind, begin: int, end: int) -> Iterator[_Reading]:
    (starts, ats), (values,) = one.axis, one.values
    first, last = bisect_left(ats, begin), bisect_right(ats, end)
    firsts = partials.begins(kind, starts[first:last], ats[first:last])
    exponent, numbers = partials.in_base(one.unit, one.exponent, values[first:last])
    for start, began, at, number in zip(starts[first:last], firsts, ats[first:last], numbers, strict=True):
        if began >= begin and partials.counts(kind, began, at):
            yield _Reading(start, at, number, exponent, (one.serial, one.status))


def values_of(detail: DetailClass, series: Iterable[Series], period: Period | None = None) -> Iterator[Value]:
    """The values of series in the words of the vault; of all instants, or of those in the period."""
    partial = layout_of(detail) == PARTIALS
    for each in series:
        one = each if period is None else _within(each, micros(period.start), micros(period.end), partial=partial)
        scale = _scaler(one.exponent)
        names = one.status, one.meter, one.serial
        if not partial:
            mean, scale_total = kind_of(one.quantity) in MEANS, _scaler(one.exponent + partials.INTEGRAL_EXPONENT)
            for start, at, value in zip(*one.axis, *one.values, strict=True):
                when, number = instant(at), scale(value)
                begin = when if start == at else instant(start)
                covered, total, count = when - begin, number, 1
                if covered and mean:
                    total, count = scale_total(value * (at - start)), -1
                yield Value(one.quantity, one.unit, when, begin, number, when, number, total, count, *names, covered)
            continue
        scale_total = _scaler(one.total_exponent)
        firsts, lasts, *totals = one.values
        sums = totals[0] if totals else (0,) * len(firsts)
        quantity, unit, nothing = one.quantity, one.unit, scale_total(0)
        rows = zip(*one.axis, firsts, lasts, sums, strict=True)
        for at, first_at, last_at, count, spoken, first, last, total in rows:
            begin, low = instant(at), scale(first)  # mostly one reading, at the begin of its interval
            started = begin if first_at == at else instant(first_at)
            ended = started if last_at == first_at else instant(last_at)
            high = low if last == first else scale(last)
            whole = scale_total(total) if total else nothing
            covered = timedelta(microseconds=spoken) if spoken else _NOTHING
            yield Value(quantity, unit, begin, started, low, ended, high, whole, count, *names, covered)


_NOTHING = timedelta(0)


def _within(series: Series, start: int, end: int, *, partial: bool) -> Series:
    """Its rows whose instant (of partials: whose begin) lies in [start, end)."""
    ats = series.axis[0 if partial else 1]
    if all(start <= at < end for at in ats):
        return series
    return _picked(series, [row for row, at in enumerate(ats) if start <= at < end])


def _scaler(exponent: int) -> Callable[[int], Decimal]:
    return lambda mantissa: Decimal(mantissa).scaleb(exponent)


def _fitting(series: Series) -> Iterator[Series]:
    """The series as parts whose mantissas fit 64 bits. A total that does not is rounded: it has 19 digits left."""
    if all(-LARGEST < min(column, default=0) <= max(column, default=0) < LARGEST for column in series.values):
        yield series
        return
    values, totals = series.values[:2], series.values[2:]
    coarser = 0
    while any(abs(mantissa) >= LARGEST for total in totals for mantissa in total):
        totals = tuple([round(Decimal(mantissa) / 10) for mantissa in total] for total in totals)
        coarser += 1
    rows = range(len(series.axis[0]))
    large = {row for row in rows if any(abs(column[row]) >= LARGEST for column in values)}
    whole = series._replace(values=(*values, *totals), total_exponent=series.total_exponent + coarser)
    yield from (
        _rows(whole, some)
        for some in ([row for row in rows if row not in large], *([row] for row in sorted(large)))
        if some
    )


def _rows(series: Series, some: Sequence[int]) -> Series:
    """Some rows as a series of their own, without zeros that they all end with, as far as that is needed to fit."""
    picked = _picked(series, some)
    values, exponent = picked.values[:2], series.exponent
    while any(abs(mantissa) >= LARGEST for column in values for mantissa in column):
        values = tuple([mantissa // 10 for mantissa in column] for column in values)
        exponent += 1
    return picked._replace(exponent=exponent, values=(*values, *picked.values[2:]))


def _picked(series: Series, some: Sequence[int]) -> Series:
    axis = tuple(tuple([column[row] for row in some]) for column in series.axis)
    return series._replace(axis=axis, values=tuple([column[row] for row in some] for column in series.values))
