"""Secrets in files: readable by their owner only, or not used at all."""

import os
import stat
from pathlib import Path

from edge.errors import SettingsError


def read_secret(path: Path) -> bytes:
    """The bytes of a file that only its owner (this user, or root) may read.

    Raises:
        SettingsError: it is missing, a link, someone else's, or its mode is looser than 0600.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise SettingsError(f"{path}: not a plain file")
        if facts.st_uid not in (0, os.geteuid()):
            raise SettingsError(f"{path}: belongs to another user")
        if stat.S_IMODE(facts.st_mode) & 0o077:
            raise SettingsError(f"{path}: mode {stat.S_IMODE(facts.st_mode):04o} is looser than 0600")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def write_secret(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 at once and durably: after a crash there is the old one or the new one.

    Raises:
        SettingsError: it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """What was renamed in it is durable on return. OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def box_key(path: Path, fresh: bytes) -> bytes:
    """The 32 bytes that seal this box's outbox; ``fresh`` becomes them at the first start.

    Raises:
        SettingsError: the file is not a secret, or not 32 bytes.
    """
    if not path.exists():
        write_secret(path, fresh)
    key = read_secret(path)
    if len(key) != 32:
        raise SettingsError(f"{path}: not 32 bytes")
    return key
