"""Roots for a bad day: each root of the last hours, sealed to a key that lies in a safe.

With a backup of the tree file of that hour and the private key, an erasure or a lost key folder can be undone within
the window and not later; the erasure certificate names the window. Without a recovery key nothing is kept.

Sealed with HPKE (RFC 9180), mode base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. One file a root:
``GENERATION.sealed``, its time of writing as the file's own name says: ``GENERATION-SECONDS.sealed``.
"""

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from gateway.clock import Clock
from gateway.keeper.root import Cell

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"metergate recovery 1"
_BODY = Struct(">QI32s")


class Recovery:
    """Keeps sealed roots in ``folder`` (beside the root) for ``window``."""

    def __init__(self, folder: Path, public_key: bytes, window: timedelta, clock: Clock) -> None:
        """``public_key``: 32 bytes, X25519. Raises ``ValueError`` when it is not, or the window is not positive."""
        if window <= timedelta(0):
            raise ValueError("a recovery window is longer than nothing")
        self._folder, self._window, self._clock = folder, window, clock
        self._key = X25519PublicKey.from_public_bytes(public_key)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def window(self) -> timedelta:
        return self._window

    def keep(self, cell: Cell) -> None:
        """Before a root is written. Raises ``OSError``."""
        sealed = _SUITE.encrypt(_BODY.pack(cell.generation, cell.slot, cell.key), self._key, info=_INFO)
        name = f"{cell.generation:020d}-{int(self._clock().timestamp())}.sealed"
        fd = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, sealed)
            os.fsync(fd)
        finally:
            os.close(fd)

    def prune(self) -> None:
        """Overwrite and remove what is older than the window, or claims to come from the future."""
        now = self._clock()
        for file in self._folder.glob("*.sealed"):
            written = datetime.fromtimestamp(int(file.stem.partition("-")[2]), UTC)
            if not now - self._window < written <= now + timedelta(minutes=5):
                with file.open("r+b", buffering=0) as stream:
                    stream.write(bytes(file.stat().st_size))
                    os.fsync(stream.fileno())
                file.unlink()


def open_sealed(files: Iterable[Path], private_key: bytes) -> list[Cell]:
    """The roots that the offline key opens; others are skipped. ``private_key``: 32 bytes, X25519."""
    key = X25519PrivateKey.from_private_bytes(private_key)
    cells = []
    for file in files:
        try:
            cells.append(Cell(*_BODY.unpack(_SUITE.decrypt(file.read_bytes(), key, info=_INFO))))
        except (InvalidTag, ValueError):
            continue
    return cells
