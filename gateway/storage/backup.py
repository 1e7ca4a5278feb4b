"""A copy of the store as it is at one instant, while the gateway writes on."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path


def store_files(store: Path) -> list[Path]:
    """The file, and what its engine may have laid beside it."""
    return [store, *(store.with_name(store.name + end) for end in ("-wal", "-shm", "-journal"))]


def copy_store(store: Path, to: Path) -> None:
    """One read transaction of SQLite's online backup, synced; ``to`` is made with mode 0600. Blocking.

    Raises ``FileNotFoundError``, ``FileExistsError``, ``OSError`` also where the store is none.
    """
    if not store.is_file():
        raise FileNotFoundError(2, "there is no store", str(store))
    fd = os.open(to, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself
        os.fsync(fd)
    except BaseException as error:
        to.unlink()
        if isinstance(error, sqlite3.Error):
            raise OSError(errno.EIO, f"the store cannot be copied: {error}") from error
        raise
    finally:
        os.close(fd)
