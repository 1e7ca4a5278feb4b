"""M-Bus data records (EN 13757-3, clause 6): heads and data, one after the other, up to the last byte."""

from collections.abc import Iterator

from meter_driver.errors import PayloadError
from meter_driver.mbus import values as mbus_values
from meter_driver.mbus.layout import PLAIN_TEXT, SIZES, VARIABLE, Layout, layout_of
from meter_driver.mbus.profiles import unfold
from meter_driver.mbus.values import RecordValue

IDLE, MANUFACTURER_DATA, MORE_FOLLOWS = 0x2F, 0x0F, 0x1F
_MANUFACTURER_HEAD, _VARIABLE_HEAD = b"\x0f", b"\x0d"
_NO_TEXT = 0xC0
"""From this LVAR on the data are numbers."""


def records(payload: bytes) -> list[tuple[Layout, RecordValue]]:
    """Every record that has a value, in order; manufacturer data (DIF 0F, 1F) and idle fill (2F) are passed over.

    The values of compact profiles follow behind those of all records. PayloadError if the payload is not understood to
    its last byte.
    """
    found: list[tuple[Layout, RecordValue]] = []
    profiles: list[tuple[Layout, bytes]] = []
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
        start, at = at, at + (layout.size if layout.size != VARIABLE else _variable_size(payload, at))
        if at > end:
            raise PayloadError("the telegram ends inside a record")
        if layout.read is not None:
            if (value := layout.read(payload[start:at])) is not None:
                found.append((layout, value))
        elif layout.profile is not None:
            profiles.append((layout, payload[start:at]))
    return found + unfold(profiles, found) if profiles else found


def heads(payload: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Head of each record, and where its data begin and end; the last may be DIF 0F or 1F alone, with all that follows.

    ``payload`` is one that ``records`` has read.
    """
    at = 0
    while at < len(payload):
        if payload[at] == IDLE:
            at += 1
            continue
        if payload[at] in (MANUFACTURER_DATA, MORE_FOLLOWS):
            yield payload[at : at + 1], at + 1, len(payload)
            return
        start = head_end(payload, at)
        end = start + data_size(payload[at:start], payload, start)
        yield payload[at:start], start, end
        at = end


def manufacturer_data(payload: bytes) -> bytes:
    """What stands behind DIF 0F; b"" when nothing does. For what ``records`` has read."""
    found = [payload[start:end] for head, start, end in heads(payload) if head == _MANUFACTURER_HEAD]
    return found[0] if found else b""


def manufacturer_record(payload: bytes, vif: bytes) -> bytes | None:
    """The variable data (LVAR below C0) of the only record with this VIF of a manufacturer; None without one.

    For what ``records`` has read.
    """
    found = [payload[start:end] for head, start, end in heads(payload) if head == _VARIABLE_HEAD + vif]
    return found[0][1:] if len(found) == 1 and found[0][0] < _NO_TEXT else None


def head_end(payload: bytes, at: int) -> int:
    """Where the data of the record at ``at`` begin. PayloadError if the payload ends before."""
    try:
        while payload[at] & 0x80:
            at += 1
        at += 1
        if payload[at] & 0x7F == PLAIN_TEXT:
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
    size = SIZES[head[0] & 0x0F]
    if size == VARIABLE:
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
