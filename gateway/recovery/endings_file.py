"""The file beside a backup: the secret of its window, then what has ended since, each entry sealed. Blocking.

    MGENDS1\\0, 32 characters id of the backup, 32 bytes secret of the window (zeros: the window is over)
    an entry: u32 length, 12-byte nonce, AES-256-GCM ciphertext and tag; additional data: magic, id, u64 number from 0

An entry is JSON, see ``gateway.recovery.entries``. What a crash left of the last one is nothing: nobody was told of it.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import RestoreRefused
from gateway.keeper.files import sync_folder

SECRET_BYTES = 32
OVER = bytes(SECRET_BYTES)
MAGIC_OF_ENDINGS = b"MGENDS1\0"
_ID, _LENGTH, _NUMBER, _NONCE = 32, Struct(">I"), Struct(">Q"), 12
_HEAD = len(MAGIC_OF_ENDINGS) + _ID + SECRET_BYTES
_LONGEST = 1 << 24


def endings_key(lookup_key: bytes, backup: str) -> bytes:
    """What seals the entries: from the gateway's own key in the tree, so that a restore has it with the tree."""
    return HKDF(SHA256(), 32, None, b"metergate endings 1\0" + backup.encode()).derive(lookup_key)


class EndingsFile:
    """Of one backup. It is opened for each use: what somebody moved away or mounted over is noticed."""

    def __init__(self, file: Path, backup: str, key: bytes) -> None:
        self.file, self._backup, self._cipher = file, backup.encode(), AESGCM(key)

    def make(self, secret: bytes) -> None:
        """Raises ``OSError``, also where it is there."""
        fd = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write(fd, MAGIC_OF_ENDINGS + self._backup + secret, 0)
        finally:
            os.close(fd)
        sync_folder(self.file.parent)

    def append(self, entries: Sequence[bytes]) -> None:
        """Durable on return, behind what is there. Raises ``OSError``, also where it is another file."""
        fd = os.open(self.file, os.O_RDWR | os.O_CLOEXEC)
        try:
            head = os.pread(fd, _HEAD, 0)
            if head[:-SECRET_BYTES] != MAGIC_OF_ENDINGS + self._backup:
                raise OSError(f"{self.file} is not the file of the endings of this backup")
            count, end = _counted(fd)
            sealed = [self._sealed(count + n, body) for n, body in enumerate(entries)]
            os.ftruncate(fd, end)
            _write(fd, b"".join(sealed), end)
        finally:
            os.close(fd)

    def end_window(self) -> None:
        """Overwrite and remove it: the backup is noise from now on. Raises ``OSError``."""
        fd = os.open(self.file, os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.pread(fd, _HEAD, 0)[:-SECRET_BYTES] == MAGIC_OF_ENDINGS + self._backup:
                _write(fd, OVER, _HEAD - SECRET_BYTES)
        finally:
            os.close(fd)
        self.file.unlink()

    def entries(self) -> Iterator[bytes]:
        """All that are whole. Raises ``OSError``; ``RestoreRefused`` where one was changed."""
        data = self.file.read_bytes()
        number, position = 0, _HEAD
        while (body := _framed(data, position)) is not None:
            try:
                yield self._cipher.decrypt(body[:_NONCE], body[_NONCE:], self._bound(number))
            except InvalidTag:
                raise RestoreRefused(
                    f"the endings in {self.file} were changed, or belong to another backup: nothing was restored; put "
                    "back the file as the gateway wrote it"
                ) from None
            number, position = number + 1, position + _LENGTH.size + len(body)

    def _sealed(self, number: int, body: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        data = nonce + self._cipher.encrypt(nonce, body, self._bound(number))
        return _LENGTH.pack(len(data)) + data

    def _bound(self, number: int) -> bytes:
        return MAGIC_OF_ENDINGS + self._backup + _NUMBER.pack(number)


def secret_in(data: bytes) -> tuple[str, bytes] | None:
    """Backup and secret of a file's beginning; None where it is no file of endings."""
    if len(data) < _HEAD or not data.startswith(MAGIC_OF_ENDINGS):
        return None
    name = data[len(MAGIC_OF_ENDINGS) : _HEAD - SECRET_BYTES]
    return name.decode("ascii", "replace"), data[_HEAD - SECRET_BYTES : _HEAD]


def _framed(data: bytes, position: int) -> bytes | None:
    begin = position + _LENGTH.size
    if begin > len(data):
        return None
    (length,) = _LENGTH.unpack_from(data, position)
    return data[begin : begin + length] if begin + length <= len(data) else None


def _counted(fd: int) -> tuple[int, int]:
    """How many whole entries there are, and where they end."""
    size, count, end = os.fstat(fd).st_size, 0, _HEAD
    while end + _LENGTH.size <= size:
        (length,) = _LENGTH.unpack(os.pread(fd, _LENGTH.size, end))
        if length > _LONGEST or end + _LENGTH.size + length > size:
            break
        count, end = count + 1, end + _LENGTH.size + length
    return count, end


def _write(fd: int, data: bytes, at: int) -> None:
    if os.pwrite(fd, data, at) != len(data):
        raise OSError("it was written in part: the disk is full")
    os.fsync(fd)
