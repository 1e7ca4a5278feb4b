"""What was written down of a register at an exchange, as somebody says it, checked. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from gateway.errors import NotAllowed
from gateway.registry.meter_records import StandAt
from meter_driver import obis, quantities
from meter_driver.errors import UnitError
from meter_driver.quantities import Kind, Medium, Quantity
from meter_driver.senml.terms import MAX_DIGITS, MAX_EXPONENT, OutOfBounds, bounded
from meter_driver.units import base, told

_ENERGY: Final = frozenset(("Wh", "J"))
_REACTIVE: Final = frozenset(("varh",))
_APPARENT: Final = frozenset(("VAh",))
_VOLUME: Final = frozenset(("m3",))
_MASS: Final = frozenset(("kg",))
_TIME: Final = frozenset(("s",))
_OF_MEDIUM: Final[Mapping[Medium, frozenset[str]]] = {
    Medium.ABSTRACT: _ENERGY | _VOLUME | _MASS,
    Medium.COOLING: _ENERGY | _VOLUME | _MASS,
    Medium.HEAT: _ENERGY | _VOLUME | _MASS,
    Medium.GAS: _ENERGY | _VOLUME,
    Medium.COLD_WATER: _VOLUME,
    Medium.HOT_WATER: _VOLUME,
}
_OF_WORD: Final[Mapping[str, frozenset[str]]] = {
    "energy": _ENERGY,
    "reactive_energy": _REACTIVE,
    "apparent_energy": _APPARENT,
    "volume": _VOLUME,
    "mass": _MASS,
    "on_time": _TIME,
    "operating_time": _TIME,
}
_OF_ELECTRIC: Final[Mapping[int, frozenset[str]]] = (
    dict.fromkeys((1, 2, *range(15, 21)), _ENERGY)
    | dict.fromkeys(range(3, 9), _REACTIVE)
    | {9: _APPARENT, 10: _APPARENT}
)
"""Value group C of all phases (IEC 62056-6-1, Table 13); 20, 40 and 60 more are the same of L1, L2 and L3."""
_LAST_PHASE: Final = 80


def stand_at(quantity: str, last: Decimal, first: Decimal, unit: str | None, *, where: str = "") -> StandAt:
    """In the spelling of the vocabulary. Raises ``NotAllowed``; ``where``: what its fields' names begin with."""
    known = quantities.parse(quantity)
    if known is None or known.kind not in quantities.REGISTERS:
        raise NotAllowed(f"{where}quantity: a quantity that is no register")
    for field, said in (("last", last), ("first", first)):
        if isinstance(bounded(said), OutOfBounds):
            raise NotAllowed(f"{where}{field}: at most {MAX_DIGITS} digits and an exponent of {MAX_EXPONENT}")
        if said < 0 and known.kind is not Kind.NET:
            raise NotAllowed(f"{where}{field}: not below 0, this register never is")
    try:
        spelled = quantities.unit(unit)
    except UnitError as error:
        raise NotAllowed(f"{where}unit: {error}") from None
    fitting = _dimensions(known)
    if fitting and base(spelled) not in fitting:
        units = " or ".join(sorted(filter(None, map(told, fitting))))
        raise NotAllowed(f"{where}unit: this quantity is in {units}, or in a multiple of it")
    return StandAt(known.name, last, first, spelled)


def _dimensions(known: Quantity) -> frozenset[str]:
    """Base units that a register can be in; none where its name does not tell."""
    if ":" not in known.name:
        return _OF_WORD.get(known.name.partition(" ")[0], frozenset())
    if known.medium is not Medium.ELECTRICITY:
        return _OF_MEDIUM.get(known.medium, frozenset())
    c = obis.to_bytes(known.name)[2]
    return _OF_ELECTRIC.get((c - 1) % 20 + 1, frozenset()) if c <= _LAST_PHASE else frozenset()
