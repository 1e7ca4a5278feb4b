"""Wireless M-Bus and OMS: telegrams of meters by radio (EN 13757-4), from the link layer to readings.

Layers in order: link (``wmbus.link``), extended link (``wmbus.extended_link``), and those that wired M-Bus shares:
authentication (``mbus.authentication``), transport with security and application (``mbus.transport``).
"""

from typing import ClassVar

from meter_driver.errors import FrameError, FrameTruncated, MeterError, PayloadError
from meter_driver.families import OWN_FAMILIES, Families
from meter_driver.framing import MORE, NO, Answer, Damaged, Keyring, Taken
from meter_driver.mbus.authentication import AUTHENTICATION, Reassembly, fragment_of, message_of
from meter_driver.mbus.formats import Formats
from meter_driver.mbus.transport import TransportMessage, telegram
from meter_driver.reading import Event, FrameRejected, Quality
from meter_driver.wmbus.extended_link import Inner, extended_link
from meter_driver.wmbus.link import (
    CRC_SIZE,
    EXTENDED_LINK,
    FIRST,
    FROM_METERS,
    FROM_OTHERS,
    LONGEST_A,
    LONGEST_WIRELESS_FRAME,
    begins_a,
    format_a,
    format_b,
    is_known,
    link_of,
    may_begin,
    second_block_fits,
    size_a,
    without_last_crc,
)

_ANYBODY = FROM_METERS | FROM_OTHERS


class _Radio:
    """What both framers share: from a frame without CRCs to events."""

    starts: ClassVar[bytes] = bytes(range(FIRST, 256))
    families: ClassVar[Families] = OWN_FAMILIES

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        self._formats = Formats()
        self._fragments = Reassembly()

    def _read(self, frame: bytes, quality: Quality, *, bare: bool = False) -> tuple[Event, ...]:
        """What makes no sense and is bare is tried once more without the CRC that a receiver may have left."""
        try:
            message = self._message(frame, quality)
            read = telegram(message, self._keys, self._formats, self.families) if message else None
        except PayloadError as error:
            if bare and (rest := without_last_crc(frame)):
                return self._read(rest, quality)
            return (FrameRejected.because(error, len(frame)),)
        except MeterError as error:
            return (FrameRejected.because(error, len(frame)),)
        return () if read is None else (read,)

    def _message(self, frame: bytes, quality: Quality) -> TransportMessage | None:
        """The transport message of a frame; None while fragments are missing."""
        link = link_of(frame)
        inner = Inner(link.ci, link.data, quality)
        if inner.ci in EXTENDED_LINK:
            inner = extended_link(link, self._keys, quality)
        if inner.ci != AUTHENTICATION:
            return TransportMessage("wmbus", inner.ci, inner.data, link.address, inner.quality)
        whole = self._fragments.add(link.address, fragment_of(inner.data))
        if whole is None:
            return None
        return message_of(whole, protocol="wmbus", address=link.address, keys=self._keys, quality=inner.quality)

    def finish(self) -> tuple[Event, ...]:
        """Messages that still wait for fragments are given up."""
        return tuple(FrameRejected.because(error, 0) for error in self._fragments.give_up())


class GuardedRadio(_Radio):
    """Framer of telegrams with their link CRCs, format A or B; what others send in format A is passed over."""

    longest: ClassVar[int] = LONGEST_A
    guarded: ClassVar[bool] = True

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """See ``framing.Framer``."""
        if not may_begin(buffer, at, end, _ANYBODY):
            return NO
        if end - at < FIRST + CRC_SIZE:
            return NO if final else MORE
        if begins_a(buffer, at):
            return self._take_a(buffer, at, end, final=final)
        size = buffer[at] + 1
        if buffer[at + 1] in FROM_OTHERS or not is_known(buffer[at + FIRST]):
            return NO
        if end - at < size:
            return NO if final else MORE
        frame = format_b(bytes(buffer[at : at + size]))
        return NO if frame is None else Taken(size, self._read(frame, Quality.CHECKSUM_ONLY))

    def _take_a(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        size = size_a(buffer[at])
        if end - at < size:
            missing = FrameTruncated(f"the frame claims {size} bytes, {end - at} came")
            return Damaged(end - at, missing) if final else MORE
        frame = format_a(bytes(buffer[at : at + size]))
        if frame is None or len(frame) == FIRST:
            return Damaged(size, FrameError("a block that does not fit its CRC, or nothing behind the first"))
        if frame[1] in FROM_OTHERS:
            return Taken(size)
        return Taken(size, self._read(frame, Quality.CHECKSUM_ONLY))


class BareRadio(_Radio):
    """Framer of telegrams whose link CRCs somebody took away: L and that many bytes, on trust."""

    longest: ClassVar[int] = LONGEST_WIRELESS_FRAME
    guarded: ClassVar[bool] = False

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """See ``framing.Framer``."""
        if not may_begin(buffer, at, end):
            return NO
        if end - at <= FIRST:
            return NO if final else MORE
        if not is_known(buffer[at + FIRST]):
            return NO
        size = buffer[at] + 1
        if end - at < size:
            missing = FrameTruncated(f"the frame claims {size} bytes, {end - at} came")
            return Damaged(end - at, missing) if final else MORE
        inside = range(at + 1, at + size - FIRST - CRC_SIZE + 1)
        if any(may_begin(buffer, inner, at + size) and begins_a(buffer, inner) for inner in inside):
            return Damaged(size, FrameError("a telegram with link CRCs begins inside one without"))
        if second_block_fits(buffer, at, at + size):
            return Damaged(size, FrameError("a first block that does not fit its CRC, as the second does"))
        frame = bytes(buffer[at : at + size])
        return Taken(size, self._read(frame, Quality.UNCHECKED, bare=True))
