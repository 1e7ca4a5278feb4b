"""Data fields of M-Bus records (EN 13757-3, Annex A): from raw bytes, least significant first, to a value.

A reader returns None where the field holds no value: digits that are none, a date with a part left open, a number
that is not a number.
"""

import struct
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal
from math import isfinite

from meter_driver.mbus.address import LONG, is_address, link_address, meter_id
from meter_driver.mbus.vif import Coding, Meaning

RecordValue = Decimal | str
FieldReader = Callable[[bytes], RecordValue | None]

FIELD_CONTEXT = Context(prec=200)
"""Wide enough for every field that a record can carry: 64 bytes are 155 digits."""


def scaled(number: int, exponent: int) -> Decimal:
    """``number`` times ten to ``exponent``, exact, written without an exponent of its own."""
    if exponent >= 0:
        return Decimal(number * 10**exponent)
    return Decimal(number).scaleb(exponent, FIELD_CONTEXT)


def integer(meaning: Meaning) -> FieldReader:
    """Type B (signed) or C and D (unsigned), any width."""
    exponent = meaning.exponent
    signed = meaning.coding is Coding.NUMBER
    if exponent >= 0:
        factor = 10**exponent
        return lambda raw: Decimal(int.from_bytes(raw, "little", signed=signed) * factor)
    return lambda raw: Decimal(int.from_bytes(raw, "little", signed=signed)).scaleb(exponent, FIELD_CONTEXT)


def bcd(meaning: Meaning) -> FieldReader:
    """Type A: packed digits; F in the most significant place is a minus sign; any other letter is no number."""
    exponent = meaning.exponent

    def read(raw: bytes) -> Decimal | None:
        digits = raw[::-1].hex()
        if digits.isdecimal():
            return scaled(int(digits), exponent)
        if digits[:1] == "f" and digits[1:].isdecimal():
            return scaled(-int(digits[1:]), exponent)
        return None

    return read


def real(meaning: Meaning) -> FieldReader:
    """Type H: IEEE 754 in four or eight bytes, the value it stands for without rounding."""
    exponent = meaning.exponent

    def read(raw: bytes) -> Decimal | None:
        (number,) = struct.unpack("<f" if len(raw) == 4 else "<d", raw)
        if not isfinite(number):
            return None
        return Decimal(format(Decimal(repr(number)).scaleb(exponent, FIELD_CONTEXT), "f"))

    return read


def identity(_: Meaning) -> FieldReader:
    """Digits of a number that names something, leading zeros kept."""
    return lambda raw: digits if (digits := raw[::-1].hex()).isdecimal() else None


def identity_binary(meaning: Meaning) -> FieldReader:
    """The same from a binary field; VIF 79 in eight bytes is an address, identification first (OMS Volume 2)."""
    return _address if meaning.quantity == "enhanced_identification" else _digits


def _digits(raw: bytes) -> str:
    return str(int.from_bytes(raw, "little"))


def _address(raw: bytes) -> str | None:
    if len(raw) != LONG:
        return _digits(raw)
    address = link_address(raw)
    return meter_id(address) if is_address(address) else None


def moment(raw: bytes) -> str | None:
    """Types G (2 bytes, a date), J (3, time of day), F (4, minutes), I (6, seconds): local time of the meter.

    Written as ``2024-12-31``, ``23:59:30``, ``2024-12-31T23:59``, ``2024-12-31T23:59:30``.
    """
    return _MOMENTS[len(raw)](raw)


def _date(raw: bytes, century: int) -> str | None:
    day, month = raw[0] & 0x1F, raw[1] & 0x0F
    year = raw[0] >> 5 | raw[1] >> 1 & 0x78
    if year > 99:
        return None  # "every year"
    if century:
        year += 1900 + 100 * century
    else:
        year += 2000 if year <= 80 else 1900
    try:
        return date(year, month, day).isoformat()
    except ValueError:  # left open, or in no calendar
        return None


def _type_f(raw: bytes) -> str | None:
    minute, hour, invalid = raw[0] & 0x3F, raw[1] & 0x1F, raw[0] & 0x80
    day = _date(raw[2:], raw[1] >> 5 & 0x03)
    return f"{day}T{hour:02}:{minute:02}" if day and not invalid and hour < 24 and minute < 60 else None


def _type_i(raw: bytes) -> str | None:
    second, minute, hour, invalid = raw[0] & 0x3F, raw[1] & 0x3F, raw[2] & 0x1F, raw[1] & 0x80
    day = _date(raw[3:5], 0)
    if not day or invalid or hour > 23 or minute > 59 or second > 59:
        return None
    return f"{day}T{hour:02}:{minute:02}:{second:02}"


def _type_j(raw: bytes) -> str | None:
    second, minute, hour = raw[0] & 0x3F, raw[1] & 0x3F, raw[2] & 0x1F
    return f"{hour:02}:{minute:02}:{second:02}" if hour < 24 and minute < 60 and second < 60 else None


_MOMENTS: dict[int, Callable[[bytes], str | None]] = {
    2: lambda raw: _date(raw, 0),
    3: _type_j,
    4: _type_f,
    6: _type_i,
}


_TEXTS = frozenset((Coding.UNSIGNED, Coding.BITS, Coding.IDENTITY))


def variable(meaning: Meaning) -> FieldReader:
    """LVAR (clause 6): the first byte says what follows. Text is a value only where the quantity is no measure."""
    number, digits = integer(meaning), bcd(meaning)

    def read(raw: bytes) -> RecordValue | None:
        lvar, data = raw[0], raw[1:]
        if lvar < 0xC0:
            text = data[::-1].decode("latin-1").strip("\x00 ") if meaning.coding in _TEXTS else ""
            return text if text and text.isprintable() else None
        if meaning.coding is Coding.DATE_TIME or not data:
            return None
        if lvar < 0xE0:
            value = digits(data) if data[-1] >> 4 < 10 else None
            return -value if isinstance(value, Decimal) and lvar >= 0xD0 else value
        return number(data)

    return read


def lvar_size(lvar: int) -> int | None:
    """Bytes behind an LVAR byte; None for a reserved one."""
    if lvar < 0xC0:
        return lvar
    if lvar < 0xF0:
        return lvar & 0x0F if lvar >= 0xE0 or lvar & 0x0F < 10 else None
    return {0xF0: 16, 0xF1: 20, 0xF2: 24, 0xF3: 28, 0xF4: 32, 0xF5: 48, 0xF6: 64}.get(lvar)
