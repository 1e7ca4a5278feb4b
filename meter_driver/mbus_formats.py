"""Compact frames: records whose heads are left out, because a format said them before (EN 13757-3, clause 7).

A format is the sequence of all record heads of a telegram; its signature is the CRC of those bytes. A compact frame is
signature, CRC of the full frame, and the values alone. Both checks must fit, so a wrong format gives no reading.
"""

from collections import OrderedDict

from meter_driver.errors import ChecksumError, PayloadError
from meter_driver.mbus_crc import crc16_en13757
from meter_driver.mbus_records import IDLE, MANUFACTURER_DATA, MORE_FOLLOWS, data_size, head_end

MOST_FORMATS = 32
"""Formats remembered per stream; the one unused for longest goes first."""


class Formats:
    """What one stream has said about its formats. Full frames teach theirs as well as format frames do."""

    def __init__(self) -> None:
        self._heads: OrderedDict[int, tuple[bytes, ...]] = OrderedDict()

    def learn(self, payload: bytes) -> None:
        """A format frame (CI 69, 6A, 6B): length, signature, heads. PayloadError if they do not fit together."""
        if len(payload) < 3 or payload[0] != len(payload) - 1:
            raise PayloadError("a format frame whose length does not fit")
        signature, body = int.from_bytes(payload[1:3], "little"), payload[3:]
        heads, at = [], 0
        while at < len(body):
            stop = head_end(body, at)
            heads.append(body[at:stop])
            at = stop
        if crc16_en13757(body) != signature:
            raise PayloadError("a format frame whose signature does not fit")
        self._remember(signature, tuple(heads))

    def keep(self, payload: bytes) -> None:
        """Learn from a full frame, if it is one that a compact frame can stand for: records and nothing else."""
        heads, at = [], 0
        while at < len(payload):
            if payload[at] & 0x0F == 0x0F:
                if payload[at] in (IDLE, MANUFACTURER_DATA, MORE_FOLLOWS):
                    return
                raise PayloadError("a DIF that no meter sends")
            stop = head_end(payload, at)
            heads.append(payload[at:stop])
            at = stop + data_size(payload[at:stop], payload, stop)
        self._remember(crc16_en13757(b"".join(heads)), tuple(heads))

    def _remember(self, signature: int, heads: tuple[bytes, ...]) -> None:
        self._heads[signature] = heads
        self._heads.move_to_end(signature)
        if len(self._heads) > MOST_FORMATS:
            self._heads.popitem(last=False)

    def expand(self, payload: bytes) -> bytes:
        """The full frame behind a compact one. PayloadError if its format was not seen, ChecksumError if it differs."""
        if len(payload) < 4:
            raise PayloadError("a compact frame without its signature")
        signature, expected = (int.from_bytes(payload[n : n + 2], "little") for n in (0, 2))
        if signature not in self._heads:
            raise PayloadError("a compact frame of a format that was not seen")
        full, at = bytearray(), 4
        for head in self._heads[signature]:
            size = data_size(head, payload, at)
            full += head + payload[at : at + size]
            at += size
        if at != len(payload):
            raise PayloadError("a compact frame of another length than its format")
        if (computed := crc16_en13757(bytes(full))) != expected:
            raise ChecksumError(expected=expected, computed=computed)
        return bytes(full)
