"""The sealed outbox: nothing kept is lost, nothing acknowledged stays, nothing is read without the key."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.database import Database
from edge.errors import StoreError
from edge.outbox import Counts, EdgeOutbox, OutboxEntry, PackedBatch
from edge.packing import Packing
from meter_driver import senml
from meter_driver.reading import Reading

KEY = bytes(range(32))
NOTHING = senml.Piece()
AT = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)


def entry(number: int, readings: int = 1, content_type: str = senml.JSON) -> OutboxEntry:
    at = AT + timedelta(seconds=number)
    reading = Reading("urn:dev:ops:box-1", "1-0:1.8.0*255", at, Decimal(number), "Wh")
    return OutboxEntry(piece_of([reading] * readings, content_type), "TITLE", number)


def piece_of(readings: Sequence[Reading], content_type: str = senml.JSON) -> senml.Piece:
    packing = Packing(content_type)
    assert all(packing.add(reading) for reading in readings)
    return packing.piece()


def readings_of(batch: PackedBatch | None) -> list[Reading]:
    assert batch is not None
    pack = senml.parse(batch.text, batch.content_type)
    assert (pack.errors, pack.records) == ([], batch.readings)
    return pack.readings


def open_outbox(path: Path, *, key: bytes = KEY, max_readings: int = 1000, max_bytes: int | None = None) -> EdgeOutbox:
    database = Database(path / "outbox.db", max_bytes=max_bytes)
    return EdgeOutbox(database, key, "box-1", first_sequence=1000, max_readings=max_readings)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[EdgeOutbox]:
    opened = open_outbox(tmp_path)
    yield opened
    opened.close()


def values(batch: PackedBatch | None) -> list[int]:
    return [int(Decimal(reading.value)) for reading in readings_of(batch)]


def test_what_was_put_comes_back_in_order_and_goes_when_acknowledged(outbox: EdgeOutbox) -> None:
    outbox.put([entry(1, 2), entry(2)])
    batch = outbox.next_batch(100)
    assert values(batch) == [1, 1, 2]
    assert batch is not None
    first = readings_of(batch)[0]
    assert (first.meter, first.at, first.unit) == ("urn:dev:ops:box-1", AT + timedelta(seconds=1), "Wh")
    assert batch.sequence == 1000
    outbox.acknowledge(1000)
    assert outbox.next_batch(100) is None
    assert outbox.counts() == Counts(0, 0, 0)


def test_a_batch_holds_the_same_readings_whenever_it_is_asked_for(tmp_path: Path) -> None:
    first = open_outbox(tmp_path)
    first.put([entry(1)])
    batch = first.next_batch(100)
    first.put([entry(2)])
    first.close()
    again = open_outbox(tmp_path)
    assert again.next_batch(100) == batch
    again.acknowledge(1000)
    assert values(again.next_batch(100)) == [2]
    again.close()


def test_a_batch_ends_at_its_limit_but_never_cuts_a_telegram(outbox: EdgeOutbox) -> None:
    outbox.put([entry(1, 3), entry(2, 3), entry(3, 20)])
    assert values(outbox.next_batch(5)) == [1] * 3
    outbox.acknowledge(1000)
    assert values(outbox.next_batch(5)) == [2] * 3
    outbox.acknowledge(1001)
    assert values(outbox.next_batch(5)) == [3] * 20


def test_a_full_outbox_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path, max_readings=4)
    outbox.put([entry(1, 2)])
    outbox.next_batch(100)
    assert outbox.put([entry(2, 2), entry(3, 1)]) == 2
    assert values(outbox.next_batch(100)) == [2, 2, 3]
    assert outbox.counts() == Counts(3, 0, 2)
    outbox.acknowledge(1000)  # the answer to what was dropped comes late
    assert outbox.counts() == Counts(3, 0, 2)
    outbox.close()


def test_a_refused_batch_is_set_aside_and_the_next_one_comes(outbox: EdgeOutbox) -> None:
    outbox.put([entry(1)])
    outbox.next_batch(100)
    outbox.put([entry(2)])
    outbox.set_aside(1000, "malformed")
    assert values(outbox.next_batch(100)) == [2]
    assert outbox.counts() == Counts(1, 1, 0)


def test_the_counter_is_kept_even_when_nothing_was_selected(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.put([OutboxEntry(NOTHING, "TITLE", 7), OutboxEntry(NOTHING, "", None), OutboxEntry(NOTHING, "TITLE", 5)])
    assert outbox.counters == {"TITLE": 7}
    assert outbox.next_batch(100) is None
    outbox.close()
    again = open_outbox(tmp_path)
    assert again.counters == {"TITLE": 7}
    again.close()


def test_nothing_is_readable_without_the_key(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.put([entry(77)])
    outbox.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"urn:dev:ops" not in stored
    assert b"1-0:1.8.0" not in stored
    assert (tmp_path / "outbox.db").stat().st_mode & 0o077 == 0


def test_a_pack_that_cannot_be_opened_is_set_aside_and_said(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.put([entry(1)])
    outbox.close()
    other = open_outbox(tmp_path, key=bytes(32))
    with pytest.raises(StoreError, match="another key"):
        other.next_batch(100)
    other.put([entry(2)])
    assert values(other.next_batch(100)) == [2]
    other.close()


def test_a_pack_cannot_take_the_place_of_another(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    outbox.put([entry(1), entry(2)])
    outbox.close()
    with sqlite3.connect(tmp_path / "outbox.db") as raw:
        raw.execute("UPDATE packs SET sealed = (SELECT sealed FROM packs WHERE id = 1) WHERE id = 2")
    raw.close()
    again = open_outbox(tmp_path)
    with pytest.raises(StoreError):
        again.next_batch(100)
    again.close()


def test_a_full_disk_keeps_what_was_there_and_raises_no_counter(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path, max_readings=10**6, max_bytes=40 * 4096)
    kept = 0
    with suppress(StoreError):
        for kept in range(1000):
            outbox.put([entry(kept, 40)])
    with pytest.raises(StoreError, match="FULL"):
        outbox.put([entry(kept, 40)])
    assert outbox.counters == {"TITLE": kept - 1}
    assert outbox.counts().waiting == kept * 40
    outbox.close()


def test_a_path_that_cannot_be_opened_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Database(tmp_path / "no" / "outbox.db")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["put", "send", "lose"]), max_size=25))
def test_every_reading_arrives_once_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    outbox = open_outbox(tmp_path_factory.mktemp("outbox"))
    gateway: dict[int, list[int]] = {}
    put = 0
    for step in [*steps, *["send"] * len(steps)]:
        if step == "put":
            outbox.put([entry(put)])
            put += 1
        elif (batch := outbox.next_batch(3)) is not None:
            assert gateway.setdefault(batch.sequence, values(batch)) == values(batch)
            if step == "send":
                outbox.acknowledge(batch.sequence)
    assert [value for _, batch in sorted(gateway.items()) for value in batch] == list(range(put))
    outbox.close()


def test_a_batch_is_sent_as_it_was_kept_to_the_last_byte(outbox: EdgeOutbox) -> None:
    entries = [entry(1, 2), entry(2)]
    outbox.put(entries)
    batch = outbox.next_batch(100)
    assert batch == PackedBatch(1000, 3, senml.JSON, senml.join([entry.piece for entry in entries]))


def test_a_batch_has_one_form_even_when_the_settings_change(outbox: EdgeOutbox) -> None:
    outbox.put([entry(1), entry(2), entry(3, content_type=senml.CBOR), entry(4)])
    seen = []
    while (batch := outbox.next_batch(100)) is not None:
        seen.append((batch.sequence, batch.content_type, values(batch)))
        outbox.acknowledge(batch.sequence)
    assert seen == [(1000, senml.JSON, [1, 2]), (1001, senml.CBOR, [3]), (1002, senml.JSON, [4])]
    assert outbox.counts() == Counts(0, 0, 0)


def test_a_batch_is_never_longer_than_a_gateway_takes(outbox: EdgeOutbox, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.put([entry(number, 10) for number in range(20)])
    monkeypatch.setattr(senml, "MAX_BODY", 3000)
    sizes = []
    while (batch := outbox.next_batch(1000)) is not None:
        sizes.append(len(batch.text))
        assert len(readings_of(batch)) == batch.readings
        outbox.acknowledge(batch.sequence)
    assert max(sizes) <= 3000
    assert len(sizes) < 20
    assert outbox.counts() == Counts(0, 0, 0)


def test_the_form_of_a_pack_cannot_be_exchanged(tmp_path: Path) -> None:
    for column, value in (("form", senml.CBOR), ("form", ""), ("version", 10)):
        folder = tmp_path / f"{column}{len(str(value))}"
        folder.mkdir()
        outbox = open_outbox(folder)
        outbox.put([entry(1)])
        outbox.close()
        with sqlite3.connect(folder / "outbox.db") as raw:
            raw.execute(f"UPDATE packs SET {column} = ?", (value,))
        raw.close()
        again = open_outbox(folder)
        with pytest.raises(StoreError):
            again.next_batch(100)
        again.close()


WRITER = """
import sys
from pathlib import Path
from tests.edge.test_outbox import entry, open_outbox, values
outbox = open_outbox(Path(sys.argv[1]), max_readings=10**6)
number = max(outbox.counters.values(), default=-1)
print("ready", flush=True)
while True:
    number += 1
    outbox.put([entry(number)])
    print("put", number, flush=True)
    if number % 3 == 2:
        batch = outbox.next_batch(4)
        print("sent", batch.sequence, *values(batch), flush=True)
        outbox.acknowledge(batch.sequence)
        print("acknowledged", batch.sequence, flush=True)
