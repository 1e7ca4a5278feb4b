"""A box that starts in the past: what it dated is held, and dated by the time since then once its clock is right."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edge.box import EdgeBox, NamedLink
from edge.clock import STEP, BoxClock, Reckoning, moved, since_start
from edge.errors import StoreError
from edge.links import Opened
from edge.meters import MeterModules
from edge.outbox import Counts, EdgeOutbox, OutboxEntry
from edge.select import Selection, SelectionRule
from meter_driver import senml
from meter_driver.framing import Keys
from meter_driver.intervals import micros
from meter_driver.reading import ClockSource, Quality, Reading
from tests.edge.peer import Log
from tests.edge.test_outbox import AT, open_outbox, piece_of, readings_of
from tests.meter_driver.mbus.make import wired
from tests.meter_driver.p1.make import telegram

RIGHT = datetime(2026, 1, 2, 11, 0, tzinfo=UTC)
BEGIN = RIGHT - timedelta(days=30)
"""Of the certificate."""
SECOND = 1_000_000
WATER = wired(bytes.fromhex("0406E8030000"))
"""Without a clock."""


class Machine:
    """A machine that was started in 1970; ``set_right`` is what the network does."""

    def __init__(self) -> None:
        self.wall, self.elapsed = datetime(1970, 1, 1, tzinfo=UTC), 0

    def clock(self) -> BoxClock:
        return BoxClock(lambda: self.wall, lambda: self.elapsed, not_before=BEGIN)

    def passes(self, seconds: int) -> None:
        self.wall += timedelta(seconds=seconds)
        self.elapsed += seconds * SECOND

    def set(self, wall: datetime) -> None:
        self.wall = wall


class Script:
    """Live; between two pieces the test does something. It ends with the machine's line."""

    live = True

    def __init__(self, script: list[Any]) -> None:
        self._script = script

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        opened()
        for step in self._script:
            if isinstance(step, bytes):
                yield step
                yield b""
            else:
                step()
        self.live = False


class Still:
    """An uplink that sends nothing: what it would send is asked of the outbox."""

    def wake(self) -> None:
        pass

    async def run(self, last: asyncio.Event) -> None:
        await last.wait()


async def play(outbox: EdgeOutbox, machine: Machine, script: list[Any]) -> Log:
    log = Log()
    box = EdgeBox(
        "box-1", [NamedLink(Script(script), "line")], outbox, Still(), keys=lambda _: Keys(), meters=MeterModules(),  # type: ignore[arg-type]
        selection=Selection.of([SelectionRule("*")]), clock=machine.clock(), jitter=lambda: 0.0, log=log,
    )  # fmt: skip
    await box.run()
    return log


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[EdgeOutbox]:
    opened = open_outbox(tmp_path)
    yield opened
    opened.close()


async def test_what_came_before_the_clock_was_right_is_dated_when_it_is(outbox: EdgeOutbox) -> None:
    machine = Machine()

    def network() -> None:
        assert outbox.next_batch(100) is None
        assert outbox.counts() == Counts(2, 0, 0)
        machine.passes(100)
        machine.set(RIGHT)

    log = await play(outbox, machine, [WATER, lambda: machine.passes(60), WATER, network, WATER])
    found = readings_of(outbox.next_batch(100))
    assert [reading.at for reading in found] == [RIGHT - timedelta(seconds=s) for s in (160, 100, 0)]
    assert {reading.clock for reading in found} == {ClockSource.RECEIVED}
    assert [name for name in log.names() if name.startswith(("clock", "outbox"))] == [
        "clock.wrong", "clock.set", "outbox.dated",
    ]  # fmt: skip


async def test_a_meter_with_a_clock_is_sent_at_once_and_not_doubted(outbox: EdgeOutbox) -> None:
    log = await play(outbox, Machine(), [telegram()])
    found = readings_of(outbox.next_batch(100))
    assert {reading.clock for reading in found} == {ClockSource.METER}
    assert "clock.far-off" not in log.names()
    assert not any(Quality.CLOCK_DOUBTFUL in reading.quality for reading in found)


