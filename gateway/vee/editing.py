"""From what an operator wants of an interval to corrections of its quarters. Pure.

A value that somebody says of one quarter is ``validated``. Said of several, it is prorated over them: their sum is what
was said, each of them is an estimate. A method estimates each of them, and keeps what the registers on either side say
went through in all of them together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from gateway.errors import NotAllowed
from gateway.vee.records import Act, Decided
from meter_driver.quantities import Kind, parse
from meter_driver.units import factor, told
from policies.minimise import floor
from policies.terms import ONE_DAY, QUARTER_HOUR, Period
from policies.vee.estimation import EstimateRefused, Estimation, Gap, Known, estimate, prorated

_LONGEST = 2 * ONE_DAY
_DIGITS = 14
_CORRECTABLE = frozenset(Kind) - {Kind.SNAPSHOT}


@dataclass(frozen=True, slots=True)
class Correcting:
    """What an operator wants.

    Attributes:
        period: whole quarters, UTC; None: that of the exception.
        value, unit: the amount of all of it, or its mean; None where ``method`` is to say it.
    """

    author: str
    reason: str
    period: Period | None = None
    value: Decimal | None = None
    unit: str | None = None
    method: Estimation | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Which interval of what. ``unit``: in which it is told, as far as that is known."""

    meter: str
    quantity: str
    period: Period
    unit: str | None


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


def _check_value(value: Decimal, unit: str | None, wanted: str | None) -> None:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 9 or len(value.as_tuple().digits) > _DIGITS:
        raise NotAllowed(f"value: a number of at most {_DIGITS} digits")
    if wanted is not None and factor(unit if unit is not None else wanted, wanted) is None:
        raise NotAllowed("unit: not one of this quantity")


def decide(wanted: Correcting, target: Target, known: Known, act: Act, edit: str) -> list[Decided]:
    """One for each quarter, ascending. Raises ``NotAllowed``."""
    spans = quarters(target.period)
    if wanted.value is not None:
        _check_value(wanted.value, wanted.unit, target.unit)
        return _said(wanted, target, spans, act, edit)
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


def _said(wanted: Correcting, target: Target, spans: Sequence[Gap], act: Act, edit: str) -> list[Decided]:
    assert wanted.value is not None
    unit = wanted.unit if wanted.unit is not None else target.unit
    value, in_unit = wanted.value, told(unit)
    ratio = factor(unit, in_unit)
    if ratio is not None and ratio != 1:
        value = value * ratio.numerator / ratio.denominator
    kind = parse(target.quantity)
    spread = kind is not None and kind.kind is not Kind.INSTANT and len(spans) > 1
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
