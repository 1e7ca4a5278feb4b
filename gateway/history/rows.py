"""Rows of a table, whatever form it came in: cells of text by what the map says its columns are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.history.plan import OF_SERIES, ImportMap
from gateway.history.stamps import DOUBTFUL, Length, Stamps, second_ones
from gateway.history.values import MOST_SERIES, NUMBER, Name, SourceColumn, Values
from gateway.history.wrong import FileRefused, MapRefused, Wrong

WORDS = {"": "measured"} | {word: word for word in ("measured", "estimated", "validated", "substituted")}
_MOST_NAMED = 400
"""Characters of a file's columns in a message."""
_SIGNS = {".": "point", ",": "comma"}
_UNSPANNED = (
    "the end is not after the begin",
    "an amount, or a mean of the meter's own period, needs stamps (begin or end) and an interval in the map",
)
"""Of what is of an interval at an instant: of two columns, of one."""


class _Row(NamedTuple):
    """A row whose stamps can be read, each as both instants that it may mean. ``worth``: value and status, None where
    it is left out or wrong."""

    line: int
    stamp: tuple[int, int]
    end: tuple[int, int] | None
    worth: tuple[str, str] | None


@dataclass(slots=True)
class _Of:
    """A series as the file names it, the stamp that came last in it, and rows of a doubled hour until what follows
    tells which they are. ``named``: once a row of it has a value; ``column`` is None where its name is wrong."""

    named: bool = False
    column: SourceColumn | None = None
    before: int | None = None
    open: list[_Row] | None = None


