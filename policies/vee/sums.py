"""Sum check and multiplier: series that must agree with each other."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from meter_driver import obis
from meter_driver.errors import MeterError
from meter_driver.units import convert
from policies.terms import Row
from policies.vee.terms import Material, MeterQuantity, Severity, ValidationException, asked, found, hours

_TOTAL_OF_PHASES = {21: 1, 41: 1, 61: 1, 22: 2, 42: 2, 62: 2}
"""Value group C of a phase -> of the sum of all (IEC 62056-6-1, Table 13)."""
_REGISTER, _INTERVAL, _POWER = 8, 29, 7
_MOST_TARIFF = 63


def sum_check(material: Material) -> Iterator[ValidationException]:
    """Tariffs to their total, phases to their total, load-profile entries to the register."""
    for total, parts in _sums(material.rows):
        limits = asked(material, "sum", total)
        if limits is None:
            continue
        of_parts = [
            {(row.start, row.end): row.value for row in material.rows[part] if row.value is not None} for part in parts
        ]
        for row in material.rows[total]:
            values = [told[row.start, row.end] for told in of_parts if (row.start, row.end) in told]
            if row.value is None or len(values) < len(parts):
                continue
            added = sum(values, Decimal(0))
            digits = sum((_digit(value) for value in (row.value, *values)), Decimal(0))
            if abs(row.value - added) > digits + limits.tolerance * abs(row.value):
                yield found("sum", row, Severity.WARNING, ("total", row.value), ("parts", added))


def multiplier(material: Material) -> Iterator[ValidationException]:
    """The day's energy by the register against the mean power in the same intervals: a wrong factor shows in both."""
    for name, rows in material.rows.items():
        code = _code(name[1])
        limits = asked(material, "multiplier", name)
        if code is None or limits is None or code[0] != 1 or code[3] != _REGISTER or not rows:
            continue
        power = material.rows.get((name[0], _named(code, d=_POWER)))
        pair = None if power is None else _both(rows, power)
        if pair is None:
            continue
        energy, by_power = pair
        if abs(energy - by_power) > limits.multiplier * max(abs(energy), abs(by_power)) + _digit(energy):
            last = rows[-1].end
            yield found("multiplier", rows[0], Severity.WARNING, ("energy", energy), ("power", by_power), end=last)


def _both(energies: Sequence[Row], powers: Sequence[Row]) -> tuple[Decimal, Decimal] | None:
    """Sums over the intervals in which both have a number, the power a measured one; None in units that do not fit."""
    means = {
        (row.start, row.end): (row.value, row.unit)
        for row in powers
        if row.value is not None and row.status == "measured"
    }
    energy = by_power = Decimal(0)
    for row in energies:
        if row.value is None or (mean := means.get((row.start, row.end))) is None:
            continue
        power, unit = mean
        if unit not in ("W", "var", "VA") or row.unit != f"k{unit}h":
            return None
        energy += row.value
        by_power += convert(power * hours(row), f"{unit}h", f"k{unit}h")
    return energy, by_power


def _sums(rows: Iterable[MeterQuantity]) -> Iterator[tuple[MeterQuantity, Sequence[MeterQuantity]]]:
    """Totals with their parts, as far as both are there."""
    names = set(rows)
    tariffs: dict[MeterQuantity, list[MeterQuantity]] = {}
    phases: dict[MeterQuantity, list[MeterQuantity]] = {}
    for meter, quantity in sorted(names):
        code = _code(quantity)
        if code is None:
            continue
        _, _, c, d, e, f = code
        if 0 < e <= _MOST_TARIFF and d in (_REGISTER, _INTERVAL):
            tariffs.setdefault((meter, _named(code, e=0)), []).append((meter, quantity))
        if code[0] == 1 and c in _TOTAL_OF_PHASES and e == 0 and d in (_REGISTER, _INTERVAL):
            phases.setdefault((meter, _named(code, c=_TOTAL_OF_PHASES[c])), []).append((meter, quantity))
        register = (meter, _named(code, d=_REGISTER))
        if code[0] == 1 and d == _INTERVAL and e == 0 and f == 255 and register in names:
            yield register, [(meter, quantity)]
    yield from ((total, parts) for total, parts in tariffs.items() if total in names)
    yield from ((total, parts) for total, parts in phases.items() if total in names and len(parts) == 3)


def _digit(value: Decimal) -> Decimal:
    return Decimal(1).scaleb(int(value.as_tuple().exponent))


def _code(quantity: str) -> tuple[int, int, int, int, int, int] | None:
    try:
        a, b, c, d, e, f = obis.to_bytes(quantity)
    except (MeterError, ValueError):
        return None
    return a, b, c, d, e, f


def _named(code: Sequence[int], c: int | None = None, d: int | None = None, e: int | None = None) -> str:
    a, b, was_c, was_d, was_e, f = code
    c, d, e = (new if new is not None else old for new, old in ((c, was_c), (d, was_d), (e, was_e)))
    return f"{a}-{b}:{c}.{d}.{e}*{f}"
