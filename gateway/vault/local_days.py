"""Local days as class ``day`` keeps them, from quarters. Pure, on integers.

Of sums and means a day is one partial. Of a register it is its first and last stand, and where there is a seam inside
it (an unseen exchange, a roll-over) the last stand before and the first few after it, so that the day alone tells what
its quarters tell; a stand that leapt and came back is left out, as it is in every answer. Of one that counts both ways
its last two, and before them what the next day may still take back: a nought is told from how far it went before.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from gateway.vault.merge import kind_of
from gateway.vault.partials import key_of, serial_status
from meter_driver.amounts.amount import HOUR_US
from meter_driver.amounts.entries import believed
from meter_driver.amounts.leaps import COMES_BACK
from meter_driver.amounts.means import LONGEST_HOLD
from meter_driver.amounts.partials import (
    Partial,
    counted,
    merged,
    noted_overlap,
    overlapping,
    settled,
    summed,
    total_exponent,
)
from meter_driver.amounts.runs import runs_of
from meter_driver.amounts.stand import Stand
from meter_driver.intervals import QUARTER_US
from meter_driver.quantities import MEANS, REGISTERS, Kind, is_signed
from policies.vault.columns import Series

MOST_STRETCHES = 4
"""Of a register in a day: one that leaps all day long keeps no more of it, and still shows a seam."""
Spans = Sequence[tuple[int, int]]
"""Local days, [begin, end) in microseconds."""
Most = Callable[[Series], Fraction | None]
"""How much can go through in an hour, in a series' own unit; None: no bound is known."""
_Name = tuple[str, str, str, str, str]
_Row = tuple[int, Partial]
"""With the begin of its interval."""


def days_of(quarters: Sequence[Series], spans: Spans, most: Most) -> list[Series]:
    """Of whole quarters, for each meter, quantity and unit; of registers for each serial number and status too."""
    found = []
    for some in _by_name(quarters).values():
        exponent = min(one.exponent for one in some)
        rows = _rows(some, exponent)
        for span in spans:
            days = _day(some[0], _inside(rows, span), span[0], exponent, most)
            found += _series(_told(some, span), days, exponent)
    return found


def mended_days(
    days: Sequence[Series],
    before: Sequence[Series],
    after: Sequence[Series],
    spans: Spans,
    border: int,
    most: Most,
) -> list[Series]:
    """Days of whose quarters those from ``border`` on are held: ``before`` went into ``days``, ``after`` is to.

    What cannot be told from what is held stays as it is, or counts as not covered.
    """
    found = []
    stored, olds, news = _by_name(days), _by_name(before), _by_name(after)
    for name, some in _by_name([*days, *before, *after]).items():
        one, exponent = some[0], min(each.exponent for each in some)
        mine = [_rows(each.get(name, []), exponent) for each in (stored, olds, news)]
        for span in spans:
            rows: list[_Row] = []
            day, old, new = (_inside(each, span) for each in mine)
            kind = kind_of(one.quantity)
            if kind in REGISTERS:
                readings = _readings(day) - _readings(old) + _readings(new)
                rows += _register(one, [*_until(day, border), *new], span[0], exponent, most, readings)
            else:
                sums = (_sum(one, day, exponent), _sum(one, old, exponent, most), _sum(one, new, exponent, most))
                if (whole := _patched(kind, *sums, border)) is not None:
                    rows.append((span[0], whole))
            found += _series(_told([*stored.get(name, []), *news.get(name, [])] or some, span), rows, exponent)
    return found


def _day(one: Series, rows: Sequence[_Row], begin: int, exponent: int, most: Most) -> list[_Row]:
    """``rows`` inside a day as few as can be; the first of them begins with the day."""
    if kind_of(one.quantity) in REGISTERS:
        return _register(one, rows, begin, exponent, most, _readings(rows))
    return [(begin, day)] if (day := _sum(one, rows, exponent, most)) is not None else []


def _register(one: Series, rows: Sequence[_Row], begin: int, exponent: int, most: Most, readings: int) -> list[_Row]:
    """Of one instant the later row counts."""
    bound, kind = most(one), kind_of(one.quantity)
    stands = {at: value for _, p in rows for at, value in ((p.first_at, p.first), (p.last_at, p.last))}
    unseen = {p.last_at: p.readings - 2 for _, p in rows if p.readings > 2}
    an_hour = None if bound is None else bound / Fraction(10) ** exponent
    some = _unbroken(stands, unseen, kind, an_hour)
    some = some if len(some) <= MOST_STRETCHES else [*some[: MOST_STRETCHES - 1], some[-1]]
    seen = readings <= _readings(rows)
    readings = max(readings, _readings(rows))  # of a day that shows its first stands the number is not kept
    whole = len(some) <= 1 and not any(_leaps_first(ats, stands, unseen, seen=seen) for ats in some)
    decided = _decided(stands, unseen, an_hour) if kind is Kind.NET and some else None
    kept = [_shown(ats, 1 if whole else COMES_BACK + 1, decided) for ats in some]
    spans = [(ats[n], ats[min(n + 1, len(ats) - 1)]) for ats in kept for n in range(0, len(ats), 2)]
    first = readings - len(kept[0]) + 2 if whole and kept else 2
    return [
        (begin, _stretch(*at, stands, first)) if n == 0 else (at[0], _stretch(*at, stands, 2))
        for n, at in enumerate(spans)
    ]


