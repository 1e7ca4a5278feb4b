"""What the head of an M-Bus data record says: DIF and DIFEs, VIF and VIFEs (EN 13757-3, clauses 6.3 and 6.4).

``layout_of`` reads a head once and is remembered, within a bound: meters send the same heads again and again.
"""

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from meter_driver.errors import PayloadError
from meter_driver.mbus import values as mbus_values
from meter_driver.mbus.values import FIELD_CONTEXT, FieldReader, RecordValue
from meter_driver.mbus.vif import PRIMARY, SECOND_FB, SECOND_FD, TEXT_UNITS, Coding, Meaning
from meter_driver.mbus.vife import Modified, modify

MOST_EXTENSIONS = 10
"""DIFEs, and VIFEs, of one record (EN 13757-3, clauses 6.3 and 6.4)."""
PLAIN_TEXT = 0x7C
VARIABLE = -1
"""Instead of a size: the first byte of the data (LVAR) says it."""
SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, VARIABLE, 6)
"""Bytes of data by the low four bits of the DIF."""

_FUNCTIONS = ("", "max", "min", "error")
_VARIABLE_FIELD = 0x0D


class Origin(NamedTuple):
    """Where a value comes from: function ("" for an instantaneous value), storage, tariff and subunit."""

    function: str = ""
    storage: int = 0
    tariff: int = 0
    subunit: int = 0

    def words(self) -> list[str]:
        """As they follow the quantity; what is not said is left out."""
        numbers = (("storage", self.storage), ("tariff", self.tariff), ("subunit", self.subunit))
        function = [self.function] if self.function else []
        return function + [f"{word}={number}" for word, number in numbers if number]


class Layout(NamedTuple):
    """All that the head of a record says. ``read`` is None where no value is to be reported.

    ``void`` is the value that the standard reserves for "not valid" (Annex A, types B and C); None where there is none.
    ``vib`` is VIF and VIFEs without their extension bits and without the mark of a profile; ``profile`` is the value
    after all VIFEs where the data are a compact profile.
    """

    size: int
    name: str
    unit: str | None
    read: FieldReader | None
    void: Decimal | None
    origin: Origin = Origin()
    vib: bytes = b""
    profile: Modified | None = None


@lru_cache(maxsize=4096)
def layout_of(head: bytes) -> Layout:
    """What DIF, DIFEs, VIF and VIFEs say. PayloadError where there are more of them than allowed."""
    difs = next(n for n, byte in enumerate(head, 1) if not byte & 0x80)
    if difs - 1 > MOST_EXTENSIONS:
        raise PayloadError(f"more than {MOST_EXTENSIONS} DIFEs")
    meaning, extensions = _meaning(head[difs:])
    if len(extensions) > MOST_EXTENSIONS:
        raise PayloadError(f"more than {MOST_EXTENSIONS} VIFEs")
    field, origin = head[0] & 0x0F, _origin(head[:difs])
    modified = modify(meaning, extensions) if meaning else None
    if modified is None or SIZES[field] == 0:
        return Layout(SIZES[field], "", None, None, None)
    vib = bytes(byte & 0x7F for byte in head[difs:])
    meaning = modified.meaning
    if modified.profile:
        vib = vib[: len(vib) - len(extensions)] + vib[len(vib) - len(extensions) :].replace(
            bytes([modified.profile]), b"", 1
        )
        profile = modified if field == _VARIABLE_FIELD and meaning.coding is Coding.NUMBER else None
        return Layout(SIZES[field], meaning.quantity, meaning.unit, None, None, origin, vib, profile)
    read = _reader(field, meaning)
    if read and modified.offset:
        read = _shifted(read, modified.offset)
    name = " ".join((meaning.quantity, *origin.words(), *modified.qualifiers))
    return Layout(SIZES[field], name, meaning.unit, read, _void(field, meaning, modified.offset), origin, vib)


def _meaning(vif: bytes) -> tuple[Meaning | None, bytes]:
    """The quantity of a value information block, and the orthogonal VIFEs that are left."""
    code = vif[0] & 0x7F
    if code == PLAIN_TEXT:
        stop = 2 + vif[1]
        return TEXT_UNITS.get(vif[2:stop][::-1].decode("latin-1")), vif[stop:]
    if vif[0] in (0xFB, 0xFD):
        table = SECOND_FB if vif[0] == 0xFB else SECOND_FD
        return table.get(vif[1] & 0x7F), vif[2:]
    return PRIMARY.get(code), vif[1:]


def _origin(difs: bytes) -> Origin:
    """Function, storage, tariff and subunit (clause 6.3): the numbers over all DIFEs, low bits first."""
    storage, tariff, subunit = difs[0] >> 6 & 1, 0, 0
    for n, dife in enumerate(difs[1:]):
        storage |= (dife & 0x0F) << (1 + 4 * n)
        tariff |= (dife >> 4 & 0x03) << (2 * n)
        subunit |= (dife >> 6 & 0x01) << n
    return Origin(_FUNCTIONS[difs[0] >> 4 & 0x03], storage, tariff, subunit)


def _reader(field: int, meaning: Meaning) -> FieldReader | None:
    coding = meaning.coding
    if field == _VARIABLE_FIELD:
        return mbus_values.variable(meaning)
    if coding is Coding.DATE_TIME:
        return mbus_values.moment if field in (2, 3, 4, 6) else None
    if field == 0x05:
        return mbus_values.real(meaning)
    if coding is Coding.IDENTITY:
        return mbus_values.identity(meaning) if field > 0x08 else mbus_values.identity_binary(meaning)
    return mbus_values.bcd(meaning) if field > 0x08 else mbus_values.integer(meaning)


def _shifted(read: FieldReader, offset: Decimal) -> FieldReader:
    """Additive correction (VIFE 78 to 7B)."""

    def shifted(raw: bytes) -> RecordValue | None:
        value = read(raw)
        return FIELD_CONTEXT.add(value, offset) if isinstance(value, Decimal) else value

    return shifted


def _void(field: int, meaning: Meaning, offset: Decimal) -> Decimal | None:
    if meaning.coding not in (Coding.NUMBER, Coding.UNSIGNED) or field not in (1, 2, 3, 4, 6, 7):
        return None
    top = 1 << (8 * SIZES[field] - 1)
    number = -top if meaning.coding is Coding.NUMBER else 2 * top - 1
    return FIELD_CONTEXT.add(mbus_values.scaled(number, meaning.exponent), offset)
