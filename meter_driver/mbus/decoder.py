"""Wired M-Bus with records: the answers of meters in long frames (EN 13757-2 and EN 13757-3).

A meter that has more to say than one telegram holds (DIF 1F) sends further ones; each of them is whole in itself.
"""

from typing import ClassVar

from meter_driver.errors import MeterError
from meter_driver.families import OWN_FAMILIES, Families
from meter_driver.framing import MORE, NO, Answer, Keyring, Taken
from meter_driver.mbus.authentication import AUTHENTICATION, Reassembly, fragment_of, message_of
from meter_driver.mbus.formats import Formats
from meter_driver.mbus.link import LONGEST_FRAME, START, STOP, LongFrame, long_frame
from meter_driver.mbus.transport import TransportMessage, telegram
from meter_driver.reading import Event, FrameRejected, Quality

DLMS_SEGMENTS = range(0x20)
"""CI fields of DLMS in M-Bus (EN 13757-1): another framer's."""

_SHORT_START, _SHORT_SIZE = 0x10, 5
_REQUESTS = frozenset((0x40, 0x5A, 0x5B, 0x7A, 0x7B))  # C fields of a master: reset, request class 1 and 2
_ACKNOWLEDGE = 0xE5
_STARTS = frozenset((START, _SHORT_START, _ACKNOWLEDGE))
_SENDS = frozenset((0x53, 0x73))
_COMMANDS = frozenset((*range(0x50, 0x56), *range(0x5A, 0x5D), 0x6C, 0x6D, *range(0xB8, 0xC0)))
"""CI fields that only a master sends: applications, selection of a meter, commands, clocks, baud rates."""


class RecordFrames:
    """Framer of M-Bus long frames with records; what a master sends and acknowledgements are passed over."""

    starts: ClassVar[bytes] = bytes(sorted(_STARTS))
    longest: ClassVar[int] = LONGEST_FRAME
    guarded: ClassVar[bool] = True
    families: ClassVar[Families] = OWN_FAMILIES

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        self._formats = Formats()
        self._fragments = Reassembly()

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """See ``framing.Framer``."""
        if buffer[at] == _SHORT_START:
            return _request(buffer[at : min(at + _SHORT_SIZE, end)], final=final)
        if buffer[at] == _ACKNOWLEDGE:
            return _acknowledgement(buffer[at + 1 : min(at + 2, end)], final=final)
        frame = long_frame(buffer, at, end, final=final)
        if not isinstance(frame, LongFrame):
            return frame
        if frame.ci in DLMS_SEGMENTS:
            return NO
        if frame.control in _SENDS and frame.ci in _COMMANDS:
            return Taken(frame.size)
        return Taken(frame.size, self._read(frame))

    def _read(self, frame: LongFrame) -> tuple[Event, ...]:
        try:
            message = self._message(frame)
            read = telegram(message, self._keys, self._formats, self.families) if message else None
        except MeterError as error:
            return (FrameRejected.because(error, frame.size),)
        return () if read is None else (read,)

    def _message(self, frame: LongFrame) -> TransportMessage | None:
        """The transport message of a frame; None while fragments are missing."""
        quality = Quality.CHECKSUM_ONLY
        if frame.ci != AUTHENTICATION:
            return TransportMessage("mbus", frame.ci, frame.data, b"", quality)
        whole = self._fragments.add(bytes([frame.address]), fragment_of(frame.data))
        if whole is None:
            return None
        return message_of(whole, protocol="mbus", address=b"", keys=self._keys, quality=quality)

    def finish(self) -> tuple[Event, ...]:
        """Messages that still wait for fragments are given up."""
        return tuple(FrameRejected.because(error, 0) for error in self._fragments.give_up())


def _acknowledgement(following: bytes | bytearray, *, final: bool) -> Answer:
    """A single E5 (EN 13757-2), by which a meter confirms; told from a length byte by what follows."""
    if not following:
        return Taken(1) if final else MORE
    return Taken(1) if following[0] in _STARTS else NO


def _request(head: bytes | bytearray, *, final: bool) -> Answer:
    """A short frame ``10 C A checksum 16`` (EN 13757-2), which only a master sends."""
    if len(head) > 1 and head[1] not in _REQUESTS:
        return NO
    if len(head) < _SHORT_SIZE:
        return NO if final else MORE
    return Taken(_SHORT_SIZE) if head[3] == (head[1] + head[2]) & 0xFF and head[4] == STOP else NO