def _leaps_first(ats: Sequence[int], stands: Mapping[int, int], unseen: Mapping[int, int], *, seen: bool) -> bool:
    """Whether a day's next stand is more than twice the first, which may be nonsense beside the day before; so may be
    the first few where all of them are nought.

    ``seen``: all that is not seen is in ``unseen``; else the next but in a quarter of an hour may not be the second.
    """
    for before, at in pairwise(ats[: COMES_BACK + 1]):
        if (at in unseen or not seen) and at - before >= QUARTER_US:
            return False
        if stands[at] != 0:
            return abs(stands[at]) > 2 * abs(stands[ats[0]])
    return False


def _shown(ats: Sequence[int], first: int, decided: int | None) -> Sequence[int]:
    """Of a stretch its ``first`` stands and the last: beside a seam so many that it is seen not to be nonsense which
    came back. ``decided``: where it counts both ways; two stands until then, and all that come after it."""
    last = 1 if decided is None else 2 + len(ats) - bisect_right(ats, decided)
    return ats if len(ats) <= first + last else [*ats[:first], *ats[-last:]]


def _decided(stands: Mapping[int, int], unseen: Mapping[int, int], most: Fraction | None) -> int:
    """The last instant of a register that counts both ways that nothing which comes later takes back."""
    points = [Stand(at, stands[at], unseen=unseen.get(at, 0)) for at in sorted(stands)]
    return runs_of(points, Kind.NET, most)[-1].ats[-1]


def _readings(rows: Iterable[_Row]) -> int:
    return sum(row.readings for _, row in rows)


def _until(rows: Sequence[_Row], border: int) -> list[_Row]:
    """What stands of before a border say; of a stretch over it the first."""
    found = []
    for at, row in rows:
        if row.last_at < border:
            found.append((at, row))
        elif row.first_at < border:
            found.append((at, row._replace(last_at=row.first_at, last=row.first, readings=1)))
    return found


def _unbroken(
    stands: Mapping[int, int], unseen: Mapping[int, int], kind: Kind, most: Fraction | None
) -> list[list[int]]:
    """Instants of each stretch in which a register only rose (or, where it is net, went on)."""
    ats = sorted(stands)
    if not ats or (kind is not Kind.NET and _rises(ats, stands, most)):
        return [ats] if ats else []
    points = [Stand(at, stands[at], unseen=unseen.get(at, 0)) for at in ats]
    found = []
    for run in runs_of(points, kind, most, ended=ats[-1]):
        found.append(run.ats[:1])
        for one, two in pairwise(run.ats):
            if kind is not Kind.NET and stands[two] < stands[one]:
                found.append([])
            found[-1].append(two)
    return found


def _rises(ats: Sequence[int], stands: Mapping[int, int], most: Fraction | None) -> bool:
    """Whether it does nothing else, and never by more than it can: nearly always."""
    an_hour = None if most is None else int(most)
    for one, two in pairwise(ats):
        rise = stands[two] - stands[one]
        if rise < 0 or (an_hour is not None and rise * HOUR_US > an_hour * (two - one)):
            return False
    return True


def _stretch(first: int, last: int, stands: Mapping[int, int], readings: int) -> Partial:
    return Partial(first, stands[first], last, stands[last], 0, 0, max(readings, 2) if first < last else 1)


def _patched(kind: Kind, day: Partial | None, old: Partial | None, new: Partial | None, border: int) -> Partial | None:
    """A day's sum or mean with ``old`` taken out and ``new`` in its place; what came before ``border`` is in it alone.

    Entries before ``old`` end where it begins at the latest. Of the time of ``new`` that begins sooner they may speak
    too, if they cover enough: that counts as an overlap, and one that was noted of a part counts for all of the day.
    """
    if day is None or new is None:
        return new if day is None else day
    if old is None:
        return _folded(kind, (day, new))
    if day.first_at >= old.first_at:
        return new
    rest = day._replace(total=day.total - old.total, covered=day.covered - old.covered)
    if kind in MEANS and _cuts(new, old, border):
        rest = rest._replace(total=0, covered=0)
    both = rest._replace(
        last_at=new.last_at,
        last=new.last,
        total=rest.total + new.total,
        covered=rest.covered + new.covered,
        readings=counted(abs(day.readings) - abs(old.readings) + abs(new.readings), new),
    )
    reaches = new.first_at < old.first_at and rest.covered >= new.first_at - rest.first_at
    doubtful = reaches or any(map(overlapping, (day, old, new)))
    return noted_overlap(both) if kind is Kind.INTERVAL and doubtful else both


