"""How far each meter has told, so that what may be told again is known without a look. Pure, and on the hot path.

Of a household that this process meets for the first time it is learnt from the newest day of readings as received: what
is of a time before that day may be told again, whatever else is there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from gateway.intake.axes import Axis, earliest, latest
from gateway.intake.derive import EPOCH_DAY
from gateway.intake.records import Column, Key
from meter_driver.intervals import DAY_US
from policies.terms import SubjectId
from policies.vault.columns import Series

METERS_KNOWN = 64
"""Of a household that are known; of one with more everything may be told again."""
_ALWAYS = 1 << 63

NamedColumn = tuple[Key, Column]


class _Told(NamedTuple):
    """The newest instant (microseconds), and a sum over what was said of it; None where nobody knows."""

    newest: int
    said: int | None


class _Household(NamedTuple):
    """``others``: of meters that are not among these."""

    meters: dict[str, _Told]
    others: _Told


class ToldSoFar:
    """One instance for each process."""

    def __init__(self) -> None:
        self._of: dict[SubjectId, _Household] = {}
        self.changes = 0
        """Grows with each of ``learn`` and ``note``."""

    def knows(self, subject: SubjectId) -> bool:
        return subject in self._of

    def learn(self, subject: SubjectId, day: int, series: Collection[Series]) -> None:
        """What the store holds of the newest day that anything was told of, or that is held (ordinal)."""
        found = _newest(series)
        held = self._of.setdefault(subject, _Household({}, _Told((day - EPOCH_DAY) * DAY_US, None)))
        for meter, told in found.items():
            if told.newest > held.meters.get(meter, held.others).newest:
                held.meters[meter] = told
        self._bound(subject)

    def again(self, subject: SubjectId, columns: Iterable[NamedColumn]) -> bool:
        """Whether some of it may be of instants that were told before, and say something else of them."""
        meters, others = self._of[subject]
        for meter, some in _by_meter(columns).items():
            newest, said = meters.get(meter, others)
            first = earliest(column.ats for _, column in some)
            if first < newest or (first == newest and _said(some, first) != said):
                return True
        return False

    def note(self, subject: SubjectId, columns: Iterable[NamedColumn]) -> None:
        """It is on its way."""
        meters, others = self._of[subject]
        for meter, some in _by_meter(columns).items():
            newest, said = meters.get(meter, others)
            if (last := latest(column.ats for _, column in some)) < newest:
                continue
            now = _said(some, last)
            meters[meter] = _Told(last, now if last > newest or now == said else None)
        self._bound(subject)

    def _bound(self, subject: SubjectId) -> None:
        self.changes += 1
        if len(self._of[subject].meters) > METERS_KNOWN:
            self._of[subject] = _Household({}, _Told(_ALWAYS, None))


def _by_meter(columns: Iterable[NamedColumn]) -> Mapping[str, Sequence[NamedColumn]]:
    found: dict[str, list[NamedColumn]] = {}
    for one in columns:
        found.setdefault(one[0][0], []).append(one)
    return found


def _said(columns: Iterable[NamedColumn], at: int) -> int:
    rows: dict[int, tuple[Axis, Sequence[int]]] = {}
    said = 0
    for key, (starts, ats, values, _) in columns:
        if id(ats) not in rows:  # kept beside it, so that no other gets its number
            rows[id(ats)] = ats, [row for row, instant in enumerate(ats) if instant == at]
        for row in rows[id(ats)][1]:
            if values[row].is_finite():
                said += hash((key, starts[row], values[row]))
    return said


def _newest(series: Collection[Series]) -> dict[str, _Told]:
    """Of readings as received; what was told twice alike was told once."""
    newest: dict[str, int] = {}
    for one in series:
        newest[one.meter] = max(newest.get(one.meter, 0), *one.axis[1])
    said: dict[str, set[int]] = {meter: set() for meter in newest}
    for one in series:
        for start, at, number in zip(*one.axis, one.values[0], strict=True):
            if at == newest[one.meter]:
                said[one.meter].add(hash((one[:5], start, Decimal(number).scaleb(one.exponent))))
    return {meter: _Told(newest[meter], sum(some)) for meter, some in said.items()}
