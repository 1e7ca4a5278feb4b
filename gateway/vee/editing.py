"""From what an operator wants of an interval to corrections of its quarters. Pure.

A value that somebody says of one quarter is ``validated``. Said of several, it is prorated over them: their sum is what
was said, each of them is an estimate. A method estimates each of them, and keeps what the registers on either side say
went through in all of them together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from adapters.problems import BrokenRule
from gateway.errors import NotAllowed
from gateway.vee.records import Act, Decided, Listed
from meter_driver.dimensions import unit_fits
from meter_driver.errors import UnitError
from meter_driver.quantities import MEANS, Kind, parse
from meter_driver.quantities import unit as spelled
from meter_driver.units import SPELLINGS, base, factor, told
from policies.minimise import floor
from policies.terms import ONE_DAY, QUARTER_HOUR, Period, Row
from policies.vee.estimation import EstimateRefused, Estimation, Gap, Known, estimate, prorated
from policies.vee.levels import high_low, negative_consumption
from policies.vee.terms import Limits, Material, ValidationException

_LONGEST = 2 * ONE_DAY
_DIGITS = 14
_MOST_UNITS = 6
"""That a message names."""
_CORRECTABLE = frozenset(Kind) - {Kind.SNAPSHOT}


@dataclass(frozen=True, slots=True)
class Correcting:
    """What an operator wants.

    Attributes:
        period: whole quarters, UTC; None: that of the exception.
        value, unit: the amount of all of it, or its mean; None where ``method`` is to say it. A value has its unit,
            where the quantity has any.
    """

    author: str
    reason: str
    period: Period | None = None
    value: Decimal | None = None
    unit: str | None = None
    method: Estimation | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Which interval of what. ``unit``: in which it is told, as far as that is known; ``unitless``: without any."""

    meter: str
    quantity: str
    period: Period
    unit: str | None
    unitless: bool = False


def target_of(found: ValidationException, period: Period, rows: Sequence[Row]) -> Target:
    """With the unit in which it was told last."""
    unit = next((row.unit for row in reversed(rows) if row.unit is not None), None)
    unitless = unit is None and any(row.value is not None for row in rows)
    return Target(found.meter, found.quantity, period, unit, unitless)


class Edited(NamedTuple):
    """What an edit came to. ``value`` and ``unit`` as they were said, never an estimate.

    ``doubts``: what the rules would say of it.
    """

    listed: Listed
    period: Period
    value: Decimal | None
    unit: str | None
    method: Estimation | None
    doubts: Sequence[BrokenRule]


def check(wanted: Correcting, quantity: str, period: Period, now: datetime) -> None:
    """Before anything is read. Raises ``NotAllowed``, which names the field and the rule."""
    known = parse(quantity)
    if (wanted.value is None) == (wanted.method is None):
        raise NotAllowed("value: a value or a method, one of them")
    if known is None or known.kind not in _CORRECTABLE:
        raise NotAllowed("quantity: it has no intervals")
    if period.empty or period.end - period.start > _LONGEST:
        raise NotAllowed("end: after the start, and at most two days")
    if any(floor(at, QUARTER_HOUR) != at for at in (period.start, period.end)):
        raise NotAllowed("start: whole quarters of an hour")
    if period.end > now:
        raise NotAllowed("end: an interval that has not ended")
    if not wanted.reason.strip():
        raise NotAllowed("reason: one is needed")


def _check_value(value: Decimal) -> None:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 9 or len(value.as_tuple().digits) > _DIGITS:
        raise NotAllowed(f"value: a number of at most {_DIGITS} digits")


def unit_of(said: str | None, target: Target) -> str | None:
    """Of a value that somebody says, in its one spelling. Raises ``NotAllowed``: nothing is taken for granted."""
    fitting = _fitting(target)
    if not fitting:
        if said is not None:
            raise NotAllowed("unit: this quantity is told without one")
        return None
    which = f"{', '.join(fitting)}, or a multiple" if len(fitting) <= _MOST_UNITS else "one of the vocabulary"
    if said is None:
        raise NotAllowed(f"unit: a value has one: {which}")
    try:
        unit = spelled(said)
    except UnitError:
        unit = None
    if unit is None or not _fits(unit, target):
        raise NotAllowed(f"unit: not one of this quantity: {which}")
    return unit


