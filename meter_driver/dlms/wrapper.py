"""DLMS in the wrapper of TCP and UDP (IEC 62056-47): what a meter pushes over a network.

``version 0001 | source wPort (2) | destination wPort (2) | length (2) | APDU``. There is no check. What stands for one
is that the APDU must be a push whose own lengths end exactly where the wrapper's does; without that, the bytes are
left to whatever else may begin inside them.
"""

from typing import ClassVar, Final

from meter_driver.dlms import apdu as dlms
from meter_driver.dlms import block_transfer, ciphering, push_layout
from meter_driver.dlms.axdr import CutShort
from meter_driver.dlms.block_transfer import GENERAL_BLOCK_TRANSFER
from meter_driver.dlms.units import Units
from meter_driver.errors import FrameTruncated, MeterError, PayloadError
from meter_driver.families import OWN_FAMILIES, Families
from meter_driver.framing import MORE, NO, Answer, Damaged, Keyring, Taken
from meter_driver.reading import Event, Quality

_VERSION: Final = b"\x00\x01"
_HEADER: Final = 8
_LONGEST_APDU: Final = 4096
_PUSHES: Final = bytes([push_layout.NOTIFICATION, ciphering.GENERAL_GLO, ciphering.GENERAL_DED, GENERAL_BLOCK_TRANSFER])
_LEAST: Final = 8  # tag, long-invoke-id, no date-time, a value
_CLOCK_AT: Final = 5
_CLOCK_BEGINS: Final = b"\x00\x09\x0c"  # no date-time, one with a tag, one without


class DlmsInWrapper:
    """Joins blocks and reads the APDU."""

    starts: ClassVar[bytes] = _VERSION[:1]
    longest: ClassVar[int] = _HEADER + _LONGEST_APDU
    guarded: ClassVar[bool] = True
    families: ClassVar[Families] = OWN_FAMILIES

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        self._units = Units(keys, self.families, Quality.UNCHECKED)

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """See ``framing``."""
        if at + 1 < end and buffer[at + 1] != _VERSION[1]:
            return NO
        begin = at + _HEADER
        if begin > end:
            return NO if final else MORE
        size = buffer[begin - 2] << 8 | buffer[begin - 1]
        if not _LEAST <= size <= _LONGEST_APDU:
            return NO
        stop = begin + size
        try:
            if not _may_fill(buffer, begin, min(end, stop), stop):
                return NO
        except CutShort:
            return NO if final else MORE
        if stop > end:
            return Damaged(end - at, FrameTruncated("the APDU is cut short")) if final else MORE
        apdu = bytes(buffer[begin:stop])
        if apdu[0] == GENERAL_BLOCK_TRANSFER:
            if _holds_another(apdu):
                return Damaged(stop - at, FrameTruncated("another wrapper begins inside the block"))
            return Taken(stop - at, tuple(self._units.add(apdu, stop - at)))
        try:
            said = dlms.telegrams(apdu, self._keys, self.families, Quality.UNCHECKED)
        except MeterError as error:
            return Damaged(stop - at, error)  # its end may be the begin of a good one
        return Taken(stop - at, (*self._units.interrupted(), *said))

    def finish(self) -> tuple[Event, ...]:
        """Blocks without a last one are given up."""
        return tuple(self._units.finish())


def _may_fill(buffer: bytearray, begin: int, end: int, stop: int) -> bool:
    """Is it the head of an APDU that ends at ``stop``? CutShort when that is not told yet."""
    if begin == end:
        raise CutShort
    tag = buffer[begin]
    if tag == push_layout.NOTIFICATION:
        if end <= begin + _CLOCK_AT:
            raise CutShort
        return buffer[begin + _CLOCK_AT] in _CLOCK_BEGINS
    try:
        if tag in (ciphering.GENERAL_GLO, ciphering.GENERAL_DED):
            return ciphering.extent(buffer, begin, end)[1] == stop
        return tag == GENERAL_BLOCK_TRANSFER and block_transfer.extent(buffer, begin, end) == stop
    except CutShort:
        if end == stop:
            return False
        raise
    except PayloadError:
        return False


def _holds_another(block: bytes) -> bool:
    """Does the head of a wrapper stand in it? Blocks prove nothing until they are joined: this one lost its end."""
    at = 0
    while (at := block.find(_VERSION, at + 1)) >= 0 and at + _HEADER < len(block):
        size = block[at + _HEADER - 2] << 8 | block[at + _HEADER - 1]
        if block[at + _HEADER] in _PUSHES and _LEAST <= size <= _LONGEST_APDU:
            return True
    return False
