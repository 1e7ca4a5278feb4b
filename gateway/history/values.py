"""What a file holds, by series: columns of seconds, of digits as they were written, and of lines."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from gateway.history.wrong import FileRefused, Wrong, Wrongs
from meter_driver import quantities
from meter_driver.dimensions import unfit, unit_fits
from meter_driver.errors import UnitError
from meter_driver.quantities import MEANS, Kind
from meter_driver.told_of import of_interval
from meter_driver.units import base, convert
from policies.amounts import MOST_AN_HOUR

MOST_VALUES = 5_000_000
"""Of one file: some 600 MB of memory. A longer one is cut in two."""
MOST_SERIES = 100_000
NUMBER = re.compile(r"[+-]?(?=[\d.]{1,15}\Z)\d{1,14}(?:\.\d{1,9})?")
"""14 digits, 9 of them behind the point: what intake takes."""
LONGEST_MEAN = 3600
"""Seconds. Of what is longer the mean says nothing of the hours in it."""


class Name(NamedTuple):
    """Whose and what. One of ``household`` and ``point`` is ""."""

    household: str
    point: str
    meter: str
    serial: str
    quantity: str
    unit: str


@dataclass(slots=True)
class SourceColumn:
    """Values of one name. ``starts`` equals ``ends`` for what is no interval; seconds since 1970 UTC.

    ``said``: the quantity as the file names it, where its values are amounts of intervals and ``name`` is of these.
    """

    name: Name
    kind: Kind
    said: str = ""
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    lines: "array[int]" = field(default_factory=lambda: array("l"))
    values: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    @property
    def entries(self) -> bool:
        """Whether each is of an interval: amounts, and means of the meter's own period."""
        return self.kind in (Kind.INTERVAL, Kind.MEAN)


class Values:
    """Filled by a reader; ``finish`` once at the end."""

    def __init__(self) -> None:
        self.wrong = Wrongs()
        self.columns: dict[Name, SourceColumn] = {}
        self.count = 0
        self.left_out = Wrongs()
        """What the file itself calls unusable: counted, not sent."""
        self._spanned: dict[Name, _Spanned] = {}

    def column(self, name: Name, line: int) -> SourceColumn | None:
        """Of a name; None when it is wrong, which is then noted once for this line."""
        found = self.columns.get(name)
        if found is None:
            if (checked := _checked(name, line, self.wrong)) is None:
                return None
            found = self.columns[name] = SourceColumn(*checked)
            if len(self.columns) > MOST_SERIES:
                raise FileRefused(Wrong(line, "file", f"more than {MOST_SERIES} series: cut it"))
        return found

    def add(self, column: SourceColumn, line: int, start: int, end: int, value: str, status: str) -> None:
        """``value``: matches ``NUMBER``. ``start`` and ``end``: as the file says them, one instant where it says one.

        What is of an interval goes to the amounts of its register.
        """
        if start < end:
            found = self._of_interval(column)
            if broken := found.broken(end - start, value):
                self.wrong.add(line, *broken)
                return
            column = found.column
        elif column.entries:
            self.wrong.add(line, "time", "an amount, or a mean of the meter's own period, needs its interval")
            return
        column.starts.append(start)
        column.ends.append(end)
        column.lines.append(line)
        column.values.append(value)
        column.statuses.append(status)
        self.count += 1
        if self.count > MOST_VALUES:
            raise FileRefused(Wrong(line, "file", f"more than {MOST_VALUES} values: cut it"))

    def _of_interval(self, column: SourceColumn) -> "_Spanned":
        found = self._spanned.get(column.name)
        if found is None:
            found = self._spanned[column.name] = _spanned(column)
        return found

    def finish(self) -> Sequence[SourceColumn]:
        """Ascending in time, by name; what is told twice is noted as wrong."""
        done = [column for _, column in sorted(self._merged().items()) if column.values]
        self.columns.clear()
        for column in done:
            _sort(column)
            for row, (a, b) in enumerate(pairwise(range(len(column.values))), 1):
                if column.ends[a] > column.starts[b] or column.starts[a] == column.starts[b]:
                    rule = "overlaps" if column.starts[b] < column.ends[b] else "is of the same instant as"
                    told = f"{rule} what line {column.lines[row - 1]} tells of this series"
                    self.wrong.add(column.lines[row], "time", told)
        return done

    def _merged(self) -> dict[Name, SourceColumn]:
        """Of each name all, however the file spells it; what would be the same amounts twice is noted as wrong."""
        merged: dict[Name, SourceColumn] = {}
        renamed = (spanned.column for spanned in self._spanned.values() if spanned.column.said)
        for column in (each for each in (*self.columns.values(), *renamed) if each.values):
            known = merged.setdefault(column.name, column)
            if known is column:
                continue
            if known.said != column.said:
                told = " and ".join(sorted({known.said or known.name.quantity, column.said or column.name.quantity}))
                self.wrong.add(column.lines[0], "quantity", f"intervals of {told} would be the same amounts")
            known.starts.extend(column.starts)
            known.ends.extend(column.ends)
            known.lines.extend(column.lines)
            known.values.extend(column.values)
            known.statuses.extend(column.statuses)
        return merged


