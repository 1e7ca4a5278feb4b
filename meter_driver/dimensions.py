"""In which units a quantity can be: by medium, and for electricity by what is measured. Part of the vocabulary.

Units are those of ``units.base``: a quantity that can be in Wh can be in kWh. None is a number without a unit.
"""

from types import MappingProxyType
from typing import Final

from meter_driver import obis
from meter_driver.quantities import AMOUNTS, Medium, Quantity
from meter_driver.units import base, told

Bases = frozenset[str | None]
_ACTIVE: Final = (frozenset(("Wh", "J")), frozenset(("W", "J/h")))
_REACTIVE: Final = (frozenset(("varh",)), frozenset(("var",)))
_APPARENT: Final = (frozenset(("VAh",)), frozenset(("VA",)))
_CURRENT: Final = (frozenset(("Ah", "A2h")), frozenset(("A",)))
_VOLTAGE: Final = (frozenset(("V2h",)), frozenset(("V",)))
_FACTOR: Final[tuple[Bases, Bases]] = (frozenset(), frozenset())
_FREQUENCY: Final[tuple[Bases, Bases]] = (frozenset(), frozenset(("Hz",)))
_ELECTRIC: Final[MappingProxyType[int, tuple[Bases, Bases]]] = MappingProxyType(
    dict.fromkeys((0, 1, 2, *range(15, 20)), _ACTIVE)
    | dict.fromkeys(range(3, 9), _REACTIVE)
    | dict.fromkeys((9, 10), _APPARENT)
    | {11: _CURRENT, 12: _VOLTAGE, 13: _FACTOR, 14: _FREQUENCY}
)
"""Value group C (IEC 62056-6-1, Table 13), of all phases (L1 to L3: 20, 40, 60 more): of integrals, of else."""
_LAST_OF_PHASES: Final = 80
_OF_NEUTRAL: Final = MappingProxyType({90: _CURRENT, 91: _CURRENT, 92: _VOLTAGE})
_INTEGRALS: Final = frozenset((8, 9, 10, 20, 29, 30))
_VALUES: Final = frozenset((*range(8), *range(11, 17), *range(21, 27), 31, 35, 39))
"""Value group D: values, means, extremes, thresholds. What is left are durations, counts and the like."""
AMOUNT_BASES: Final[MappingProxyType[Medium, Bases]] = MappingProxyType(
    {
        Medium.ELECTRICITY: frozenset[str | None]((None,)).union(*(amounts for amounts, _ in _ELECTRIC.values())),
        Medium.GAS: frozenset(("m3", "Wh", "J")),
        Medium.COLD_WATER: frozenset(("m3",)),
        Medium.HOT_WATER: frozenset(("m3",)),
        Medium.HEAT: frozenset(("Wh", "J", "m3", "kg")),
        Medium.COOLING: frozenset(("Wh", "J", "m3", "kg")),
    }
)
"""In which a medium's amounts can be."""


def unit_fits(quantity: Quantity, unit: str | None) -> bool:
    """Whether a quantity can be in ``unit``, in its one spelling. True where nobody knows: names that do not
    tell their medium, flows and temperatures, other groups."""
    allowed = _bases_of(quantity)
    return allowed is None or base(unit) in allowed


def unfit(quantity: Quantity | None, unit: str | None) -> str:
    """What is said of a unit for which ``unit_fits`` is false: which one, and which are right."""
    if quantity is None or not (allowed := _bases_of(quantity)):
        return "the quantity cannot be in it"
    fitting = " or ".join(sorted(filter(None, map(told, allowed)))) or "no unit"
    return f"{quantity.name} cannot be in {unit or 'no unit'}: it is in {fitting}, or in a multiple of it"


def _bases_of(quantity: Quantity) -> Bases | None:
    if quantity.medium is Medium.ELECTRICITY:
        return _electric(obis.to_bytes(quantity.name))
    return AMOUNT_BASES.get(quantity.medium) if quantity.kind in AMOUNTS else None


def _electric(code: bytes) -> Bases | None:
    _, _, c, d, *_ = code
    known = _ELECTRIC.get(c % 20) if 0 < c <= _LAST_OF_PHASES else _OF_NEUTRAL.get(c)
    if known is None or d not in _INTEGRALS | _VALUES:
        return None
    return known[d not in _INTEGRALS] | {None}
