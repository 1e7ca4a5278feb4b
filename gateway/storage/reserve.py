"""Room on the disk that is kept for endings: a file without content, given up when nothing else can be written.

A household's withdrawal has to be written on a full disk too. As long as its room is given up, nothing else is written
into it; it is taken again when there is room for it and as much beside.
"""

import os
from contextlib import suppress
from pathlib import Path

RESERVE = 4 << 20
"""Bytes: the log of some dozens of endings, with the pages of the key tree that they change."""


class Reserve:
    """``file`` in the folder of the store. For one thread."""

    def __init__(self, file: Path, size: int = RESERVE) -> None:
        self._file, self._size = file, size
        self._held = False
        self.given_up = False
        """Since the start, and not taken again."""

    def take(self) -> bool:
        """Whether the room is there, or is now. It is not taken where that would leave none for anything else."""
        if self._held:
            return True
        try:
            if self._file.exists() and self._file.stat().st_blocks * 512 >= self._size:
                self._held = True
            elif _free(self._file.parent) >= 2 * self._size:
                self._file.touch(mode=0o600)
                with self._file.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, self._size)
                self._held = True
        except OSError:
            self._remove()
        self.given_up = self.given_up and not self._held
        return self._held

    def give_up(self) -> bool:
        """Whether there was any."""
        had, self._held = self._held, False
        self.given_up = self.given_up or had
        self._remove()
        return had

    def _remove(self) -> None:
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
