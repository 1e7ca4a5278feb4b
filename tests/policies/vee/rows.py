"""Days of a household for tests of VEE: a sound one, of which one thing is broken at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import structs

from policies.terms import ONE_DAY, QUARTER_HOUR, Row
from policies.vee.rules import VEE_RULES
from policies.vee.terms import Facts, Limits, Material, MeterQuantity, Severity, ValidationException

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""
ENERGY = "1-0:1.8.0*255"
Number = Decimal | str | int | None
MAIN: MeterQuantity = ("main", ENERGY)
PUMP: MeterQuantity = ("pump", ENERGY)
END = START + ONE_DAY


def row(
    at: datetime, value: Decimal | str | int | None, name: MeterQuantity = MAIN, *, status: str = "measured"
) -> Row:
    exact = None if value is None else Decimal(value)
    word = "missing" if exact is None else status
    return Row("self", name[1], at, at + QUARTER_HOUR, exact, "kWh", word, name[0])


def quarters(values: Sequence[Number], name: MeterQuantity = MAIN, start: datetime = START) -> list[Row]:
    return [row(start + n * QUARTER_HOUR, value, name) for n, value in enumerate(values)]


def sound(name: MeterQuantity = MAIN) -> list[Row]:
    """A day on which nothing is wrong."""
    return quarters([Decimal(n % 7 + 1) / 10 for n in range(96)], name)


def whole_days(values: Sequence[Decimal | int | None], name: MeterQuantity = MAIN) -> list[Row]:
    """Days, the last of which is the one that is looked at."""
    first = START - (len(values) - 1) * ONE_DAY
    rows = [row(first + n * ONE_DAY, value, name) for n, value in enumerate(values)]
    return [structs.replace(each, end=each.start + ONE_DAY) for each in rows]


def material(
    rows: Mapping[MeterQuantity, Sequence[Row]],
    *,
    days: Mapping[MeterQuantity, Sequence[Row]] | None = None,
    facts: Mapping[MeterQuantity, Facts] | None = None,
    limits: Limits | None = None,
    now: datetime | None = None,
) -> Material:
    wanted = limits or Limits()
    return Material(START, END, rows, days or {}, facts or {}, lambda _meter, _quantity: wanted, now or END)


def but(looked_at: Material, *meters: str) -> Material:
    """The same, no rule asked of these meters."""
    plain, off = looked_at.limits, Limits(off=frozenset(VEE_RULES))
    return replace(looked_at, limits=lambda meter, quantity: off if meter in meters else plain(meter, quantity))


def renamed(rows: Sequence[Row], name: MeterQuantity) -> list[Row]:
    return [structs.replace(each, meter=name[0], quantity=name[1]) for each in rows]


def of_the_day(
    rule: str, severity: Severity, number: str, value: int, *, of: MeterQuantity = MAIN
) -> ValidationException:
    """What was found of all of it, by one number."""
    return ValidationException(rule, *of, START, END, severity, ((number, Decimal(value)),))
