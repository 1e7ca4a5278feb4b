"""An outbox of the first boxes, with everything that was waiting in it, under the box of today."""

import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge import former
from edge.errors import StoreError
from edge.outbox import Counts
from meter_driver import senml
from meter_driver.errors import SenmlError
from meter_driver.reading import ClockSource, Quality, Reading
from tests.edge.test_outbox import KEY, entry, open_outbox, readings_of, values

AT = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
TABLES = """
CREATE TABLE counters (title TEXT PRIMARY KEY, counter INTEGER NOT NULL) STRICT;
CREATE TABLE batches (sequence INTEGER PRIMARY KEY, readings INTEGER NOT NULL, refused TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE packs (id INTEGER PRIMARY KEY, batch INTEGER, readings INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;
CREATE INDEX packs_batch ON packs (batch);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO facts VALUES ('sequence', 1001), ('pack', 4), ('kept', 5), ('dropped', 7);
INSERT INTO counters VALUES ('TITLE', 41);
INSERT INTO batches (sequence, readings) VALUES (1000, 3);
"""
DOUBTFUL = Quality.CLOCK_DOUBTFUL


def reading(number: int, quality: Quality = Quality.NONE, clock: ClockSource = ClockSource.METER) -> Reading:
    at = AT + timedelta(seconds=number)
    return Reading("urn:dev:ops:box-1", "1-0:1.8.0*255", at, Decimal(number), "Wh", None, quality, clock)


PACKS = [
    (1, 1000, [reading(1, DOUBTFUL, ClockSource.RECEIVED), reading(1)]),
    (2, 1000, [reading(2)]),
    (3, None, [reading(3, DOUBTFUL)]),
    (4, None, [reading(4)]),
]


def former_pack(readings: list[Reading]) -> bytes:
    """As they wrote it: at the head of a pack quality 0 and the meter's clock go without saying."""
    records, base = [], {"bmgq": 0, "bmgc": "meter"}
    for number, one in enumerate(readings):
        said = {"bmgq": one.quality.value, "bmgc": one.clock.value}
        changed = {key: value for key, value in said.items() if base[key] != value}
        base |= changed
        assert one.at is not None
        head = {-1: 26, -2: "urn:dev:ops:box-1:", -3: int(one.at.timestamp())} if number == 0 else {}
        records.append(head | changed | {0: "1-0:1.8.0", 1: "Wh", 2: one.value})
    return bytes(cbor2.dumps(records))


def former_outbox(path: Path) -> None:
    connection = sqlite3.connect(path / "outbox.db")
    connection.executescript(TABLES)
    for number, batch, readings in PACKS:
        nonce = bytes(11) + bytes([number])
        bound = f"metergate-edge outbox 1 box-1 {number}".encode()
        sealed = nonce + AESGCM(KEY).encrypt(nonce, former_pack(readings), bound)
        connection.execute("INSERT INTO packs VALUES (?, ?, ?, ?)", (number, batch, len(readings), sealed))
    connection.commit()
    connection.close()


def test_what_a_former_box_kept_is_delivered_under_the_same_sequences(tmp_path: Path) -> None:
    former_outbox(tmp_path)
    outbox = open_outbox(tmp_path)
    assert outbox.counters == {"TITLE": 41}
    assert outbox.counts() == Counts(5, 0, 7)
    outbox.put([entry(42)])
    repeated = outbox.next_batch(100)
    assert repeated is not None
    assert (repeated.sequence, repeated.content_type) == (1000, senml.CBOR)
    assert readings_of(repeated) == [*PACKS[0][2], *PACKS[1][2]]
    outbox.close()
    again = open_outbox(tmp_path)
    assert again.next_batch(100) == repeated
    again.acknowledge(1000)
    following = again.next_batch(100)
    assert following is not None
    assert (following.sequence, readings_of(following)) == (1001, [*PACKS[2][2], *PACKS[3][2]])
    again.acknowledge(1001)
    newest = again.next_batch(100)
    assert newest is not None
    assert (newest.sequence, newest.content_type, values(newest)) == (1002, senml.JSON, [42])
    again.acknowledge(1002)
    assert again.counts() == Counts(0, 0, 7)
    again.close()


def test_what_a_former_box_kept_is_dropped_first_when_there_is_no_room(tmp_path: Path) -> None:
    former_outbox(tmp_path)
    outbox = open_outbox(tmp_path, max_readings=3)
    assert outbox.put([entry(42)]) == 3
    following = outbox.next_batch(100)
    assert values(following) == [3, 4]
    assert outbox.counts() == Counts(3, 0, 10)
    outbox.close()


def test_what_a_former_box_kept_and_nobody_can_read_any_more_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former_outbox(tmp_path)
    outbox = open_outbox(tmp_path)
    outbox.put([entry(42)])

    def unreadable(_: bytes) -> senml.Piece:
        raise SenmlError("the unit is not known")

    monkeypatch.setattr(former, "piece", unreadable)
    for _ in range(2):
        with pytest.raises(StoreError, match="the unit is not known"):
            outbox.next_batch(100)
    assert outbox.counts() == Counts(1, 5, 7)
    newest = outbox.next_batch(100)
    assert newest is not None
    assert values(newest) == [42]
    outbox.close()
