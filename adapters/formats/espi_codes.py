"""What a quantity and its unit are in the numbers of ESPI (its XML schema, 0.7.20121113). Pure."""

import re
from dataclasses import asdict, dataclass
from datetime import timedelta

from meter_driver import obis
from meter_driver.amounts import Method
from meter_driver.errors import ObisError
from meter_driver.quantities import REGISTERS, Kind, Medium, parse
from meter_driver.units import base, factor, power_of_ten
from policies.terms import AS_RECEIVED

POWERS = (-12, -9, -6, -3, -2, -1, 0, 3, 6, 9, 12)
"""UnitMultiplierKind."""
UNIT_SYMBOLS = {
    "Wh": 72, "VAh": 71, "varh": 73, "W": 38, "VA": 61, "var": 63, "V": 29, "A": 5, "Ah": 106, "Hz": 33, "J": 31,
    "m3": 42, "m3/h": 125, "Cel": 23, "K": 6, "Pa": 39, "s": 27, "deg": 9,
}  # fmt: skip
"""UnitSymbolKind of the unit that others are multiples of."""
_KIND = {
    "Wh": 12, "VAh": 12, "varh": 12, "J": 12, "W": 37, "VA": 37, "var": 37, "V": 54, "A": 4, "Hz": 15,
    "m3": 58, "m3/h": 155, "Cel": 46, "K": 46,
}  # fmt: skip
"""MeasurementKind: energy, power, voltage, current, frequency, volume, flow, temperature."""
_COMMODITY = {
    Medium.ELECTRICITY: 1, Medium.GAS: 7, Medium.COLD_WATER: 9, Medium.HOT_WATER: 9, Medium.HEAT: 12,
    Medium.COOLING: 13,
}  # fmt: skip
_SERVICE = {
    Medium.ELECTRICITY: 0, Medium.GAS: 1, Medium.COLD_WATER: 2, Medium.HOT_WATER: 2, Medium.HEAT: 4, Medium.COOLING: 4,
}  # fmt: skip
_TITLE = re.compile(r"([^\[\]]{1,120}?)(?: \[([^\[\]]{0,16})\])?")
_DIRECTION = {1: 1, 2: 19, 16: 4}
"""Value group C of electricity, without its phase: forward, reverse, net."""
_BULK, _DELTA, _INSTANTANEOUS = 1, 4, 12
AVERAGE = 2
"""DataQualifierKind of a mean."""
_EDITED, _LINEAR, _QUESTIONABLE, _DERIVED, _RAW, _OTHER, _VALIDATED = 7, 9, 10, 11, 14, 16, 17


@dataclass(frozen=True, slots=True)
class EspiCodes:
    """Numbers of one ReadingType. ``power``: of our unit, in ESPI's; ``service``: of the usage point, None: unknown."""

    uom: int
    power: int
    service: int | None
    commodity: int | None
    accumulation: int | None
    qualifier: int | None
    direction: int | None
    kind: int | None
    tou: int | None

    def fields(self) -> dict[str, int | None]:
        """By the names of the schema."""
        names = {
            "accumulation": "accumulationBehaviour", "qualifier": "dataQualifier", "direction": "flowDirection",
            "commodity": "commodity", "kind": "kind", "tou": "tou", "uom": "uom",
        }  # fmt: skip
        return {names[name]: number for name, number in asdict(self).items() if name in names}


def title_of(quantity: str, unit: str | None, uom: int) -> str:
    """Of a MeterReading: our name of the quantity, and the unit where ESPI has none for it."""
    return quantity if uom else f"{quantity} [{unit or ''}]"


def named_by(title: str) -> tuple[str, str | None] | None:
    """What a title says, where it is one of ``title_of``; the unit None where ESPI says it. None for other words."""
    if (said := _TITLE.fullmatch(title)) is None or (known := parse(said[1])) is None:
        return None
    return known.name, said[2]


def codes_of(quantity: str, unit: str | None, length: timedelta) -> EspiCodes:
    """``length``: of the intervals, 0 for values as they came."""
    known = parse(quantity)
    medium = known.medium if known is not None else Medium.UNKNOWN
    uom, power = _unit(unit)
    direction, tariff = _of_code(quantity)
    accumulation, qualifier = _accumulated(known.kind if known is not None else Kind.SNAPSHOT, length)
    return EspiCodes(
        uom=uom,
        power=power,
        service=_SERVICE.get(medium),
        commodity=_COMMODITY.get(medium),
        accumulation=accumulation,
        qualifier=qualifier,
        direction=direction,
        kind=_KIND.get(base(unit) or ""),
        tou=tariff,
    )


def quality(status: str, method: str) -> int:
    """QualityOfReading. What was measured is raw: nobody looked at it."""
    match status, method:
        case "measured", _:
            return _RAW
        case "validated", _:
            return _VALIDATED
        case "substituted", _:
            return _EDITED
        case "missing", _:
            return _OTHER
        case "estimated", Method.INTERPOLATED:
            return _LINEAR
        case "estimated", Method.HELD:
            return _DERIVED
    return _QUESTIONABLE


def _unit(unit: str | None) -> tuple[int, int]:
    """UnitSymbolKind and the power of ten of ours in it; 0 for what ESPI has no unit for."""
    whole = base(unit)
    ratio = factor(unit, whole)
    if whole not in UNIT_SYMBOLS or ratio is None:
        return 0, 0
    power = power_of_ten(ratio)
    return (UNIT_SYMBOLS[whole], power) if ratio * 10 ** max(-power, 0) == 10 ** max(power, 0) else (0, 0)


def _of_code(quantity: str) -> tuple[int | None, int | None]:
    """FlowDirectionKind and tariff of an OBIS code of electricity."""
    try:
        medium, _, c, _, e, _ = obis.to_bytes(quantity)
    except ObisError:
        return None, None
    if medium != 1:
        return None, None
    return _DIRECTION.get(c if c < 20 else c % 20), e if 0 < e < 64 else None


def _accumulated(kind: Kind, length: timedelta) -> tuple[int | None, int | None]:
    """AccumulationKind and DataQualifierKind."""
    if kind is Kind.INSTANT:
        return (_INSTANTANEOUS, None) if length == AS_RECEIVED else (None, AVERAGE)
    if kind is Kind.MEAN:
        return None, AVERAGE
    if kind in REGISTERS:
        return (_BULK if length == AS_RECEIVED else _DELTA), None
    return (_DELTA if kind is Kind.INTERVAL else None), None
