"""Units by the common codes of UN/ECE Recommendation 20; units that it does not have by a code of our own. Pure."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from meter_driver.units import SPELLINGS

ONE, OTHER = "C62", "OTHER"
"""A number without a unit (Recommendation 20: "one"); a unit that is none of the vocabulary."""

RECOMMENDATION_20: Mapping[str, str] = MappingProxyType(
    {
        "Wh": "WHR", "kWh": "KWH", "MWh": "MWH", "GWh": "GWH",
        "J": "JOU", "mJ": "C15", "kJ": "KJO", "MJ": "3B", "GJ": "GV", "J/h": "P16", "kJ/h": "P20", "kcal": "E14",
        "W": "WTT", "kW": "KWT", "MW": "MAW", "GW": "A90", "mW": "C31",
        "var": "D44", "kvar": "KVR", "Mvar": "MAR", "kvarh": "K3", "Mvarh": "MAH",
        "VA": "D46", "mVA": "M35", "kVA": "KVA", "MVA": "MVA", "kVAh": "C79",
        "V": "VLT", "kV": "KVT", "MV": "B78", "mV": "2Z", "A": "AMP", "kA": "B22", "MA": "H38", "mA": "4K",
        "Ah": "AMH", "kAh": "TAH", "mAh": "E09", "Hz": "HTZ", "kHz": "KHZ", "MHz": "MHZ", "GHz": "A86",
        "bar": "BAR", "mbar": "MBR", "kbar": "KBA", "atm": "ATM",
        "Pa": "PAL", "mPa": "74", "kPa": "KPA", "MPa": "MPA", "GPa": "A89", "Pa.s": "C65",
        "m3": "MTQ", "L": "LTR", "mL": "MLT", "1/m3": "C86",
        "m3/h": "MQH", "L/h": "E32", "m3/s": "MQS", "m3/min": "G53", "m3/d": "G52",
        "kg": "KGM", "t": "TNE", "kg/h": "E93", "kg/s": "KGS", "t/h": "E18",
        "g/m3": "A93", "g/cm2": "25", "J/m3": "B8", "J/kg": "J2",
        "s": "SEC", "min": "MIN", "h": "HUR", "d": "DAY", "wk": "WEE", "mo": "MON", "a": "ANN",
        "Cel": "CEL", "K": "KEL", "%": "P1", "deg": "DD", "m": "MTR", "m/s": "MTS", "N": "NEW", "N.m": "NU",
        "Ohm": "OHM", "Ohm.m": "C61", "S": "SIE", "F": "FAR", "H": "81", "coulomb": "COU", "Wb": "WEB", "T": "D33",
        "A/m": "AE", "V/m": "D50", "dB": "2N",
    }
)  # fmt: skip
"""Common code by unit, of those that the recommendation has and does not call deprecated or deleted; held against
Annexes II and III of revision 14e (2020). The calorie is the one of the International Table."""
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9]+")


def _own(unit: str) -> str:
    """An id of ours: ``X_MJ_PER_h``, upper and lower case as in the unit, so that ``mVA`` is not ``MVA``."""
    words = unit.replace("/", " PER ").replace("%", " PERCENT")
    return "X_" + _NOT_IN_AN_ID.sub("_", words.strip()).strip("_")


UNIT_CODES: Mapping[str, str] = MappingProxyType(
    {unit: RECOMMENDATION_20.get(unit) or _own(unit) for unit in sorted(SPELLINGS)}
)
"""Every unit of the vocabulary, and its code: one each."""


def code(unit: str | None) -> str:
    """The code of a unit as in ``meter_driver.units``; ``C62`` for a number without one."""
    return UNIT_CODES.get(unit, OTHER) if unit else ONE
