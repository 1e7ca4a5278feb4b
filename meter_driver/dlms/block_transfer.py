"""General block transfer (IEC 62056-5-3): one APDU in numbered blocks, as Landis+Gyr meters push it.

``E0 | control | number (2) | acknowledged number (2) | length, data``; control: bit 7 last block, bit 6 streaming.
"""

from typing import Final

from meter_driver.dlms import axdr
from meter_driver.errors import FrameTooLong, PayloadError, SegmentError

GENERAL_BLOCK_TRANSFER: Final = 0xE0

_LAST: Final = 0x80
_HEADER: Final = 6
_MOST_BLOCKS: Final = 64


def extent(buffer: bytes | bytearray, at: int, end: int) -> int:
    """Where the block at ``at`` ends. CutShort when its length is not all there."""
    try:
        size, start = axdr.length(bytes(buffer[at + _HEADER : min(end, at + _HEADER + 5)]), 0)
    except IndexError:
        raise axdr.CutShort("the block is cut short") from None
    return at + _HEADER + start + size


class Blocks:
    """Collects blocks until the last one; one that is missing, doubled or out of order gives up all of them."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._collected = b""
        self._expected = 1

    @property
    def pending(self) -> bool:
        """Are blocks waiting for their successor?"""
        return self._expected > 1

    def drop(self) -> None:
        """Forget what was collected."""
        self._collected, self._expected = b"", 1

    def add(self, unit: bytes) -> bytes | None:
        """The APDU when ``unit`` is its last block, else None. Block 1 begins anew.

        Raises:
            PayloadError: no block, or its length does not fit.
            SegmentError: not the block that must follow. FrameTooLong: more than an APDU may have.
        """
        try:
            size, start = axdr.length(unit, _HEADER)
        except IndexError:
            raise PayloadError("a block without a length") from None
        if unit[0] != GENERAL_BLOCK_TRANSFER or start + size != len(unit):
            raise PayloadError("a block whose length does not fit")
        number = int.from_bytes(unit[2:4], "big")
        if number == 1:
            self.drop()
        if number != self._expected:
            self.drop()
            raise SegmentError("a block is missing, doubled or out of order")
        self._collected += unit[start:]
        self._expected += 1
        if len(self._collected) > self._longest or self._expected > _MOST_BLOCKS + 1:
            self.drop()
            raise FrameTooLong("more blocks than a push list has")
        if not unit[1] & _LAST:
            return None
        apdu = self._collected
        self.drop()
        return apdu
