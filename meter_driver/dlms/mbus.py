"""DLMS on wired M-Bus: segments in long frames (EN 13757-1, transport layer; CI field 00 to 1F).

CI counts the segments of one APDU from 0 in bits 0 to 3; bit 4 marks the last. Source and destination SAP follow.
"""

from typing import ClassVar, Final

from meter_driver.dlms import apdu as dlms
from meter_driver.dlms.units import Units
from meter_driver.errors import FrameError, FrameTooLong, FrameTruncated, MeterError, SegmentError
from meter_driver.families import OWN_FAMILIES, Families
from meter_driver.framing import NO, Answer, Damaged, Keyring, Taken, Verdict
from meter_driver.mbus.link import LONGEST_FRAME, LongFrame, long_frame
from meter_driver.reading import Event, FrameRejected, Quality

_LAST: Final = 0x10
_SEGMENT_CI: Final = 0x1F
_CI_AT: Final = 6
_SAPS: Final = 2


class DlmsOnMbus:
    """Joins segments and blocks, and reads the APDU. A segment out of order gives up what was collected."""

    starts: ClassVar[bytes] = b"\x68"
    longest: ClassVar[int] = LONGEST_FRAME
    guarded: ClassVar[bool] = True
    families: ClassVar[Families] = OWN_FAMILIES

    def __init__(self, keys: Keyring) -> None:
        self._units = Units(keys, self.families, Quality.CHECKSUM_ONLY)
        self._drop()

    def _drop(self) -> None:
        self._apdu = b""
        self._expected = 0
        self._from: tuple[int, bytes] | None = None  # address, SAPs
        self._size = 0  # octets on the wire of the segments so far

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """See ``framing``. Frames with another CI field are left to the M-Bus records."""
        if at + _CI_AT < end and buffer[at + _CI_AT] > _SEGMENT_CI:
            return NO
        frame = long_frame(buffer, at, end, final=final)
        if isinstance(frame, Verdict | Damaged):
            return frame
        if len(frame.data) <= _SAPS:
            return Damaged(frame.size, FrameError("a segment without content"))
        return Taken(frame.size, tuple(self._segment(frame)))

    def _segment(self, frame: LongFrame) -> list[Event]:
        number, source = frame.ci & ~_LAST, (frame.address, frame.data[:_SAPS])
        events: list[Event] = []
        if self._expected and (number != self._expected or source != self._from):
            events.append(self._given_up(SegmentError("a segment is missing, doubled or from elsewhere")))
        if number != self._expected:
            events.append(FrameRejected.because(SegmentError("the first segments are missing"), frame.size))
            return events
        self._apdu += frame.data[_SAPS:]
        self._expected, self._from = number + 1, source
        self._size += frame.size
        if len(self._apdu) > dlms.LONGEST_APDU:
            events.append(self._given_up(FrameTooLong("more segments than a push list has")))
        elif frame.ci & _LAST:
            apdu, size = self._apdu, self._size
            self._drop()
            events += self._units.add(apdu, size)
        return events

    def _given_up(self, error: MeterError) -> FrameRejected:
        size = self._size
        self._drop()
        return FrameRejected.because(error, size)

    def finish(self) -> tuple[Event, ...]:
        """Segments and blocks without a last one are given up."""
        blocks = self._units.finish()
        if not self._expected:
            return tuple(blocks)
        return (*blocks, self._given_up(FrameTruncated("the last segments are missing")))
