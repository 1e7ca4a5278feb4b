"""CPU of a box for each reading, from a decoded telegram to the body of the request, kept on the disk between.

Beside it: the same readings, named and dated already, written as packs and deflated; nothing is kept. Both in a loop
that takes turns; the outbox commits each telegram with its fsync, of which only the CPU counts.
"""

import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.measure import Figure
from edge.database import Database
from edge.outbox import EdgeOutbox, OutboxEntry
from edge.packing import Packing
from edge.prepare import prepare
from edge.select import EVERY_QUANTITY, Selection, SelectionRule
from edge.uplink import body_of
from meter_driver import decode, senml
from meter_driver.reading import Reading, Telegram
from meter_driver.simulate import MA309M, telegram

KEY, TITLE, BOX = bytes(range(16)), bytes.fromhex("4B464D1020000001"), "box-1"
TELEGRAMS, ROUNDS, BATCH = 150, 6, 2000
START, STEP = datetime(2026, 1, 2, 11, tzinfo=UTC), timedelta(seconds=5)


def measure() -> list[Figure]:
    telegrams = [_decoded(number) for number in range(TELEGRAMS)]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "outbox.db")
        with closing(EdgeOutbox(database, bytes(32), BOX, first_sequence=1)) as outbox:
            return [_figure(outbox, telegrams, kind) for kind in (senml.JSON, senml.CBOR)]


def _decoded(number: int) -> Telegram:
    values = {register.code: Decimal(index * 13 + number) for index, register in enumerate(MA309M, 7)}
    sent = telegram(at=START + number * STEP, values=values, key=KEY, system_title=TITLE, counter=number)
    return decode(sent, KEY)[0]


def _figure(outbox: EdgeOutbox, telegrams: Sequence[Telegram], kind: str) -> Figure:
    every = Selection.of([SelectionRule(EVERY_QUANTITY)])
    readings = [reading for one in telegrams for reading in every.keep(prepare(one, START, box=BOX).readings)]
    ours, floor = list[float](), list[float]()
    for number in range(ROUNDS):
        sides = [(ours, lambda: _through(outbox, telegrams, kind)), (floor, lambda: _written(readings, kind))]
        for seen, work in sides if number % 2 else sides[::-1]:
            seen.append(_cost(work, len(readings)))
    ratio = statistics.median(a / b for a, b in zip(ours, floor, strict=True))
    mine, other = (f"{statistics.median(side) * 1e6:.1f} us of CPU" for side in (ours, floor))
    name = kind.rpartition("+")[2].upper()
    beside = f"written and deflated, nothing kept: {other}"
    return Figure(f"a reading through the box, {name}", mine, beside, ratio, "less is better")


def _cost(work: Callable[[], int], readings: int) -> float:
    """CPU-seconds for each reading; all of them must come out."""
    began = time.process_time()
    if work() != readings:
        raise RuntimeError("readings are missing: a speed of nothing is no speed")
    return (time.process_time() - began) / readings


def _through(outbox: EdgeOutbox, telegrams: Sequence[Telegram], kind: str) -> int:
    selection, sent = Selection.of([SelectionRule(EVERY_QUANTITY)]), 0
    for one in telegrams:
        packing = Packing(kind)
        selection.keep(prepare(one, START, box=BOX).readings, packing.add)
        outbox.put([OutboxEntry(packing.piece(), one.system_title, one.counter)])
    while (batch := outbox.next_batch(BATCH)) is not None:
        body_of(batch)
        sent += batch.readings
        outbox.acknowledge(batch.sequence)
    return sent


def _written(readings: Sequence[Reading], kind: str) -> int:
    for begin in range(0, len(readings), BATCH):
        zlib.compress(senml.encode(readings[begin : begin + BATCH], kind), 6)
    return len(readings)
