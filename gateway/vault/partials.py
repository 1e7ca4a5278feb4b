"""Partials of a household's day from several pieces: of one interval one for each meter, quantity and unit. Pure.

Sums and means are of all readings of the interval, so they are worth the least of them. Stands of registers are kept
for each serial number and status, because what a register did between two stands depends on whose they are.
"""

from collections.abc import Sequence

from meter_driver.amounts.partials import Partial, merged, settled, summed, total_exponent
from meter_driver.quantities import Kind, parse
from policies.amounts import least
from policies.vault.columns import Series

Seen = tuple[str, str]
"""Meter and quantity."""
Clashes = dict[tuple[str, str, int], int]
"""Meter, quantity and begin of an interval -> the latest end of a reading in it, microseconds."""
_Axis = tuple[tuple[int, ...], ...]
_Shared = dict[_Axis, _Axis]
SerialStatus = tuple[str, str]
"""Serial number and status."""
PartialKey = tuple[str, str, str, str | None, str]
"""Meter, serial number, quantity, unit and status, without what partials of this kind are not kept apart by."""


def kind_of(quantity: str) -> Kind:
    """What is no longer in the vocabulary is told as it came."""
    known = parse(quantity)
    return known.kind if known is not None else Kind.SNAPSHOT


def key_of(one: Series) -> PartialKey:
    if summed(kind_of(one.quantity)):
        return one.meter, "", one.quantity, one.unit, ""
    return one[:5]


def serial_status(some: Sequence[SerialStatus]) -> SerialStatus:
    """Of a partial whose readings, ascending, say these: the last serial number that is named, and the least status."""
    serial = next((serial for serial, _ in reversed(some) if serial), "")
    return serial, least({status for _, status in some})


def merged_partials(parts: Sequence[Sequence[Series]], clashes: Clashes | None) -> list[Series]:
    """``parts`` in the order in which they came. None for ``clashes``: no reading is in two parts."""
    noted: Clashes = {} if clashes is None else clashes
    found: dict[PartialKey, _Rows] = {}
    variants: dict[Seen, list[_Rows]] = {}
    for number, part in enumerate(parts):
        for one in part:
            key = key_of(one)
            rows = found.get(key)
            if rows is None:
                rows = found[key] = _Rows(kind_of(one.quantity), one.exponent, key[1])
                variants.setdefault((one.meter, one.quantity), []).append(rows)
            others = [other for other in variants[one.meter, one.quantity] if other is not rows]
            for begin, new in rows.partials_of(one):
                old = rows.rows.get(begin)
                touched = [other for other in others if other.came.get(begin) != number and other.holds(begin, new)]
                touched = touched if clashes is not None else []
                ends = [each.last_at for each in (old, *(other.rows[begin] for other in touched)) if each is not None]
                clash = rows.add(begin, new, (one.serial, one.status)) or bool(touched)
                rows.came[begin] = number
                if clash and clashes is not None:
                    end = max(new.last_at, *ends)
                    noted[one.meter, one.quantity, begin] = max(end, noted.get((one.meter, one.quantity, begin), end))
                for other in touched:
                    other.yield_to(begin, rows, new)
    for meter, quantity, begin in noted:
        ends = [rows.rows[begin].last_at for rows in variants[meter, quantity] if begin in rows.rows]
        noted[meter, quantity, begin] = max(noted[meter, quantity, begin], *ends)
    shared: _Shared = {}
    return [one for key, rows in found.items() for one in rows.series(key, shared)]


