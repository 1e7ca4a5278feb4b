"""Several pieces of a household's day as one: later pieces win. Pure, on integers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from gateway.vault import Value
from meter_driver.intervals import Partial, instant, merge
from policies.columns import LARGEST, PARTIALS, READINGS, Series, encode
from policies.padding import pad_block, pad_piece
from policies.terms import DetailClass

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


def combined(detail: DetailClass, parts: Sequence[Iterable[Series]]) -> list[Series]:
    """One series for each quantity, unit and status, ascending; ``parts`` in the order in which they came."""
    if len(parts) == 1:
        return list(parts[0])
    return _partials(parts) if layout_of(detail) == PARTIALS else _readings(parts)


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


def _partials(parts: Sequence[Iterable[Series]]) -> list[Series]:
    """By quantity and interval; totals in one power of ten with the values, until they are encoded."""
    found: dict[_Key, dict[int, Partial]] = {}
    exponents: dict[_Key, int] = {}
    for part in parts:
        for one in part:
            key = (one.quantity, one.unit, one.status)
            rows = found.setdefault(key, {})
            exponent = min(one.exponent, one.total_exponent)
            known = exponents.setdefault(key, exponent)
            exponents[key] = exponent = min(exponent, known)
            if known > exponent:
                factor = 10 ** (known - exponent)
                for at, partial in rows.items():
                    rows[at] = _scaled(partial, factor, factor)
            factor, total_factor = 10 ** (one.exponent - exponent), 10 ** (one.total_exponent - exponent)
            for at, first_at, last_at, count, first, last, total in zip(*one.axis, *one.values, strict=True):
                new = _scaled(Partial(first_at, first, last_at, last, total, count), factor, total_factor)
                old = rows.get(at)
                rows[at] = new if old is None else merge(old, new)
    shared: dict[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]] = {}
    series = []
    for key, rows in found.items():
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
