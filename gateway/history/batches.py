"""Batches of a file: the same each time, so that a batch that came already is known by its number."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from gateway.history.plan import ImportMap
from gateway.history.values import SourceColumn

_MOST = 384
"""Values of a batch: four days of quarters, and some 10 ms of a gateway's time."""
_FORM = b"3"
"""Changes with what is in a batch: what was sent in another form is another source."""
_DAY = 86_400


class Slice(msgspec.Struct, frozen=True):
    """Some values of one column and one status, by row."""

    column: SourceColumn
    status: str
    rows: Sequence[int]

    def wire(self) -> dict[str, Any]:
        """As the API takes it."""
        of, name = self.column, self.column.name
        told = {part: text for part, text in name._asdict().items() if text}
        if any(of.starts[row] < of.ends[row] for row in self.rows):
            told["starts"] = [of.starts[row] for row in self.rows]
        return {
            **told,
            "status": self.status,
            "ends": [of.ends[row] for row in self.rows],
            "values": [of.values[row] for row in self.rows],
        }


def source_of(digest: str, plan: ImportMap) -> str:
    """The name of a file's batches. ``digest``: SHA-256 of the file, hex. Another map makes other batches."""
    told = hashlib.sha256(_FORM + digest.encode() + msgspec.json.encode(plan, order="deterministic"))
    return told.hexdigest()[:40]


def batches(columns: Iterable[SourceColumn], most: int = _MOST) -> Iterator[list[Slice]]:
    """``columns`` by name, each ascending. A household's day is cut only where it alone is too much."""
    waiting: list[tuple[SourceColumn, int, int]] = []
    count = 0
    for column, begin, end in _days(columns):
        while begin < end:
            take = min(end - begin, most - count) if end - begin > most else end - begin
            if waiting and waiting[-1][0] is column and waiting[-1][2] == begin:
                waiting[-1] = (column, waiting[-1][1], begin + take)
            else:
                waiting.append((column, begin, begin + take))
            begin, count = begin + take, count + take
            if count >= most:
                yield _cut(waiting)
                waiting, count = [], 0
    if waiting:
        yield _cut(waiting)


def _days(columns: Iterable[SourceColumn]) -> Iterator[tuple[SourceColumn, int, int]]:
    """By household, then by UTC day, then by column: so that a household's day is sealed few times."""
    for _, group in groupby(columns, key=lambda column: (column.name.household, column.name.point)):
        some = list(group)
        at = [0] * len(some)
        while left := [n for n, column in enumerate(some) if at[n] < len(column.starts)]:
            day = min(some[n].starts[at[n]] for n in left) // _DAY
            for n in left:
                end = bisect_left(some[n].starts, (day + 1) * _DAY, at[n])
                if end > at[n]:
                    yield some[n], at[n], end
                    at[n] = end


def _cut(waiting: Sequence[tuple[SourceColumn, int, int]]) -> list[Slice]:
    rows: dict[tuple[int, str], list[int]] = {}
    of: dict[int, SourceColumn] = {}
    for column, begin, end in waiting:
        of[id(column)] = column
        statuses = column.statuses[begin:end]
        for status in sorted(set(statuses)):
            rows.setdefault((id(column), status), []).extend(
                row for row, said in enumerate(statuses, begin) if said == status
            )
    return [Slice(of[which], status, some) for (which, status), some in rows.items()]


def ranges(lines: Iterable[int]) -> Iterator[str]:
    """``12``, ``14-97``: lines that follow each other together."""
    begin = last = 0
    for line in sorted(lines):
        if begin and line == last + 1:
            last = line
            continue
        if begin:
            yield f"{begin}-{last}" if last > begin else f"{begin}"
        begin = last = line
    if begin:
        yield f"{begin}-{last}" if last > begin else f"{begin}"
