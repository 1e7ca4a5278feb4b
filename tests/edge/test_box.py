"""The whole box: telegrams on a line, readings at a gateway over TLS, and every kind of trouble in between."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from edge.assemble import open_outbox, run_box
from edge.box import NamedLink
from edge.errors import StoreError
from edge.links import Link
from edge.links.replay import ReplayLink
from edge.links.serial import SerialLink
from edge.links.tcp import TcpLink
from edge.outbox import EdgeOutbox, OutboxEntry
from edge.settings import GatewaySettings, RuleSettings, Settings
from edge.simulator import meter, street
from meter_driver import senml
from meter_driver.framing import Keys
from meter_driver.reading import Quality, Reading
from tests.edge.peer import Authority, Log, Peer, peer
from tests.meter_driver.mbus.make import ADDRESS, RECORDS, format_a, radio, short_header, wired

AUTHORITY = Authority()
START = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
POWER = "1-0:1.7.0*255"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Peer]:
    async with peer(AUTHORITY, tmp_path) as started:
        yield started


def told(gateway: Peer, folder: Path, **more: object) -> Settings:
    AUTHORITY.box(folder)
    place = GatewaySettings(gateway.url + "/ingest/senml", every=0.05)
    return Settings(str(folder), place, select=[RuleSettings(POWER)], **more)  # type: ignore[arg-type]


def recording(path: Path, *, seconds: range = range(3), counter: int = 0) -> Path:
    sender = meter(1, counter=counter)
    path.write_bytes(b"".join(sender.telegram(START + timedelta(seconds=5 * n)) for n in seconds))
    return path


KEYS = {meter(1).title.hex().upper(): Keys(meter(1).key)}


async def replay(settings: Settings, path: Path, *, keys: dict[str, Keys] = KEYS) -> Log:
    log = Log()
    async with asyncio.timeout(20):
        await run_box(settings, [NamedLink(ReplayLink(path), "line")], keys, log)
    return log


def powers(readings: list[Reading]) -> list[Decimal | str]:
    return [reading.value for reading in readings]


async def test_a_recording_is_read_and_sent_as_the_instants_that_it_is(gateway: Peer, tmp_path: Path) -> None:
    log = await replay(told(gateway, tmp_path / "box"), recording(tmp_path / "r"))
    house = meter(1).house
    assert [(r.meter, r.quantity, r.at) for r in gateway.readings] == [
        ("urn:dev:ops:box-1", POWER, START + timedelta(seconds=5 * n)) for n in range(3)
    ]
    assert powers(gateway.readings) == [max(house.watts(START + timedelta(seconds=5 * n)), 0) for n in range(3)]
    assert "clock.far-off" not in log.names()


async def test_a_replay_after_a_restart_is_refused(gateway: Peer, tmp_path: Path) -> None:
    settings = told(gateway, tmp_path / "box")
    await replay(settings, recording(tmp_path / "r"))
    log = await replay(settings, tmp_path / "r")
    assert [(words["kind"], words["count"]) for words in log.words("telegram.rejected")] == [("replay", 3)]
    assert len(gateway.readings) == 3
    await replay(settings, recording(tmp_path / "r", seconds=range(3, 5), counter=3))
    assert len(gateway.readings) == 5


@pytest.mark.parametrize(
    ("keys", "kind"), [({}, "no-key"), ({title: Keys(b"\x05" * 16) for title in KEYS}, "not-authentic")]
)
async def test_without_the_right_key_there_is_an_event_and_no_reading(
    gateway: Peer, tmp_path: Path, keys: dict[str, Keys], kind: str
) -> None:
    log = await replay(told(gateway, tmp_path / "box"), recording(tmp_path / "r"), keys=keys)
    assert {words["kind"] for words in log.words("telegram.rejected")} == {kind}
    assert gateway.requests == []


async def test_what_the_meter_calls_not_valid_stays_at_home(gateway: Peer, tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(wired(bytes.fromhex("0406000000800406A0860100")))
    settings = told(gateway, tmp_path / "box")
    log = await replay(Settings(settings.state, settings.gateway), tmp_path / "r")
    assert [(reading.quantity, reading.value) for reading in gateway.readings] == [("energy", Decimal(100_000_000))]
    assert [words["readings"] for words in log.words("readings.no-value")] == [1]


async def test_a_line_that_hums_does_not_fill_the_log(
    gateway: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line at once, one at the end: between them a second that never passes here."""
    monkeypatch.setattr("edge.rejections.SAY_EVERY", math.inf)
    (tmp_path / "r").write_bytes(b"\x55" * 50_000)
    log = await replay(told(gateway, tmp_path / "box"), tmp_path / "r")
    told_of = log.words("telegram.rejected")
    assert len(told_of) == 2
    assert sum(words["dropped"] for words in told_of) == 50_000
    assert sum(words["count"] for words in told_of) > 2


