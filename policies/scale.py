"""One unit and one power of ten for all values of a quantity of a meter, exactly."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from meter_driver.quantities import Kind
from meter_driver.units import base, factor, power_of_ten, told
from policies.vault.values import Value


def common_unit(values: Sequence[Value], *, joules: bool = False) -> str | None:
    """The unit that all values are multiples of whose dimension most readings have, of as many the newest.

    So a stray one among others is left out, wherever it lies.
    """
    readings: Counter[str | None] = Counter()
    for value in reversed(values):
        unit = base(value.unit)
        unit = "Wh" if unit == "J" else unit
        readings[unit] += abs(value.count) or 1
    unit = max(readings, key=readings.__getitem__)
    return "J" if unit == "Wh" and (joules or any(base(value.unit) == "J" for value in values)) else unit


@dataclass(frozen=True, slots=True)
class CommonScale:
    """One unit and power of ten that can say every value."""

    unit: str | None
    exponent: int

    @classmethod
    def of(cls, values: Sequence[Value], kind: Kind, *, joules: bool) -> "CommonScale":
        """The common unit; the finest digit of what was read."""
        unit = common_unit(values, joules=joules)
        shifts: dict[str | None, int] = {}
        for each in {value.unit for value in values}:
            if (ratio := factor(each, unit)) is not None:
                shifts[each] = power_of_ten(ratio)
        exponents = []
        for each, shift in shifts.items():
            some = [value for value in values if value.unit == each]
            read = [v.total for v in some] if kind is Kind.INTERVAL else [n for v in some for n in (v.first, v.last)]
            exponents.append(_finest(read) + shift)
        return cls(unit, min(exponents))

    @property
    def told(self) -> tuple[str | None, int]:
        """The unit in which it is told, and the power of ten from ours to it."""
        unit = told(self.unit)
        ratio = factor(self.unit, unit)
        assert ratio is not None
        return unit, power_of_ten(ratio)

    def fraction(self, value: Decimal, unit: str | None) -> Fraction:
        return Fraction(value) * _times(unit, self.unit).ratio * Fraction(10) ** -self.exponent

    def bound(self, value: Decimal) -> int | Fraction:
        """In ``unit``; it may be a part of the last digit."""
        found = self.fraction(value, self.unit)
        return found.numerator if found.denominator == 1 else found

    def mantissa(self, value: Decimal, unit: str | None) -> int:
        if unit == self.unit:
            return int(value.scaleb(-self.exponent))
        if (power := _times(unit, self.unit).power) is not None:
            exact = value.scaleb(power - self.exponent)
            if (whole := int(exact)) == exact:
                return whole
        return round(self.fraction(value, unit))

    def digit(self, value: Decimal, unit: str | None) -> int:
        """The last digit that a value was said in."""
        if (power := _times(unit, self.unit).power) is not None:
            return _power(max(_exponent(value) + power - self.exponent, 0))
        return max(1, round(self.fraction(Decimal(1).scaleb(_exponent(value)), unit)))

    def decimal(self, value: Decimal, unit: str | None) -> int:
        """The same, as a power of ten."""
        if unit == self.unit:
            return _power(_exponent(value) - self.exponent)
        return _power(len(str(self.digit(value, unit))) - 1)


_POWERS = {Fraction(10) ** power: power for power in range(-24, 25)}
"""Further than any two units of a dimension are apart."""


class _Times(NamedTuple):
    """How many of one unit another one is. ``power``: of ten, if it is one."""

    ratio: Fraction
    power: int | None


@lru_cache(maxsize=1024)
def _times(unit: str | None, wanted: str | None) -> _Times:
    ratio = factor(unit, wanted)
    assert ratio is not None
    return _Times(ratio, _POWERS.get(ratio))


def _power(exponent: int) -> int:
    return int(10**exponent)


def _finest(numbers: Sequence[Decimal]) -> int:
    """The least of their powers of ten, which nearly always all are."""
    least = numbers[0]
    for number in numbers:
        if not number.same_quantum(least) and _exponent(number) < _exponent(least):
            least = number
    return _exponent(least)


def _exponent(value: Decimal) -> int:
    return int(value.as_tuple().exponent)
