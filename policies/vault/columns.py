"""The plain form of a piece or block: columns of 64-bit integers, so that its length depends on counts alone.

Whatever a household consumes, a value takes eight bytes: an integer mantissa, with one power of ten a series. Series
that were read at the same instants share an *axis*. Layout (little endian):

    u8   layout version, 1
    u8   0: readings; 1: partials of intervals
    u16  number of axes, u16 number of series
    axes:   u32 rows, then the columns (i64 each, one after the other), instants in microseconds since 1970 UTC:
            readings: start, at (start = at for what is no interval); partials: at, first_at, last_at, count
    series: u8 length and quantity (UTF-8), u8 length and unit (255: none), u8 status, u16 axis,
            i8 power of ten of the values, i8 of the total (0 for readings),
            columns of i64: readings: value; partials: first, last, total
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from struct import Struct, error, pack, unpack_from
from typing import NamedTuple

READINGS, PARTIALS = 0, 1
AXIS_COLUMNS = {READINGS: 2, PARTIALS: 4}
VALUE_COLUMNS = {READINGS: 1, PARTIALS: 3}
STATUSES = ("measured", "estimated", "validated", "missing")

VERSION = 1
LARGEST = 1 << 63
_HEAD, _ROWS, _SERIES = Struct("<BBHH"), Struct("<I"), Struct("<BHbb")
_NO_UNIT = 255

Column = Sequence[int]


class Series(NamedTuple):
    """One quantity of a household's day.

    Attributes:
        axis: columns of instants, see the layout; series with an equal axis share it when they are packed.
        exponent: power of ten of ``first`` and ``last``, or of the reading; ``total_exponent`` of the total.
        values: columns of mantissas, below 2**63, as long as the axis.
    """

    quantity: str
    unit: str | None
    status: str
    axis: tuple[Column, ...]
    exponent: int
    total_exponent: int
    values: tuple[Column, ...]


def encode(layout: int, series: Iterable[Series]) -> bytes:
    """Raises ``ValueError`` when a mantissa or a name does not fit."""
    axes: dict[int, tuple[int, tuple[Column, ...]]] = {}
    axis_parts: list[bytes] = []
    parts: list[bytes] = []
    count = 0
    try:
        for one in series:
            known = axes.get(id(one.axis))
            if known is None:
                known = axes[id(one.axis)] = (len(axes), one.axis)
                rows = len(one.axis[0])
                axis_parts.append(_ROWS.pack(rows))
                axis_parts += [pack(f"<{rows}q", *column) for column in one.axis]
            parts.append(_names(one.quantity, one.unit))
            parts.append(_SERIES.pack(STATUSES.index(one.status), known[0], one.exponent, one.total_exponent))
            parts += [pack(f"<{len(column)}q", *column) for column in one.values]
            count += 1
        return b"".join((_HEAD.pack(VERSION, layout, len(axes), count), *axis_parts, *parts))
    except error:
        raise ValueError("a value, or a number of series, is out of bounds") from None


def decode(plain: bytes, quantities: frozenset[str] | None = None) -> Iterator[Series]:
    """The series, or those of some quantities only. Raises ``ValueError``."""
    try:
        version, layout, axis_count, count = _HEAD.unpack_from(plain)
        if version != VERSION or layout not in AXIS_COLUMNS:
            raise ValueError("the layout is not known")
        offset, axes = _HEAD.size, []
        for _ in range(axis_count):
            (rows,) = _ROWS.unpack_from(plain, offset)
            columns, offset = _columns(plain, offset + _ROWS.size, rows, AXIS_COLUMNS[layout])
            axes.append(columns)
        for _ in range(count):
            quantity, offset = _text(plain, offset)
            unit: str | None = None
            if plain[offset] == _NO_UNIT:
                offset += 1
            else:
                unit, offset = _text(plain, offset)
            status, axis, exponent, total_exponent = _SERIES.unpack_from(plain, offset)
            offset += _SERIES.size
            rows = len(axes[axis][0])
            if quantities is None or quantity in quantities:
                values, offset = _columns(plain, offset, rows, VALUE_COLUMNS[layout])
                yield Series(quantity, unit, STATUSES[status], axes[axis], exponent, total_exponent, values)
            else:
                offset += 8 * rows * VALUE_COLUMNS[layout]
    except (error, IndexError, UnicodeDecodeError):
        raise ValueError("the columns are damaged") from None


@lru_cache(maxsize=4096)
def _names(quantity: str, unit: str | None) -> bytes:
    return _name(quantity) + (bytes([_NO_UNIT]) if unit is None else _name(unit))


def _name(text: str) -> bytes:
    data = text.encode()
    if len(data) >= _NO_UNIT:
        raise ValueError("a name is too long")
    return bytes([len(data)]) + data


def _text(plain: bytes, offset: int) -> tuple[str, int]:
    end = offset + 1 + plain[offset]
    return plain[offset + 1 : end].decode(), end


def _columns(plain: bytes, offset: int, rows: int, count: int) -> tuple[tuple[Column, ...], int]:
    width = 8 * rows
    columns = tuple(unpack_from(f"<{rows}q", plain, offset + i * width) for i in range(count))
    return columns, offset + count * width
