"""Rows of a table, whatever form it came in: cells of text by what the map says its columns are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.history.plan import OF_SERIES, ImportMap
from gateway.history.stamps import Length, Stamps
from gateway.history.values import NUMBER, Name, SourceColumn, Values
from gateway.history.wrong import MapRefused, Wrong

WORDS = {"": "measured"} | {word: word for word in ("measured", "estimated", "validated", "substituted")}


@dataclass(slots=True)
class _Of:
    """A series as the file names it, and the stamp that came last in it."""

    column: SourceColumn | None
    before: int | None = None


class RowReader:
    """Takes one row after the other.

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
        self._plan, self._values, self._width, self._comma = plan, values, width, comma
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
        elif of.column is None:
            wrong.count += 1  # the same as in the row that named it first
        if of.column is None:
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
            stamp = self._clocks["time"].seconds(row[self._time].strip(), before)
            return stamp, *self._span(stamp, column)
        assert self._begin is not None
        assert self._end is not None
        start = self._clocks["begin"].seconds(row[self._begin].strip(), before)
        end = self._clocks["end"].seconds(row[self._end].strip(), start)
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


def places(plan: ImportMap, head: Sequence[str]) -> dict[str, int]:
    """Where each field stands in a row of these columns.

    Raises ``MapRefused`` for columns of the map that are not there, or there twice.
    """
    found, wrong = {}, []
    for field, column in plan.columns.items():
        if (count := head.count(column)) != 1:
            wrong.append(Wrong(0, f"columns.{field}", f"the file has {count} columns {column!r}"))
        else:
            found[str(field)] = head.index(column)
    if wrong:
        raise MapRefused(*wrong)
    return found
