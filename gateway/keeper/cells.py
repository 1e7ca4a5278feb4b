"""Two cells of a file, of which one counts: what replaces the other is whole, or it is nothing.

A replacement writes the other cell, syncs, wipes the old one with zeros, syncs: a crash leaves one cell that is whole,
or two of which the newer counts.
"""

import errno
import os

CELL_BYTES = 4096


class TwoCells:
    """Of an open file, behind its first ``begin`` bytes."""

    def __init__(self, fd: int, begin: int = 0) -> None:
        self._fd, self._begin = fd, begin
        self.current: int | None = None
        """The one that counts, as whoever reads them says; None before there is one."""

    def read(self) -> list[bytes]:
        return [os.pread(self._fd, CELL_BYTES, self._begin + i * CELL_BYTES) for i in (0, 1)]

    def replace(self, data: bytes) -> None:
        """Durable on return, and the former is gone. Raises ``OSError``."""
        target = 0 if self.current is None else 1 - self.current
        self._write(target, data.ljust(CELL_BYTES, b"\0"))
        self.current = target
        self.wipe_other()

    def wipe_other(self) -> None:
        """After a crash both may be there."""
        if self.current is not None:
            self._write(1 - self.current, bytes(CELL_BYTES))

    def _write(self, index: int, data: bytes) -> None:
        if os.pwrite(self._fd, data, self._begin + index * CELL_BYTES) != CELL_BYTES:
            raise OSError(errno.ENOSPC, "short write")
        os.fsync(self._fd)
