"""What a file holds, by series: columns of seconds, of digits as they were written, and of lines."""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from gateway.history.wrong import FileRefused, Wrong, Wrongs
from meter_driver import quantities
from meter_driver.dimensions import UNFIT, unit_fits
from meter_driver.errors import UnitError
from meter_driver.quantities import Kind

MOST_VALUES = 5_000_000
"""Of one file: some 600 MB of memory. A longer one is cut in two."""
MOST_SERIES = 100_000
NUMBER = re.compile(r"[+-]?(?=[\d.]{1,15}\Z)\d{1,14}(?:\.\d{1,9})?")
"""14 digits, 9 of them behind the point: what intake takes."""


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
    """Values of one name. ``starts`` equals ``ends`` for what is no interval; seconds since 1970 UTC."""

    entries: bool
    name: Name
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    lines: "array[int]" = field(default_factory=lambda: array("l"))
    values: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)


class Values:
    """Filled by a reader; ``finish`` once at the end."""

    def __init__(self) -> None:
        self.wrong = Wrongs()
        self.columns: dict[Name, SourceColumn] = {}
        self.count = 0
        self.left_out = Wrongs()
        """What the file itself calls unusable: counted, not sent."""

    def column(self, name: Name, line: int) -> SourceColumn | None:
        """Of a name; None when it is wrong, which is then noted once for this line."""
        found = self.columns.get(name)
        if found is None:
            if (checked := _checked(name, line, self.wrong)) is None:
                return None
            found = self.columns[name] = SourceColumn(checked[1], checked[0])
            if len(self.columns) > MOST_SERIES:
                raise FileRefused(Wrong(line, "file", f"more than {MOST_SERIES} series: cut it"))
        return found

    def add(self, column: SourceColumn, line: int, start: int, end: int, value: str, status: str) -> None:
        """``value``: matches ``NUMBER``."""
        if column.entries != (start < end):
            self.wrong.add(line, "time", "an amount needs its interval" if column.entries else "a stand has no length")
            return
        column.starts.append(start)
        column.ends.append(end)
        column.lines.append(line)
        column.values.append(value)
        column.statuses.append(status)
        self.count += 1
        if self.count > MOST_VALUES:
            raise FileRefused(Wrong(line, "file", f"more than {MOST_VALUES} values: cut it"))

    def finish(self) -> Sequence[SourceColumn]:
        """Ascending in time, by name; what is told twice is noted as wrong."""
        merged: dict[Name, SourceColumn] = {}
        for column in self.columns.values():
            known = merged.setdefault(column.name, column)
            if known is not column:
                known.starts.extend(column.starts)
                known.ends.extend(column.ends)
                known.lines.extend(column.lines)
                known.values.extend(column.values)
                known.statuses.extend(column.statuses)
        self.columns.clear()
        done = [column for _, column in sorted(merged.items()) if column.values]
        for column in done:
            _sort(column)
            for row, (end, start) in enumerate(pairwise_edges(column), 1):
                if start < end or (not column.entries and start == end):
                    other = column.lines[row - 1]
                    rule = "overlaps" if column.entries else "is of the same instant as"
                    self.wrong.add(column.lines[row], "time", f"{rule} what line {other} tells of this series")
        return done


def pairwise_edges(column: SourceColumn) -> Iterator[tuple[int, int]]:
    """End of each value and start of the next one."""
    return ((column.ends[a], column.starts[b]) for a, b in pairwise(range(len(column.values))))


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


_LONGEST = {"household": 32, "point": 64, "meter": 64, "serial": 64, "quantity": 120, "unit": 16}


def _checked(name: Name, line: int, wrong: Wrongs) -> tuple[Name, bool] | None:
    """In the spelling of the vocabulary, and whether it is of amounts; None when it is wrong."""
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
    except UnitError:
        wrong.add(line, "unit", "not in the vocabulary")
    else:
        if known is not None and not unit_fits(known, unit or None):
            wrong.add(line, "unit", UNFIT)
    if wrong.count > before or known is None:
        return None
    return name._replace(quantity=known.name, unit=unit), known.kind is Kind.INTERVAL
