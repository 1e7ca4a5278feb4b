"""Single records of a batch: sorted by household, quantity and unit, and each bad one refused. Pure, hot path."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from gateway.intake.derive import Named, mantissas
from meter_driver import quantities
from meter_driver.amounts.partials import Mantissas
from meter_driver.errors import UnitError
from meter_driver.intervals import micros
from meter_driver.quantities import Kind
from meter_driver.reading import Quality, Reading
from policies.terms import SubjectId

Reasons = dict[int, str]
"""Reason by index."""
Key = tuple[str, str, str, str | None, str]
"""Meter, serial number, quantity and unit, as they came; and what the values are worth."""


class Column(NamedTuple):
    """Readings of one quantity as they came: begin and end in microseconds, value, and index in the batch."""

    starts: tuple[int, ...]
    ats: tuple[int, ...]
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
    return {subject: {key: _column(*rows) for key, rows in columns.items()} for subject, columns in found.items()}


def _column(starts: list[int], ats: list[int], values: list[Decimal], indexes: list[int]) -> Column:
    return Column(tuple(starts), tuple(ats), tuple(values), tuple(indexes))


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
        return Named(meter, serial, known.name, quantities.unit(unit), known.kind, status)
    except UnitError:
        return "unit"


def together(parts: Sequence[tuple[Column, Mantissas]], kind: Kind) -> tuple[Column, Mantissas]:
    """Readings of one meter's quantity, all in one unit, in one power of ten; of one instant the one that came last."""
    if len(parts) == 1:
        return parts[0]
    exponent = min(numbers.exponent for _, numbers in parts)
    rows = sorted(
        (column.indexes[row], column.starts[row], column.ats[row], value * 10 ** (numbers.exponent - exponent))
        for column, numbers in parts
        for row, value in enumerate(numbers.values)
    )
    last = {
        (start, start < at) if kind is Kind.INTERVAL else (at, False): (index, start, at, value)
        for index, start, at, value in rows
    }
    indexes, starts, ats, values = zip(*last.values(), strict=True)
    return Column(starts, ats, (), indexes), Mantissas(exponent, values)
