"""M-Bus data records (EN 13757-3, clause 6): DIF and DIFEs, VIF and VIFEs, data; up to the last byte.

The head of a record, from DIF to the last VIFE, says all about it but the value. ``layout`` reads a head once and is
remembered, within a bound: meters send the same heads again and again.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from meter_driver import mbus_values
from meter_driver.errors import PayloadError
from meter_driver.mbus_values import Read, Value
from meter_driver.mbus_vif import PRIMARY, SECOND_FB, SECOND_FD, TEXT_UNITS, Coding, Meaning
from meter_driver.mbus_vife import modify

IDLE, MANUFACTURER_DATA, MORE_FOLLOWS = 0x2F, 0x0F, 0x1F
MOST_EXTENSIONS = 10
"""DIFEs, and VIFEs, of one record (EN 13757-3, clauses 6.3 and 6.4)."""

_VARIABLE = -1
_SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, _VARIABLE, 6)
_FUNCTIONS = ("", "max", "min", "error")
_PLAIN_TEXT = 0x7C


class Layout(NamedTuple):
    """All that the head of a record says. ``read`` is None where no value is to be reported.

    ``void`` is the value that the standard reserves for "not valid" (Annex A, type B); None where there is none.
    """

    size: int
    name: str
    unit: str | None
    read: Read | None
    void: Decimal | None


def records(payload: bytes) -> list[tuple[Layout, Value]]:
    """Every record that has a value, in order; manufacturer data (DIF 0F, 1F) and idle fill (2F) are passed over.

    PayloadError if the payload is not understood to its last byte.
    """
    found: list[tuple[Layout, Value]] = []
    at, end = 0, len(payload)
    while at < end:
        dif = payload[at]
        if dif & 0x0F == 0x0F:
            if dif == IDLE:
                at += 1
                continue
            if dif in (MANUFACTURER_DATA, MORE_FOLLOWS):
                break
            raise PayloadError("a DIF that no meter sends")
        start, at = at, head_end(payload, at)
        layout = layout_of(payload[start:at])
        start, at = at, at + (layout.size if layout.size != _VARIABLE else _variable_size(payload, at))
        if at > end:
            raise PayloadError("the telegram ends inside a record")
        if layout.read is not None and (value := layout.read(payload[start:at])) is not None:
            found.append((layout, value))
    return found


def head_end(payload: bytes, at: int) -> int:
    """Where the data of the record at ``at`` begin. PayloadError if the payload ends before."""
    try:
        while payload[at] & 0x80:
            at += 1
        at += 1
        if payload[at] & 0x7F == _PLAIN_TEXT:
            more = payload[at] & 0x80
            at += 2 + payload[at + 1]
            if not more:
                return at
        while payload[at] & 0x80:
            at += 1
    except IndexError:
        raise PayloadError("the telegram ends inside the head of a record") from None
    return at + 1


def data_size(head: bytes, payload: bytes, at: int) -> int:
    """Bytes of data of the record whose data begin at ``at``. PayloadError if they are not all there."""
    size = _SIZES[head[0] & 0x0F]
    if size == _VARIABLE:
        size = _variable_size(payload, at)
    if at + size > len(payload):
        raise PayloadError("the telegram ends inside a record")
    return size


def _variable_size(payload: bytes, at: int) -> int:
    if at >= len(payload):
        raise PayloadError("the telegram ends inside a record")
    size = mbus_values.lvar_size(payload[at])
    if size is None:
        raise PayloadError("a variable length that is reserved")
    return 1 + size


@lru_cache(maxsize=4096)
def layout_of(head: bytes) -> Layout:
    """What DIF, DIFEs, VIF and VIFEs say. PayloadError where there are more of them than allowed."""
    difs = next(n for n, byte in enumerate(head, 1) if not byte & 0x80)
    if difs - 1 > MOST_EXTENSIONS:
        raise PayloadError(f"more than {MOST_EXTENSIONS} DIFEs")
    meaning, extensions = _meaning(head[difs:])
    if len(extensions) > MOST_EXTENSIONS:
        raise PayloadError(f"more than {MOST_EXTENSIONS} VIFEs")
    field = head[0] & 0x0F
    modified = modify(meaning, extensions) if meaning else None
    if modified is None or _SIZES[field] == 0:
        return Layout(_SIZES[field], "", None, None, None)
    meaning = modified.meaning
    read = _reader(field, meaning)
    if read and modified.offset:
        read = _shifted(read, modified.offset)
    name = " ".join((meaning.quantity, *_origin(head[:difs]), *modified.qualifiers))
    return Layout(_SIZES[field], name, meaning.unit, read, _void(field, meaning, modified.offset))


def _meaning(vif: bytes) -> tuple[Meaning | None, bytes]:
    """The quantity of a value information block, and the orthogonal VIFEs that are left."""
    code = vif[0] & 0x7F
    if code == _PLAIN_TEXT:
        stop = 2 + vif[1]
        return TEXT_UNITS.get(vif[2:stop][::-1].decode("latin-1")), vif[stop:]
    if vif[0] in (0xFB, 0xFD):
        table = SECOND_FB if vif[0] == 0xFB else SECOND_FD
        return table.get(vif[1] & 0x7F), vif[2:]
    return PRIMARY.get(code), vif[1:]


def _origin(difs: bytes) -> Iterator[str]:
    """Function, storage, tariff and subunit (clause 6.3): the numbers over all DIFEs, low bits first."""
    storage, tariff, subunit = difs[0] >> 6 & 1, 0, 0
    for n, dife in enumerate(difs[1:]):
        storage |= (dife & 0x0F) << (1 + 4 * n)
        tariff |= (dife >> 4 & 0x03) << (2 * n)
        subunit |= (dife >> 6 & 0x01) << n
    if word := _FUNCTIONS[difs[0] >> 4 & 0x03]:
        yield word
    for word, number in (("storage", storage), ("tariff", tariff), ("subunit", subunit)):
        if number:
            yield f"{word}={number}"


def _reader(field: int, meaning: Meaning) -> Read | None:
    coding = meaning.coding
    if field == 0x0D:
        return mbus_values.variable(meaning)
    if coding is Coding.DATE_TIME:
        return mbus_values.moment if field in (2, 3, 4, 6) else None
    if field == 0x05:
        return mbus_values.real(meaning)
    if coding is Coding.IDENTITY:
        return mbus_values.identity(meaning) if field > 0x08 else mbus_values.identity_binary(meaning)
    return mbus_values.bcd(meaning) if field > 0x08 else mbus_values.integer(meaning)


def _shifted(read: Read, offset: Decimal) -> Read:
    """Additive correction (VIFE 78 to 7B)."""

    def shifted(raw: bytes) -> Value | None:
        value = read(raw)
        return value + offset if isinstance(value, Decimal) else value

    return shifted


def _void(field: int, meaning: Meaning, offset: Decimal) -> Decimal | None:
    if meaning.coding is not Coding.NUMBER or field not in (1, 2, 3, 4, 6, 7):
        return None
    return mbus_values.scaled(-(1 << (8 * _SIZES[field] - 1)), meaning.exponent) + offset
