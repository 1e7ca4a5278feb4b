"""A ZIP archive (APPNOTE 6.3.10) for a sink that cannot be wound back: sums follow what they are of. Pure.

Every chunk is compressed by itself, up to the edge of a byte: DEFLATE (RFC 1951) lets blocks of several compressors
follow each other. So nothing of a chunk waits for the next one, and nothing but numbers is kept of it.
"""

import struct
import zlib
from dataclasses import dataclass

LARGEST_ARCHIVE = 2**32 - 1
"""Bytes of an archive, and of a file in it before it was compressed, without the extension ZIP64."""
_VERSION, _SUMS_FOLLOW, _DEFLATED = 20, 1 << 3, zlib.DEFLATED
_TIME, _DATE = 0, 1 << 5 | 1
"""1 January 1980: when an archive was made is nobody's concern."""
_LAST_BLOCK = b"\x03\x00"
"""An empty last block."""


@dataclass(slots=True)
class _Entry:
    name: bytes
    offset: int
    crc: int = 0
    packed: int = 0
    size: int = 0

    def sums(self) -> tuple[int, int, int]:
        return self.crc, self.packed, self.size


class ZipStream:
    """One archive, file by file; each method gives the bytes that come next. Raises ``OverflowError`` when it is full.

    Names of files are ASCII.
    """

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._at = 0

    def begin(self, name: str) -> bytes:
        """A file; ``add`` and ``end`` go on with it."""
        entry = _Entry(name.encode("ascii"), self._at)
        self._entries.append(entry)
        fixed = b"PK\x03\x04", _VERSION, _SUMS_FOLLOW, _DEFLATED, _TIME, _DATE, 0, 0, 0, len(entry.name), 0
        return self._told(struct.pack("<4s5H3I2H", *fixed) + entry.name)

    def add(self, data: bytes) -> bytes:
        """More of the file."""
        entry, compressor = self._entries[-1], zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
        entry.crc = zlib.crc32(data, entry.crc)
        entry.size += len(data)
        if entry.size > LARGEST_ARCHIVE:
            raise OverflowError("a file of more than 4 GiB in a ZIP archive")
        return self._packed(packed)

    def end(self) -> bytes:
        """The end of the file."""
        last = self._packed(_LAST_BLOCK)
        return last + self._told(struct.pack("<4s3I", b"PK\x07\x08", *self._entries[-1].sums()))

    def whole(self, name: str, data: bytes) -> bytes:
        """A file at once."""
        return self.begin(name) + self.add(data) + self.end()

    def close(self) -> bytes:
        """The directory, which ends the archive."""
        directory = b"".join(self._line(entry) for entry in self._entries)
        count = len(self._entries)
        ended = b"PK\x05\x06", 0, 0, count, count, len(directory), self._at, 0
        return self._told(directory + struct.pack("<4s4H2IH", *ended))

    def _line(self, entry: _Entry) -> bytes:
        fixed = b"PK\x01\x02", _VERSION, _VERSION, _SUMS_FOLLOW, _DEFLATED, _TIME, _DATE, *entry.sums(), len(entry.name)
        return struct.pack("<4s6H3I5H2I", *fixed, 0, 0, 0, 0, 0, entry.offset) + entry.name

    def _packed(self, packed: bytes) -> bytes:
        self._entries[-1].packed += len(packed)
        return self._told(packed)

    def _told(self, data: bytes) -> bytes:
        self._at += len(data)
        if self._at > LARGEST_ARCHIVE:
            raise OverflowError("a ZIP archive of more than 4 GiB")
        return data
