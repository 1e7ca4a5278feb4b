"""Secrets in files of the key folder: made once, mode 0600, never half written."""

import errno
import os
from pathlib import Path


def write_secret(file: Path, content: bytes) -> None:
    """Mode 0600 from the first byte; replaces an older file in one step."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(file.name + ".new")
    beside.unlink(missing_ok=True)
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if os.write(fd, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(beside))
        os.fsync(fd)
    finally:
        os.close(fd)
    beside.replace(file)


def read_secret(file: Path) -> bytes | None:
    """None when it is not there. Raises ``PermissionError`` when others may read it."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        return None
    if mode & 0o077:
        raise PermissionError(f"{file}: must be readable by its owner only (mode 0600)")
    return file.read_bytes()


def sync_folder(folder: Path) -> None:
    """What was made in it is there after a power loss."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
