"""The link layer of wired M-Bus: long frames of EN 13757-2 (format class FT 1.2 of IEC 60870-5-1).

``68 L L 68 | C A CI data | checksum 16``: L counts C, A, CI and the data; the checksum is their sum modulo 256. DLMS in
M-Bus (EN 13757-1 segments, CI 00-1F) and M-Bus records (EN 13757-3) share these frames; who reads on is told by CI.
"""

from msgspec import Struct

from meter_driver.errors import ChecksumError, FrameError, FrameTruncated
from meter_driver.framing import MORE, NO, Damaged, Verdict

START, STOP = 0x68, 0x16
LONGEST_FRAME = 4 + 258 + 2
"""Some meters send frames of up to 258 bytes behind the head and let the length byte wrap."""

_LEAST = 3  # C, A, CI: a length below is a length that wrapped


class LongFrame(Struct, frozen=True):
    """One long frame whose checksum is right.

    Attributes:
        size: bytes on the wire, head and tail included.
        control: C field (0x08 answer of a meter, 0x53 data pushed or sent).
        address: A field, primary address.
        ci: CI field, which says how ``data`` is to be read.
        data: what follows CI.
    """

    size: int
    control: int
    address: int
    ci: int
    data: bytes


def long_frame(buffer: bytearray, at: int, end: int, *, final: bool) -> LongFrame | Verdict | Damaged:
    """The long frame that begins at ``at``, with the meaning of ``framing.Answer`` where there is none."""
    head = buffer[at : min(at + 4, end)]
    if not _may_be_head(head):
        return NO
    if len(head) < 4:
        return NO if final else MORE
    length = head[1] if head[1] >= _LEAST else head[1] + 256
    stop = at + length + 5
    if stop >= end:
        missing = FrameTruncated(f"the frame claims {length + 6} bytes, {end - at} came")
        return Damaged(end - at, missing) if final else MORE
    body = bytes(buffer[at + 4 : stop - 1])
    if buffer[stop] != STOP:
        return Damaged(length + 6, FrameError("no stop byte where the length says"))
    if (computed := sum(body) & 0xFF) != buffer[stop - 1]:
        return Damaged(length + 6, ChecksumError(expected=buffer[stop - 1], computed=computed))
    return LongFrame(length + 6, body[0], body[1], body[2], body[3:])


def _may_be_head(head: bytes | bytearray) -> bool:
    return head[:1] == b"\x68" and (len(head) < 3 or head[1] == head[2]) and (len(head) < 4 or head[3] == START)
