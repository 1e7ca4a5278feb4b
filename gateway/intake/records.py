"""Single records of a batch: sorted by household, quantity and unit, and each bad one refused. Pure, hot path."""

from collections.abc import Iterable, Sequence, Set
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from gateway.intake.axes import Axes, Axis
from gateway.intake.derive import Named, in_base_unit, mantissas, name_of_quarter
from gateway.vault.partials import serial_status
from meter_driver import quantities
from meter_driver.amounts.partials import Mantissas, begins, counts, in_base, summed
from meter_driver.dimensions import unit_fits
from meter_driver.errors import UnitError
from meter_driver.intervals import micros, quarter_begin
from meter_driver.reading import Quality, Reading
from policies.terms import SubjectId

Reasons = dict[int, str]
"""Reason by index."""
Key = tuple[str, str, str, str | None, str]
"""Meter, serial number, quantity and unit, as they came; and what the values are worth."""


class Column(NamedTuple):
    """Readings of one quantity as they came: begin and end in microseconds, value, and index in the batch."""

    starts: Axis
    ats: Axis
    values: tuple[Decimal, ...]
    indexes: tuple[int, ...]


Columns = dict[SubjectId, dict[Key, Column]]


def by_household(
    readings: Sequence[tuple[SubjectId, Reading]],
    latest: int,
    refused: Reasons,
    doubtful: list[int],
) -> Columns:
    """Readings by household and as they are named; what is wrong with a single one is refused.

    ``doubtful`` gets the indexes of those whose meter had a doubtful clock.
    """
    found: dict[SubjectId, dict[Key, tuple[list[int], list[int], list[Decimal], list[int]]]] = {}
    times: dict[int, int] = {}  # by identity: a telegram's readings share one instant
    quality, status, void, doubted = Quality.NONE, Quality.NONE.status, False, False
    for index, (subject, reading) in enumerate(readings):
        at, value = reading.at, reading.value
        if reading.quality is not quality:  # by identity as well
            quality = reading.quality
            void, status = Quality.NO_VALUE in quality, quality.status
            doubted = Quality.CLOCK_DOUBTFUL in quality
        if void or type(value) is not Decimal:
            refused[index] = "no-value" if void else "text"
            continue
        if doubted:
            doubtful.append(index)
        us = times.get(id(at))
        if us is None:
            if at is None or at.utcoffset() is None:
                refused[index] = "no-instant"
                continue
            us = times[id(at)] = micros(at)
        if us > latest:
            refused[index] = "clock"
            continue
        start = us
        if reading.start is not None:
            start = micros(reading.start) if reading.start.utcoffset() is not None else us
            if start >= us:
                refused[index] = "interval"
                continue
        columns = found.get(subject)
        if columns is None:
            columns = found[subject] = {}
        key = (reading.meter, reading.serial, reading.quantity, reading.unit, status)
        rows = columns.get(key)
        if rows is None:
            rows = columns[key] = ([], [], [], [])
        starts, ats, values, indexes = rows
        starts.append(start)
        ats.append(us)
        values.append(value)
        indexes.append(index)
    one = Axes().one
    return {
        subject: {
            key: Column(one(tuple(starts)), one(tuple(ats)), tuple(values), tuple(indexes))
            for key, (starts, ats, values, indexes) in columns.items()
        }
        for subject, columns in found.items()
    }


def exact(column: Column, refused: Reasons) -> Sequence[tuple[Column, Mantissas]]:
    """The column, if its values fit one power of ten; else without those that fit none, one part for each power."""
    if not column.values:
        return ()
    numbers = mantissas(column.values)
    if numbers is not None:
        return ((column, numbers),)
    rows: dict[int, list[int]] = {}
    alone: dict[int, int] = {}
    for row, value in enumerate(column.values):
        number = mantissas([value])
        if number is None:
            refused[column.indexes[row]] = "too-many-digits" if value.is_finite() else "not-finite"
        else:
            rows.setdefault(number.exponent, []).append(row)
            alone[row] = number.values[0]
    return [(_some(column, some), Mantissas(power, [alone[row] for row in some])) for power, some in rows.items()]


def without(column: Column, refused: Reasons, reason: str, bad: Sequence[bool]) -> Column:
    refused.update((index, reason) for index, is_bad in zip(column.indexes, bad, strict=True) if is_bad)
    return _some(column, [row for row, is_bad in enumerate(bad) if not is_bad])


Numbered = tuple[Named, Column, Mantissas]
"""What a column says, exactly."""


def latest_of_each(told: Sequence[Numbered]) -> tuple[Sequence[Numbered], Sequence[Numbered]]:
    """Of one meter's quantity: of readings of the same instant (entries: begin and end) the one that came last.

    Then the sums and means that another device's came after: told as received, and no part of any interval. Two stands
    of one instant that name two devices both count. See ``gateway.vault.readings``.
    """
    if len(told) == 1 and len(set(ats := told[0][1].ats)) == len(ats):
        return told, ()
    latest, of_devices = _latest(told), _latest_of_devices(told)
    if not summed(told[0][0].kind):
        return _of_indexes(told, latest | of_devices), ()
    return _of_indexes(told, latest), _of_indexes(told, of_devices - latest)