async def test_a_clock_that_is_set_while_it_seems_right_dates_anew_what_is_in_no_batch(outbox: EdgeOutbox) -> None:
    machine = Machine()
    machine.set(RIGHT - timedelta(hours=2))

    def sent() -> None:
        assert outbox.next_batch(100) is not None

    def network() -> None:
        machine.passes(10)
        machine.set(RIGHT)

    await play(outbox, machine, [WATER, sent, lambda: machine.passes(10), WATER, network, WATER])
    first = outbox.next_batch(100)
    assert first is not None
    assert [reading.at for reading in readings_of(first)] == [RIGHT - timedelta(hours=2)]
    outbox.acknowledge(first.sequence)
    assert [r.at for r in readings_of(outbox.next_batch(100))] == [RIGHT - timedelta(seconds=10), RIGHT]


async def test_what_is_held_at_a_restart_can_never_be_dated_and_is_dropped_by_name(tmp_path: Path) -> None:
    first = open_outbox(tmp_path)
    await play(first, Machine(), [WATER, telegram()])
    first.close()
    again = open_outbox(tmp_path)
    assert again.counts().dropped == 0
    assert again.begin() == 1
    assert again.begin() == 0
    kept = readings_of(again.next_batch(100))
    assert {reading.clock for reading in kept} == {ClockSource.METER}
    assert again.counts() == Counts(len(kept), 0, 1)
    again.close()


def entry(number: int, dated: Reckoning) -> OutboxEntry:
    at = AT + timedelta(seconds=number)
    one = Reading("urn:dev:ops:box-1", "volume", at, Decimal(number), "m3", clock=ClockSource.RECEIVED)
    return OutboxEntry(piece_of([one]), dated=dated)


def test_dating_goes_on_after_a_failure_and_nothing_is_dated_twice(
    outbox: EdgeOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.outbox._AT_ONCE", 2)
    outbox.put([entry(number, Reckoning(0, right=False)) for number in range(5)])
    calls: list[int] = []

    def breaks(piece: senml.Piece, by: int) -> senml.Piece:
        calls.append(by)
        if len(calls) == 4:
            raise StoreError("the disk")
        return moved(piece, by)

    monkeypatch.setattr("edge.outbox.moved", breaks)
    now = Reckoning(3600 * SECOND)
    with pytest.raises(StoreError):
        outbox.date(now)
    assert outbox.date(now) == 3
    assert outbox.date(now) == 0
    dated = [AT + timedelta(seconds=number + 3600) for number in range(5)]
    assert [reading.at for reading in readings_of(outbox.next_batch(100))] == dated


def test_held_readings_are_sealed_bounded_and_let_others_pass(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path, max_readings=3)
    held = Reckoning(0, right=False)
    assert outbox.put([entry(1, held), entry(2, Reckoning(0)), entry(3, held)]) == 0
    assert [reading.value for reading in readings_of(outbox.next_batch(100))] == [2]
    assert b"volume" not in (tmp_path / "outbox.db").read_bytes()
    assert outbox.put([entry(4, held)]) == 1
    assert outbox.counts() == Counts(3, 0, 1)
    outbox.close()


@pytest.mark.parametrize("form", [senml.JSON, senml.CBOR])
def test_only_what_the_box_dated_is_moved_with_its_begin(form: str) -> None:
    def one(clock: ClockSource, at: datetime) -> Reading:
        return Reading(
            "urn:dev:ops:b", "1-0:1.29.0*255", at, Decimal("1.5"), "kWh", at - timedelta(minutes=1), clock=clock
        )

    piece = piece_of([one(ClockSource.RECEIVED, AT), one(ClockSource.METER, AT)], form)
    there = moved(piece, 5 * SECOND)
    assert (there.records, there.version) == (piece.records, piece.version)
    later = AT + timedelta(seconds=5)
    expected = [one(ClockSource.RECEIVED, later), one(ClockSource.METER, AT)]
    assert senml.parse(senml.join([there]), form).readings == expected


def test_a_clock_that_is_only_made_faster_was_not_set() -> None:
    machine = Machine()
    machine.set(RIGHT)
    clock = machine.clock()
    for drift, is_set in ((0, False), (STEP, False), (STEP + 1, True), (-STEP - 1, True)):
        machine.set(machine.wall + timedelta(microseconds=drift))
        wall, now = clock.now()
        assert (wall, now) == (machine.wall, Reckoning(micros(machine.wall)))
        assert clock.changed(now) is is_set


def test_the_time_since_the_start_goes_on() -> None:
    assert 0 < since_start() <= since_start()
