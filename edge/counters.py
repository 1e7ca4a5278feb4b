"""Invocation counters: the highest accepted one of each system title, durable before a reading is passed on.

A counter is written in the same transaction as the readings of its telegram (see ``outbox``): after a crash the box
has both or neither, so a telegram that was lost may be read again, and one that was kept is refused as a replay.
"""

import sqlite3

from edge.database import Database


class Counters(dict[str, int]):
    """What is on the disk, in memory: the mapping that the decoders compare with."""

    @classmethod
    def load(cls, database: Database) -> "Counters":
        """As the last commit left them. StoreError when they cannot be read."""
        with database.transaction() as connection:
            return cls(connection.execute("SELECT title, counter FROM counters").fetchall())

    def heard(self, title: str, counter: int) -> None:
        """In memory, once it is on the disk; it never goes down."""
        self[title] = max(counter, self.get(title, -1))


def forget(connection: sqlite3.Connection, title: str) -> bool:
    """Drop a counter inside a transaction; was there one?"""
    return connection.execute("DELETE FROM counters WHERE title = ?", (title,)).rowcount > 0


def write(connection: sqlite3.Connection, title: str, counter: int) -> None:
    """Raise a counter inside a transaction; it never goes down."""
    connection.execute(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (title) DO UPDATE SET counter = max(counter, excluded.counter)",
        (title, counter),
    )
