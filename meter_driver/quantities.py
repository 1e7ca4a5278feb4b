"""The vocabulary of quantities: how each is named, of which medium it is, what kind of number it is, in which units.

The only module that says so; driver, wire, intake and outputs ask here. Three families of names:

``A-B:C.D.E*F``         OBIS in full (IEC 62056-61, IEC 62056-6-1; EN 13757-1 for media other than electricity), and the
                        reduced codes that IEC 62056-21 prints (``6.8``, ``1.8.0``, ``6.26*01``).
``energy storage=1``    quantities of EN 13757-3 with their qualifiers, as the M-Bus layers name them (``named``).
``hourly-mean/power``   results of processors.
``openadr opt``         behaviour of a household, sealed like its readings.

In OBIS value group A is the medium, C the physical quantity and D its processing; **what D means depends on A**: for
electricity 8 is a time integral since the meter began and 0 a mean, for water and gas 0 is the current value.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from meter_driver import obis, units
from meter_driver.errors import MeterError, ObisError, UnitError
from meter_driver.named import IN_WORDS, LONGEST_NAME


class Kind(StrEnum):
    """What kind of number it is, and so what an interval's value is."""

    CUMULATIVE = "cumulative"
    """A register that only grows: a difference."""
    NET = "net"
    """A register that may fall (import less export): a difference with a sign."""
    PERIODIC = "periodic"
    """A register that begins anew with each billing period: a difference within one of them."""
    INTERVAL = "interval"
    """The amount of an interval of its own: a sum."""
    INSTANT = "instant"
    """A value that stands until the next one: a mean over time."""
    MEAN = "mean"
    """The mean of an interval of its own: a mean over time; of nothing where nobody says which interval."""
    SNAPSHOT = "snapshot"
    """A stand of another day, an extreme: told as it came, never computed with."""


class Medium(StrEnum):
    """Value group A of IEC 62056-6-1 (Table 1), in words; EN 13757-3 names do not tell theirs."""

    ABSTRACT = "abstract"
    ELECTRICITY = "electricity"
    HEAT_COST = "heat-cost"
    COOLING = "cooling"
    HEAT = "heat"
    GAS = "gas"
    COLD_WATER = "cold-water"
    HOT_WATER = "hot-water"
    UNKNOWN = "unknown"


_MEDIA: Final = {
    0: Medium.ABSTRACT, 1: Medium.ELECTRICITY, 4: Medium.HEAT_COST, 5: Medium.COOLING, 6: Medium.HEAT,
    7: Medium.GAS, 8: Medium.COLD_WATER, 9: Medium.HOT_WATER,
}  # fmt: skip

REGISTERS: Final = frozenset({Kind.CUMULATIVE, Kind.NET, Kind.PERIODIC})
MEANS: Final = frozenset({Kind.INSTANT, Kind.MEAN})
AMOUNTS: Final = REGISTERS | {Kind.INTERVAL}
"""Kinds whose interval values are differences of stands; are means over time; grow with the length of the interval."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a name says.

    Attributes:
        name: the one spelling, as in ``Reading.quantity``.
        medium: ``UNKNOWN`` where the name does not tell.
        kind: see ``Kind``.
        present: False for a stand of another day, an extreme or a limit of it (then ``kind`` is SNAPSHOT).
    """

    name: str
    medium: Medium
    kind: Kind

    @property
    def present(self) -> bool:
        return self.kind is not Kind.SNAPSHOT


@lru_cache(maxsize=8192)
def parse(text: str) -> Quantity | None:
    """The quantity of a name in any spelling; None when the name is none of the vocabulary.

    >>> parse("1-0:1.8.0").name
    '1-0:1.8.0*255'
    """
    if ":" in text:
        try:
            name = obis.normal(text)
        except ObisError:
            return None
        medium = _MEDIA.get(int(name.partition("-")[0]), Medium.UNKNOWN)
        return Quantity(name, medium, _kind_of_code(obis.to_bytes(name)))
    if _REDUCED.fullmatch(text):
        return Quantity(text, Medium.UNKNOWN, _kind_of_reduced(text))
    if _RESULT.fullmatch(text):
        return Quantity(text, Medium.UNKNOWN, Kind.SNAPSHOT)
    if text == OPT:
        return Quantity(text, Medium.UNKNOWN, Kind.INSTANT)
    if len(text) <= LONGEST_NAME and IN_WORDS.fullmatch(text):
        return Quantity(text, Medium.UNKNOWN, _kind_of_name(text))
    return None