async def test_a_damaged_telegram_costs_itself_only(gateway: Peer, tmp_path: Path) -> None:
    path = recording(tmp_path / "r")
    stream = bytearray(path.read_bytes())
    stream[len(stream) // 2] ^= 0x55
    path.write_bytes(stream)
    log = await replay(told(gateway, tmp_path / "box"), path)
    assert [reading.at for reading in gateway.readings] == [START, START + timedelta(seconds=10)]
    assert log.words("telegram.rejected")
    assert repr(gateway.readings[0].value) not in repr(log.events)


async def test_the_same_counters_hold_when_nothing_is_selected(gateway: Peer, tmp_path: Path) -> None:
    settings = told(gateway, tmp_path / "box")
    await replay(Settings(settings.state, settings.gateway, select=[]), recording(tmp_path / "r"))
    log = await replay(settings, tmp_path / "r")
    assert gateway.requests == []
    assert sum(words["count"] for words in log.words("telegram.rejected")) == 3


async def test_a_gateway_that_was_away_gets_everything_later(
    gateway: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.uplink.FIRST_BATCH_WAIT", 0.01)
    gateway.script = [web.Response(status=503), "hang up", "lose the answer"]
    log = await replay(told(gateway, tmp_path / "box"), recording(tmp_path / "r"))
    assert len(gateway.readings) == 3
    assert len({sequence for sequence, _ in gateway.requests}) == 1
    assert len(log.words("uplink.failed")) == 3


async def test_what_the_disk_refused_to_the_end_is_tried_once_more_and_then_said(
    gateway: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for refusals, lost, arrived_there in ((1, [0], 3), (2, [0, 3], 0)):
        calls, put = [0], EdgeOutbox.put

        def full(
            self: EdgeOutbox,
            entries: list[OutboxEntry],
            calls: list[int] = calls,
            refusals: int = refusals,
            put: Any = put,
        ) -> int:
            calls[0] += 1
            if calls[0] <= refusals:
                raise StoreError("the outbox: SQLITE_FULL")
            return int(put(self, entries))

        with monkeypatch.context() as patched:
            patched.setattr(EdgeOutbox, "put", full)
            before = len(gateway.readings)
            log = await replay(told(gateway, tmp_path / f"box-{refusals}"), recording(tmp_path / "r"))
        assert [words["lost"] for words in log.words("outbox.failed")] == lost
        assert len(gateway.readings) - before == arrived_there


async def test_of_the_meters_on_the_air_only_those_that_are_named_are_read(gateway: Peer, tmp_path: Path) -> None:
    neighbour = bytes.fromhex("2d2c999999991b16")
    air = [radio(short_header(RECORDS), address=sender) for sender in (ADDRESS, neighbour)]
    (tmp_path / "air").write_bytes(b"".join(format_a(frame) for frame in air))
    log = Log()
    line = NamedLink(ReplayLink(tmp_path / "air"), "air", meters={"12345678": "water"})
    async with asyncio.timeout(20):
        await run_box(replace(told(gateway, tmp_path / "box"), select=[RuleSettings()]), [line], {}, log)
    assert {reading.meter for reading in gateway.readings} == {"urn:dev:ops:box-1_water"}
    assert "volume_flow" in {reading.quantity for reading in gateway.readings}
    assert [(f["kind"], f["count"]) for e, f in log.events if e == "telegram.rejected"] == [("foreign", 1)]
    assert "99999999" not in str(log.events)


async def test_a_box_told_to_end_finishes_what_it_writes(
    gateway: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on, put = threading.Event(), threading.Event(), EdgeOutbox.put

    def slow(self: EdgeOutbox, entries: list[OutboxEntry]) -> int:
        begun.set()
        goes_on.wait(10)
        return put(self, entries)

    monkeypatch.setattr(EdgeOutbox, "put", slow)
    settings = told(gateway, tmp_path / "box")
    async with asyncio.TaskGroup() as group:
        line = NamedLink(ReplayLink(recording(tmp_path / "r")), "line")
        task = group.create_task(run_box(settings, [line], KEYS, Log()))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
        goes_on.set()
    outbox = open_outbox(tmp_path / "box", "box-1", max_readings=1000)
    assert outbox.counts().waiting == 3
    assert list(outbox.counters.values()) == [3]
    outbox.close()


async def test_a_full_disk_is_said_and_nothing_is_lost_when_there_is_room_again(
    gateway: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, put = [False], EdgeOutbox.put

    def full(self: EdgeOutbox, entries: list[object]) -> int:
        if not room[0]:
            room[0] = len(entries) >= 2
            raise StoreError("the outbox: SQLITE_FULL")
        return put(self, entries)  # type: ignore[arg-type]

    monkeypatch.setattr(EdgeOutbox, "put", full)
    monkeypatch.setattr("edge.links.CHUNK", 100)
    log = await replay(told(gateway, tmp_path / "box"), recording(tmp_path / "r", seconds=range(5)))
    assert [words["reason"] for words in log.words("outbox.failed")] == ["the outbox: SQLITE_FULL"] * 2
    assert len(gateway.readings) == 5


@asynccontextmanager
async def running(settings: Settings, links: list[Link], keys: dict[str, Keys], log: Log) -> AsyncIterator[None]:
    lines = [NamedLink(link, f"line-{number}", f"{number}" if number else "") for number, link in enumerate(links)]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run_box(settings, lines, keys, log))
        try:
            async with asyncio.timeout(20):
                if all(isinstance(link, SerialLink) for link in links):
                    await log.heard("link.open", len(links))
                yield
        finally:
            task.cancel()


async def test_meters_on_serial_ports_reach_the_gateway(gateway: Peer, tmp_path: Path) -> None:
    log = Log()
    now = datetime.now(UTC).replace(microsecond=0)
    with street(2) as two:
        links: list[Link] = [SerialLink(port) for port in two.ports]
        async with running(told(gateway, tmp_path / "box"), links, two.keys, log):
            await two.play(now, count=4, step=timedelta(seconds=5), cadence=0.0)
            await gateway.has(readings=8)
    assert {reading.meter for reading in gateway.readings} == {"urn:dev:ops:box-1", "urn:dev:ops:box-1_1"}
    assert all(Quality.CLOCK_DOUBTFUL not in reading.quality for reading in gateway.readings)


async def test_a_meter_with_a_wrong_clock_is_flagged_once_in_the_log(gateway: Peer, tmp_path: Path) -> None:
    log = Log()
    with street(1) as one:
        async with running(told(gateway, tmp_path / "box"), [SerialLink(one.ports[0])], one.keys, log):
            await one.play(START, count=3, step=timedelta(seconds=5), cadence=0.0)
            await gateway.has(readings=3)
    assert all(Quality.CLOCK_DOUBTFUL in reading.quality for reading in gateway.readings)
    assert len(log.words("clock.far-off")) == 1


async def test_a_line_that_breaks_is_opened_again(
    gateway: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.uplink.FIRST_BATCH_WAIT", 0.01)
    sender, log = meter(1), Log()
    sent = iter(range(100))

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sender.telegram(START + timedelta(seconds=5 * next(sent))))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, running(told(gateway, tmp_path / "box"), [TcpLink("127.0.0.1", port)], KEYS, log):
        await gateway.has(readings=3)
    assert log.words("link.lost")


async def test_a_port_that_is_not_there_is_said_and_tried_again(gateway: Peer, tmp_path: Path) -> None:
    log = Log()
    async with running(told(gateway, tmp_path / "box"), [TcpLink("127.0.0.1", 1)], {}, log):
        await log.heard("link.lost")
    assert log.words("link.lost")[0]["reason"] == "ConnectionRefusedError"


async def test_a_terminal_takes_more_than_its_buffer_while_somebody_reads() -> None:
    same = meter(1)
    wanted = b"".join(same.telegram(START + timedelta(seconds=5 * n)) for n in range(40))
    opened, got = asyncio.Event(), bytearray()
    with street(1) as one:

        async def play() -> None:
            await opened.wait()
            await one.play(START, count=40, step=timedelta(seconds=5), cadence=0.0)

        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(play())
            async with aclosing(SerialLink(one.ports[0]).bytes(opened.set)) as stream:
                while len(got) < len(wanted):
                    got += await anext(stream)
    assert got == wanted
    assert len(wanted) > 4096


async def test_a_reading_is_written_once_on_its_way(
    gateway: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the telegram to the request: also when the gateway does not take it at first."""
    monkeypatch.setattr("edge.uplink.FIRST_BATCH_WAIT", 0.01)
    written: list[Reading] = []
    add = senml.Writer.add

    def counted(self: senml.Writer, reading: Reading) -> None:
        written.append(reading)
        add(self, reading)

    monkeypatch.setattr(senml.Writer, "add", counted)
    gateway.script = [web.Response(status=503), "lose the answer"]
    await replay(told(gateway, tmp_path / "box"), recording(tmp_path / "r"))
    assert gateway.readings == written
    assert len(written) == 3
    assert len({body for _, body in gateway.requests}) == 1
