"""The link layer of wireless M-Bus: frame formats A and B (EN 13757-4, clause 12), and telegrams without link CRC.

First block in every format: L, C, manufacturer (2), address (6). Radio chips and loggers often take the CRCs away and
correct L; such a telegram is ``L`` and that many bytes, with nothing to check it by.
"""

from msgspec import Struct

from meter_driver.mbus.address import is_manufacturer
from meter_driver.mbus.application import APPLICATIONS
from meter_driver.mbus.authentication import AUTHENTICATION
from meter_driver.mbus.crc import crc16_en13757

FIRST = 10
"""Bytes of the first block without its CRC."""
CRC_SIZE = 2
LONGEST_A = 256 + CRC_SIZE * 17
LONGEST_WIRELESS_FRAME = 256

_BLOCK = 16
_B_BLOCKS = 128  # first and second block of format B together, with the CRC of both
FROM_METERS = frozenset((0x08, 0x18, 0x28, 0x38, 0x44, 0x46, 0x47, 0x48))
"""What a meter sends: answers, SND-NR, SND-IR, ACC-NR, ACC-DMD (EN 13757-4, clause 12)."""
FROM_OTHERS = frozenset((0x00, 0x06, 0x10, 0x20, 0x30, 0x40, 0x43, 0x53, 0x73, 0x5A, 0x5B, 0x7A, 0x7B))
"""What goes to a meter, and bare acknowledgements either way: no readings."""
EXTENDED_LINK = {0x8C: 2, 0x8D: 6, 0x8E: 10, 0x8F: 14}
"""CI fields of the extended link layer, and bytes of it behind CI, payload CRC left out (clause 13)."""
_CIS = frozenset((*APPLICATIONS, *EXTENDED_LINK, AUTHENTICATION))


class LinkFrame(Struct, frozen=True):
    """One link frame without its CRCs.

    Attributes:
        address: manufacturer, identification, version, device type, as on the wire.
        ci: first CI field.
        data: what follows it.
    """

    address: bytes
    ci: int
    data: bytes


def may_begin(buffer: bytes | bytearray, at: int, end: int, controls: frozenset[int] = FROM_METERS) -> bool:
    """Can the bytes seen so far be a first block? Length, control and the letters of the manufacturer must fit."""
    seen = end - at
    if buffer[at] < FIRST:
        return False
    if seen > 1 and buffer[at + 1] not in controls:
        return False
    return seen <= 3 or is_manufacturer(buffer[at + 2] | buffer[at + 3] << 8)


def is_known(ci: int) -> bool:
    """Is this a CI field with which a telegram of a meter goes on behind the link layer?"""
    return ci in _CIS


def size_a(length: int) -> int:
    """Bytes of a format A frame on the wire: a CRC behind the first block and behind every 16 bytes."""
    rest = length + 1 - FIRST
    return length + 1 + CRC_SIZE * (1 + -(-rest // _BLOCK))


def begins_a(buffer: bytes | bytearray, at: int) -> bool:
    """Is the first block guarded by its own CRC, as in format A?"""
    return _guarded(bytes(buffer[at : at + FIRST + CRC_SIZE]))


def second_block_fits(buffer: bytes | bytearray, at: int, end: int) -> bool:
    """Does a whole second block of format A with its CRC stand before ``end``, whatever the first one is?"""
    start, stop = at + FIRST + CRC_SIZE, at + FIRST + CRC_SIZE + _BLOCK + CRC_SIZE
    return stop <= end and _guarded(bytes(buffer[start:stop]))


def without_last_crc(frame: bytes) -> bytes | None:
    """A bare frame without the CRC of the last block of format A, which some receivers leave; None where none fits."""
    last = FIRST + (len(frame) - CRC_SIZE - FIRST - 1) // _BLOCK * _BLOCK
    return frame[:-CRC_SIZE] if last >= FIRST and _guarded(frame[last:]) else None


def format_a(frame: bytes) -> bytes | None:
    """The frame without its CRCs; None when one does not fit."""
    parts, at = [frame[:FIRST]], FIRST + CRC_SIZE
    if not _guarded(frame[:at]):
        return None
    while at < len(frame):
        block = frame[at : at + _BLOCK + CRC_SIZE]
        if not _guarded(block):
            return None
        parts.append(block[:-CRC_SIZE])
        at += len(block)
    return b"".join(parts)


def format_b(frame: bytes) -> bytes | None:
    """The same for format B, whose L counts the CRCs; L of the result does not."""
    blocks = [block for block in (frame[:_B_BLOCKS], frame[_B_BLOCKS:]) if block]
    if not all(map(_guarded, blocks)):
        return None
    plain = b"".join(block[:-CRC_SIZE] for block in blocks)
    return bytes([len(plain) - 1]) + plain[1:] if len(plain) > FIRST else None


def _guarded(block: bytes) -> bool:
    """A CRC is sent most significant byte first."""
    return len(block) > CRC_SIZE and crc16_en13757(block[:-CRC_SIZE]) == int.from_bytes(block[-CRC_SIZE:], "big")


def link_of(frame: bytes) -> LinkFrame:
    """``frame`` is L and as many bytes as it says, one behind the first block at least."""
    return LinkFrame(frame[2:FIRST], frame[FIRST], frame[FIRST + 1 :])
