"""Single records of a batch: sorted by household, quantity and unit, and each bad one refused. Pure, hot path."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from gateway.intake.derive import Named, mantissas
from meter_driver import quantities
from meter_driver.amounts.partials import Mantissas, in_base
from meter_driver.errors import UnitError
from meter_driver.intervals import micros
from meter_driver.quantities import Kind
from meter_driver.reading import Quality, Reading
from policies.terms import SubjectId

Reasons = dict[int, str]
"""Reason by index."""
Key = tuple[str, str, str, str | None, str]
"""Meter, serial number, quantity and unit, as they came; and what the values are worth."""


@dataclass(slots=True)
class Column:
    """Readings of one quantity as they came."""

    starts: list[int] = field(default_factory=list)
    ats: list[int] = field(default_factory=list)
    values: list[Decimal] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)


Columns = dict[SubjectId, dict[Key, Column]]


def by_household(
    readings: Sequence[tuple[SubjectId, Reading]],
    latest: int,
    refused: Reasons,
) -> Columns:
    """Readings by household and as they are named; what is wrong with a single one is refused."""
    found: Columns = {}
    times: dict[int, int] = {}  # by identity: a telegram's readings share one instant
    quality, void, status = Quality.NONE, False, Quality.NONE.status
    for index, (subject, reading) in enumerate(readings):
        at, value = reading.at, reading.value
        if reading.quality is not quality:  # by identity as well
            quality = reading.quality
            void, status = Quality.NO_VALUE in quality, quality.status
        if void:
            refused[index] = "no-value"
            continue
        if type(value) is not Decimal:
            refused[index] = "text"
            continue
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
        column = columns.get(key)
        if column is None:
            column = columns[key] = Column()
        column.starts.append(start)
        column.ats.append(us)
        column.values.append(value)
        column.indexes.append(index)
    return found


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


def latest_of_each(column: Column) -> Column:
    """Of readings at the same instant the one that came last."""
    return _some(column, sorted({at: row for row, at in enumerate(column.ats)}.values()))


def _some(column: Column, rows: Sequence[int]) -> Column:
    return Column(
        [column.starts[row] for row in rows],
        [column.ats[row] for row in rows],
        [column.values[row] for row in rows],
        [column.indexes[row] for row in rows],
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
        return Named(meter, serial, known.name, quantities.unit(unit), known.kind, status)
    except UnitError:
        return "unit"


def together(parts: Sequence[tuple[str | None, Column, Mantissas]], kind: Kind) -> tuple[Column, Mantissas]:
    """Readings of one meter's quantity in one base unit and power of ten; of one instant the one that came last."""
    scaled = [(column, in_base(unit, *numbers)) for unit, column, numbers in parts]
    if len(scaled) == 1:
        return scaled[0]
    exponent = min(numbers.exponent for _, numbers in scaled)
    rows = sorted(
        (column.indexes[row], column.starts[row], column.ats[row], value * 10 ** (numbers.exponent - exponent))
        for column, numbers in scaled
        for row, value in enumerate(numbers.values)
    )
    last = {
        (start, start < at) if kind is Kind.INTERVAL else (at, False): (index, start, at, value)
        for index, start, at, value in rows
    }
    indexes, starts, ats, values = (list(each) for each in zip(*last.values(), strict=True))
    return Column(starts, ats, [], indexes), Mantissas(exponent, values)
