"""What a backup's folder holds, and how its sealed parts open: with the recovery key *and* the secret of the window.

    store          the store of one instant
    tree           the key tree of the instant before
    root.sealed    the tree's root: sealed to the recovery key, and that under the secret of the window
    keys.sealed    ``About``, with the other files of the key folder, in the same way
    backup.json    ``Label``, in clear; written last, so that a backup without one did not end
    endings        beside it, unless the settings name another place: see ``endings_file``

The secret of the window lies with the endings and is overwritten when the window is over. From then on the sealed parts
are noise also for who has the recovery key, and so are all copies of them.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.keeper.files import sync_folder

STORE, TREE, SEALED_ROOT, SEALED_KEYS = "store", "tree", "root.sealed", "keys.sealed"
LABEL, ENDINGS = "backup.json", "endings"
_NONCE = 12


class Label(msgspec.Struct, frozen=True):
    """In clear. ``endings``: relative to the folder, or absolute. ``made`` and ``until``: UTC seconds."""

    id: str
    made: float
    until: float
    endings: str


class About(msgspec.Struct, frozen=True):
    """What only the recovery key shows.

    Attributes:
        endings_key: what seals the entries beside it.
        files: by name, of the key folder.
        digests: SHA-256 of store and tree, hex.
    """

    id: str
    made: float
    until: float
    endings_key: bytes
    files: Mapping[str, bytes]
    digests: Mapping[str, str]


class WindowLock:
    """The second lock of the sealed parts."""

    def __init__(self, secret: bytes, backup: str) -> None:
        key = HKDF(SHA256(), 32, None, b"metergate window 1\0" + backup.encode()).derive(secret)
        self._cipher = AESGCM(key)

    def close(self, data: bytes, what: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, what.encode())

    def open(self, data: bytes, what: str) -> bytes:
        """Raises ``ValueError``."""
        try:
            return self._cipher.decrypt(data[:_NONCE], data[_NONCE:], what.encode())
        except InvalidTag:
            raise ValueError("closed with another secret, or changed") from None


def write_new(file: Path, data: bytes) -> None:
    """Mode 0600, synced. Raises ``OSError``, also where it is there."""
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if os.write(fd, data) != len(data):
            raise OSError("it was written in part: the disk is full")
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(file.parent)
