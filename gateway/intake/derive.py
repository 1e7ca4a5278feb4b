"""From the readings of one household in one batch to the series of its pieces. Pure, and on the hot path.

The coarser series are derived here, once, while the values are in clear: of each class those readings whose day is
still held. A telegram's quantities share their instants, so what depends on instants alone is worked out once for all
of them.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from meter_driver.intervals import DAY_US, Bucket, DayFinder, buckets, quarter_begin
from policies.terms import DetailClass
from policies.vault.columns import Series

MAX_DIGITS = 14
MAX_EXPONENT = 9
"""Of a value: digits, and its power of ten on either side. Sums of a day fit 64 bits then."""
_TOO_LARGE = 10**MAX_DIGITS
_SCALES = {power: Decimal(1).scaleb(-power) for power in range(-MAX_EXPONENT, MAX_EXPONENT + 1)}
EPOCH_DAY = 719_163
"""1970-01-01 as a proleptic ordinal."""

Times = tuple[tuple[int, ...], tuple[int, ...]]
"""Begin and end of each reading in microseconds; the same for what is no interval."""

PieceKey = tuple[DetailClass, int]
"""Class, and UTC day as an ordinal."""


class Mantissas(NamedTuple):
    """Values as integers in one power of ten."""

    exponent: int
    values: list[int]


def mantissas(values: Sequence[Decimal]) -> Mantissas | None:
    """The values in the finest power of ten among them; None when one is not finite or has too many digits."""
    try:
        exponent = sum(values[1:], values[0]).as_tuple().exponent
        if not isinstance(exponent, int) or exponent not in _SCALES:
            return None
        scale = _SCALES[exponent]
        found = [int(value * scale) for value in values]
    except (ArithmeticError, ValueError):
        return None
    # An inexact sum, whose power of ten is too coarse, has a summand far beyond the limit.
    return Mantissas(exponent, found) if max(found) < _TOO_LARGE and min(found) > -_TOO_LARGE else None


class _Live(NamedTuple):
    day: int
    axis: tuple[Sequence[int], ...]
    rows: Sequence[int] | None


class _Derived(NamedTuple):
    day: int
    axis: tuple[Sequence[int], ...]
    some: Sequence[Bucket]


class Deriver:
    """For one household and one batch. ``oldest``: of each class the oldest day that is held (ordinal)."""

    def __init__(self, oldest: Mapping[DetailClass, int], days: DayFinder) -> None:
        self._oldest, self._days = oldest, days
        self._live: dict[Times, list[_Live]] = {}
        self._derived: dict[tuple[DetailClass, Times], list[_Derived]] = {}
        self.pieces: dict[PieceKey, list[Series]] = {}

    def add(self, quantity: str, unit: str | None, times: Times, numbers: Mantissas) -> None:
        """Readings of one quantity, with no instant twice."""
        exponent, values = numbers
        for live in self._live_of(times):
            some = values if live.rows is None else [values[row] for row in live.rows]
            self._put(DetailClass.LIVE, live.day, Series(quantity, unit, "measured", live.axis, exponent, 0, (some,)))
        for detail in (DetailClass.QUARTER, DetailClass.DAY):
            for derived in self._derived_of(detail, times):
                columns = (
                    [values[bucket.first] for bucket in derived.some],
                    [values[bucket.last] for bucket in derived.some],
                    [
                        sum(values[bucket.rows] if isinstance(bucket.rows, slice) else [values[r] for r in bucket.rows])
                        for bucket in derived.some
                    ],
                )
                series = Series(quantity, unit, "measured", derived.axis, exponent, exponent, columns)
                self._put(detail, derived.day, series)

    def _put(self, detail: DetailClass, day: int, series: Series) -> None:
        self.pieces.setdefault((detail, day), []).append(series)

    def _live_of(self, times: Times) -> list[_Live]:
        found = self._live.get(times)
        if found is None:
            starts, ats = times
            by_day: dict[int, list[int]] = {}
            for row, at in enumerate(ats):
                by_day.setdefault(at // DAY_US + EPOCH_DAY, []).append(row)
            found = self._live[times] = [
                _Live(day, times, None)
                if len(rows) == len(ats)
                else _Live(day, (tuple(starts[r] for r in rows), tuple(ats[r] for r in rows)), rows)
                for day, rows in by_day.items()
                if day >= self._oldest[DetailClass.LIVE]
            ]
        return found

    def _derived_of(self, detail: DetailClass, times: Times) -> list[_Derived]:
        found = self._derived.get((detail, times))
        if found is None:
            starts, ends = times
            by_day: dict[int, list[Bucket]] = {}
            for bucket in buckets(starts, ends, quarter_begin if detail is DetailClass.QUARTER else self._days.begin):
                by_day.setdefault(bucket.begin // DAY_US + EPOCH_DAY, []).append(bucket)
            found = self._derived[detail, times] = [
                _Derived(day, _axis(some, starts, ends), some)
                for day, some in by_day.items()
                if day >= self._oldest[detail]
            ]
        return found


def _axis(some: Sequence[Bucket], starts: Sequence[int], ends: Sequence[int]) -> tuple[Sequence[int], ...]:
    return (
        [bucket.begin for bucket in some],
        [starts[bucket.first] for bucket in some],
        [ends[bucket.last] for bucket in some],
        [bucket.size for bucket in some],
    )