"""


def test_killed_at_any_point_it_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    """A telegram that was put is either at the gateway or still waiting; a counter is never behind a reading."""
    put: set[int] = set()
    gateway: dict[int, list[int]] = {}
    acknowledged: set[int] = set()
    for round_ in range(5):
        lines = _killed(tmp_path, after=3 + 7 * round_)
        for words in lines:
            if words[0] == "put":
                put.add(int(words[1]))
            elif words[0] == "sent":
                sequence, *numbers = map(int, words[1:])
                assert gateway.setdefault(sequence, numbers) == numbers
            elif words[0] == "acknowledged":
                acknowledged.add(int(words[1]))
        outbox = open_outbox(tmp_path, max_readings=10**6)
        assert outbox.counters["TITLE"] >= max(put)
        left = []
        while (batch := outbox.next_batch(10**6)) is not None:
            assert batch.sequence not in acknowledged
            assert gateway.setdefault(batch.sequence, values(batch)) == values(batch)
            left.append(batch.sequence)
            outbox.acknowledge(batch.sequence)
        acknowledged.update(left)
        arrived = [number for batch in gateway.values() for number in batch]
        assert sorted(arrived) == list(range(outbox.counters["TITLE"] + 1))
        outbox.close()


def _killed(folder: Path, *, after: int) -> list[list[str]]:
    """What a writer said until it was killed, in the middle of whatever it did after so many lines."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
    return [line.split() for line in lines if line.endswith("\n")]