class RowReader:
    """Takes one row after the other; ``finish`` once at the end.

    ``at``: where in a row each field stands, see ``places``. ``width``: fields of a row. ``comma``: numbers have a
    decimal comma. ``iso``: fields whose times are ISO 8601, whatever the map says of the form of times.
    """

    def __init__(
        self,
        plan: ImportMap,
        at: Mapping[str, int],
        width: int,
        values: Values,
        *,
        comma: bool = False,
        iso: Collection[str] = (),
    ) -> None:
        self._plan, self._values, self._width = plan, values, width
        self._sign, self._other = (",", ".") if comma else (".", ",")
        fixed: dict[str, str] = {str(field): text for field, text in plan.fixed.items()}
        self._named = [(part, at.get(part), fixed.get(part, "")) for part in OF_SERIES]
        self._keys = [place for _, place, _ in self._named if place is not None]
        if (value := at.get("value")) is None:
            raise MapRefused(Wrong(0, "columns", "value: none is said to be it"))
        self._value, self._status = value, at.get("status")
        self._begin, self._end = at.get("begin"), at.get("end")
        self._time = at.get("time")
        if (self._time is None) == (self._begin is None or self._end is None):
            raise MapRefused(Wrong(0, "columns", "a time, or a begin and an end"))
        self._times = "time" if self._time is not None else "begin, end"
        plain, written = Stamps(plan.wall()), plan.clock
        self._clocks = {field: plain if field in iso else written for field in ("time", "begin", "end")}
        self._length: Length | None = plan.length
        self._words = {**WORDS, **plan.statuses}
        self._fixed_status = plan.fixed.get("status", "measured")
        self._series: dict[tuple[str, ...], _Of] = {}

    def take(self, row: Sequence[str], line: int) -> None:
        """One row. ``line``: its number."""
        wrong = self._values.wrong
        if len(row) != self._width:
            wrong.add(line, "line", f"{len(row)} fields, and the first line names {self._width}")
            return
        worth = self._worth(row, line)
        of = self._of(row, line)
        if worth is not None and not self._is_named(of, row, line):
            return
        try:
            stamp, end = self._stamps(row)
        except ValueError as error:
            if worth is not None:
                wrong.add(line, self._times, str(error))
            return
        self._follow(of, _Row(line, stamp, end, worth))

    def finish(self) -> None:
        """Rows of a doubled hour that nothing follows."""
        for of in self._series.values():
            if of.open:
                self._close(of, None)

    def _worth(self, row: Sequence[str], line: int) -> tuple[str, str] | None:
        """Value, as ``NUMBER`` wants it, and status; None, noted, for what is left out or wrong."""
        wrong, left_out = self._values.wrong, self._values.left_out
        status = self._fixed_status if self._status is None else self._words.get(row[self._status].strip(), "")
        value = row[self._value].strip()
        if not status:
            wrong.add(line, "status", "a word that the map does not explain")
        elif status == "refused":
            left_out.add(line, "status", "not usable, as the file says")
        elif not value:
            left_out.add(line, "value", "none")
        elif self._other in value:
            wrong.add(line, "value", f"a {_SIGNS[self._other]}, and csv.decimal is a {_SIGNS[self._sign]}")
        elif NUMBER.fullmatch(value := value.replace(self._sign, ".")) is None:
            wrong.add(line, "value", "no decimal number of at most 14 digits")
        else:
            return value, status
        return None

    def _of(self, row: Sequence[str], line: int) -> _Of:
        key = tuple([row[place] for place in self._keys])
        of = self._series.get(key)
        if of is None:
            if len(self._series) >= MOST_SERIES:
                raise FileRefused(Wrong(line, "file", f"more than {MOST_SERIES} series: cut it"))
            of = self._series[key] = _Of()
        return of

    def _is_named(self, of: _Of, row: Sequence[str], line: int) -> bool:
        """Whether its name is right; a wrong one is noted."""
        if not of.named:
            of.named, of.column = True, self._values.column(self._name(row), line)
        elif of.column is None:
            self._values.wrong.count += 1  # the same as in the row that named it first
        return of.column is not None

    def _stamps(self, row: Sequence[str]) -> tuple[tuple[int, int], tuple[int, int] | None]:
        """Of the time or the begin, and of the end where there is one."""
        if self._time is not None:
            return self._clocks["time"].both(row[self._time].strip()), None
        assert self._begin is not None
        assert self._end is not None
        return self._clocks["begin"].both(row[self._begin].strip()), self._clocks["end"].both(row[self._end].strip())

    def _follow(self, of: _Of, row: _Row) -> None:
        """``row`` is placed, or waits for what follows where the clock showed its stamp twice."""
        first, second = row.stamp
        if of.open and abs(first - of.open[0].stamp[0]) >= second - first:
            self._close(of, first)
        if first == second:
            self._place(of, row, first)
            of.before = first
            return
        of.open = of.open or []
        of.open.append(row)
        if len(of.open) > 2 * (second - first):
            raise FileRefused(Wrong(row.line, self._times, "more rows of one hour of a series than it has seconds"))

    def _close(self, of: _Of, after: int | None) -> None:
        """``after``: the stamp that ends the hour."""
        rows, of.open = of.open or [], None
        second = second_ones([row.stamp for row in rows], of.before, after)
        if second is None and len(rows) == 1 and self._is_day(of):
            second = range(0)
        for place, row in enumerate(rows):
            if second is not None:
                self._place(of, row, row.stamp[place in second])
            elif row.worth is not None:
                self._values.wrong.add(row.line, self._times, DOUBTFUL)
        of.before = rows[-1].stamp[0]

    def _is_day(self, of: _Of) -> bool:
        """A day that begins in a doubled hour does so the first time."""
        return self._length is not None and self._length.of_days and self._plan.stamps != "at" and of.column is not None

    def _place(self, of: _Of, row: _Row, stamp: int) -> None:
        """Among the values; ``stamp``: which of both it is."""
        if row.worth is None or of.column is None:
            return
        try:
            start, end = self._span(stamp, row.end)
        except ValueError as error:
            self._values.wrong.add(row.line, self._times, str(error))
            return
        if start == end and of.column.entries:
            self._values.wrong.add(row.line, self._times, _UNSPANNED[row.end is None])
        else:
            self._values.add(of.column, row.line, start, end, *row.worth)

    def _span(self, stamp: int, until: tuple[int, int] | None) -> tuple[int, int]:
        """Begin and end of what it is for; both are equal where the file tells of an instant."""
        if until is not None:
            end = until[0] if stamp < until[0] else until[1]
            if end < stamp:
                raise ValueError("the end is before the begin")
            return stamp, end
        if self._length is None or self._plan.stamps == "at":
            return stamp, stamp
        if self._plan.stamps == "begin":
            return stamp, self._length.end(stamp)
        return self._length.begin(stamp), stamp

    def _name(self, row: Sequence[str]) -> Name:
        parts = {part: row[place].strip() if place is not None else fixed for part, place, fixed in self._named}
        parts["point"] = self._plan.points.get(parts["point"], parts["point"])
        return Name(**parts)


def places(plan: ImportMap, head: Sequence[str]) -> dict[str, int]:
    """Where each field stands in a row of these columns.

    Raises ``MapRefused`` for columns of the map that are not there, or there twice; the first says which there are.
    """
    found: dict[str, int] = {}
    wrong: list[Wrong] = []
    for field, column in plan.columns.items():
        if (count := head.count(column)) != 1:
            there = "" if wrong else f"; its columns are {_listed(head)}"
            said = f"no column {column!r}" if not count else f"{count} columns {column!r}"
            wrong.append(Wrong(0, f"columns.{field}", f"the file has {said}{there}"))
        else:
            found[str(field)] = head.index(column)
    if wrong:
        raise MapRefused(*wrong)
    return found


def _listed(head: Sequence[str]) -> str:
    """Bounded: a file with another delimiter has one column with a long name."""
    text = ", ".join(map(repr, head))
    return text if len(text) <= _MOST_NAMED else f"{text[:_MOST_NAMED]}..."