def _fits(unit: str, target: Target) -> bool:
    """Joules are no watt-hours to the last digit: they are the unit of a meter that says joules, and of no other."""
    if base(unit) == "J" and base(target.unit) != "J":
        return False
    if target.unit is not None:
        return factor(unit, target.unit) is not None
    known = parse(target.quantity)
    return known is not None and unit_fits(known, unit)


def _fitting(target: Target) -> Sequence[str]:
    """Units in which it may be told; empty for what has none."""
    if target.unitless:
        return ()
    if target.unit is not None:
        return [told(target.unit) or target.unit]
    return sorted({told(unit) or unit for unit in SPELLINGS if _fits(unit, target)})


def doubts(value: Decimal, unit: str | None, target: Target, limits: Limits, now: datetime) -> list[BrokenRule]:
    """What the rules find in an amount that somebody says: it is taken, and whoever said it is told."""
    in_unit, (start, end) = told(unit), (target.period.start, target.period.end)
    row = Row("", target.quantity, start, end, _as_told(value, unit), in_unit, meter=target.meter)
    name = target.meter, target.quantity
    material = Material(start, end, {name: [row]}, {}, {}, lambda *_: limits, now)
    found = [dict(one.numbers) for rule in (high_low, negative_consumption) for one in rule(material)]
    words = {"high": "above what the connection carries in this time", "low": "below the limit for this time"}
    rules = [f"{said}, {each[bound].normalize():f} {in_unit}" for each in found for bound, said in words.items()
             if bound in each]  # fmt: skip
    if any(not words.keys() & each.keys() for each in found):
        rules.append("below nothing, and this quantity cannot fall")
    return [("value", rule) for rule in rules]


def decide(wanted: Correcting, target: Target, known: Known, act: Act, edit: str) -> list[Decided]:
    """One for each quarter, ascending. Raises ``NotAllowed``."""
    spans = quarters(target.period)
    if wanted.value is not None:
        _check_value(wanted.value)
        return _said(wanted.value, unit_of(wanted.unit, target), target, spans, act, edit)
    assert wanted.method is not None
    try:
        found = estimate(spans, known, wanted.method)
    except EstimateRefused as error:
        raise NotAllowed(f"method: {error}") from None
    return [
        Decided(
            edit, act, target.meter, target.quantity, e.start, e.end, e.value, target.unit, "estimated", e.method.value
        )
        for e in found
    ]


def _as_told(value: Decimal, unit: str | None) -> Decimal:
    ratio = factor(unit, told(unit))
    return value if ratio is None or ratio == 1 else value * ratio.numerator / ratio.denominator


def _said(said: Decimal, unit: str | None, target: Target, spans: Sequence[Gap], act: Act, edit: str) -> list[Decided]:
    value, in_unit = _as_told(said, unit), told(unit)
    kind = parse(target.quantity)
    spread = kind is not None and kind.kind not in MEANS and len(spans) > 1
    values = prorated(value, [Decimal(1)] * len(spans)) if spread else [value] * len(spans)
    status, method = ("estimated", Estimation.PRORATION.value) if spread else ("validated", "")
    return [
        Decided(edit, act, target.meter, target.quantity, *span, each, in_unit, status, method)
        for span, each in zip(spans, values, strict=True)
    ]


def quarters(period: Period) -> list[Gap]:
    """Of a period of whole ones."""
    found, at = [], period.start
    while at < period.end:
        found.append((at, at + QUARTER_HOUR))
        at += QUARTER_HOUR
    return found


LOOKS_BACK = timedelta(days=29)
"""How far an estimate looks back: four weeks of the same weekday."""