def is_amount(name: str) -> bool:
    """Whether the value of an interval is what went through in it: kWh, m3."""
    quantity = parse(name)
    return quantity is not None and quantity.kind in AMOUNTS


def is_signed(name: str) -> bool:
    """Whether the amount of an interval may be below nothing: import less export, and what nobody knows the sign of."""
    quantity = parse(name)
    if quantity is None or quantity.kind is not Kind.INTERVAL:
        return quantity is None or quantity.kind is Kind.NET
    c, net = quantity.name.rpartition(":")[2].partition(".")[0], quantity.medium in (Medium.ELECTRICITY, Medium.UNKNOWN)
    return (net and int(c) in _NET_OF_C) or int(c) in _MAKERS_OF_C if c.isdecimal() else True


def unit(text: str | None) -> str | None:
    """One spelling of a unit; None for a number without one. Raises ``UnitError`` for one that is not known."""
    if text is None or text == "":
        return None
    if text in units.SPELLINGS:
        return text
    try:
        return units.normal(text)
    except UnitError:
        raise UnitError(f"{text[:16]!r} is a unit that is not known") from None


# -- OBIS in full

_PERIODS_OF_F: Final = range(100)
"""F 0 to 99: stands of former billing periods (IEC 62056-6-1, 7.4). German meters say the consumption of the last day,
week, month and year under 96 to 99 (DIN 43863-5)."""
_SINCE_RESET: Final = 100
"""F 100: the same register since somebody set it back."""
_FORMER: Final = range(101, 127)

_ELECTRIC: Final = {
    8: Kind.CUMULATIVE,  # time integral 1: from the start of measurement
    9: Kind.PERIODIC,  # time integral 2: from the begin of the billing period
    10: Kind.CUMULATIVE,  # time integral 3: positive difference to a threshold
    20: Kind.CUMULATIVE,  # time integral 4: test time integral
    29: Kind.INTERVAL, 30: Kind.INTERVAL,  # time integrals 5 and 6: of a recording interval, ended
    7: Kind.INSTANT,
    0: Kind.INSTANT, 4: Kind.INSTANT, 14: Kind.INSTANT, 24: Kind.INSTANT,  # running means
    5: Kind.MEAN, 15: Kind.MEAN, 25: Kind.MEAN,  # last averages 1 to 3: of the measurement period that has ended
    31: Kind.INSTANT, 35: Kind.INSTANT, 39: Kind.INSTANT,  # thresholds
}  # fmt: skip
"""Value group D of electricity (IEC 62056-6-1, Table 15); all else is an extreme, a limit or a duration of it."""
_NET_OF_C: Final = frozenset((16, 36, 56, 76))
"""Import less export: all phases, L1, L2, L3 (IEC 62056-6-1, Table 13)."""
_MAKERS_OF_C: Final = range(128, 255)
"""What a maker means by them (IEC 62056-6-1, Table 13) nobody else knows."""
_FLOWS: Final = {
    4: frozenset((1, 2)),  # heat cost units
    5: frozenset(range(1, 8)),
    6: frozenset(range(1, 8)),  # energy, volume, mass (EN 13757-1)
    7: frozenset((*range(1, 10), *range(11, 20), *range(21, 30), *range(31, 40), *range(61, 68))),  # volumes, energies
    8: frozenset((1,)),
    9: frozenset((1,)),
}
"""Of other media: values of group C that are accumulated; the others are flows, temperatures, pressures."""
_GAS_STATES: Final = range(4)
"""Gas, D 0 to 3: at metering conditions, corrected, at base conditions, redundant: all of them present stands."""
GAS_AMOUNTS, OTHER_AMOUNTS = range(9, 12), 29
"""D of amounts of an ended period: gas, by the first three of those states; heat and water, as of electricity."""


def _kind_of_code(code: bytes) -> Kind:
    medium, _, c, d, _, f = code
    if f in _PERIODS_OF_F or f in _FORMER:
        return Kind.SNAPSHOT
    kind = _kind_of_groups(medium, c, d)
    return Kind.PERIODIC if f == _SINCE_RESET and kind in REGISTERS else kind


