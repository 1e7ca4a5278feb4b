"""A household's readings of a day from several pieces: of one instant and device the one that came last. Pure.

At an exchange the old meter and the new one may both say what is at one instant. Stands of both count: they are two
registers. Of one time there is one amount and one mean, so of these the one that came last counts; the other is told as
received, and is no part of any interval.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.vault.partials import PartialKey, Seen, kind_of
from meter_driver.amounts import partials
from policies.vault.columns import Series

_Row = tuple[int, int]
"""Of a reading: start and mantissa."""
_When = tuple[int, int]
"""End and begin of an entry; of all else twice its instant, whatever a sender says it covers."""


class LatestReadings(NamedTuple):
    """``passed``: after what another device said of the same time. ``counted``: all else."""

    passed: Sequence[Series]
    counted: Sequence[Series]

    def told(self) -> list[Series]:
        """All, as they are kept: of one time what counts is behind what does not."""
        return [*self.passed, *self.counted]


def latest(parts: Sequence[Iterable[Series]]) -> LatestReadings:
    """By meter, quantity and instant (entries: end and begin); what came later takes the place of what was there, also
    when its unit or status is another, or its serial number and it may be the same device.
    """
    found: dict[PartialKey, _Variant] = {}
    variants: dict[Seen, list[_Variant]] = {}
    for part in parts:
        for one in part:
            key = one[:5]
            if (mine := found.get(key)) is None:
                mine = found[key] = _Variant(one)
                variants.setdefault((one.meter, one.quantity), []).append(mine)
            whens = mine.add(one)
            for other in variants[one.meter, one.quantity]:
                if other is not mine:
                    other.yield_to(mine, whens)
    shared: _Shared = {}
    passed = [variant.series(variant.passed, shared) for variant in found.values() if variant.passed]
    return LatestReadings(passed, [variant.series(variant.rows, shared) for variant in found.values() if variant.rows])


_Axis = tuple[tuple[int, ...], tuple[int, ...]]
_Shared = dict[tuple[int, ...], _Axis]


class _Variant:
    """Readings of one meter's quantity that name one device and have one unit and status, in one power of ten."""

    def __init__(self, first: Series) -> None:
        self._key, self._exponent = first[:5], first.exponent
        self.serial, self._summed = first.serial, partials.summed(kind_of(first.quantity))
        self.rows: dict[_When, _Row] = {}
        self.passed: dict[_When, _Row] = {}

    def add(self, one: Series) -> Sequence[_When]:
        """Of which times they are."""
        (starts, ats), (values,) = one.axis, one.values
        if one.exponent > self._exponent:
            factor = 10 ** (one.exponent - self._exponent)
            values = [value * factor for value in values]
        elif one.exponent < self._exponent:
            factor, self._exponent = 10 ** (self._exponent - one.exponent), one.exponent
            self.rows, self.passed = _finer(self.rows, factor), _finer(self.passed, factor)
        whens = list(zip(ats, partials.begins(kind_of(one.quantity), starts, ats), strict=True))
        self.rows.update(zip(whens, zip(starts, values, strict=True), strict=True))
        _without(self.passed, whens)
        return whens

    def yield_to(self, later: "_Variant", whens: Sequence[_When]) -> None:
        """What names no device may be of any."""
        if not self.serial or not later.serial or self.serial == later.serial:
            _without(self.rows, whens)
            _without(self.passed, whens)
        elif self._summed:
            self.passed |= {when: self.rows.pop(when) for when in whens if when in self.rows}

    def series(self, rows: dict[_When, _Row], shared: _Shared) -> Series:
        """Some of the rows."""
        whens = sorted(rows)
        ats, starts = tuple(at for at, _ in whens), tuple(rows[when][0] for when in whens)
        axis = shared.setdefault((*starts, *ats), (starts, ats))
        return Series(*self._key, axis, self._exponent, 0, ([rows[when][1] for when in whens],))


def _finer(rows: dict[_When, _Row], factor: int) -> dict[_When, _Row]:
    return {when: (start, value * factor) for when, (start, value) in rows.items()}


def _without(rows: dict[_When, _Row], whens: Iterable[_When]) -> None:
    if rows:
        for when in whens:
            rows.pop(when, None)
