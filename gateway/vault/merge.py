"""Several pieces of a household's day as one: later pieces win. Pure, on integers.

A reading that comes again, corrected or not, replaces the one of its instant. In partials it cannot be found any more:
two partials of one interval whose readings overlap *clash*. Then the earlier stands, and whoever holds the readings
themselves computes the interval again from them (``mended``).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from gateway.vault.port import Value
from meter_driver.intervals import Partial, instant, merge
from policies.terms import DetailClass
from policies.vault.columns import LARGEST, PARTIALS, READINGS, Series, encode
from policies.vault.padding import pad_block, pad_piece

Clashes = dict[tuple[str, int], int]
"""Quantity and begin of an interval -> the latest end of a reading in it, microseconds."""

_Row = tuple[int, int]
"""Of a reading: start and mantissa."""


def layout_of(detail: DetailClass) -> int:
    """``live`` and ``legal`` hold readings, the coarser classes partials."""
    return PARTIALS if detail in (DetailClass.QUARTER, DetailClass.DAY) else READINGS


def to_piece(detail: DetailClass, series: Iterable[Series]) -> bytes:
    """What is sealed as a piece, padded."""
    return pad_piece(encode(layout_of(detail), series))


def to_block(detail: DetailClass, series: Iterable[Series]) -> bytes:
    """What is sealed as a block, padded."""
    return pad_block(encode(layout_of(detail), (part for one in series for part in _fitting(one))))


def combined(detail: DetailClass, parts: Sequence[Sequence[Series]], clashes: Clashes | None = None) -> list[Series]:
    """One series for each quantity, unit and status, ascending; ``parts`` in the order in which they came.

    ``clashes`` is filled with the intervals in which readings of different parts overlap.
    """
    if len(parts) == 1:
        return list(parts[0])
    if layout_of(detail) == READINGS:
        return _readings(parts)
    return _partials([_one_each(part) for part in parts], {} if clashes is None else clashes)


def mended(series: Sequence[Series], readings: Sequence[Sequence[Series]], clashes: Clashes) -> list[Series]:
    """Partials in which those of ``clashes`` are computed from all readings of their time, given as they came."""
    kept = []
    for one in series:
        rows = [row for row, begin in enumerate(one.axis[0]) if (one.quantity, begin) not in clashes]
        if rows:
            kept.append(one if len(rows) == len(one.axis[0]) else _rows(one, rows))
    right = [
        partial
        for one in _readings(readings)
        for (quantity, begin), end in clashes.items()
        if quantity == one.quantity and (partial := _partial_of(one, begin, end)) is not None
    ]
    return _partials([kept, *([one] for one in right)], {})


def _partial_of(readings: Series, begin: int, end: int) -> Series | None:
    """Of the readings, ascending, those that start at or after ``begin`` and end at ``end`` at the latest."""
    (starts, ats), (values,) = readings.axis, readings.values
    some = [row for row in range(bisect_left(ats, begin), bisect_right(ats, end)) if starts[row] >= begin]
    if not some:
        return None
    first, last = min(some, key=starts.__getitem__), max(some, key=ats.__getitem__)
    axis = ((begin,), (starts[first],), (ats[last],), (len(some),))
    columns = ((values[first],), (values[last],), (sum(values[row] for row in some),))
    return Series(
        readings.quantity, readings.unit, readings.status, axis, readings.exponent, readings.exponent, columns
    )


def values_of(detail: DetailClass, series: Iterable[Series]) -> Iterator[Value]:
    """The values of series in the words of the vault."""
    partial = layout_of(detail) == PARTIALS
    for one in series:
        scale = _scaler(one.exponent)
        if not partial:
            for start, at, value in zip(*one.axis, *one.values, strict=True):
                when, number = instant(at), scale(value)
                begin = when if start == at else instant(start)
                yield Value(one.quantity, one.unit, when, begin, number, when, number, number, 1, one.status)
            continue
        scale_total = _scaler(one.total_exponent)
        for at, first_at, last_at, count, first, last, total in zip(*one.axis, *one.values, strict=True):
            yield Value(
                one.quantity,
                one.unit,
                instant(at),
                instant(first_at),
                scale(first),
                instant(last_at),
                scale(last),
                scale_total(total),
                count,
                one.status,
            )


def _scaler(exponent: int) -> Callable[[int], Decimal]:
    return lambda mantissa: Decimal(mantissa).scaleb(exponent)


_Key = tuple[str, str | None, str]


def _readings(parts: Sequence[Iterable[Series]]) -> list[Series]:
    """By quantity and instant; what came later counts, also when its unit or status is another."""
    found: dict[_Key, dict[int, _Row]] = {}
    exponents: dict[_Key, int] = {}
    variants: dict[str, list[_Key]] = {}
    for part in parts:
        for one in part:
            key = (one.quantity, one.unit, one.status)
            if key not in found:
                found[key], exponents[key] = {}, one.exponent
                variants.setdefault(one.quantity, []).append(key)
            rows, (starts, ats), (values,) = found[key], one.axis, one.values
            if one.exponent > exponents[key]:
                factor = 10 ** (one.exponent - exponents[key])
                values = [value * factor for value in values]
            elif one.exponent < exponents[key]:
                factor, exponents[key] = 10 ** (exponents[key] - one.exponent), one.exponent
                found[key] = rows = {at: (start, value * factor) for at, (start, value) in rows.items()}
            rows.update(zip(ats, zip(starts, values, strict=True), strict=True))
            for other in variants[one.quantity]:
                if other != key:
                    for at in ats:
                        found[other].pop(at, None)
    shared: dict[tuple[int, ...], tuple[tuple[int, ...], tuple[int, ...]]] = {}
    series = []
    for key, rows in found.items():
        if rows:
            ats = tuple(sorted(rows))
            starts = tuple(rows[at][0] for at in ats)
            axis = shared.setdefault((*starts, *ats), (starts, ats))
            series.append(Series(*key, axis, exponents[key], 0, ([rows[at][1] for at in ats],)))
    return series


def _one_each(part: Sequence[Series]) -> Sequence[Series]:
    """A part whose values did not fit one power of ten has several series of a kind; its readings never overlap."""
    if len({one[:3] for one in part}) == len(part):
        return part
    return _partials([[one] for one in part], None)


def _partials(parts: Sequence[Sequence[Series]], clashes: Clashes | None) -> list[Series]:
    """By quantity and interval; totals in one power of ten with the values, until they are encoded.

    None for ``clashes``: no reading is in two parts.
    """
    noted: Clashes = {} if clashes is None else clashes
    found: dict[_Key, dict[int, Partial]] = {}
    exponents: dict[_Key, int] = {}
    variants: dict[str, list[_Key]] = {}
    for part in parts:
        for one in part:
            key = (one.quantity, one.unit, one.status)
            rows = found.setdefault(key, {})
            exponent = min(one.exponent, one.total_exponent)
            if key not in exponents:
                exponents[key] = exponent
                variants.setdefault(one.quantity, []).append(key)
            known = exponents[key]
            exponents[key] = exponent = min(exponent, known)
            if known > exponent:
                factor = 10 ** (known - exponent)
                for at, partial in rows.items():
                    rows[at] = _scaled(partial, factor, factor)
            factor, total_factor = 10 ** (one.exponent - exponent), 10 ** (one.total_exponent - exponent)
            others = [found[other] for other in variants[one.quantity] if other != key]
            for at, first_at, last_at, count, first, last, total in zip(*one.axis, *one.values, strict=True):
                new = _scaled(Partial(first_at, first, last_at, last, total, count), factor, total_factor)
                old = rows.get(at)
                if clashes is not None and (
                    (old is not None and first_at <= old.last_at and _overlap(old, new))
                    or (others and any(_overlap(of[at], new, same=True) for of in others if at in of))
                ):
                    noted[one.quantity, at] = max(last_at, noted.get((one.quantity, at), last_at))
                    continue
                rows[at] = new if old is None else merge(old, new)
    for quantity, at in noted:
        there = [found[key][at].last_at for key in variants[quantity] if at in found[key]]
        noted[quantity, at] = max(noted[quantity, at], *there)
    shared: dict[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]] = {}
    series = []
    for key, rows in found.items():
        if not rows:
            continue
        ats = tuple(sorted(rows))
        some = [rows[at] for at in ats]
        axis: tuple[tuple[int, ...], ...] = (
            ats,
            tuple(p.first_at for p in some),
            tuple(p.last_at for p in some),
            tuple(p.readings for p in some),
        )
        axis = shared.setdefault(axis, axis)
        columns = ([p.first for p in some], [p.last for p in some], [p.total for p in some])
        series.append(Series(*key, axis, exponents[key], exponents[key], columns))
    return series


def _overlap(old: Partial, new: Partial, *, same: bool = False) -> bool:
    """Whether a reading may be in both. One that is single in both is not counted here unless ``same``: it replaces.

    Where they merely touch, a reading with a length tells that they are neighbours.
    """
    if old.readings == new.readings == 1 and old.first_at == new.first_at:
        return same
    if old.first_at == new.last_at or old.last_at == new.first_at:
        return not any(p.readings == 1 and p.first_at < p.last_at for p in (old, new))
    return old.first_at < new.last_at and new.first_at < old.last_at


def _scaled(partial: Partial, factor: int, total_factor: int) -> Partial:
    if factor == total_factor == 1:
        return partial
    first_at, first, last_at, last, total, count = partial
    return Partial(first_at, first * factor, last_at, last * factor, total * total_factor, count)


def _fitting(series: Series) -> Iterator[Series]:
    """The series as parts whose mantissas fit 64 bits. A total that does not is rounded: it has 19 digits left."""
    *values, total = series.values if len(series.values) > 1 else (*series.values, ())
    coarser = 0
    while any(abs(mantissa) >= LARGEST for mantissa in total):
        total = [round(Decimal(mantissa) / 10) for mantissa in total]
        coarser += 1
    rows = range(len(series.axis[0]))
    large = {row for row in rows if any(abs(column[row]) >= LARGEST for column in values)}
    if not large and not coarser:
        yield series
        return
    columns = (*values, total) if len(series.values) > 1 else tuple(values)
    yield from (
        _rows(series._replace(values=columns, total_exponent=series.total_exponent + coarser), some)
        for some in ([row for row in rows if row not in large], *([row] for row in sorted(large)))
        if some
    )


def _rows(series: Series, some: Sequence[int]) -> Series:
    """Some rows as a series of their own, without zeros that they all end with, as far as that is needed to fit."""
    axis = tuple(tuple(column[row] for row in some) for column in series.axis)
    columns = [[column[row] for row in some] for column in series.values]
    values = columns[:2] if len(columns) > 1 else columns
    exponent = series.exponent
    while any(abs(mantissa) >= LARGEST for column in values for mantissa in column):
        values = [[mantissa // 10 for mantissa in column] for column in values]
        exponent += 1
    return series._replace(axis=axis, exponent=exponent, values=(*values, *columns[2:]))
