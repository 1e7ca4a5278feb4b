"""The plain form of a piece or block: columns of integers of fixed width, so that its length depends on counts alone.

Whatever a household consumes, a value takes the same bytes: an integer mantissa, as an offset from the least of its
series, in four bytes (or eight, where a day's stands are billions of digits apart, which no household's are); a total,
which an empty house and a full one have billions of digits apart, in eight always. Series that were read at the same
instants share an *axis*. Version 2, little endian:

    u8   layout version, 2
    u8   0: readings; 1: partials of intervals
    u16  number of meters, u16 of axes, u16 of series
    meters: u8 length and label (UTF-8), u8 length and serial number (0: the telegrams name none)
    axes:   u32 rows, then the columns, instants in microseconds since 1970 UTC:
            readings: start, at (start = at for what is no interval)
            partials: begin of the interval, first_at, last_at, count, covered
    series: u16 meter, u8 length and quantity, u8 length and unit (255: none), u8 status, u16 axis,
            i8 power of ten of the values, i8 of the total, u8 number of columns, the columns:
            readings: value; partials: first, last, and (3 columns) total
    column: u8 form, i64 least, then an offset for each row: u32 or u64; form 4 or 8: bytes of an offset; with bit 7 the
            offsets are in seconds

``total`` is what the kind of the quantity needs (``meter_driver.quantities``): the sum of entries, the integral of a
value over time in unit seconds, nothing for registers. ``covered``: microseconds that readings speak for. ``count`` is
below 0 where the last of them is the mean of a time that ends at ``last_at``.

Version 1 (before meters were told apart) is still read: one meter without a name, eight bytes a value, no ``covered``.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from struct import Struct, error, unpack_from
from typing import NamedTuple

from policies.vault import columns_v1

READINGS, PARTIALS = 0, 1
AXIS_COLUMNS = {READINGS: 2, PARTIALS: 5}
STATUSES = ("measured", "estimated", "validated", "missing", "substituted")
_STATUS = {status: place for place, status in enumerate(STATUSES)}

_VERSION = 2
LARGEST = 1 << 63
"""Mantissas are below it."""
_HEAD, _ROWS, _SERIES, _COLUMN = Struct("<BBHHH"), Struct("<I"), Struct("<BHbbB"), Struct("<Bq")
_METER = Struct("<H")
_NO_UNIT = 255
_SHORT, _LONG, _SECONDS = 4, 8, 0x80
_ONE_ROW = {2: Struct("<BqIBqI"), 3: Struct("<BqIBqIBqQ")}
"""Columns of a single partial, by how many there are: as ``_packed`` packs each of them."""
_TOTAL = 2
"""Place of a partial's total among its columns of values."""
_FORMS = {_SHORT: "I", _LONG: "Q"}
_NOUGHTS = {form: bytes(form) for form in _FORMS}
_SECOND = 1_000_000

_Column = Sequence[int]


class Series(NamedTuple):
    """One quantity of one meter in a household's day.

    Attributes:
        meter: the meter's label in this household; "" for values of before meters were told apart.
        serial: its serial number as the telegrams named it, "" where they do not.
        axis: columns of instants, see the layout; series with an equal axis share it when they are packed.
        exponent: power of ten of ``first`` and ``last``, or of the reading; ``total_exponent`` of the total.
        values: columns of mantissas, as long as the axis: one of a reading; two or three of partials.
    """

    meter: str
    serial: str
    quantity: str
    unit: str | None
    status: str
    axis: tuple[_Column, ...]
    exponent: int
    total_exponent: int
    values: tuple[_Column, ...]


def encode(layout: int, series: Iterable[Series]) -> bytes:
    """Raises ``ValueError`` when a mantissa, a name or a number of series does not fit."""
    meters: dict[tuple[str, str], int] = {}
    axes: dict[int, tuple[int, tuple[_Column, ...]]] = {}
    axis_parts: list[bytes] = []
    parts: list[bytes] = []
    count = 0
    try:
        for label, serial, quantity, unit, status, axis, exponent, total_exponent, values in series:
            known = axes.get(id(axis))
            if known is None:
                known = axes[id(axis)] = (len(axes), axis)
                axis_parts.append(_ROWS.pack(len(axis[0])))
                axis_parts += [_packed(column, instants=True) for column in axis]
            meter = meters.setdefault((label, serial), len(meters))
            parts.append(_head(meter, quantity, unit, status, known[0], exponent, total_exponent, len(values)))
            if layout == PARTIALS and len(axis[0]) == 1:
                parts.append(_one_row(values))
            else:
                parts += map(_packed, values[:_TOTAL])
                parts += [_packed(column, wide=True) for column in values[_TOTAL:]]
            count += 1
        named = [_name(text) for meter in meters for text in meter]
        return b"".join((_HEAD.pack(_VERSION, layout, len(meters), len(axes), count), *named, *axis_parts, *parts))
    except error:
        raise ValueError("a value, or a number of series, is out of bounds") from None


