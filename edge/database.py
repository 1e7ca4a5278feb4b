"""The box's one database: SQLite, each commit on the disk before it returns."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import StoreError

_TABLES = """
CREATE TABLE IF NOT EXISTS counters (title TEXT PRIMARY KEY, counter INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS batches (
    sequence INTEGER PRIMARY KEY, readings INTEGER NOT NULL, refused TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS packs (
    id INTEGER PRIMARY KEY, batch INTEGER, readings INTEGER NOT NULL, sealed BLOB NOT NULL,
    form TEXT NOT NULL DEFAULT '', version INTEGER NOT NULL DEFAULT 10,
    origin INTEGER, held INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS packs_batch ON packs (batch);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""
_ADDED = {
    "form": "TEXT NOT NULL DEFAULT ''",
    "version": "INTEGER NOT NULL DEFAULT 10",
    "origin": "INTEGER",
    "held": "INTEGER NOT NULL DEFAULT 0",
}
"""Columns of packs that former boxes did not have; their rows get the defaults."""


class Database:
    """One connection behind a lock, so that it may be used from worker threads."""

    def __init__(self, path: Path, *, max_bytes: int | None = None) -> None:
        """Open or create. ``max_bytes`` bounds the file. StoreError when it cannot be used."""
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            path.chmod(0o600)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA secure_delete=ON")
            self._connection.executescript(_TABLES)
            self._widen()
            if max_bytes is not None:
                (page,) = self._connection.execute("PRAGMA page_size").fetchone()
                self._connection.execute(f"PRAGMA max_page_count={max_bytes // page}")
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the outbox cannot be opened: {_word(error)}") from error

    def _widen(self) -> None:
        """A database of a former box gets the columns that it has not."""
        there = {name for _, name, *_ in self._connection.execute("PRAGMA table_info(packs)")}
        for name, kind in _ADDED.items():
            if name not in there:
                self._connection.execute(f"ALTER TABLE packs ADD COLUMN {name} {kind}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable at the end. StoreError when it could not be written: then nothing of it was."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise StoreError(f"the outbox: {_word(error)}") from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._connection.close()


def _word(error: sqlite3.Error | OSError) -> str:
    """SQLite's name for what went wrong; its text may quote what it was about."""
    return str(getattr(error, "sqlite_errorname", type(error).__name__))