class _Spanned(NamedTuple):
    """Where values of intervals of a series go. ``rule``: why nowhere. ``most``: an hour, where they may be stands."""

    column: SourceColumn
    rule: str
    most: Decimal | None

    def broken(self, length: int, value: str) -> tuple[str, str] | None:
        """Field and rule."""
        if self.rule:
            return "quantity", self.rule
        if self.column.kind in MEANS and length > LONGEST_MEAN:
            return "time", "a mean of an interval is one of an hour at most"
        if self.most is not None and abs(Decimal(value)) * _HOUR > self.most * length:
            return "value", "more than a connection carries in this time: a stand is of an instant (stamps: at)"
        return None


def _spanned(column: SourceColumn) -> _Spanned:
    name = column.name
    found = of_interval(name.quantity, name.unit or None)
    if isinstance(found, str):
        return _Spanned(column, found, None)
    if found.name == name.quantity:
        return _Spanned(column, "", None)
    most = MOST_AN_HOUR.get(base(name.unit or None))
    most = None if most is None else convert(most, base(name.unit), name.unit)
    return _Spanned(SourceColumn(name._replace(quantity=found.name), found.kind, said=name.quantity), "", most)


def _sort(column: SourceColumn) -> None:
    starts = column.starts
    if all(a <= b for a, b in pairwise(starts)):
        return
    order = sorted(range(len(starts)), key=starts.__getitem__)
    column.starts = array("q", [starts[row] for row in order])
    column.ends = array("q", [column.ends[row] for row in order])
    column.lines = array("l", [column.lines[row] for row in order])
    column.values = [column.values[row] for row in order]
    column.statuses = [column.statuses[row] for row in order]


_HOUR = 3600
_LONGEST = {"household": 32, "point": 64, "meter": 64, "serial": 64, "quantity": 120, "unit": 16}


def _checked(name: Name, line: int, wrong: Wrongs) -> tuple[Name, Kind] | None:
    """In the spelling of the vocabulary, and of which kind; None when it is wrong."""
    before = wrong.count
    for part, most in _LONGEST.items():
        text: str = getattr(name, part)
        if len(text) > most or not text.isprintable():
            wrong.add(line, part, f"at most {most} printable characters")
    if bool(name.household) == bool(name.point):
        wrong.add(line, "point", "a household or a metering point, one of both")
    known = quantities.parse(name.quantity)
    if known is None:
        wrong.add(line, "quantity", "not in the vocabulary")
    try:
        unit = quantities.unit(name.unit) or ""
    except UnitError as error:
        wrong.add(line, "unit", str(error))
    else:
        if known is not None and not unit_fits(known, unit or None):
            wrong.add(line, "unit", unfit(known, unit))
    if wrong.count > before or known is None:
        return None
    return name._replace(quantity=known.name, unit=unit), known.kind
