"""DLMS in HDLC frames (IEC 62056-46, frame format type 3), with the LLC header, segmentation and block transfer.

``7E | format and length (2) | destination | source | control | HCS (2) | information | FCS (2) | 7E``. The length
counts what stands between the flags; HCS is left out where there is no information. Both checks are CRC-16/X-25,
least significant octet first. There is no octet stuffing in this format.
"""

from typing import ClassVar, Final

from msgspec import Struct

from meter_driver.crc import crc16_x25
from meter_driver.dlms import apdu as dlms
from meter_driver.dlms.block_transfer import GENERAL_BLOCK_TRANSFER
from meter_driver.dlms.units import Units
from meter_driver.errors import (
    ChecksumError,
    FrameError,
    FrameTooLong,
    FrameTruncated,
    MeterError,
    SegmentError,
)
from meter_driver.families import OWN_FAMILIES, Families
from meter_driver.framing import MORE, NO, Answer, Damaged, Keyring, Taken, Verdict
from meter_driver.reading import Event, FrameRejected, Quality

_FLAG: Final = 0x7E
_TYPE, _TYPE_MASK, _SEGMENTED, _LENGTH_MASK = 0xA0, 0xF0, 0x08, 0x07
_LEAST: Final = 7  # format, two addresses of one octet, control, FCS
_ADDRESS_SIZES = frozenset({1, 2, 4})
_LLC = (b"\xe6\xe7\x00", b"\xe6\xe6\x00")


class _Frame(Struct, frozen=True):
    """``size`` without the closing flag, which may open the next frame; ``addresses`` as they stand."""

    size: int
    segmented: bool
    addresses: bytes
    information: bytes


class DlmsOnHdlc:
    """Joins segments and blocks, and reads the APDU."""

    starts: ClassVar[bytes] = bytes([_FLAG])
    longest: ClassVar[int] = (_LENGTH_MASK << 8 | 0xFF) + 1
    guarded: ClassVar[bool] = True
    families: ClassVar[Families] = OWN_FAMILIES

    def __init__(self, keys: Keyring) -> None:
        self._units = Units(keys, self.families, Quality.CHECKSUM_ONLY)
        self._closing = False  # the next flag may close the frame that was just taken
        self._unit = b""  # segments so far, and what they had on the wire
        self._unit_size = 0
        self._from = b""

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """See ``framing``. Flags between frames are idle fill."""
        if end - at < 2 and not final:
            return MORE
        if end - at < 2 or buffer[at + 1] & _TYPE_MASK != _TYPE:
            idle = self._closing or (end - at > 1 and buffer[at + 1] == _FLAG)
            self._closing = False
            return Taken(1) if idle else NO
        frame = _frame(buffer, at, end, final=final)
        if isinstance(frame, Verdict):
            return frame
        self._closing = False
        if isinstance(frame, Damaged):
            return frame
        self._closing = True
        return Taken(frame.size, tuple(self._joined(frame)))

    def _joined(self, frame: _Frame) -> list[Event]:
        """Add a frame to what waits for it; the events of what is complete now."""
        events: list[Event] = []
        information = frame.information
        begins = information[:3] in _LLC
        if self._unit and (begins or frame.addresses != self._from):
            events.append(self._unit_given_up(SegmentError("the last segments are missing")))
        if begins:
            information = information[3:]
        elif not self._unit and information[:1] != bytes([GENERAL_BLOCK_TRANSFER]):
            if information:
                error = FrameError("a frame without an LLC header")
                events.append(FrameRejected.because(error, frame.size))
            return events
        self._unit += information
        self._from = frame.addresses
        self._unit_size += frame.size
        if len(self._unit) > dlms.LONGEST_APDU:
            events.append(self._unit_given_up(FrameTooLong("more segments than a push list has")))
        elif not frame.segmented:
            unit, size = self._unit, self._unit_size
            self._unit, self._unit_size = b"", 0
            events += self._units.add(unit, size)
        return events

    def _unit_given_up(self, error: MeterError) -> FrameRejected:
        dropped, self._unit, self._unit_size = self._unit_size, b"", 0
        return FrameRejected.because(error, dropped)

    def finish(self) -> tuple[Event, ...]:
        """Segments and blocks without a last one are given up."""
        self._closing = False
        events = self._units.finish()
        if self._unit:
            events.append(self._unit_given_up(FrameTruncated("the last segments are missing")))
        return tuple(events)


def _frame(buffer: bytearray, at: int, end: int, *, final: bool) -> _Frame | Verdict | Damaged:
    """The frame behind the flag at ``at``."""
    if end - at < 3:
        return NO if final else MORE
    length = (buffer[at + 1] & _LENGTH_MASK) << 8 | buffer[at + 2]
    if length < _LEAST:
        return NO
    begin, stop = at + 1, at + 1 + length
    header = _header(buffer, begin, min(end, stop))
    if header is None or (header == 0 and stop <= end):
        return NO
    if 0 < header < length - 2 and begin + header + 2 <= end:
        # the header has a check of its own: a false start is known for what it is before its length has passed
        damage = _check(buffer, begin, begin + header)
        if damage is not None:
            return Damaged(length + 1, damage)
    if stop > end:
        missing = FrameTruncated(f"the frame claims {length + 1} bytes, {end - at} came")
        return Damaged(end - at, missing) if final else MORE
    damage = _check(buffer, begin, stop - 2)
    if damage is not None:
        return Damaged(length + 1, damage)
    information = bytes(buffer[begin + header + 2 : stop - 2]) if header < length - 2 else b""
    addresses = bytes(buffer[begin + 2 : begin + header - 1])
    return _Frame(length + 1, bool(buffer[begin] & _SEGMENTED), addresses, information)


def _check(buffer: bytearray, begin: int, end: int) -> ChecksumError | None:
    """Compare the check at ``end`` with what stands before it."""
    said, computed = buffer[end] | buffer[end + 1] << 8, crc16_x25(bytes(buffer[begin:end]))
    return None if said == computed else ChecksumError(expected=said, computed=computed)


def _header(buffer: bytearray, begin: int, end: int) -> int | None:
    """Octets of format, addresses and control; 0 when they have not all come, None when they cannot be a header."""
    at = begin + 2
    for _ in range(2):
        first = at
        while at < end and not buffer[at] & 1:
            at += 1
            if at - first >= 4:
                return None
        if at >= end:
            return 0
        at += 1
        if at - first not in _ADDRESS_SIZES:
            return None
    return at + 1 - begin if at < end else 0
