"""What orthogonal VIF extensions make of a quantity (EN 13757-3, clause 6.4, Tables 15 and 16).

Corrections scale the value. What only says where or in which direction the same thing was measured becomes a
qualifier (``phase=1``, ``negative``), and so does what only the manufacturer understands (``manufacturer=0A``: the
number is what the quantity says, what exactly it counts is not). What makes it another thing (a limit, a duration, a
mean, a value per hour) changes the name of the quantity, so that nobody takes the one for the other. A record error,
or a code that is not known, leaves no value.
"""

from decimal import Decimal

from msgspec import Struct, structs

from meter_driver.mbus.vif import Coding, Meaning

MANUFACTURER, COMBINABLE, FUTURE = 0x7F, 0x7C, 0x7E
INVERSE, WITH_NUMBERS, WITHOUT_NUMBERS = 0x13, 0x1E, 0x1F
"""Compact profiles (Annex F): newest value first; with and without register numbers, oldest first."""

_QUALIFIERS = {0x00: "", 0x1D: "", 0x3A: "uncorrected", 0x3B: "positive", 0x3C: "negative", 0x3E: "base_conditions"}
_PHASES = {
    0x01: "phase=1", 0x02: "phase=2", 0x03: "phase=3", 0x04: "phase=N", 0x05: "phase=1-2", 0x06: "phase=2-3",
    0x07: "phase=3-1", 0x08: "quadrant=1", 0x09: "quadrant=2", 0x0A: "quadrant=3", 0x0B: "quadrant=4",
    0x0C: "import_minus_export", 0x10: "absolute_sum",
}  # fmt: skip
_PER = {
    0x20: "s", 0x21: "min", 0x22: "h", 0x23: "d", 0x24: "wk", 0x25: "mo", 0x26: "a",
    0x2C: "L", 0x2D: "m3", 0x2E: "kg", 0x2F: "K", 0x30: "kWh", 0x31: "GJ", 0x32: "kW", 0x34: "V", 0x35: "A",
}  # fmt: skip
_PROFILES = frozenset((INVERSE, WITH_NUMBERS, WITHOUT_NUMBERS))
_DURATIONS = ("s", "min", "h", "d")


class Modified(Struct, frozen=True):
    """A meaning after its extensions.

    Attributes:
        meaning: quantity, unit, power of ten.
        qualifiers: they follow the name.
        offset: added to the value, in the unit of the VIF.
        profile: INVERSE, WITH_NUMBERS or WITHOUT_NUMBERS where the data are a compact profile, or 0.
    """

    meaning: Meaning
    qualifiers: tuple[str, ...] = ()
    offset: Decimal = Decimal(0)
    profile: int = 0


def modify(meaning: Meaning, extensions: bytes) -> Modified | None:
    """``extensions`` are the orthogonal VIFEs in order. None when the record has no value that is understood."""
    changed: Modified | None = Modified(meaning)
    codes = iter(byte & 0x7F for byte in extensions)
    for code in codes:
        if changed is None:
            break
        if code == MANUFACTURER:  # all that follows it is the manufacturer's
            named = "".join(f"{own:02X}" for own in codes)
            word = f"manufacturer={named}" if named else "manufacturer"
            return structs.replace(changed, qualifiers=(*changed.qualifiers, word))
        changed = _located(changed, next(codes, -1)) if code == COMBINABLE else _step(changed, code)
    return changed


def _located(so_far: Modified, code: int) -> Modified | None:
    """Extension of the combinable extensions, behind VIFE FC (Table 16)."""
    if code not in _PHASES:
        return None
    return structs.replace(so_far, qualifiers=(*so_far.qualifiers, _PHASES[code]))


def _step(so_far: Modified, code: int) -> Modified | None:
    meaning = so_far.meaning
    if code in _QUALIFIERS:
        word = _QUALIFIERS[code]
        return structs.replace(so_far, qualifiers=(*so_far.qualifiers, word)) if word else so_far
    if code in _PROFILES:
        return None if so_far.profile else structs.replace(so_far, profile=code)
    if 0x70 <= code <= 0x77:
        return structs.replace(so_far, meaning=meaning._replace(exponent=meaning.exponent + code - 0x76))
    if code == 0x7D:
        return structs.replace(so_far, meaning=meaning._replace(exponent=meaning.exponent + 3))
    if 0x78 <= code <= 0x7B:
        constant = Decimal(1).scaleb(code - 0x7B + meaning.exponent)
        return structs.replace(so_far, offset=so_far.offset + constant)
    other = _another_quantity(meaning, code)
    return None if other is None else structs.replace(so_far, meaning=other)


def _another_quantity(meaning: Meaning, code: int) -> Meaning | None:
    name, unit = meaning.quantity, meaning.unit
    if code in _PER:
        return meaning._replace(quantity=f"{name}_per_{_PER[code]}", unit=f"{unit or '1'}/{_PER[code]}")
    if code == 0x12:
        return meaning._replace(quantity=f"average_{name}")
    if code == 0x39:
        return Meaning(f"{name}_start", coding=Coding.DATE_TIME)
    if code == FUTURE:
        return meaning._replace(quantity=f"future_{name}")
    if 0x40 <= code <= 0x4F and code & 0x06 != 0x04:  # 44, 45, 4C, 4D are reserved
        return _limit(meaning, code)
    if 0x50 <= code <= 0x6F:
        return _excess(meaning, code)
    return None


def _limit(meaning: Meaning, code: int) -> Meaning:
    """E100 uxxx: a limit, how often it was exceeded, when it began or ended (u: upper)."""
    name = f"{meaning.quantity}_{'upper' if code & 0x08 else 'lower'}_limit"
    if code & 0x07 == 0:
        return meaning._replace(quantity=name)
    if code & 0x07 == 1:
        return Meaning(f"{name}_exceeds", coding=Coding.UNSIGNED)
    return Meaning(f"{name}_{_moment(code)}", coding=Coding.DATE_TIME)


def _excess(meaning: Meaning, code: int) -> Meaning | None:
    """E101 ufnn and E110 xxxx: durations and moments of exceeding, leakage, overflow."""
    if code < 0x60:
        limit = f"{meaning.quantity}_{'upper' if code & 0x08 else 'lower'}_limit"
        return Meaning(f"{limit}_{'last' if code & 0x04 else 'first'}_duration", _DURATIONS[code & 0x03])
    if code < 0x68:
        return Meaning(f"{meaning.quantity}_{'last' if code & 0x04 else 'first'}_duration", _DURATIONS[code & 0x03])
    if code in (0x68, 0x6C):
        return meaning._replace(quantity=f"{meaning.quantity}_beyond_{'upper' if code & 0x04 else 'lower'}_limit")
    if code in (0x69, 0x6D):
        return meaning._replace(quantity=f"{meaning.quantity}_{'overflow' if code & 0x04 else 'leakage'}")
    return Meaning(f"{meaning.quantity}_{_moment(code)}", coding=Coding.DATE_TIME)


def _moment(code: int) -> str:
    """Bits f (0x04, last) and b (0x01, end)."""
    return f"{'last' if code & 0x04 else 'first'}_{'end' if code & 0x01 else 'begin'}"