class _Rows:
    """Partials by the begin of their interval, in one power of ten."""

    def __init__(self, kind: Kind, exponent: int, serial: str) -> None:
        self.kind, self.exponent, self.serial = kind, exponent, serial
        self.rows: dict[int, Partial] = {}
        self._told: dict[int, SerialStatus] = {}
        self.came: dict[int, int] = {}
        """In which part: readings of one part are never the same."""

    def partials_of(self, one: Series) -> list[tuple[int, Partial]]:
        """Of a series, in our power of ten, which becomes the finer of the two."""
        exponent = (
            min(one.exponent, one.total_exponent - total_exponent(self.kind, 0)) if summed(self.kind) else one.exponent
        )
        if exponent < self.exponent:
            factor, self.exponent = 10 ** (self.exponent - exponent), exponent
            self.rows = {begin: _scaled(partial, factor, factor) for begin, partial in self.rows.items()}
        factor = 10 ** (one.exponent - self.exponent)
        total_factor = 10 ** (one.total_exponent - total_exponent(self.kind, self.exponent)) if summed(self.kind) else 1
        firsts, lasts, *totals = one.values
        sums = totals[0] if totals else (0,) * len(firsts)
        return [
            (begin, _scaled(Partial(first_at, first, last_at, last, total, covered, count), factor, total_factor))
            for begin, first_at, last_at, count, covered, first, last, total in zip(
                *one.axis, firsts, lasts, sums, strict=True
            )
        ]

    def add(self, begin: int, new: Partial, told: SerialStatus) -> bool:
        """Whether it clashes with what is there."""
        old = self.rows.get(begin)
        if old is None:
            self.rows[begin], self._told[begin] = new, told
            return False
        both = merged(self.kind, old, new)
        counts = self.rows[begin] = both if both is not None else settled(self.kind, old, new)
        if counts is new:
            self._told[begin] = told
        elif counts is not old and told != (before := self._told[begin]):
            self._told[begin] = serial_status((before, told) if old.first_at <= new.first_at else (told, before))
        return both is None

    def holds(self, begin: int, new: Partial) -> bool:
        """Whether a reading of another variant (unit, status, serial) may be of the same time."""
        old = self.rows.get(begin)
        if old is None:
            return False
        if self.kind is Kind.INTERVAL:
            return old.first_at < new.last_at and new.first_at < old.last_at
        return old.first_at <= new.last_at and new.first_at <= old.last_at

    def yield_to(self, begin: int, later: "_Rows", new: Partial) -> None:
        """The same time was told again under another unit, status or serial number.

        Stands of two devices are two registers and stay; of all else one counts, and what is told twice is not added
        up: what speaks for more, or came later.
        """
        old = self.rows[begin]
        if begin not in later.rows:
            return
        if summed(self.kind):
            loser = later if old.covered > later.rows[begin].covered else self
        elif later.serial == self.serial and (old.first_at, old.last_at) == (new.first_at, new.last_at):
            loser = self
        else:
            return
        loser.rows.pop(begin, None)

    def series(self, key: PartialKey, shared: _Shared) -> list[Series]:
        """One for each serial number and status."""
        begins: dict[SerialStatus, list[int]] = {}
        for begin in sorted(self.rows):
            begins.setdefault(self._told[begin], []).append(begin)
        return [self._series(key, told, tuple(some), shared) for told, some in begins.items()]

    def _series(self, key: PartialKey, told: SerialStatus, begins: tuple[int, ...], shared: _Shared) -> Series:
        some = [self.rows[begin] for begin in begins]
        axis: _Axis = (
            begins,
            tuple(p.first_at for p in some),
            tuple(p.last_at for p in some),
            tuple(p.readings for p in some),
            tuple(p.covered for p in some),
        )
        axis = shared.setdefault(axis, axis)
        columns: tuple[Sequence[int], ...] = ([p.first for p in some], [p.last for p in some])
        if summed(self.kind):
            columns = (*columns, [p.total for p in some])
        meter, _, quantity, unit, _ = key
        total = total_exponent(self.kind, self.exponent)
        return Series(meter, told[0], quantity, unit, told[1], axis, self.exponent, total, columns)


def _scaled(partial: Partial, factor: int, total_factor: int) -> Partial:
    if factor == total_factor == 1:
        return partial
    return partial._replace(
        first=partial.first * factor, last=partial.last * factor, total=partial.total * total_factor
    )
