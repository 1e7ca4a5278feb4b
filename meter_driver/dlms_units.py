"""The units that a link with frames hands up: whole APDUs of a DLMS push, and blocks of one (IEC 62056-5-3)."""

from typing import Final

from meter_driver import dlms
from meter_driver.block_transfer import GENERAL_BLOCK_TRANSFER, Blocks
from meter_driver.errors import FrameTruncated, MeterError, SegmentError
from meter_driver.framing import Keyring
from meter_driver.reading import Event, FrameRejected, Quality

_BLOCK: Final = bytes([GENERAL_BLOCK_TRANSFER])
_FIRST_BLOCK: Final = b"\x00\x01"


class Units:
    """Joins blocks and reads APDUs. ``link``: how far the frames vouch for plain ones."""

    __slots__ = ("_blocks", "_keys", "_link", "_size")

    def __init__(self, keys: Keyring, link: Quality) -> None:
        self._keys = keys
        self._link = link
        self._size = 0  # what the blocks so far had on the wire
        self._blocks: Blocks | None = None  # few meters send any

    def add(self, unit: bytes, size: int) -> list[Event]:
        """One APDU, or one block of one; ``size`` octets on the wire."""
        is_block = unit[:1] == _BLOCK
        events: list[Event] = []
        if self._size and (not is_block or unit[2:4] == _FIRST_BLOCK):
            events += self.interrupted()
        self._size += size
        try:
            apdu = self._joined(unit) if is_block else unit
            if apdu is not None:
                events += dlms.telegrams(apdu, self._keys, self._link)
                self._size = 0
        except MeterError as error:
            events.append(self._given_up(error))
        return events

    def _joined(self, block: bytes) -> bytes | None:
        if self._blocks is None:
            self._blocks = Blocks(dlms.LONGEST_APDU)
        return self._blocks.add(block)

    def interrupted(self) -> list[Event]:
        """Something else came: blocks that wait for their successor are given up."""
        return [self._given_up(SegmentError("the last blocks are missing"))] if self._size else []

    def _given_up(self, error: MeterError) -> FrameRejected:
        dropped, self._size = self._size, 0
        if self._blocks is not None:
            self._blocks.drop()
        return FrameRejected.because(error, dropped)

    def finish(self) -> list[Event]:
        """The recording ended: blocks without a last one are given up."""
        return [self._given_up(FrameTruncated("the last blocks are missing"))] if self._size else []
