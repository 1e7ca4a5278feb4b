"""Units: the codes of the DLMS enumeration, one spelling for each, and exact factors between them."""

from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from meter_driver.errors import UnitError

DLMS_UNITS: MappingProxyType[int, str | None] = MappingProxyType(
    {
        0: None, 1: "a", 2: "mo", 3: "wk", 4: "d", 5: "h", 6: "min", 7: "s",
        8: "deg", 9: "Cel", 10: "currency", 11: "m", 12: "m/s", 13: "m3", 14: "m3", 15: "m3/h", 16: "m3/h",
        17: "m3/d", 18: "m3/d", 19: "L", 20: "kg", 21: "N", 22: "N.m", 23: "Pa", 24: "bar",
        25: "J", 26: "J/h", 27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh",
        33: "A", 34: "coulomb", 35: "V", 36: "V/m", 37: "F", 38: "Ohm", 39: "Ohm.m", 40: "Wb", 41: "T",
        42: "A/m", 43: "H", 44: "Hz", 45: "1/Wh", 46: "1/varh", 47: "1/VAh", 48: "V2h", 49: "A2h",
        50: "kg/s", 51: "S", 52: "K", 53: "1/V2h", 54: "1/A2h", 55: "1/m3", 56: "%", 57: "Ah",
        60: "Wh/m3", 61: "J/m3", 62: "mol%", 63: "g/m3", 64: "Pa.s", 65: "J/kg", 66: "g/cm2", 67: "atm",
        70: "dBm", 71: "dBuV", 72: "dB", 254: None, 255: None,
    }
)  # fmt: skip
"""Unit codes of IEC 62056-6-2 (scal_unit_type); 14, 16 and 18 are corrected volumes; 255 says "no unit", 254
"another unit", and some meters write 0 for either."""

_PREFIXES = {"": 0, "m": -3, "k": 3, "M": 6, "G": 9}
_SCALED = ("Wh", "W", "J", "varh", "var", "VAh", "VA", "V", "A", "Ah", "Hz", "bar", "Pa", "J/h")
_TABLE: dict[str, tuple[str, Decimal]] = {
    prefix + unit: (unit, Decimal(1).scaleb(power)) for unit in _SCALED for prefix, power in _PREFIXES.items()
} | {
    "m3": ("m3", Decimal(1)), "L": ("m3", Decimal("0.001")), "mL": ("m3", Decimal("0.000001")),
    "m3/h": ("m3/h", Decimal(1)), "L/h": ("m3/h", Decimal("0.001")), "m3/min": ("m3/h", Decimal(60)),
    "m3/s": ("m3/h", Decimal(3600)), "kg": ("kg", Decimal(1)), "t": ("kg", Decimal(1000)),
    "kg/h": ("kg/h", Decimal(1)), "kg/s": ("kg/h", Decimal(3600)), "t/h": ("kg/h", Decimal(1000)),
    "cal": ("J", Decimal("4.1868")), "kcal": ("J", Decimal("4186.8")), "Mcal": ("J", Decimal("4186800")),
    "Gcal": ("J", Decimal("4186800000")),
    "s": ("s", Decimal(1)), "min": ("s", Decimal(60)), "h": ("s", Decimal(3600)), "d": ("s", Decimal(86400)),
    "Cel": ("Cel", Decimal(1)), "K": ("K", Decimal(1)), "%": ("%", Decimal(1)), "deg": ("deg", Decimal(1)),
}  # fmt: skip
SPELLINGS = frozenset(_TABLE) | {unit for unit in DLMS_UNITS.values() if unit}
"""Every unit in its one spelling."""
_SPELLINGS: dict[str, str] = {
    "m^3": "m3", "m³": "m3", "dm3": "L", "l": "L", "m3ph": "m3/h", "l/h": "L/h", "°c": "Cel", "c": "Cel", "°": "deg",
}  # fmt: skip
_BY_LOWER_CASE: dict[str, str] = {}
for _name in _TABLE:
    # "MW" and "mW" differ by case only: those are never guessed
    _BY_LOWER_CASE[_name.lower()] = "" if _name.lower() in _BY_LOWER_CASE else _name


def symbol(code: int) -> str | None:
    """The unit of a DLMS enumeration code; None for 255. UnitError for a code that is not in the table."""
    try:
        return DLMS_UNITS[code]
    except KeyError:
        raise UnitError(f"unit code {code} is not in the enumeration") from None


def normal(text: str) -> str:
    """One spelling for one unit: ``KWH`` is ``kWh``, ``kVAr`` is ``kvar``. UnitError when it is not known."""
    if text in _TABLE:
        return text
    found = _SPELLINGS.get(text) or _SPELLINGS.get(text.lower()) or _BY_LOWER_CASE.get(text.lower())
    if not found:
        raise UnitError("a unit that is not known")
    return found


def factor(unit: str | None, wanted: str | None) -> Fraction | None:
    """How many ``wanted`` one ``unit`` is, exactly; None when they are of different dimensions."""
    if unit == wanted:
        return Fraction(1)
    base, mine = _TABLE.get(unit or "", (None, Decimal(1)))
    wanted_base, theirs = _TABLE.get(wanted or "", (None, Decimal(1)))
    energies = {base, wanted_base} == {"Wh", "J"}
    if base is None or wanted_base is None or (base != wanted_base and not energies):
        return None
    ratio = Fraction(mine) / Fraction(theirs)
    return ratio if base == wanted_base else ratio * _JOULES if base == "Wh" else ratio / _JOULES


_JOULES = 3600
"""Of a watt-hour."""


def base(unit: str | None) -> str | None:
    """The unit of the same dimension that others are multiples of; the unit itself where it has no table."""
    if unit is None or (found := _TABLE.get(unit)) is None:
        return unit
    return found[0]


_TOLD = {"Wh": "kWh", "varh": "kvarh", "VAh": "kVAh", "J": "MJ"}


def told(unit: str | None) -> str | None:
    """The unit in which amounts and means of a dimension are told: energies in kWh, all else in the base unit."""
    found = base(unit)
    return _TOLD.get(found, found) if found is not None else None


def power_of_ten(ratio: Fraction) -> int:
    """The power of ten that a factor is or holds: -3 for 1/1000, 1 for 60, 0 for 36.

    Raises ``ValueError`` for a factor that no decimal is: 0, 1/3.
    """
    rest = ratio.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1 or not ratio:
        raise ValueError("a factor that no decimal is")
    power = 0
    while ratio.numerator % 10 == 0:
        ratio, power = ratio / 10, power + 1
    while ratio.denominator % 10 == 0:
        ratio, power = ratio * 10, power - 1
    while ratio.denominator != 1:
        ratio, power = ratio * 10, power - 1
    return power


def convert(value: Decimal, unit: str | None, wanted: str | None) -> Decimal:
    """``value`` in another unit of the same dimension (Wh in kWh, L in m3). UnitError when there is no way."""
    if unit == wanted:
        return value
    ratio = factor(unit, wanted)
    if ratio is None:
        raise UnitError("units of different dimensions")
    return value * ratio.numerator / ratio.denominator