def decode(plain: bytes, quantities: frozenset[str] | None = None) -> Iterator[Series]:
    """The series, or those of some quantities only. Raises ``ValueError``."""
    if plain[:1] == b"\x01":
        for old in columns_v1.decode(plain, quantities):
            yield Series("", "", *old)
        return
    try:
        yield from _decoded(plain, quantities)
    except (error, IndexError, KeyError, UnicodeDecodeError):
        raise ValueError("the columns are damaged") from None


def _decoded(plain: bytes, quantities: frozenset[str] | None) -> Iterator[Series]:
    version, layout, meter_count, axis_count, count = _HEAD.unpack_from(plain)
    if version != _VERSION or layout not in AXIS_COLUMNS:
        raise ValueError("the layout is not known")
    offset, meters, axes = _HEAD.size, [], []
    for _ in range(meter_count):
        label, offset = _text(plain, offset)
        serial, offset = _text(plain, offset)
        meters.append((label, serial))
    for _ in range(axis_count):
        (rows,) = _ROWS.unpack_from(plain, offset)
        columns, offset = _columns(plain, offset + _ROWS.size, rows, AXIS_COLUMNS[layout])
        axes.append(columns)
    for _ in range(count):
        (meter,) = _METER.unpack_from(plain, offset)
        quantity, offset = _text(plain, offset + _METER.size)
        unit: str | None = None
        if plain[offset] == _NO_UNIT:
            offset += 1
        else:
            unit, offset = _text(plain, offset)
        status, axis, exponent, total_exponent, width = _SERIES.unpack_from(plain, offset)
        offset += _SERIES.size
        rows = len(axes[axis][0])
        if quantities is None or quantity in quantities:
            values, offset = _columns(plain, offset, rows, width)
            label, serial = meters[meter]
            yield Series(label, serial, quantity, unit, STATUSES[status], axes[axis], exponent, total_exponent, values)
        else:
            for _ in range(width):
                offset += _COLUMN.size + rows * (plain[offset] & ~_SECONDS)


def _packed(column: _Column, *, instants: bool = False, wide: bool = False) -> bytes:
    """Offsets from the least. Only instants may be told in seconds: that depends on the meter's clock alone."""
    if not column:
        return _COLUMN.pack(_SHORT, 0)
    if len(column) == 1:
        least, form = column[0], _LONG if wide else _SHORT
        if not -LARGEST < least < LARGEST:
            raise ValueError("a mantissa does not fit")
        return _COLUMN.pack(form, least) + _NOUGHTS[form]
    least, most = min(column), max(column)
    if most >= LARGEST or least <= -LARGEST:
        raise ValueError("a mantissa does not fit")
    form, scale = _LONG if wide or most - least >= 1 << 32 else _SHORT, 1
    if least == most:
        return _COLUMN.pack(form, least) + bytes(form * len(column))
    if instants and form == _LONG and not any((value - least) % _SECOND for value in column):
        form, scale = (_SHORT if (most - least) // _SECOND < 1 << 32 else _LONG), _SECOND
    offsets = [value - least for value in column] if scale == 1 else [(value - least) // scale for value in column]
    return _column(len(offsets), form).pack(form | (_SECONDS if scale != 1 else 0), least, *offsets)


@lru_cache(maxsize=4096)
def _head(
    meter: int, quantity: str, unit: str | None, status: str, axis: int, exponent: int, total_exponent: int, width: int
) -> bytes:
    """Of a series."""
    told = _SERIES.pack(_STATUS[status], axis, exponent, total_exponent, width)
    said = bytes([_NO_UNIT]) if unit is None else _name(unit)
    return _METER.pack(meter) + _name(quantity) + said + told


def _one_row(values: Sequence[_Column]) -> bytes:
    if max(map(abs, (column[0] for column in values))) >= LARGEST:
        raise ValueError("a mantissa does not fit")
    (first,), (last,), *total = values
    if not total:
        return _ONE_ROW[2].pack(_SHORT, first, 0, _SHORT, last, 0)
    return _ONE_ROW[3].pack(_SHORT, first, 0, _SHORT, last, 0, _LONG, total[0][0], 0)


@lru_cache(maxsize=1024)
def _column(rows: int, form: int) -> Struct:
    return Struct(f"{_COLUMN.format}{rows}{_FORMS[form]}")


def _columns(plain: bytes, offset: int, rows: int, count: int) -> tuple[tuple[_Column, ...], int]:
    found = []
    for _ in range(count):
        mark, least = _COLUMN.unpack_from(plain, offset)
        offset += _COLUMN.size
        form = mark & ~_SECONDS
        offsets = unpack_from(f"<{rows}{_FORMS[form]}", plain, offset)
        offset += rows * form
        if mark & _SECONDS:
            found.append(tuple([least + value * _SECOND for value in offsets]))
        else:
            found.append(tuple([least + value for value in offsets]))
    return tuple(found), offset


@lru_cache(maxsize=4096)
def _name(text: str) -> bytes:
    data = text.encode()
    if len(data) >= _NO_UNIT:
        raise ValueError("a name is too long")
    return bytes([len(data)]) + data


def _text(plain: bytes, offset: int) -> tuple[str, int]:
    end = offset + 1 + plain[offset]
    return plain[offset + 1 : end].decode(), end