def _cuts(new: Partial, old: Partial, border: int) -> bool:
    """Whether the value before ``border`` may have stood shorter than it seemed to: then of the time before ``new``
    nothing is known any more, and the day has no mean."""
    return new.first_at > old.first_at or new.first_at < min(old.first_at, border + LONGEST_HOLD)


def _sum(one: Series, rows: Iterable[_Row], exponent: int, most: Most | None = None) -> Partial | None:
    """``most``: entries that cannot be are left out, as in every answer; None where they are by now."""
    kind, some = kind_of(one.quantity), (row[1] for row in rows)
    if kind is not Kind.INTERVAL or most is None:
        return _folded(kind, some)
    found, signed = most(one), is_signed(one.quantity)
    bound = None if found is None else found / Fraction(10) ** exponent
    return _folded(
        kind,
        (
            each if believed(each.total, each.covered, bound, signed=signed) else each._replace(total=0, covered=0)
            for each in some
        ),
    )


def _folded(kind: Kind, some: Iterable[Partial]) -> Partial | None:
    """All of one day, earliest first. Of entries that overlap each is added, and the overlap noted."""
    day: Partial | None = None
    for each in sorted(some, key=lambda partial: partial.first_at):
        day = each if day is None else merged(kind, day, each) or _both(kind, day, each)
    return day


def _both(kind: Kind, day: Partial, each: Partial) -> Partial:
    if kind is not Kind.INTERVAL:
        return settled(kind, day, each)
    end = max(day, each, key=lambda partial: partial.last_at)
    total, covered = day.total + each.total, day.covered + each.covered
    readings = day.readings + each.readings
    return noted_overlap(Partial(day.first_at, day.first, end.last_at, end.last, total, covered, readings))


# -- between series and partials


def _told(some: Sequence[Series], span: tuple[int, int]) -> Series:
    """The first, with what those inside a day say: the last serial number that is named, and the least status."""
    if not summed(kind_of(some[0].quantity)):
        return some[0]
    said = sorted(
        (first_at, one.serial, one.status)
        for one in some
        for at, first_at in zip(one.axis[0], one.axis[1], strict=True)
        if span[0] <= at < span[1]
    )
    serial, status = serial_status([(serial, status) for _, serial, status in said])
    return some[0]._replace(serial=serial, status=status)


def _by_name(some: Iterable[Series]) -> dict[_Name, list[Series]]:
    found: dict[_Name, list[Series]] = {}
    for one in sorted(some, key=_name):
        found.setdefault(_name(one), []).append(one)
    return found


def _name(one: Series) -> _Name:
    meter, serial, quantity, unit, status = key_of(one)
    return meter, serial, quantity, unit or "", status


def _inside(rows: Iterable[_Row], span: tuple[int, int]) -> list[_Row]:
    return [row for row in rows if span[0] <= row[0] < span[1]]


def _rows(some: Sequence[Series], exponent: int) -> list[_Row]:
    """Ascending, in one power of ten."""
    rows: list[_Row] = []
    for one in some:
        factor = 10 ** (one.exponent - exponent)
        power = one.total_exponent - total_exponent(kind_of(one.quantity), exponent)
        firsts, lasts, *totals = one.values
        sums = totals[0] if totals else (0,) * len(firsts)
        for at, first_at, last_at, count, covered, first, last, total in zip(
            *one.axis, firsts, lasts, sums, strict=True
        ):
            scaled = total * 10**power if power >= 0 else total // 10**-power
            rows.append((at, Partial(first_at, first * factor, last_at, last * factor, scaled, covered, count)))
    return sorted(rows, key=lambda row: row[1].first_at)


def _series(one: Series, rows: Sequence[_Row], exponent: int) -> list[Series]:
    if not rows:
        return []
    kind, days = kind_of(one.quantity), [row[1] for row in rows]
    axis = (
        tuple(row[0] for row in rows),
        tuple(day.first_at for day in days),
        tuple(day.last_at for day in days),
        tuple(day.readings for day in days),
        tuple(day.covered for day in days),
    )
    columns: tuple[Sequence[int], ...] = ([day.first for day in days], [day.last for day in days])
    if summed(kind):
        columns = (*columns, [day.total for day in days])
    return [one._replace(axis=axis, exponent=exponent, total_exponent=total_exponent(kind, exponent), values=columns)]
