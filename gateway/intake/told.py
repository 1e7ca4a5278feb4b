"""How far each meter has told, so that what may be told again is known without a look. Pure, and on the hot path.

What this process does not know of may be told again if it is of a time before its start, and what comes later than
other readings of its meter. The store says then whether the day holds anything.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.intake.records import Column, Key
from policies.terms import SubjectId

HOUSEHOLDS_KNOWN = 200_000
"""With one more nothing is known of anybody."""


class _Told(NamedTuple):
    """The newest instant of a meter (microseconds), and a sum over what was said of it; None where nobody knows."""

    newest: int
    said: int | None


class ToldSoFar:
    """One instance for each process."""

    def __init__(self) -> None:
        self._told: dict[SubjectId, dict[str, _Told]] = {}
        self._before: _Told | None = None

    def again(self, subject: SubjectId, columns: Iterable[tuple[Key, Column]], latest: int) -> bool:
        """Whether some of it may be of instants that were told before, and say something else of them.

        ``latest``: no reading that is taken now, or was before, is later; microseconds.
        """
        before = self._before = self._before or _Told(latest, None)
        told = self._told.get(subject, {})
        same: dict[str, int] = {}
        for key, column in columns:
            known, first = told.get(key[0], before).newest, min(column.ats)
            if first < known:
                return True
            if first == known:
                same[key[0]] = same.get(key[0], 0) + _said(key, column, first)
        return any(told.get(meter, before).said != said for meter, said in same.items())

    def note(self, subject: SubjectId, columns: Iterable[tuple[Key, Column]]) -> None:
        """It is on its way; after ``again``."""
        assert self._before is not None
        if subject not in self._told and len(self._told) >= HOUSEHOLDS_KNOWN:
            self._told, self._before = {}, None
            return
        told = self._told.setdefault(subject, {})
        by_meter: dict[str, list[tuple[Key, Column]]] = {}
        for key, column in columns:
            by_meter.setdefault(key[0], []).append((key, column))
        for meter, some in by_meter.items():
            newest, said = told.get(meter, self._before)
            if (last := max([max(column.ats) for _, column in some])) < newest:
                continue
            now = sum([_said(key, column, last) for key, column in some])
            told[meter] = _Told(last, now if last > newest or now == said else None)


def _said(key: Key, column: Column, at: int) -> int:
    rows = zip(column.starts, column.ats, column.values, strict=True)
    return sum([hash((key, start, value)) for start, instant, value in rows if instant == at])
