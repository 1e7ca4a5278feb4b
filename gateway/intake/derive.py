"""From the readings of one household in one batch to the series of its pieces. Pure, and on the hot path.

Two classes are written at intake: readings as received, and partials of quarters of an hour, each of those readings
whose day is still held. Days are derived later, by the compactor, from the quarters. Quarters are told in the unit of
their dimension that all others are multiples of, so that a meter which changes its unit stays one series. A telegram's
quantities share their instants, so what depends on instants alone is worked out once for all of them.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from meter_driver.amounts import partials
from meter_driver.amounts.partials import Cover, Mantissas
from meter_driver.intervals import DAY_US, quarter_begin
from meter_driver.quantities import Kind, is_signed
from meter_driver.units import base
from policies.terms import DetailClass
from policies.vault.columns import Series

_MAX_DIGITS = 14
_MAX_EXPONENT = 9
"""Of a value: digits, and its power of ten on either side. Sums of a day fit 64 bits then."""
_TOO_LARGE = 10**_MAX_DIGITS
_SCALES = {power: Decimal(1).scaleb(-power) for power in range(-_MAX_EXPONENT, _MAX_EXPONENT + 1)}
EPOCH_DAY = 719_163
"""1970-01-01 as a proleptic ordinal."""

Times = tuple[tuple[int, ...], tuple[int, ...]]
"""Begin and end of each reading in microseconds; the same for what is no interval."""

PieceKey = tuple[DetailClass, int]
"""Class, and UTC day as an ordinal."""


class Named(NamedTuple):
    """What a column is of, as in ``Series``; quantity and unit as they are written."""

    meter: str
    serial: str
    quantity: str
    unit: str | None
    kind: Kind
    status: str = "measured"


@lru_cache(maxsize=8192)
def in_base_unit(name: Named) -> Named:
    """Of the same, in the unit that quarters are told in."""
    return name._replace(unit=base(name.unit))


@lru_cache(maxsize=8192)
def name_of_quarter(name: Named) -> Named:
    """The same for all that one partial is of: where it is summed up, whatever serial number and status they say."""
    name = in_base_unit(name)
    return name._replace(serial="", status="") if partials.summed(name.kind) else name


def mantissas(values: Sequence[Decimal]) -> Mantissas | None:
    """The values in the finest power of ten among them; None when one is not finite or has too many digits."""
    try:
        exponent = sum(values[1:], values[0]).as_tuple().exponent
        if not isinstance(exponent, int) or exponent not in _SCALES:
            return None
        scale = _SCALES[exponent]
        found = list(map(int, map(scale.__mul__, values)))
    except (ArithmeticError, ValueError):
        return None
    # An inexact sum, whose power of ten is too coarse, has a summand far beyond the limit.
    return Mantissas(exponent, found) if max(found) < _TOO_LARGE and min(found) > -_TOO_LARGE else None


class _Live(NamedTuple):
    into: list[Series]
    axis: tuple[Sequence[int], ...]
    rows: Sequence[int] | None


class _Quarters(NamedTuple):
    """``firsts``, ``lasts``: rows of the outermost readings of each quarter."""

    into: list[Series]
    axis: tuple[Sequence[int], ...]
    covers: Sequence[Cover]
    firsts: Sequence[int]
    lasts: Sequence[int]


class Deriver:
    """For one household and one batch. ``oldest``: of each class the oldest day that is held (ordinal)."""

    def __init__(self, oldest: Mapping[DetailClass, int]) -> None:
        self._oldest = oldest
        self._live: dict[Times, list[_Live]] = {}
        self._quarters: dict[tuple[Kind, Times], list[_Quarters]] = {}
        self.pieces: dict[PieceKey, list[Series]] = {}

    def receive(self, name: Named, times: Times, numbers: Mantissas) -> None:
        """Readings as they came, with no instant twice."""
        meter, serial, quantity, unit, _, status = name
        exponent, values = numbers
        for into, axis, rows in self._live_of(times):
            some = values if rows is None else [values[row] for row in rows]
            into.append(Series(meter, serial, quantity, unit, status, axis, exponent, 0, (some,)))

    def quarter(self, name: Named, times: Times, numbers: Mantissas) -> None:
        """Partials of all readings of one meter's quantity, with no instant twice; ``name`` and numbers in base units.

        See ``in_base_unit``.
        """
        meter, serial, quantity, unit, kind, status = name
        exponent, values = numbers
        total_exponent = partials.total_exponent(kind, exponent)
        summed = partials.summed(kind)
        below = summed and kind is Kind.INTERVAL and min(values) < 0 and not is_signed(quantity)
        for into, axis, covers, firsts, lasts in self._quarters_of(kind, times):
            columns: tuple[Sequence[int], ...] = (
                list(map(values.__getitem__, firsts)),
                list(map(values.__getitem__, lasts)),
            )
            if below:
                sums = [partials.believed(cover, *times, values) for cover in covers]
                axis = (*axis[:4], [covered for _, covered in sums])
                columns = (*columns, [total for total, _ in sums])
            elif summed:
                columns = (*columns, [partials.total(kind, cover, values) for cover in covers])
            into.append(Series(meter, serial, quantity, unit, status, axis, exponent, total_exponent, columns))

    def _into(self, detail: DetailClass, day: int) -> list[Series]:
        return self.pieces.setdefault((detail, day), [])

    def _live_of(self, times: Times) -> list[_Live]:
        found = self._live.get(times)
        if found is None:
            starts, ats = times
            by_day: dict[int, list[int]] = {}
            for row, at in enumerate(ats):
                by_day.setdefault(at // DAY_US + EPOCH_DAY, []).append(row)
            found = self._live[times] = [
                _Live(self._into(DetailClass.LIVE, day), times, None)
                if len(rows) == len(ats)
                else _Live(
                    self._into(DetailClass.LIVE, day),
                    (tuple(starts[r] for r in rows), tuple(ats[r] for r in rows)),
                    rows,
                )
                for day, rows in by_day.items()
                if day >= self._oldest[DetailClass.LIVE]
            ]
        return found

    def _quarters_of(self, kind: Kind, times: Times) -> list[_Quarters]:
        found = self._quarters.get((kind, times))
        if found is None:
            starts, ats = times
            rows_of: dict[int, list[int]] = {}
            begins, all_count = partials.begins(kind, starts, ats), partials.counts(kind, 0, 0)
            for row, quarter in enumerate([quarter_begin(begin) for begin in begins]):
                if all_count or partials.counts(kind, begins[row], ats[row]):
                    rows_of.setdefault(quarter, []).append(row)
            by_day: dict[int, list[tuple[int, Cover]]] = {}
            for begin in sorted(rows_of):
                cover = partials.cover(kind, rows_of[begin], starts, ats)
                by_day.setdefault(begin // DAY_US + EPOCH_DAY, []).append((begin, cover))
            found = self._quarters[kind, times] = [
                _quarters(self._into(DetailClass.QUARTER, day), some)
                for day, some in by_day.items()
                if day >= self._oldest[DetailClass.QUARTER]
            ]
        return found


def _quarters(into: list[Series], some: Sequence[tuple[int, Cover]]) -> _Quarters:
    covers = [cover for _, cover in some]
    orders = [cover.order for cover in covers]
    return _Quarters(into, _axis(some), covers, [order[0] for order in orders], [order[-1] for order in orders])


def _axis(some: Sequence[tuple[int, Cover]]) -> tuple[Sequence[int], ...]:
    return (
        [begin for begin, _ in some],
        [cover.first_at for _, cover in some],
        [cover.last_at for _, cover in some],
        [cover.readings for _, cover in some],
        [cover.covered for _, cover in some],
    )
