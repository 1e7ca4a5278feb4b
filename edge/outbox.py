"""What waits for the gateway: sealed, on the disk, bounded; gone once it was acknowledged.

A pack is what one telegram gave: a piece of SenML in the form in which it is sent (``senml.Piece``), sealed with
AES-256-GCM (NIST SP 800-38D) under the box's key; the nonce (12 bytes, random) stands before the ciphertext, and box,
number and form of the pack are bound to it. Packs are put together to a batch once, durably, before it is first sent: a
batch sent again under its sequence is the same to the last byte. Nothing of it is parsed or written again on the way;
what ``edge.former`` and ``edge.clock`` know are the exceptions.

Readings that the box itself dated, by a clock that turns out to be wrong, are dated again before they are in a batch
(``date``). Of a clock that is known to be wrong they are held: no batch takes them until then. How the box's clock ran
is known since its start only, so what is still held at the next start can never be dated: it is dropped, and counted.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from edge import counters, former
from edge.clock import STEP, Reckoning, moved
from edge.counters import Counters
from edge.database import Database
from edge.errors import StoreError
from meter_driver import senml
from meter_driver.errors import SenmlError

NONCE = 12
_AT_ONCE = 200
"""Packs that are dated in one step."""


class OutboxEntry(Struct, frozen=True):
    """What one telegram leaves behind: its counter, and the readings that were selected (perhaps none).

    ``counter`` is None, or the invocation counter of ``title``. ``dated``: by what the box dated readings of the piece;
    None when it dated none of them.
    """

    piece: senml.Piece
    title: str = ""
    counter: int | None = None
    dated: Reckoning | None = None


class PackedBatch(Struct, frozen=True):
    """So many readings under one sequence, as SenML; the same whenever it is asked for."""

    sequence: int
    readings: int
    content_type: str
    text: bytes


class _Sealed(NamedTuple):
    """A pack as it stands in the table; ``form`` is its content type, or ``former.FORM``."""

    number: int
    form: str
    version: int
    readings: int
    sealed: bytes


class Counts(Struct, frozen=True):
    """How it stands; readings waiting, set aside (the gateway refused their batch), and dropped as it was full."""

    waiting: int
    refused: int
    dropped: int


class EdgeOutbox:
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

    def put(self, entries: Iterable[OutboxEntry]) -> int:
        """Keep readings and counters, all in one durable step. Returns how many old readings were dropped for them.

        Raises:
            StoreError: nothing was kept.
        """
        entries = list(entries)
        with self._database.transaction() as connection:
            first = last = _fact(connection, "pack")
            kept = 0
            for entry in entries:
                if entry.piece.records:
                    last += 1
                    kept += entry.piece.records
                    connection.execute(_INSERT, (*self._seal(last, entry.piece), *_origin(entry.dated)))
                if entry.counter is not None:
                    counters.write(connection, entry.title, entry.counter)
            _add(connection, "pack", last - first)
            _add(connection, "kept", kept)
            dropped = self._make_room(connection)
        for entry in entries:
            if entry.counter is not None:
                self.counters.heard(entry.title, entry.counter)
        return dropped

    def begin(self) -> int:
        """At the start of a run: drop what the one before held and could not date. Returns how many readings."""
        with self._database.transaction() as connection:
            held = connection.execute("DELETE FROM packs WHERE held = 1 RETURNING readings").fetchall()
            connection.execute("UPDATE packs SET origin = NULL WHERE origin IS NOT NULL")
            dropped = sum(int(readings) for (readings,) in held)
            _add(connection, "kept", -dropped)
            _add(connection, "dropped", dropped)
        return dropped

    def date(self, now: Reckoning) -> int:
        """The clock is right: date again what waits and was dated by it while it was not. Returns how many readings.

        Raises:
            StoreError: some may be dated, some not; nothing is lost, and asking again goes on.
        """
        count = last = 0
        while True:
            with self._database.transaction() as connection:
                packs = connection.execute(_STALE, (last, now.origin, STEP, _AT_ONCE)).fetchall()
                for *pack, origin in packs:
                    stale = _Sealed(*pack)
                    sealed = self._seal(stale.number, moved(self._open(stale), now.origin - origin)).sealed
                    connection.execute(_DATED, (sealed, now.origin, stale.number))
                    last, count = stale.number, count + stale.readings
            if not packs:
                return count

    def next_batch(self, limit: int) -> PackedBatch | None:
        """The oldest batch that is not acknowledged, or a new one; at most ``limit`` readings of one form, and
        ``senml.MAX_BODY`` bytes (one pack at least).

        Raises:
            StoreError: the database cannot be used, or a pack was sealed under another key, changed, or cannot be
                written anew.
        """
        with self._database.transaction() as connection:
            open_batch = "SELECT sequence FROM batches WHERE refused = '' ORDER BY sequence LIMIT 1"
            row = connection.execute(open_batch).fetchone()
            sequence = row[0] if row else self._form(connection, limit)
            packs = [_Sealed(*pack) for pack in connection.execute(_PACKS, (sequence,))]
        if sequence is None:
            return None
        try:
            pieces = [self._open(pack) for pack in packs]
            readings = sum(piece.records for piece in pieces)
            return PackedBatch(sequence, readings, pieces[0].content_type, senml.join(pieces))
        except (StoreError, SenmlError) as error:
            self.set_aside(sequence, "unreadable")
            raise StoreError(str(error)) from None

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
        total, size, last, one = 0, 0, None, None
        for number, form, readings, length in connection.execute(_FREE):
            total, size, one = total + readings, size + length, form if last is None else one
            if last is not None and (total > limit or size > senml.MAX_BODY or form != one):
                total -= readings
                break
            last = number
        if last is None:
            return None
        sequence = _fact(connection, "sequence")
        _add(connection, "sequence", 1)
        connection.execute("INSERT INTO batches (sequence, readings) VALUES (?, ?)", (sequence, total))
        connection.execute("UPDATE packs SET batch = ? WHERE batch IS NULL AND held = 0 AND id <= ?", (sequence, last))
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

    def _bound(self, number: int, form: str, version: int) -> bytes:
        if form == former.FORM:
            return former.bound(self._box, number)
        return f"metergate-edge outbox 2 {self._box} {number} {form} {version}".encode()

    def _seal(self, number: int, piece: senml.Piece) -> _Sealed:
        nonce = self._nonce(NONCE)
        bound = self._bound(number, piece.content_type, piece.version)
        sealed = nonce + self._cipher.encrypt(nonce, piece.text, bound)
        return _Sealed(number, piece.content_type, piece.version, piece.records, sealed)

    def _open(self, pack: _Sealed) -> senml.Piece:
        bound = self._bound(pack.number, pack.form, pack.version)
        try:
            text = self._cipher.decrypt(pack.sealed[:NONCE], pack.sealed[NONCE:], bound)
        except InvalidTag:
            raise StoreError("the outbox: a pack was sealed under another key, or changed") from None
        if pack.form == former.FORM:
            return former.piece(text)
        return senml.Piece(pack.form, pack.readings, pack.version, text)


_INSERT = "INSERT INTO packs (id, form, version, readings, sealed, origin, held) VALUES (?, ?, ?, ?, ?, ?, ?)"
_PACKS = "SELECT id, form, version, readings, sealed FROM packs WHERE batch = ? ORDER BY id"
_FREE = "SELECT id, form, readings, length(sealed) FROM packs WHERE batch IS NULL AND held = 0 ORDER BY id"
_STALE = (
    "SELECT id, form, version, readings, sealed, origin FROM packs"
    " WHERE batch IS NULL AND id > ? AND (held = 1 OR abs(origin - ?) > ?) ORDER BY id LIMIT ?"
)
_DATED = "UPDATE packs SET sealed = ?, origin = ?, held = 0 WHERE id = ?"


def _origin(dated: Reckoning | None) -> tuple[int | None, int]:
    return (None, 0) if dated is None else (dated.origin, int(not dated.right))


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
