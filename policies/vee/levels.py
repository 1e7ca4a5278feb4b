"""High/low, spike, negative and zero consumption: what one series says of itself."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from meter_driver import quantities
from meter_driver.quantities import is_amount
from meter_driver.units import base, convert
from policies.amounts import MOST_AN_HOUR, own_limit
from policies.terms import Row
from policies.vee.terms import Limits, Material, MeterQuantity, Severity, ValidationException, asked, found, hours

JUDGED = frozenset(("measured", "estimated"))
"""Somebody has looked at what is ``validated``."""


def high_low(material: Material) -> Iterator[ValidationException]:
    """More, or less, than the connection can carry."""
    for row, limits in _amounts(material, "high-low"):
        assert row.value is not None
        share = hours(row)
        high, low = _high(row, limits), limits.low
        if high is not None and row.value > high * share:
            yield found("high-low", row, Severity.ERROR, ("amount", row.value), ("high", high * share))
        elif low is not None and row.value < low * share:
            yield found("high-low", row, Severity.WARNING, ("amount", row.value), ("low", low * share))


def spike(material: Material) -> Iterator[ValidationException]:
    """The highest amount of a day against the third highest (spike check of the Californian VEE rules)."""
    for name, rows in material.rows.items():
        limits, some = asked(material, "spike", name), list(_valued(name, rows))
        if limits is None or len(some) < 3:
            continue
        highest, _, third = sorted(some, key=lambda row: row.value or 0, reverse=True)[:3]
        assert highest.value is not None
        assert third.value is not None
        if highest.status not in JUDGED or highest.value <= limits.spike_least * hours(highest):
            continue
        if highest.value - third.value > limits.spike * max(third.value, Decimal(0)):
            numbers = ("highest", highest.value), ("third", third.value)
            yield found("spike", highest, Severity.WARNING, *numbers)


def negative_consumption(material: Material) -> Iterator[ValidationException]:
    """An amount below nothing where the quantity cannot fall."""
    rule = "negative-consumption"
    for row, _ in _amounts(material, rule):
        if row.value is not None and row.value < 0 and not quantities.is_signed(row.quantity):
            yield found(rule, row, Severity.ERROR, ("amount", row.value))
    for name, facts in material.facts.items():
        if asked(material, rule, name) is None:
            continue
        missing = [row for row in material.rows.get(name, ()) if row.value is None]
        for start, end, amount in facts.below:
            if some := [row for row in missing if row.start < end and row.end > start]:
                yield found(rule, some[0], Severity.ERROR, ("amount", amount), end=some[-1].end)


def zero_consumption(material: Material) -> Iterator[ValidationException]:
    """Days in a row, up to this one, on which nothing flowed. One that is not known ends the row."""
    for name, days in material.days.items():
        limits = asked(material, "zero-consumption", name)
        if limits is None or not is_amount(name[1]):
            continue
        last = list(days[-limits.zero_days :])
        if len(last) < limits.zero_days or any(day.value != 0 or day.status not in JUDGED for day in last):
            continue
        if all(one.end == two.start for one, two in pairwise(last)):
            yield found("zero-consumption", last[0], Severity.WARNING, ("days", Decimal(len(last))), end=last[-1].end)


def _amounts(material: Material, rule: str) -> Iterator[tuple[Row, Limits]]:
    """Rows to judge by a rule, with their limits."""
    for name, rows in material.rows.items():
        if (limits := asked(material, rule, name)) is not None:
            yield from ((row, limits) for row in _valued(name, rows) if row.status in JUDGED)


def _valued(name: MeterQuantity, rows: Sequence[Row]) -> Iterator[Row]:
    if is_amount(name[1]):
        yield from (row for row in rows if row.value is not None)


def _high(row: Row, limits: Limits) -> Decimal | None:
    """Of the meter itself, else of its medium and family, else what a home can draw; in the unit of the row."""
    known, unit = quantities.parse(row.quantity), base(row.unit)
    assert known is not None
    own = own_limit(known, row.unit, limits.own)
    if own is not None or limits.high is not None:
        return limits.high if own is None else own
    most = MOST_AN_HOUR.get(unit)
    return None if most is None else convert(most, unit, row.unit)
