"""The words of VEE: what is looked at, what is found, and the limits that an operator sets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

from meter_driver.intervals import micros
from policies.terms import Row


class Severity(StrEnum):
    """What a validation exception asks for."""

    INFORMATION = "information"
    WARNING = "warning"
    """Somebody should look."""
    ERROR = "error"
    """It cannot be right."""


@dataclass(frozen=True, slots=True)
class ValidationException:
    """What a rule found in [start, end), UTC.

    Attributes:
        rule: its field name, a key of ``policies.vee.rules.VEE_RULES``.
        meter, quantity: as in ``policies.terms.Row``.
        numbers: name and number of what led to it; personal, so never logged and stored only sealed.
    """

    rule: str
    meter: str
    quantity: str
    start: datetime
    end: datetime
    severity: Severity
    numbers: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What is plausible for a medium and a family of meters.

    Attributes:
        high, low: most and least of an amount an hour, in the unit in which it is told; None: the connection of a home
            (``policies.amounts.MOST_AN_HOUR``), and no bound.
        own: the meter's own connection limit, which comes before ``high`` (``policies.amounts.own_limit``).
        spike: how far the highest amount of a day may be above the third highest, as a share of that.
        spike_least: amounts an hour below it are never a spike.
        zero_days: days in a row without consumption.
        tolerance: share by which a sum may be off, beside one last digit of each part.
        multiplier: share of the mean power that a register may be off.
        drift: how far a meter's clock may be off.
        off: rules that are not asked.
    """

    high: Decimal | None = None
    low: Decimal | None = None
    spike: Decimal = Decimal("1.8")
    spike_least: Decimal = Decimal(5)
    zero_days: int = 7
    tolerance: Decimal = Decimal("0.005")
    multiplier: Decimal = Decimal("0.5")
    drift: timedelta = timedelta(minutes=2)
    off: frozenset[str] = frozenset()
    own: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the readings of a register, or of another quantity, say beside its amounts.

    Attributes:
        units: in which they came, without repetition.
        stands: instant and number of each in their order, as far as they are held.
        ends: where load-profile entries end.
        latest: instant of the newest; None without one.
        below: begin, end and amount of entries that cannot be below nothing, and are: no row shows them.
    """

    units: tuple[str | None, ...] = ()
    stands: tuple[tuple[datetime, Decimal], ...] = ()
    ends: tuple[datetime, ...] = ()
    latest: datetime | None = None
    below: tuple[tuple[datetime, datetime, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Clocked:
    """What somebody knows of a meter's clock. ``off``: how far it is ahead; ``doubtful``: the meter says so itself."""

    meter: str
    at: datetime
    off: timedelta = timedelta(0)
    doubtful: bool = False


MeterQuantity = tuple[str, str]
"""Meter and quantity."""


@dataclass(frozen=True, slots=True)
class Material:
    """One household's day, and what is needed beside it to judge it.

    Attributes:
        start, end: the day, UTC.
        rows: intervals of equal length inside it, ascending, of each meter's quantity; with corrections.
        days: local days up to this one, ascending.
        facts: of the same names.
        limits: of a meter's quantity; never fails.
        now: instant of the look.
    """

    start: datetime
    end: datetime
    rows: Mapping[MeterQuantity, Sequence[Row]]
    days: Mapping[MeterQuantity, Sequence[Row]]
    facts: Mapping[MeterQuantity, Facts]
    limits: Callable[[str, str], Limits]
    now: datetime
    clocks: Sequence[Clocked] = ()
    zone: tzinfo = UTC


Rule = Callable[[Material], Iterable[ValidationException]]

HOUR = timedelta(hours=1)


def hours(row: Row) -> Decimal:
    """Length of an interval."""
    return Decimal(micros(row.end) - micros(row.start)) / 3_600_000_000


def asked(material: Material, rule: str, name: MeterQuantity) -> Limits | None:
    """The limits of a name; None where the rule is switched off for it."""
    limits = material.limits(*name)
    return None if rule in limits.off else limits


def found(
    rule: str, row: Row, severity: Severity, *numbers: tuple[str, Decimal], end: datetime | None = None
) -> ValidationException:
    """An exception of one row, or of those from it up to ``end``."""
    return ValidationException(rule, row.meter, row.quantity, row.start, end or row.end, severity, numbers)
