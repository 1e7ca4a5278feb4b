"""From the stored values of one quantity of one meter to the rows of intervals: one unit, exact, with what it is worth.

Values may come in several units and powers of ten; they are brought into one, exactly, and told in the one unit of
their dimension (``meter_driver.units.told``), so that an answer does not change its unit when a meter does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import accumulate
from typing import NamedTuple

from meter_driver import quantities
from meter_driver.amounts import Amount, Status, entries, means, partials, stands
from meter_driver.amounts.amount import SECOND_US
from meter_driver.amounts.runs import Exchange, in_order, runs_of
from meter_driver.amounts.stand import Stand
from meter_driver.dimensions import unit_fits
from meter_driver.intervals import micros
from meter_driver.quantities import Kind, Medium
from meter_driver.reading import SUBSTITUTED
from meter_driver.units import base, convert, factor, told
from policies.scale import CommonScale, common_unit
from policies.terms import FAR_FUTURE, WHOLE, Row
from policies.vault.values import Value, counted

MOST_AN_HOUR: Mapping[str | None, Decimal] = {
    "Wh": Decimal(250_000), "varh": Decimal(250_000), "VAh": Decimal(250_000), "J": Decimal(900_000_000),
    "m3": Decimal(100),
}  # fmt: skip
"""What the connection of a home can carry, by the unit of its register: 250 kW, 100 m3/h. More is another meter."""
OVERLOAD = 2
"""A fuse carries more than it is named after for a while, so a rise up to as many times the meter's own limit is an
amount to look at (rule ``high-low``). More is another meter."""
_LIMITED = {
    Medium.ELECTRICITY: frozenset(("Wh", "varh", "VAh", "J")),
    Medium.GAS: frozenset(("m3",)),
    Medium.COLD_WATER: frozenset(("m3",)),
    Medium.HOT_WATER: frozenset(("m3",)),
    Medium.HEAT: frozenset(("Wh", "J")),
    Medium.COOLING: frozenset(("Wh", "J")),
}
"""Of which of a medium's amounts a meter's own limit speaks: not of the kWh of a gas meter, nor of the m3 of heat."""
THOUSANDTH = Decimal("0.001")
"""Step of a completeness."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Declared:
    """An exchange that somebody declared. ``stands``: by quantity, last of the old and first of the new, and unit."""

    at: datetime
    stands: tuple[tuple[str, Decimal, Decimal, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """What somebody said of a meter: its exchanges, ascending, and the most that its connection carries an hour."""

    exchanges: Sequence[Declared] = ()
    limit: Decimal | None = None


NOTHING_SAID = Installation()


def rows_of(
    values: Sequence[Value],
    quantity: str,
    subject: str,
    meter: str,
    edges: Sequence[tuple[datetime, datetime]],
    installed: Installation = NOTHING_SAID,
    *,
    joules: bool = False,
    widest: timedelta = timedelta(0),
) -> list[Row]:
    """``values`` ascending, of one meter. Snapshots, and names of no vocabulary, have no intervals.

    ``joules``: told in them although these values may be in watt-hours alone. ``widest``: of registers, how far stands
    may be apart between which it is estimated, at least; as far as an interval is long they may be anyway.
    """
    known = quantities.parse(quantity)
    if known is None or not known.present or not values:
        return []
    values = counted(values, known.kind)
    scale = CommonScale.of(values, known.kind, joules=joules)
    others = {unit for unit in {value.unit for value in values} if factor(unit, scale.unit) is None}
    some = [value for value in values if value.unit not in others] if others else values
    spans = _spans(edges)
    instants = dict(zip(spans, edges, strict=True))
    match known.kind:
        case Kind.INSTANT | Kind.MEAN:
            found = means.amounts([_span(v, scale) for v in some if v.count < 0 or known.kind is Kind.INSTANT], spans)
            exponent = scale.exponent - len(str(means.FINER)) + 1
        case Kind.INTERVAL:
            found, exponent = entries.amounts(_entries(some, known, scale, installed), spans), scale.exponent
        case _:
            found, exponent = _differences(some, known, scale, spans, installed, widest), scale.exponent
    unit, power = scale.told
    about = _About(subject, quantity, meter, unit, exponent + power, _Worth.of(some, known.kind))
    return [_row(amount, instants[amount.begin, amount.end], about) for amount in found]


def _spans(edges: Sequence[tuple[datetime, datetime]]) -> list[tuple[int, int]]:
    """In microseconds; mostly one begins where the one before ends."""
    spans: list[tuple[int, int]] = []
    before, reached = None, 0
    for start, end in edges:
        begin, before, reached = reached if start == before else micros(start), end, micros(end)
        spans.append((begin, reached))
    return spans


def unit_of(values: Sequence[Value]) -> str | None:
    """In which unit rows of these are told; at least one, ascending, of one meter and quantity."""
    return told(common_unit(values))


JOULES = "MJ"
"""In which a meter's energy is told that is in joules anywhere: watt-hours are joules exactly, and not the reverse."""


def can_change_to_joules(quantity: str) -> bool:
    """Whether it may be an energy that some meters say in watt-hours and some in joules: heat, cooling, gas, or one
    whose name tells no medium."""
    known = quantities.parse(quantity)
    if known is None or known.kind not in quantities.AMOUNTS or known.medium is Medium.ELECTRICITY:
        return False
    return unit_fits(known, "J")


def said_joules(values: Iterable[Value]) -> frozenset[tuple[str, str]]:
    """Quantity and meter of those that say joules."""
    return frozenset((value.quantity, value.meter) for value in values if base(value.unit) == "J")


def own_limit(known: quantities.Quantity, unit: str | None, limit: Decimal | None) -> Decimal | None:
    """A meter's own limit in ``unit``; None where it has none, or where that does not speak of this quantity.

    It is said in kWh of electricity, in m3 of gas and water, and of all else in the unit in which amounts are told.
    """
    dimension = base(unit)
    if limit is None or unit is None or dimension not in _LIMITED.get(known.medium, frozenset((dimension,))):
        return None
    said = "Wh" if known.medium is Medium.ELECTRICITY and dimension == "J" else dimension
    return convert(limit, told(said) or unit, unit)


def most_an_hour(known: quantities.Quantity, unit: str | None, limit: Decimal | None) -> Decimal | None:
    """How much can go through, in ``unit``, a base unit: by the meter's own limit, else as in a home."""
    own = own_limit(known, unit, limit)
    return MOST_AN_HOUR.get(unit) if own is None else own * OVERLOAD


def _differences(
    values: Sequence[Value],
    known: quantities.Quantity,
    scale: CommonScale,
    spans: list[tuple[int, int]],
    installed: Installation,
    widest: timedelta,
) -> list[Amount]:
    points: dict[tuple[int, str], Stand] = {}
    step = Decimal(1).scaleb(scale.exponent)
    for value in values:
        both = ((value.first_at, value.first, 0), (value.last_at, value.last, max(value.count - 2, 0)))
        for at, said, unseen in both if value.count > 1 else both[1:]:
            us = micros(at)
            finest = value.unit == scale.unit and said.same_quantum(step)
            digit = 1 if finest else scale.digit(said, value.unit)
            points[us, value.serial] = Stand(us, scale.mantissa(said, value.unit), value.serial, digit, unseen)
    most = most_an_hour(known, scale.unit, installed.limit)
    bound = None if most is None else scale.bound(most)
    exchanges = [_exchange(each, known.name, scale) for each in installed.exchanges]
    runs = runs_of(in_order([points[place] for place in sorted(points)]), known.kind, bound, exchanges)
    return stands.amounts(runs, spans, widest // _MICROSECOND)


def _exchange(declared: Declared, quantity: str, scale: CommonScale) -> Exchange:
    for name, last, first, unit in declared.stands:
        if name == quantity and factor(unit, scale.unit) is not None:
            digit = max(scale.digit(last, unit), scale.digit(first, unit))
            return Exchange(micros(declared.at), scale.mantissa(last, unit), scale.mantissa(first, unit), digit)
    return Exchange(micros(declared.at))


def _entries(
    values: Sequence[Value], known: quantities.Quantity, scale: CommonScale, installed: Installation
) -> list[entries.Entry]:
    """Those that cannot be speak for nothing, and their time is missing."""
    most = most_an_hour(known, scale.unit, installed.limit)
    bound, signed = None if most is None else scale.bound(most), quantities.is_signed(known.name)
    found = []
    for value in values:
        covered, total = value.covered // _MICROSECOND, scale.mantissa(value.total, value.unit)
        digit = scale.digit(value.total, value.unit)
        if covered and not entries.believed(total, covered, bound, signed=signed, digit=digit):
            covered = total = 0
        found.append(entries.Entry(micros(value.first_at), micros(value.last_at), total, covered))
    return found


def _span(value: Value, scale: CommonScale) -> means.Span:
    last, digit = scale.mantissa(value.last, value.unit), scale.decimal(value.last, value.unit)
    if value.count == 1:
        return means.Span(micros(value.last_at), micros(value.last_at), last, 0, 0, digit)
    covered = value.covered // _MICROSECOND
    integral = round(scale.fraction(value.total, value.unit) * SECOND_US) if covered else 0
    return means.Span(micros(value.first_at), micros(value.last_at), last, integral, covered, digit, value.count > 0)


class _About(NamedTuple):
    """What all rows of one quantity of one meter share. ``exponent``: power of ten of their numbers in ``unit``."""

    subject: str
    quantity: str
    meter: str
    unit: str | None
    exponent: int
    worth: "_Worth | None"


def _row(amount: Amount, edge: tuple[datetime, datetime], about: _About) -> Row:
    start, end = edge
    subject, quantity, meter, unit, exponent, worth = about
    value = None if amount.value is None else _decimal(amount.value, amount.digit, exponent)
    status = str(amount.status)
    if worth is not None and amount.status is Status.MEASURED:
        status = worth.between(start, end)
    completeness = share_of(amount.covered, amount.end - amount.begin)
    return Row(subject, quantity, start, end, value, unit, status, meter, completeness, str(amount.method))


def _decimal(mantissa: int, digit: int, exponent: int) -> Decimal:
    """Without the zeros behind its last digit."""
    if digit == 1:
        return Decimal(mantissa).scaleb(exponent)
    return Decimal(mantissa // digit).scaleb(exponent + len(str(digit)) - 1)


def share_of(covered: Decimal | int, length: int | Decimal) -> Decimal:
    """A completeness, in thousandths: nearly whole is not whole."""
    if covered == length:
        return WHOLE
    share = (Decimal(covered) / length).quantize(THOUSANDTH, ROUND_DOWN)
    return min(WHOLE, share)


def least(told: Set[str]) -> str:
    """What values of these statuses are worth together: estimated, then substituted, measured, validated."""
    if told - {"measured", "validated", SUBSTITUTED}:
        return Status.ESTIMATED.value
    if SUBSTITUTED in told:
        return SUBSTITUTED
    return "validated" if told == {"validated"} else Status.MEASURED.value


class _Worth:
    """What values that are not all measured are worth, by the time that they speak for.

    A stand speaks for the interval that it ends as for the one that it begins; an entry for its own time alone, and so
    does a value that stands until the next one.
    """

    def __init__(self, values: Sequence[Value], kind: Kind) -> None:
        self._open_ended = partials.summed(kind)
        ends = _stood(values) if kind in quantities.MEANS else [value.last_at for value in values]
        spans: dict[str, list[tuple[datetime, datetime]]] = {}
        for value, end in zip(values, ends, strict=True):
            spans.setdefault(value.status, []).append((value.first_at, end))
        self._begins = {status: [first for first, _ in sorted(some)] for status, some in spans.items()}
        self._furthest = {
            status: list(accumulate((last for _, last in sorted(some)), max)) for status, some in spans.items()
        }

    @classmethod
    def of(cls, values: Sequence[Value], kind: Kind) -> "_Worth | None":
        """None where all are measured, as nearly always."""
        return None if all(value.status == "measured" for value in values) else cls(values, kind)

    def between(self, start: datetime, end: datetime) -> str:
        """The least of what speaks for it."""
        return least({status for status in self._begins if self._touches(status, start, end)})

    def _touches(self, status: str, start: datetime, end: datetime) -> bool:
        begins, furthest = self._begins[status], self._furthest[status]
        before = (bisect_left if self._open_ended else bisect_right)(begins, end)
        return before > 0 and (furthest[before - 1] > start or (furthest[before - 1] == start and not self._open_ended))


def _stood(values: Sequence[Value]) -> list[datetime]:
    """Until when each stands that stands until the next one."""
    nexts = [*(value.first_at for value in values[1:]), FAR_FUTURE]
    most = (value.last_at + (value.count > 0) * means.LONGEST_HOLD * _MICROSECOND for value in values)
    return [max(v.last_at, min(until, after)) for v, until, after in zip(values, most, nexts, strict=True)]
