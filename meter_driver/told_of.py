"""Under which quantity a value is kept of which somebody says that it is of an interval. Part of the vocabulary.

Much of what is sent says so of a code of stands (``1-0:1.8.0`` with a begin and an end): then it is an amount, and its
code is that of the amounts. Of electricity that is time integral 5 (value group D 29), of gas the difference of indexes
over measurement period 1 (D 9 to 11: at metering conditions, corrected, at base conditions), of other media, for which
EN 13757-1 has none, D 29 as of electricity.
"""

from functools import lru_cache
from typing import Final

from meter_driver import obis
from meter_driver.quantities import GAS_AMOUNTS, OTHER_AMOUNTS, REGISTERS, Kind, Medium, Quantity, parse
from meter_driver.units import base

ENERGY_SINCE: Final = (8, 9)
"""Value group D of electricity: since the meter, or the billing period, began. Others are of tests and thresholds."""
_GAS_DIFFERENCES: Final = frozenset((*range(6, 24), *range(27, 33), *range(45, 51), *range(66, 72), *range(84, 90)))
"""Value group D of gas: differences of indexes, of measurement and billing periods; by threes as ``GAS_AMOUNTS``."""
_INTEGRALS: Final = frozenset(("Wh", "J", "varh", "VAh", "Ah", "A2h", "V2h", "m3", "kg"))
_CODES: Final = {
    Medium.ELECTRICITY: "1-0:1.29.0 is energy, 1-0:1.7.0 a mean power",
    Medium.GAS: "7-0:3.9.0 is volume or energy",
    Medium.HEAT: "6-0:1.29.0 is energy",
    Medium.COOLING: "5-0:1.29.0 is energy",
    Medium.COLD_WATER: "8-0:1.29.0 is volume",
    Medium.HOT_WATER: "9-0:1.29.0 is volume",
}


@lru_cache(maxsize=8192)
def of_interval(name: str, unit: str | None) -> Quantity | str:
    """The quantity of such a value, else the rule that it breaks. ``name``: in the vocabulary."""
    known = parse(name)
    if known is None:
        return "not in the vocabulary"
    if (amounts := amounts_of(known)) is not None:
        return amounts
    if known.kind in REGISTERS:
        return f"stands of a register, of whose intervals there is no code: {_fit(known)}"
    if known.kind is Kind.SNAPSHOT:
        return f"an extreme or a limit, of which no intervals are told: {_fit(known)}"
    if base(unit) in _INTEGRALS:
        return f"no code of amounts, and its unit is one of them: {_fit(known)}"
    return known


def amounts_of(known: Quantity) -> Quantity | None:
    """The amounts of intervals of a register, or of a difference of indexes; amounts are their own. None: no code."""
    if known.kind is Kind.INTERVAL:
        return known
    if ":" not in known.name:
        return _reduced(known) if known.kind in REGISTERS else None
    medium, channel, c, d, e, f = obis.to_bytes(known.name)
    if known.medium is Medium.ELECTRICITY:
        d = 29 if d in ENERGY_SINCE else -1
    elif known.medium is Medium.GAS and f == _PRESENT:
        d = GAS_AMOUNTS[d % 3] if d in (0, 1, 2) or d in _GAS_DIFFERENCES else -1
    else:
        d = OTHER_AMOUNTS if known.kind in REGISTERS else -1
    found = parse(f"{medium}-{channel}:{c}.{d}.{e}") if d >= 0 and f in (_PRESENT, _SINCE_RESET) else None
    return found if found is not None and found.kind is Kind.INTERVAL else None


_PRESENT, _SINCE_RESET = 255, 100
"""Value group F."""


def _reduced(known: Quantity) -> Quantity | None:
    """Of electricity: ``1.8.0``. Heat meters have two groups (``6.8``), or other numbers."""
    groups = known.name.partition("*")[0].split(".")
    if len(groups) != len(("C", "D", "E")) or groups[1] not in map(str, ENERGY_SINCE):
        return None
    return parse(f"{groups[0]}.29.{groups[2]}")


def _fit(known: Quantity) -> str:
    return _CODES.get(known.medium) or "; ".join((_CODES[Medium.ELECTRICITY], _CODES[Medium.GAS]))
