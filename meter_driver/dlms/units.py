"""The units that a link with frames hands up: whole APDUs of a DLMS push, and blocks of one (IEC 62056-5-3)."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from meter_driver.dlms import apdu as dlms
from meter_driver.dlms.block_transfer import GENERAL_BLOCK_TRANSFER, Blocks
from meter_driver.errors import FrameTruncated, MeterError, SegmentError
from meter_driver.families import Families
from meter_driver.framing import Keyring
from meter_driver.reading import Event, FrameRejected, Quality

_BLOCK: Final = bytes([GENERAL_BLOCK_TRANSFER])
_FIRST_BLOCK: Final = b"\x00\x01"


class Units(Struct):
    """Joins blocks and reads APDUs.

    Attributes:
        keys: opens the ciphered ones.
        families: say what lists leave out.
        link: how far the frames vouch for plain ones.
        size: what the blocks so far had on the wire.
        blocks: None until one comes; few meters send any.
    """

    keys: Keyring
    families: Families
    link: Quality
    size: int = 0
    blocks: Blocks | None = None

    def add(self, unit: bytes, size: int) -> Sequence[Event]:
        """One APDU, or one block of one; ``size`` octets on the wire."""
        is_block = unit[:1] == _BLOCK
        before = self.interrupted() if self.size and (not is_block or unit[2:4] == _FIRST_BLOCK) else []
        self.size += size
        try:
            apdu = self._joined(unit) if is_block else unit
            if apdu is None:
                return before
            said = dlms.telegrams(apdu, self.keys, self.families, self.link)
        except MeterError as error:
            return [*before, self._given_up(error)]
        self.size = 0
        return [*before, *said] if before else said

    def _joined(self, block: bytes) -> bytes | None:
        if self.blocks is None:
            self.blocks = Blocks(dlms.LONGEST_APDU)
        return self.blocks.add(block)

    def interrupted(self) -> list[Event]:
        """Something else came: blocks that wait for their successor are given up."""
        return [self._given_up(SegmentError("the last blocks are missing"))] if self.size else []

    def _given_up(self, error: MeterError) -> FrameRejected:
        dropped, self.size = self.size, 0
        if self.blocks is not None:
            self.blocks.drop()
        return FrameRejected.because(error, dropped)

    def finish(self) -> list[Event]:
        """The recording ended: blocks without a last one are given up."""
        return [self._given_up(FrameTruncated("the last blocks are missing"))] if self.size else []
