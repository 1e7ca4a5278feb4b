"""Duplicate, consecutive interval, unit of measure, clock: whether the series are what they say they are."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import combinations, pairwise

from meter_driver import quantities
from meter_driver.dimensions import AMOUNT_BASES
from meter_driver.intervals import day_edges
from meter_driver.quantities import AMOUNTS, MEANS
from meter_driver.units import base
from policies.terms import ONE_DAY, Row
from policies.vee.silence import Silence
from policies.vee.terms import Facts, Limits, Material, MeterQuantity, Severity, ValidationException, asked, found

_QUARTER = timedelta(minutes=15)
_SAME_STANDS = 8
"""Stands that two meters must share, at least two of them different, to be one meter read twice."""


def duplicate(material: Material) -> Iterator[ValidationException]:
    """An interval told twice; or one meter under two labels: the same stands at the same instants."""
    for name, rows in material.rows.items():
        if asked(material, "duplicate", name) is not None:
            yield from (
                found("duplicate", two, Severity.ERROR, ("first", one.value or Decimal(0)))
                for one, two in pairwise(rows)
                if (one.start, one.end) == (two.start, two.end)
            )
    for one_name, two_name in combinations(sorted(material.facts), 2):
        if one_name[1] != two_name[1] or asked(material, "duplicate", two_name) is None:
            continue
        shared = _shared(material.facts[one_name], material.facts[two_name])
        if shared is not None:
            yield ValidationException(
                "duplicate",
                *two_name,
                material.start,
                material.end,
                Severity.WARNING,
                (("stands", Decimal(shared)),),
            )


def _shared(one: Facts, two: Facts) -> int | None:
    """How many stands, if all that are of one instant are equal and they moved."""
    others = dict(two.stands)
    both = [(number, others[at]) for at, number in one.stands if at in others]
    if len(both) < _SAME_STANDS or any(mine != theirs for mine, theirs in both):
        return None
    return len(both) if len({mine for mine, _ in both}) > 1 else None


def consecutive_interval(material: Material) -> Iterator[ValidationException]:
    """Gaps between the first and the last of a day, each as long as it is, and overlaps. A new meter begins late."""
    for name, rows in material.rows.items():
        known = quantities.parse(name[1])
        if asked(material, "consecutive-interval", name) is None or known is None or known.kind in MEANS:
            continue
        for one, two in pairwise(rows):
            if two.start < one.end and two.start != one.start:
                yield found("consecutive-interval", two, Severity.ERROR, ("overlaps", Decimal(1)))
        yield from _gaps(rows, material.end)


def _gaps(rows: Sequence[Row], end: datetime) -> Iterator[ValidationException]:
    """Where no number is. What is missing after the last number of a day ends at the day's end."""
    told = [row for row in rows if row.value is not None]
    for one, two in pairwise(told):
        if one.end < two.start:
            yield _gap(one, one.end, two.start)
    if told and told[-1].end < end:
        yield _gap(told[-1], told[-1].end, end)


def _gap(row: Row, start: datetime, end: datetime) -> ValidationException:
    long = Decimal((end - start) // timedelta(seconds=1))
    numbers = (("seconds", long),)
    return ValidationException("consecutive-interval", row.meter, row.quantity, start, end, Severity.WARNING, numbers)


def silence(silent: Silence, limits: Limits, zone: tzinfo) -> ValidationException | None:
    """A run of days on which a meter said nothing; None where the rule is off."""
    start, end = day_edges(silent.first, zone)[0], day_edges(silent.last, zone)[1]
    days = (silent.last - silent.first) // ONE_DAY + 1
    words = silent.meter, silent.quantity, start, end, Severity.WARNING, (("days", Decimal(days)),)
    return None if "consecutive-interval" in limits.off else ValidationException("consecutive-interval", *words)


def unit_of_measure(material: Material) -> Iterator[ValidationException]:
    """A unit that the medium's amounts cannot be in, or two that cannot be converted into each other."""
    for name, facts in material.facts.items():
        known = quantities.parse(name[1])
        if known is None or asked(material, "unit-of-measure", name) is None:
            continue
        bases = {base(unit) for unit in facts.units}
        allowed = AMOUNT_BASES.get(known.medium) if known.kind in AMOUNTS else None
        if allowed is not None and bases - allowed:
            yield _unfit(name, material, len(bases), Severity.ERROR)
        elif len(bases) > 1 and bases != {"J", "Wh"}:
            yield _unfit(name, material, len(bases), Severity.WARNING)


def _unfit(name: MeterQuantity, material: Material, count: int, severity: Severity) -> ValidationException:
    numbers = (("units", Decimal(count)),)
    return ValidationException("unit-of-measure", *name, material.start, material.end, severity, numbers)


def clock(material: Material) -> Iterator[ValidationException]:
    """Stamps of the future; clocks that are off, as somebody told or as the ends of entries show; doubt.

    What was told of a meter's clock is found once, under the first of its quantities.
    """
    for name, facts in material.facts.items():
        limits = asked(material, "clock", name)
        if limits is None:
            continue
        if facts.latest is not None and facts.latest > material.now + limits.drift:
            yield _off(name, material, facts.latest - material.now, Severity.ERROR)
        off = _off_quarter(facts.ends)
        if off is not None and abs(off) > limits.drift:
            yield _off(name, material, off, Severity.WARNING)
    for told in material.clocks:
        for name in sorted(name for name in material.rows if name[0] == told.meter):
            limits = asked(material, "clock", name)
            if limits is not None and (told.doubtful or abs(told.off) > limits.drift):
                severity = Severity.INFORMATION if told.doubtful else Severity.WARNING
                yield _off(name, material, told.off, severity)
                break


def _off(name: MeterQuantity, material: Material, off: timedelta, severity: Severity) -> ValidationException:
    numbers = (("seconds", Decimal(off // timedelta(seconds=1))),)
    return ValidationException("clock", *name, material.start, material.end, severity, numbers)


def _off_quarter(ends: Sequence[datetime]) -> timedelta | None:
    """By how much most of the entries end after a quarter of an hour (below 0: before it)."""
    offs = sorted(_past(end) for end in ends)
    return offs[len(offs) // 2] if offs else None


def _past(end: datetime) -> timedelta:
    past = timedelta(minutes=end.minute % 15, seconds=end.second, microseconds=end.microsecond)
    return past if past <= _QUARTER / 2 else past - _QUARTER
