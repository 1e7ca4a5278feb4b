"""Version 1 of the plain form, as it lies in stores of before meters were told apart: read, never written.

u8   layout version, 1
u8   0: readings; 1: partials of intervals
u16  number of axes, u16 number of series
axes:   u32 rows, then the columns (i64 each): readings: start, at; partials: at, first_at, last_at, count
series: u8 length and quantity, u8 length and unit (255: none), u8 status, u16 axis,
        i8 power of ten of the values, i8 of the total,
        columns of i64: readings: value; partials: first, last, total (the sum of the readings)
"""

from collections.abc import Iterator, Sequence
from struct import Struct, error, unpack_from

STATUSES = ("measured", "estimated", "validated", "missing")
_AXIS_COLUMNS, _VALUE_COLUMNS = {0: 2, 1: 4}, {0: 1, 1: 3}
_HEAD, _ROWS, _SERIES = Struct("<BBHH"), Struct("<I"), Struct("<BHbb")
_NO_UNIT = 255

_Columns = tuple[Sequence[int], ...]
Old = tuple[str, str | None, str, _Columns, int, int, _Columns]
"""Quantity, unit, status, axis, exponents, values. Partials have ``covered`` as a fifth column of the axis: 0."""


def decode(plain: bytes, quantities: frozenset[str] | None) -> Iterator[Old]:
    """The series, or those of some quantities only. Raises ``ValueError``."""
    try:
        _, layout, axis_count, count = _HEAD.unpack_from(plain)
        offset, axes = _HEAD.size, []
        for _ in range(axis_count):
            (rows,) = _ROWS.unpack_from(plain, offset)
            columns, offset = _columns(plain, offset + _ROWS.size, rows, _AXIS_COLUMNS[layout])
            axes.append((*columns, (0,) * rows) if layout else columns)
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
            values, offset = _columns(plain, offset, rows, _VALUE_COLUMNS[layout])
            if quantities is None or quantity in quantities:
                yield quantity, unit, STATUSES[status], axes[axis], exponent, total_exponent, values
    except (error, IndexError, KeyError, UnicodeDecodeError):
        raise ValueError("the columns are damaged") from None


def _text(plain: bytes, offset: int) -> tuple[str, int]:
    end = offset + 1 + plain[offset]
    return plain[offset + 1 : end].decode(), end


def _columns(plain: bytes, offset: int, rows: int, count: int) -> tuple[_Columns, int]:
    width = 8 * rows
    columns = tuple(unpack_from(f"<{rows}q", plain, offset + i * width) for i in range(count))
    return columns, offset + count * width
