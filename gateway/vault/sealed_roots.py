"""Roots that are sealed to the recovery key, for somebody who has it: of backups, and of a second keeper."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from gateway.keeper.cells import CELL_BYTES
from gateway.keeper.recovery import unsealed_root
from gateway.keeper.second import named_in, parsed
from gateway.recovery.endings_file import secret_in
from gateway.recovery.sealed_parts import SEALED_ROOT, WindowLock


def sealed_roots(files: Sequence[Path], private: bytes) -> Iterator[bytes]:
    """Keys of topmost pages. Of backups each sealed root is tried with each secret of a window that is there."""
    locks = [WindowLock(found[1], found[0]) for file in files if (found := secret_in(file.read_bytes())) is not None]
    for file in files:
        data = file.read_bytes()
        for lock in locks if file.name == SEALED_ROOT else ():
            with suppress(ValueError):
                yield unsealed_root(lock.open(data, SEALED_ROOT), private).key
        for at in range(CELL_BYTES, len(data), CELL_BYTES) if named_in(data) is not None else ():
            if (cell := parsed(data[at : at + CELL_BYTES])) is not None:
                with suppress(ValueError):
                    yield unsealed_root(cell.root, private).key
