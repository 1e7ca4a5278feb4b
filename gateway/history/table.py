"""Tables (CSV, RFC 4180 with any delimiter): a line a value."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gateway.history.plan import OF_SERIES, ImportMap
from gateway.history.stamps import Length, Stamps
from gateway.history.values import NUMBER, Name, SourceColumn, Values
from gateway.history.wrong import FileRefused, Wrong

LONGEST_LINE = 100_000
"""Characters; a longer one is no table."""
WORDS = {"": "measured"} | {word: word for word in ("measured", "estimated", "validated", "substituted")}


def read(lines: Iterable[str], plan: ImportMap, values: Values) -> None:
    """Every line into ``values``, or into what is wrong. Raises ``FileRefused`` when it is no table of this map."""
    rows = csv.reader(islice(_bounded(lines), plan.csv.skip, None), delimiter=plan.csv.delimiter, strict=True)
    try:
        head = next(rows, None)
        if head is None:
            raise FileRefused(Wrong(0, "file", "empty"))
        table = _Table(plan, [name.strip() for name in head], values)
        for row in rows:
            if row:
                table.take(row, rows.line_num + plan.csv.skip)
    except csv.Error as error:
        raise FileRefused(Wrong(rows.line_num + plan.csv.skip, "line", f"no CSV: {error}")) from None


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE or "\0" in line:
            raise FileRefused(Wrong(number, "line", f"longer than {LONGEST_LINE} characters, or no text"))
        yield line


@dataclass(slots=True)
class _Of:
    """A series as the file names it, and the stamp that came last in it."""

    column: SourceColumn | None
    before: int | None = None


class _Table:
    def __init__(self, plan: ImportMap, head: Sequence[str], values: Values) -> None:
        self._plan, self._values, self._width = plan, values, len(head)
        at: dict[str, int] = {field: _position(head, column, field) for field, column in plan.columns.items()}
        fixed: dict[str, str] = {str(field): text for field, text in plan.fixed.items()}
        self._named = [(part, at.get(part), fixed.get(part, "")) for part in OF_SERIES]
        self._keys = [place for _, place, _ in self._named if place is not None]
        self._value, self._status = _needed(at, "value"), at.get("status")
        self._begin, self._end = at.get("begin"), at.get("end")
        self._time = at.get("time")
        if (self._time is None) == (self._begin is None or self._end is None):
            raise FileRefused(Wrong(0, "columns", "a time, or a begin and an end"))
        self._clock: Stamps = plan.clock
        self._length: Length | None = plan.length
        self._comma = plan.csv.decimal == ","
        self._words = {**WORDS, **plan.statuses}
        self._fixed_status = plan.fixed.get("status", "measured")
        self._series: dict[tuple[str, ...], _Of] = {}

    def take(self, row: list[str], line: int) -> None:
        """One line."""
        wrong = self._values.wrong
        if len(row) != self._width:
            wrong.add(line, "line", f"{len(row)} fields, and the first line names {self._width}")
            return
        status = self._fixed_status if self._status is None else self._words.get(row[self._status].strip(), "")
        if not status:
            wrong.add(line, "status", "a word that the map does not explain")
            return
        if status == "refused":
            self._values.left_out.add(line, "status", "not usable, as the file says")
            return
        value = row[self._value].strip()
        if not value:
            self._values.left_out.add(line, "value", "none")
            return
        if self._comma:
            value = value.replace(",", ".")
        if NUMBER.fullmatch(value) is None:
            wrong.add(line, "value", "no decimal number of at most 14 digits")
            return
        key = tuple([row[place] for place in self._keys])
        of = self._series.get(key)
        if of is None:
            of = self._series[key] = _Of(self._values.column(self._name(row), line))
        if of.column is None:
            wrong.count += 1  # the same as in the line that named it first
            return
        try:
            of.before, start, end = self._when(row, of.column, of.before)
        except ValueError as error:
            wrong.add(line, "time" if self._time is not None else "begin, end", str(error))
            return
        self._values.add(of.column, line, start, end, value, status)

    def _when(self, row: Sequence[str], column: SourceColumn, before: int | None) -> tuple[int, int, int]:
        """The stamp, and begin and end of what it is for; both are equal for what is no amount."""
        if self._time is not None:
            stamp = self._clock.seconds(row[self._time].strip(), before)
            return stamp, *self._span(stamp, column)
        assert self._begin is not None
        assert self._end is not None
        start = self._clock.seconds(row[self._begin].strip(), before)
        end = self._clock.seconds(row[self._end].strip(), start)
        if end <= start:
            raise ValueError("the end is not after the begin")
        return (start, start, end) if column.entries else (start, end, end)

    def _span(self, stamp: int, column: SourceColumn) -> tuple[int, int]:
        if not column.entries:
            return stamp, stamp
        if self._length is None or self._plan.stamps == "at":
            raise ValueError("an amount needs stamps (begin or end) and an interval in the map")
        if self._plan.stamps == "begin":
            return stamp, self._length.end(stamp)
        return self._length.begin(stamp), stamp

    def _name(self, row: Sequence[str]) -> Name:
        parts = {part: row[place].strip() if place is not None else fixed for part, place, fixed in self._named}
        parts["point"] = self._plan.points.get(parts["point"], parts["point"])
        return Name(**parts)


def _position(head: Sequence[str], column: str, field: str) -> int:
    if head.count(column) != 1:
        raise FileRefused(Wrong(1, f"columns.{field}", f"the file has {head.count(column)} columns of this name"))
    return head.index(column)


def _needed(at: Mapping[str, int], field: str) -> int:
    if field not in at:
        raise FileRefused(Wrong(0, "columns", f"{field}: none is said to be it"))
    return at[field]