def _of_indexes(told: Sequence[Numbered], wanted: Set[int]) -> Sequence[Numbered]:
    kept = ((one, [row for row, index in enumerate(one[1].indexes) if index in wanted]) for one in told)
    return [some_rows(one, rows) for one, rows in kept if rows]


def _latest_of_devices(told: Sequence[Numbered]) -> set[int]:
    """Index of the last of each device and instant, where several are named; what names none counts as of each."""
    devices = {name.serial for name, _, _ in told if name.serial}
    if len(devices) < 2:
        return set()
    named = {index for name, column, _ in told if name.serial for index in column.indexes}
    return named & {i for serial in devices for i in _latest([one for one in told if one[0].serial in ("", serial)])}


def _latest(told: Sequence[Numbered]) -> set[int]:
    """Index of the last of each instant, whatever else it says."""
    last: dict[tuple[int, int], int] = {}
    for name, (starts, ats, _, indexes), _ in told:
        for when, index in zip(zip(begins(name.kind, starts, ats), ats, strict=True), indexes, strict=True):
            last[when] = max(index, last.get(when, index))
    return set(last.values())


def some_rows(told: Numbered, rows: Sequence[int]) -> Numbered:
    """Those rows of it."""
    name, column, (exponent, values) = told
    if len(rows) == len(column.ats):
        return told
    return name, _some(column, rows), Mantissas(exponent, [values[row] for row in rows])


def _some(column: Column, rows: Sequence[int]) -> Column:
    starts, ats, values, indexes = column
    return Column(
        tuple([starts[row] for row in rows]),
        tuple([ats[row] for row in rows]),
        tuple([values[row] for row in rows]),
        tuple([indexes[row] for row in rows]),
    )


def refuse(refused: Reasons, columns: Iterable[Column], reason: str) -> None:
    for column in columns:
        for index in column.indexes:
            refused.setdefault(index, reason)


@lru_cache(maxsize=8192)
def named(key: Key) -> Named | str:
    """In the spelling of the vocabulary; else the reason of the refusal."""
    meter, serial, quantity, unit, status = key
    known = quantities.parse(quantity)
    if known is None:
        return "quantity"
    try:
        spelled = quantities.unit(unit)
    except UnitError:
        return "unit"
    if not unit_fits(known, spelled):
        return "unit-misfit"
    return Named(meter, serial, known.name, spelled, known.kind, status)


def of_quarters(told: Sequence[Numbered]) -> Sequence[Numbered]:
    """What quarters are derived from, of one meter's quantity: in base units, each quarter in one.

    No instant is there twice, but stands of two devices.
    """
    if len(told) == 1:
        ((name, column, numbers),) = told
        return ((in_base_unit(name), column, in_base(name.unit, *numbers)),)
    parts: dict[Named, list[Numbered]] = {}
    for one in told:
        parts.setdefault(name_of_quarter(one[0]), []).append(one)
    return [each for name, some in parts.items() for each in _quarters_of(name, some)]


def _quarters_of(name: Named, told: Sequence[Numbered]) -> Iterable[Numbered]:
    whole = _together(name, told)
    return _by_worth(whole, told) if summed(name.kind) else (whole,)


def _together(name: Named, told: Sequence[Numbered]) -> Numbered:
    """In the order in which they came, in base units and one power of ten."""
    numbers = [in_base(each.unit, *mine) for each, _, mine in told]
    exponent = min(each.exponent for each in numbers)
    rows = sorted(
        (index, start, at, value, number * 10 ** (each.exponent - exponent))
        for (_, (starts, ats, values, indexes), _), each in zip(told, numbers, strict=True)
        for start, at, value, index, number in zip(starts, ats, values, indexes, each.values, strict=True)
    )
    indexes, starts, ats, values, numbered = zip(*rows, strict=True)
    return name, Column(starts, ats, values, indexes), Mantissas(exponent, numbered)


def _by_worth(whole: Numbered, told: Sequence[Numbered]) -> Sequence[Numbered]:
    """By what whole quarters are worth and the serial number that they name."""
    said = {index: (name.serial, name.status) for name, column, _ in told for index in column.indexes}
    name, (starts, ats, _, indexes), numbers = whole
    quarters: dict[int, list[int]] = {}
    for row, first in enumerate(begins(name.kind, starts, ats)):
        if counts(name.kind, first, ats[row]):
            quarters.setdefault(quarter_begin(first), []).append(row)
    found: dict[Named, list[int]] = {}
    for rows in quarters.values():
        rows.sort(key=lambda row: (ats[row], starts[row]))
        serial, status = serial_status([said[indexes[row]] for row in rows])
        found.setdefault(name._replace(serial=serial, status=status), []).extend(rows)
    return [some_rows((each, whole[1], numbers), rows) for each, rows in found.items()]
