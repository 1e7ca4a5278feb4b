"""DLMS without a frame: data-notifications (0F), ciphered APDUs (DB, DC) and blocks (E0), one behind the other.

Nothing protects a bare APDU but its own tag. One whose tag can be checked is looked for everywhere; any other only
where a recording begins or right behind another one, and it counts only if the recording ends there or a further APDU
begins: what is left of a damaged frame looks like an APDU, too, but its check and its flag still hang behind.
"""

from typing import ClassVar, Final

from meter_driver.dlms import apdu as dlms
from meter_driver.dlms import block_transfer, ciphering, push_layout
from meter_driver.dlms.axdr import CutShort
from meter_driver.dlms.block_transfer import GENERAL_BLOCK_TRANSFER, Blocks
from meter_driver.errors import FrameTruncated, MeterError, PayloadError, SegmentError
from meter_driver.families import OWN_FAMILIES, Families
from meter_driver.framing import MORE, NO, Answer, Damaged, Keyring, Taken, Verdict
from meter_driver.reading import Quality

_CIPHERED: Final = bytes([ciphering.GENERAL_GLO, ciphering.GENERAL_DED])
_LONGEST: Final = 8192
_BLOCK_AT: Final = 3
_FIRST_BLOCK: Final = b"\x01"
_CLOCK_AT: Final = 5
_CLOCK_BEGINS: Final = b"\x00\x09\x0c"  # no date-time, one with a tag, one without


class TaggedApdu:
    """A ciphered APDU with a tag that the key ring can check."""

    starts: ClassVar[bytes] = _CIPHERED
    longest: ClassVar[int] = _LONGEST
    guarded: ClassVar[bool] = True
    families: ClassVar[Families] = OWN_FAMILIES

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """See ``framing``. NO where the tag cannot be checked or does not match: the bytes may be anything else."""
        try:
            start, stop = ciphering.extent(buffer, at, end)
        except CutShort:
            return NO if final else MORE
        except PayloadError:
            return NO
        keys = self._keys(bytes(buffer[at + 2 : at + 10]).hex().upper())
        if keys.key is None or keys.auth_key is None or stop - at > _LONGEST:
            return NO
        if stop > end:
            return NO if final else MORE
        if not buffer[start] & ciphering.TAGGED:
            return NO
        try:
            return Taken(
                stop - at, dlms.telegrams(bytes(buffer[at:stop]), self._keys, self.families, Quality.UNCHECKED)
            )
        except MeterError:
            return NO

    def finish(self) -> tuple[()]:
        """Nothing waits."""
        return ()


class BareApdu:
    """Any other APDU; see the module for when it counts."""

    starts: ClassVar[bytes] = bytes([push_layout.NOTIFICATION, GENERAL_BLOCK_TRANSFER]) + _CIPHERED
    longest: ClassVar[int] = _LONGEST
    guarded: ClassVar[bool] = False
    families: ClassVar[Families] = OWN_FAMILIES

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        self._needed = 0  # octets below which what was asked about last cannot be whole

    def take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        """See ``framing``."""
        if not final and end - at < self._needed:
            return MORE  # parsing a long list again for every octet would take its square in time
        self._needed = 0
        answer = self._take(buffer, at, end, final=final)
        if answer is not MORE:
            self._needed = 0
        return answer

    def _take(self, buffer: bytearray, at: int, end: int, *, final: bool) -> Answer:
        begins = _may_begin(buffer, at, end)
        if begins is not None:
            return NO if final else begins
        try:
            apdu, stop = _apdu(buffer, at, end)
        except CutShort as short:
            self._needed = end - at + short.missing
            return Damaged(end - at, FrameTruncated("the APDU is cut short")) if final else MORE
        except MeterError as error:
            return Damaged(1, error)  # what makes no sense has no end
        follows = _may_begin(buffer, stop, end) if stop < end else MORE
        if follows is MORE and not final:
            return MORE
        if follows is not None and stop < end:
            return Damaged(stop - at, PayloadError("octets behind the end of the APDU"))
        try:
            return Taken(stop - at, dlms.telegrams(apdu, self._keys, self.families, Quality.UNCHECKED))
        except MeterError as error:
            return Damaged(stop - at, error)

    def finish(self) -> tuple[()]:
        """Nothing waits."""
        return ()


def _apdu(buffer: bytearray, at: int, end: int) -> tuple[bytes, int]:
    """The APDU at ``at``, joined where it comes in blocks, and where it ends. CutShort when it is not all there."""
    if buffer[at] == GENERAL_BLOCK_TRANSFER:
        return _joined(buffer, at, end)
    if buffer[at] in _CIPHERED:
        stop = ciphering.extent(buffer, at, end)[1]
    else:
        stop = at + push_layout.extent(bytes(buffer[at:end]))
    if stop > end:
        raise CutShort(missing=stop - end)
    return bytes(buffer[at:stop]), stop


def _joined(buffer: bytearray, at: int, end: int) -> tuple[bytes, int]:
    blocks, apdu = Blocks(dlms.LONGEST_APDU), None
    while apdu is None:
        stop = block_transfer.extent(buffer, at, end)
        if stop > end:
            raise CutShort(missing=stop - end)
        if blocks.pending and buffer[at + 3 : at + 4] == _FIRST_BLOCK:
            raise SegmentError("the last blocks are missing")
        apdu = blocks.add(bytes(buffer[at:stop]))
        at = stop
    return apdu, at


def _may_begin(buffer: bytearray, at: int, end: int) -> Verdict | None:
    """None when what stands at ``at`` has the head of an APDU; NO when it has not; MORE when it is not told yet."""
    if buffer[at] in _CIPHERED:
        known, fits = at + 1, bytes([ciphering.TITLE_SIZE])
    elif buffer[at] == push_layout.NOTIFICATION:
        known, fits = at + _CLOCK_AT, _CLOCK_BEGINS
    elif buffer[at] == GENERAL_BLOCK_TRANSFER:
        known, fits = at + _BLOCK_AT, _FIRST_BLOCK
    else:
        return NO
    if known >= end:
        return MORE
    return None if buffer[known] in fits else NO
