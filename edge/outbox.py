"""What waits for the gateway: sealed, on the disk, bounded; gone once it was acknowledged.

A pack is what one telegram gave, as SenML, sealed with AES-256-GCM (NIST SP 800-38D) under the box's key; the nonce (12
bytes, random) stands before the ciphertext, and box and number of the pack are bound to it. Packs are put together to
a batch once, durably, before it is first sent: a batch sent again under its sequence holds the same readings.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from edge import counters
from edge.counters import Counters
from edge.database import Database
from edge.errors import StoreError
from meter_driver import senml
from meter_driver.reading import Reading

NONCE = 12


class Entry(Struct, frozen=True):
    """What one telegram leaves behind: its counter, and the readings that were selected (perhaps none).

    ``meter`` of the readings is a device URN. ``counter`` is None, or the invocation counter of ``title``.
    """

    readings: Sequence[Reading]
    title: str = ""
    counter: int | None = None


class Batch(Struct, frozen=True):
    """Readings under one sequence; the same whenever it is asked for."""

    sequence: int
    readings: list[Reading]


class Counts(Struct, frozen=True):
    """How it stands; readings waiting, set aside (the gateway refused their batch), and dropped as it was full."""

    waiting: int
    refused: int
    dropped: int


class Outbox:
    """Not thread-safe beyond its database: ``put`` and ``next_batch`` may run at once, two ``put`` may not."""

    def __init__(
        self,
        database: Database,
        key: bytes,
        box: str,
        *,
        first_sequence: int,
        max_readings: int = 2_000_000,
        nonce: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """
        Args:
            key: 32 bytes.
            box: id of this box.
            first_sequence: where sequences begin in a new database. Take the milliseconds since 1970, so that a box
                whose disk was replaced uses no sequence twice.
            max_readings: above it the oldest are dropped and counted.
        """
        self._database = database
        self._cipher = AESGCM(key)
        self._box = box
        self._max = max_readings
        self._nonce = nonce
        self.counters = Counters.load(database)
        with database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO facts VALUES ('sequence', ?), ('pack', 0), ('kept', 0), ('dropped', 0)",
                (first_sequence,),
            )

    def put(self, entries: Iterable[Entry]) -> int:
        """Keep readings and counters, all in one durable step. Returns how many old readings were dropped for them.

        Raises:
            StoreError: nothing was kept.
        """
        entries = list(entries)
        with self._database.transaction() as connection:
            first = last = _fact(connection, "pack")
            kept = 0
            for entry in entries:
                if entry.readings:
                    last += 1
                    kept += len(entry.readings)
                    sealed = self._seal(last, senml.encode(entry.readings, senml.CBOR))
                    row = (last, len(entry.readings), sealed)
                    connection.execute("INSERT INTO packs (id, readings, sealed) VALUES (?, ?, ?)", row)
                if entry.counter is not None:
                    counters.write(connection, entry.title, entry.counter)
            _add(connection, "pack", last - first)
            _add(connection, "kept", kept)
            dropped = self._make_room(connection)
        for entry in entries:
            if entry.counter is not None:
                self.counters.heard(entry.title, entry.counter)
        return dropped

    def next_batch(self, limit: int) -> Batch | None:
        """The oldest batch that is not acknowledged, or a new one of at most ``limit`` readings (one pack at least).

        Raises:
            StoreError: the database cannot be used, or a pack was sealed under another key or changed.
        """
        with self._database.transaction() as connection:
            open_batch = "SELECT sequence FROM batches WHERE refused = '' ORDER BY sequence LIMIT 1"
            row = connection.execute(open_batch).fetchone()
            sequence = row[0] if row else self._form(connection, limit)
            packs = connection.execute("SELECT id, sealed FROM packs WHERE batch = ? ORDER BY id", (sequence,))
            sealed = packs.fetchall()
        if sequence is None:
            return None
        try:
            return Batch(sequence, [reading for number, text in sealed for reading in self._open(number, text)])
        except StoreError:
            self.set_aside(sequence, "unreadable")
            raise

    def acknowledge(self, sequence: int) -> None:
        """The gateway has it: forget it. An unknown sequence is fine (it was acknowledged, or dropped)."""
        with self._database.transaction() as connection:
            _add(connection, "kept", -_delete(connection, sequence))

    def set_aside(self, sequence: int, reason: str) -> None:
        """The gateway will never take it: keep it (until room is needed) but send it no more."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE batches SET refused = ? WHERE sequence = ?", (reason or "refused", sequence))

    def counts(self) -> Counts:
        """How it stands."""
        refused_sum = "SELECT ifnull(sum(readings), 0) FROM batches WHERE refused <> ''"
        with self._database.transaction() as connection:
            (refused,) = connection.execute(refused_sum).fetchone()
            return Counts(_fact(connection, "kept") - refused, refused, _fact(connection, "dropped"))

    def forget_counter(self, title: str) -> bool:
        """A meter begins to count anew: drop what is known of it, durably. Was anything?"""
        with self._database.transaction() as connection:
            known = counters.forget(connection, title)
        self.counters.pop(title, None)
        return known

    def close(self) -> None:
        """Give the database back."""
        self._database.close()

    def _form(self, connection: sqlite3.Connection, limit: int) -> int | None:
        """Give the oldest free packs a sequence."""
        total, last = 0, None
        for number, readings in connection.execute("SELECT id, readings FROM packs WHERE batch IS NULL ORDER BY id"):
            if last is not None and total + readings > limit:
                break
            total, last = total + readings, number
        if last is None:
            return None
        sequence = _fact(connection, "sequence")
        _add(connection, "sequence", 1)
        connection.execute("INSERT INTO batches (sequence, readings) VALUES (?, ?)", (sequence, total))
        connection.execute("UPDATE packs SET batch = ? WHERE batch IS NULL AND id <= ?", (sequence, last))
        return sequence

    def _make_room(self, connection: sqlite3.Connection) -> int:
        """Drop the oldest, whole batches where there are any, until the bound holds."""
        dropped, kept = 0, _fact(connection, "kept")
        while kept - dropped > self._max:
            oldest = "SELECT id, batch, readings FROM packs ORDER BY id LIMIT 1"
            number, batch, readings = connection.execute(oldest).fetchone()
            if batch is None:
                connection.execute("DELETE FROM packs WHERE id = ?", (number,))
                dropped += readings
            else:
                dropped += _delete(connection, batch)
        _add(connection, "kept", -dropped)
        _add(connection, "dropped", dropped)
        return dropped

    def _bound(self, number: int) -> bytes:
        return f"metergate-edge outbox 1 {self._box} {number}".encode()

    def _seal(self, number: int, text: bytes) -> bytes:
        nonce = self._nonce(NONCE)
        return nonce + self._cipher.encrypt(nonce, text, self._bound(number))

    def _open(self, number: int, sealed: bytes) -> list[Reading]:
        try:
            text = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self._bound(number))
        except InvalidTag:
            raise StoreError("the outbox: a pack was sealed under another key, or changed") from None
        return senml.parse(text, senml.CBOR).readings


def _fact(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return int(value)


def _add(connection: sqlite3.Connection, name: str, more: int) -> None:
    connection.execute("UPDATE facts SET value = value + ? WHERE name = ?", (more, name))


def _delete(connection: sqlite3.Connection, sequence: int) -> int:
    """Forget a batch; how many readings it had, 0 when it is not there."""
    connection.execute("DELETE FROM packs WHERE batch = ?", (sequence,))
    row = connection.execute("DELETE FROM batches WHERE sequence = ? RETURNING readings", (sequence,)).fetchone()
    return int(row[0]) if row else 0
