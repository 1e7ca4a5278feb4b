"""The one secret that must really be overwritten: the root of the key tree.

``FileRoot`` is a file of two cells (``gateway.keeper.cells``), mode 0600, in a folder apart from the data. It is
overwritten in place; media that keep old blocks (flash, copy-on-write file systems, snapshots of the key folder) may
keep it, which a TPM or a token behind the same port would not.
"""

import fcntl
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Protocol

from gateway.errors import RootBusy, RootMissing
from gateway.keeper.cells import CELL_BYTES, TwoCells
from gateway.keeper.files import sync_folder

MAGIC = b"MGROOT1\0"
_BODY = Struct(">8sQI32s")
_CHECK = 16


@dataclass(frozen=True, slots=True, repr=False)
class Cell:
    """What the root holds: generation of the tree, slot of its topmost page, and that page's key."""

    generation: int
    slot: int
    key: bytes


class Root(Protocol):
    """Where the root is kept. Blocking."""

    def load(self) -> Cell | None:
        """The present root, with an interrupted replacement finished; None before the first."""

    def replace(self, cell: Cell) -> None:
        """Durable on return, and the former root is gone. Raises ``OSError``."""

    def close(self) -> None: ...


class FileRoot:
    """The default. The file is made by ``create``; it is locked while it is open."""

    def __init__(self, file: Path, *, create: bool) -> None:
        if create and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make(file)
        try:
            self._fd = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            raise RootMissing(f"no root at {file.name}: is the key folder mounted?") from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise RootBusy("another process holds the root of the key tree") from None
        self._cells = TwoCells(self._fd)

    def load(self) -> Cell | None:
        raw = self._cells.read()
        found = [(cell.generation, i, cell) for i, data in enumerate(raw) if (cell := parse(data)) is not None]
        if not found:
            if any(data.strip(b"\0") for data in raw):
                raise RootMissing("the root is damaged: put back the key folder's file root as it was at the last stop")
            return None
        _, self._cells.current, cell = max(found, key=lambda entry: entry[0])
        self._cells.wipe_other()
        return cell

    def replace(self, cell: Cell) -> None:
        self._cells.replace(_format(cell))

    def close(self) -> None:
        os.close(self._fd)


def parse(data: bytes) -> Cell | None:
    """A cell as it lies in the file; None when it is not whole."""
    body = data[: _BODY.size]
    if len(body) < _BODY.size or data[_BODY.size : _BODY.size + _CHECK] != sha256(body).digest()[:_CHECK]:
        return None
    magic, generation, slot, key = _BODY.unpack(body)
    return Cell(generation, slot, key) if magic == MAGIC else None


def _format(cell: Cell) -> bytes:
    body = _BODY.pack(MAGIC, cell.generation, cell.slot, cell.key)
    return body + sha256(body).digest()[:_CHECK]


def _make(file: Path) -> None:
    fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(fd, bytes(2 * CELL_BYTES), 0)
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(file.parent)
