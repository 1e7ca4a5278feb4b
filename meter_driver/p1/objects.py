"""What the objects of a readout may hold: which lines are numbers, texts, clocks or profiles, and in which units.

The names are OBIS codes (IEC 62056-61), in full on a P1 port, often reduced (``1.8.0``, ``C.1``) in an IEC 62056-21
readout. The table is by value group, not by meter: nothing has to be added for a new make.
"""

import re
from decimal import Decimal
from enum import Enum, auto
from functools import lru_cache

from msgspec import Struct

from meter_driver import units
from meter_driver.errors import ObisError, PayloadError, UnitError


class ObjectKind(Enum):
    """How the groups in parentheses behind a name are read."""

    VALUE = auto()
    """A number, maybe with a unit, maybe with the time of its capture: a reading."""
    MAYBE = auto()
    """A number where it looks like one, else text: the standard leaves it open."""
    TEXT = auto()
    """Identifiers, switches, messages: text also where it consists of digits."""
    FREE = auto()
    """A name of a programme or version, where meters also print parentheses."""
    CLOCK = auto()
    """Date and time of the telegram (DSMR 0-0:1.0.0)."""
    BUFFER = auto()
    """The M-Bus hourly value of DSMR 2.2 and 3: time, status, period, count, name, unit, then the value."""
    PROFILE = auto()
    """Many rows under one name (C is 98 or 99)."""


class Object(Struct, frozen=True):
    """What a name stands for.

    Attributes:
        quantity: the name in full with F, or as printed where A and B are left out.
        kind: how to read its groups.
        channel: 0 for the meter itself, 1.. for the M-Bus devices behind it (group B where A is 0).
        base: a unit of the dimension that the quantity has by IEC 62056-61; None where the standard leaves it open.
        units: from the spelling in the telegram to ours; filled as spellings come, which are few.
        plain: one group is a value or a text, and no more has to be looked at.
        text: it is never a number.
    """

    quantity: str
    kind: ObjectKind
    channel: int
    base: str | None
    units: dict[str, str]
    plain: bool
    text: bool

    def unit(self, printed: str) -> str:
        """The spelling of ``units``, noted. UnitError if it is not known or not of the quantity's dimension."""
        known = _SHORT.get(printed) or units.normal(printed)
        if self.base is not None:
            units.convert(Decimal(1), known, self.base)
        if len(self.units) < _SPELLINGS:
            self.units[printed] = known
        return known


_PLAIN = (ObjectKind.VALUE, ObjectKind.MAYBE, ObjectKind.TEXT)
_SPELLINGS = 16
_SHORT = {"m": "min"}  # EN 1434-3 writes minutes as m in heat meter readouts
_NAME = re.compile(
    r"(?:(\d{1,3})-(\d{1,3}):)?"
    r"(\d{1,3}|[CFLP])(?:\.(\d{1,3}|[CFP]))?(?:\.(\d{1,3}))?(?:[*&](\d{1,3}))?"
)
_POWER = {1: "W", 2: "W", 15: "W", 16: "W", 9: "VA", 10: "VA", 11: "A", 12: "V", 14: "Hz"} | dict.fromkeys(
    range(3, 9), "var"
)
_HOURS = {"W": "Wh", "var": "varh", "VA": "VAh"}
_INSTANTANEOUS = 7
_TIME_INTEGRALS = frozenset({8, 9, 10, 17, 18, 19, 20, 27, 28, 29, 30, 58})


def _electrical_base(c: int, d: int, e: int) -> str | None:
    """The dimension of an electricity quantity: C by phase (1-20 sum, 21-40 L1, ...), D by the kind of processing.

    None for harmonics (E under an instantaneous value), which are told in per cent as well.
    """
    if not 1 <= c <= 80 or (d == _INSTANTANEOUS and e):
        return None
    power = _POWER.get((c - 1) % 20 + 1)
    if d in _TIME_INTEGRALS:
        return _HOURS.get(power or "")
    return power if d in range(2, 8) or d in (24, 25, 26) else None


def _kind(a: int | None, c: str, d: int) -> ObjectKind:
    """By the groups A, C and D; A is None in a reduced name, where electricity and heat meters share the codes."""
    if c in ("98", "99", "P"):
        return ObjectKind.PROFILE
    if c in ("C", "F", "L"):
        return ObjectKind.TEXT
    number = int(c)
    if number == 0:
        return ObjectKind.FREE if d == 2 else ObjectKind.TEXT if d in (0, 1, 9) else ObjectKind.MAYBE
    if a == 0 and number == 1 and d == 0:
        return ObjectKind.CLOCK
    if a == 0 and number == 24:
        return ObjectKind.BUFFER if d == 3 else ObjectKind.TEXT if d in (1, 4) else ObjectKind.VALUE
    if number == 96:
        return ObjectKind.MAYBE if d == 7 else ObjectKind.TEXT
    if a == 1 and number <= 80:
        return (
            ObjectKind.MAYBE if d == 4 else ObjectKind.VALUE
        )  # Luxembourg: 1-1:31.4.0(200*A)(-200*A), a limit either way
    return ObjectKind.TEXT if (a, number) == (0, 42) else ObjectKind.MAYBE


@lru_cache(maxsize=2048)
def look_up(name: str) -> Object:
    """The object behind a printed name. ObisError if it is none.

    Spellings are few per meter; the cache is bounded because the names come from outside.
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise ObisError("a line that does not begin with an OBIS code")
    a, b, c, d, e, f = found.groups()
    numbers = [int(group) for group in (a, b, c, d, e, f) if group and group.isdigit()]
    if max(numbers, default=0) > 255:
        raise ObisError("an OBIS group above 255")
    group_d = int(d) if d and d.isdigit() else -1
    medium = int(a) if a else None
    if medium is None:
        kind = _kind(None, c, group_d)
        return Object(name, kind, 0, None, {}, kind in _PLAIN, kind is ObjectKind.TEXT)
    if not (c.isdigit() and group_d >= 0 and e):
        raise ObisError("an OBIS code with A and B but without C, D and E")
    kind = _kind(medium, c, group_d)
    quantity = f"{medium}-{int(b)}:{int(c)}.{group_d}.{int(e)}*{int(f or 255)}"
    base = _electrical_base(int(c), group_d, int(e)) if medium == 1 else None
    return Object(quantity, kind, int(b) if medium == 0 else 0, base, {}, kind in _PLAIN, kind is ObjectKind.TEXT)


_is_number = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,12})?").fullmatch
"""The value of IEC 62056-21 clause 6.5: digits, at most one point, an optional sign."""


def value_of(thing: Object, printed: str) -> tuple[Decimal | str, str | None]:
    """Value and unit of one group that is not empty: ``value`` or ``value*unit``.

    PayloadError if the standard wants a number there and it is none, UnitError if the unit cannot be right.
    """
    if thing.text:
        return printed, None
    value, star, unit = printed.partition("*")
    if not _is_number(value) or (star and not unit):
        if thing.kind is ObjectKind.VALUE:
            raise PayloadError("a quantity whose value is not a number")
        return printed, None
    if not star:
        return Decimal(value), None
    known = thing.units.get(unit)
    if known is not None:
        return Decimal(value), known
    try:
        return Decimal(value), thing.unit(unit)
    except UnitError:
        if thing.kind is ObjectKind.VALUE:
            raise
        return printed, None
