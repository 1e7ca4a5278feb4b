"""Intervals that have no number although something is told before and after them. Pure.

They are rows too, ``missing``, so that whoever asks can tell a gap from the time before a meter was there and after it
was gone. What lies outside of an answer's period says nothing about what lies inside. An answer is worked out in
windows: a long gap may end in a later one than it began in.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from meter_driver.quantities import parse
from policies.amounts import unit_of
from policies.terms import Period, Row
from policies.vault.values import Value

_Edge = tuple[datetime, datetime]


class Heard(NamedTuple):
    """From the first to the last instant of which something was told."""

    first: datetime
    last: datetime


class Owed(NamedTuple):
    """What is missing before the window that showed it.

    Attributes:
        empty: a missing row, with who, what and which unit it is about.
        told: what was before the gap.
        until: where the gap ends, or that window begins.
    """

    empty: Row
    told: Heard
    until: datetime


class Gaps:
    """What one answer knows of each quantity of each meter on its way through its windows, which ascend.

    ``period``: of the answer as a whole.
    """

    def __init__(self, period: Period) -> None:
        self._period = period
        self._told: dict[tuple[str, str], Heard] = {}
        self._owed: list[Owed] = []

    def filled(
        self, rows: list[Row], values: Sequence[Value], edges: Sequence[_Edge], window: datetime, empty: Row
    ) -> list[Row]:
        """Rows of one quantity of one meter, and what is missing between them.

        ``rows`` are of some of ``edges``, worked out from ``values``; all ascend. ``window``: begin of the window.
        ``empty``: a missing row, with who and what it is about, and its unit where that is not the values' own.
        """
        known = parse(empty.quantity)
        said = _said(rows, values, self._period)
        if said is None or known is None or not known.present:
            return rows
        key = empty.quantity, empty.meter
        before = self._told.get(key, said)
        told = self._told[key] = Heard(before.first, max(before.last, said.last))
        until = min(window, said.last)
        if len(rows) == len(edges) and until <= before.last:
            return rows
        empty = replace(empty, unit=rows[-1].unit if rows else empty.unit or unit_of(values))
        if until > before.last:
            self._owed.append(Owed(empty, before, until))
        there = {row.start: row for row in rows}
        inside = (edge for edge in edges if edge[0] in there or _within(edge, told))
        return [there.get(edge[0]) or _missing(empty, edge) for edge in inside]

    def taken(self) -> Sequence[Owed]:
        """What the windows since the last call showed of those before them."""
        owed, self._owed = self._owed, []
        return owed


def rows_owed(owed: Sequence[Owed], edges: Sequence[_Edge]) -> list[Row]:
    """Those of ``edges``, of a window before the one that showed it, in the order of ``owed``."""
    return [
        _missing(one.empty, edge)
        for one in owed
        for edge in edges
        if edge[1] > one.told.last and _within(edge, Heard(one.told.first, one.until))
    ]


def _said(rows: Sequence[Row], values: Sequence[Value], period: Period) -> Heard | None:
    """The outermost instants of which there is a row, or a reading of the period; None where there is none."""
    first = next((at for value in values for at in _inside(value, period)), period.end)
    last = next((at for value in reversed(values) for at in reversed(_inside(value, period))), period.start)
    if rows:
        return Heard(min(first, rows[0].start), max(last, rows[-1].end))
    return Heard(first, last) if first <= last else None


def _inside(value: Value, period: Period) -> Sequence[datetime]:
    """Those of its outermost instants that lie in the period. What ends where that begins says nothing of it."""
    if value.first_at < value.last_at == period.start:
        return ()
    return [at for at in (value.first_at, value.last_at) if period.contains(at)]


def _within(edge: _Edge, told: Heard) -> bool:
    return told.first <= edge[0] and edge[1] <= told.last


def _missing(empty: Row, edge: _Edge) -> Row:
    start, end = edge
    return Row(empty.subject, empty.quantity, start, end, None, empty.unit, "missing", empty.meter, Decimal(0))