def _kind_of_groups(medium: int, c: int, d: int) -> Kind:
    if medium == 1:
        if c == 0:  # general purpose: recording intervals, dates, ratios of transformers
            return Kind.SNAPSHOT
        kind = _ELECTRIC.get(d, Kind.SNAPSHOT)
        return Kind.NET if kind is Kind.CUMULATIVE and c in _NET_OF_C else kind
    if medium == 0:  # DSMR: the last stand of a meter behind the port, 0-n:24.2.c and 24.3.0
        return Kind.CUMULATIVE if c == 24 and d in (2, 3) else Kind.INSTANT
    if c not in _FLOWS.get(medium, ()):
        return Kind.INSTANT
    if d == 0 or (medium == 7 and d in _GAS_STATES):
        return Kind.PERIODIC if medium == 4 else Kind.CUMULATIVE
    return Kind.INTERVAL if d in (GAS_AMOUNTS if medium == 7 else (OTHER_AMOUNTS,)) else Kind.SNAPSHOT


# -- reduced codes of IEC 62056-21

_REDUCED: Final = re.compile(r"[\dA-Z]{1,3}(?:\.[\dA-Z]{1,3}){1,2}(?:[*&]\d{1,3})?")
_REDUCED_REGISTERS: Final = frozenset(("8", "26"))
"""D 8, and 26 by which heat meters print their volume (``6.26``)."""
_REDUCED_EXTREMES: Final = frozenset(("1", "2", "3", "6"))
_HOURS: Final = frozenset(("6.31", "6.32"))
"""Heat meters: hours in operation and in error."""


def _kind_of_reduced(text: str) -> Kind:
    head, _, former = text.replace("&", "*").partition("*")
    groups = head.split(".")
    if (former and former != "255") or groups[0] == "0":
        return Kind.SNAPSHOT
    if ".".join(groups[:2]) in _HOURS:
        return Kind.CUMULATIVE
    if groups[1] in _REDUCED_REGISTERS:
        return Kind.NET if groups[0] == "16" else Kind.CUMULATIVE
    if groups[1] == "9" and len(groups) == 3:
        return Kind.PERIODIC
    if groups[1] == "29":
        return Kind.INTERVAL
    return Kind.SNAPSHOT if groups[1] in _REDUCED_EXTREMES else Kind.INSTANT


# -- EN 13757-3

OPT: Final = "openadr opt"
"""What a household's device said to an event of OpenADR: 1 for optIn, 0 for optOut. No unit."""
_RESULT: Final = re.compile(r"[a-z][a-z0-9-]{0,39}/[a-z][A-Za-z0-9.-]{0,59}")
"""What a processor worked out and gave a name of its own, ``hourly-mean/power``: told as it came."""
_ACCUMULATED: Final = {
    "energy": Kind.CUMULATIVE,
    "reactive_energy": Kind.CUMULATIVE,
    "apparent_energy": Kind.CUMULATIVE,
    "volume": Kind.CUMULATIVE,
    "mass": Kind.CUMULATIVE,
    "on_time": Kind.CUMULATIVE,
    "operating_time": Kind.CUMULATIVE,
    "hca": Kind.PERIODIC,
}
_NOT_THIS: Final = frozenset(("profile", "manufacturer", "month"))
"""A compact profile, what the maker alone understands, and a register by its month."""


def _kind_of_name(text: str) -> Kind:
    name, *qualifiers = text.split(" ")
    for qualifier in qualifiers:
        word, _, number = qualifier.partition("=")
        if word in ("max", "min", "error") or (word == "storage" and number != "0") or word in _NOT_THIS:
            return Kind.SNAPSHOT
    kind = _ACCUMULATED.get(name, Kind.INSTANT)
    if kind in REGISTERS and "period" in qualifiers:  # since the due date
        return Kind.PERIODIC
    return Kind.NET if kind is Kind.CUMULATIVE and "import_minus_export" in qualifiers else kind


def known(name: str, unit_name: str | None) -> bool:
    """Whether a name and a unit are both in the vocabulary."""
    try:
        unit(unit_name)
    except MeterError:
        return False
    return parse(name) is not None
