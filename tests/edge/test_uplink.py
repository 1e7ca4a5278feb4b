"""Batches over real TLS: sent again until acknowledged, and never twice under another name."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from edge import tls
from edge.database import Database
from edge.errors import SettingsError, UplinkError
from edge.outbox import Counts, EdgeOutbox, OutboxEntry
from edge.uplink import FIRST_BATCH_WAIT, LONGEST_BATCH_WAIT, Uplink, wait_before
from meter_driver import senml
from meter_driver.reading import Reading
from tests.edge.peer import Authority, Log, peer
from tests.edge.test_outbox import piece_of

AT = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
AUTHORITY = Authority()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[EdgeOutbox]:
    opened = EdgeOutbox(Database(tmp_path / "outbox.db"), bytes(32), "box-1", first_sequence=5)
    opened.put([OutboxEntry(piece_of([reading(1), reading(2)]))])
    yield opened
    opened.close()


def reading(number: int) -> Reading:
    return Reading("urn:dev:ops:box-1", "1-0:1.7.0*255", AT + timedelta(seconds=number), Decimal("471142.5"), "W")


@asynccontextmanager
async def connected(
    outbox: EdgeOutbox, folder: Path, url: str, log: Log, *, expires: datetime = AT + timedelta(days=1), **more: Any
) -> AsyncIterator[Uplink]:
    connector = aiohttp.TCPConnector(ssl=tls.mutual(folder))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Uplink(
            outbox,
            session,
            url + "/ingest/senml",
            log=log,
            jitter=lambda: 0.0,
            expires=lambda: expires,
            clock=lambda: AT,
            **more,
        )


async def test_a_batch_arrives_in_the_form_in_which_it_was_kept_and_is_forgotten(
    outbox: EdgeOutbox, tmp_path: Path
) -> None:
    outbox.put([OutboxEntry(piece_of([reading(3)], senml.CBOR))])
    async with peer(AUTHORITY, tmp_path) as gateway:
        box = AUTHORITY.box(tmp_path / "box")
        async with connected(outbox, box, gateway.url, Log()) as uplink:
            assert await uplink.send_one()
            assert await uplink.send_one()
            assert not await uplink.send_one()
    assert gateway.batches == {5: [reading(1), reading(2)], 6: [reading(3)]}
    assert gateway.requests[1][1] == senml.encode([reading(3)], senml.CBOR)
    assert gateway.boxes == ["box-1"] * 2
    assert outbox.counts() == Counts(0, 0, 0)


@pytest.mark.parametrize(
    "trouble", ["hang up", "lose the answer", web.Response(status=503), web.Response(status=401),
                web.Response(text="fine"), web.json_response({"sequence": 4})]
)  # fmt: skip
async def test_what_was_not_acknowledged_comes_again_as_it_was(
    outbox: EdgeOutbox, tmp_path: Path, trouble: Any
) -> None:
    async with peer(AUTHORITY, tmp_path) as gateway:
        gateway.script = [trouble]
        async with connected(outbox, AUTHORITY.box(tmp_path / "box"), gateway.url, Log()) as uplink:
            with pytest.raises(UplinkError):
                await uplink.send_one()
            outbox.put([OutboxEntry(piece_of([reading(3)]))])
            await uplink.send_one()
            await uplink.send_one()
    repeated = gateway.requests[0]
    assert gateway.requests[:2] == [repeated, repeated]
    assert [len(readings) for readings in gateway.batches.values()] == [2, 1]


async def test_refused_records_are_named_without_their_values(outbox: EdgeOutbox, tmp_path: Path) -> None:
    log = Log()
    async with peer(AUTHORITY, tmp_path) as gateway:
        gateway.script = [[{"index": 1, "reason": "expired"}]]
        async with connected(outbox, AUTHORITY.box(tmp_path / "box"), gateway.url, log) as uplink:
            await uplink.send_one()
    assert log.words("uplink.refused") == [{"sequence": 5, "index": 1, "reason": "expired"}]
    assert "471142" not in repr(log.events)
    assert outbox.counts().waiting == 0


async def test_a_batch_that_is_refused_as_a_whole_stands_aside(outbox: EdgeOutbox, tmp_path: Path) -> None:
    log = Log()
    async with peer(AUTHORITY, tmp_path) as gateway:
        gateway.script = [web.json_response({"reason": "senml-malformed"}, status=400)]
        async with connected(outbox, AUTHORITY.box(tmp_path / "box"), gateway.url, log) as uplink:
            assert await uplink.send_one()
            outbox.put([OutboxEntry(piece_of([reading(3)]))])
            assert await uplink.send_one()
    assert log.words("uplink.batch-refused") == [{"sequence": 5, "reason": "HTTP 400 senml-malformed"}]
    assert outbox.counts() == Counts(0, 2, 0)


async def test_the_loop_backs_off_says_why_and_goes_on(
    outbox: EdgeOutbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, last = Log(), asyncio.Event()
    last.set()
    monkeypatch.setattr("edge.uplink.FIRST_BATCH_WAIT", 0.01)
    async with peer(AUTHORITY, tmp_path) as gateway:
        gateway.script = [web.Response(status=503), "hang up"]
        async with connected(outbox, AUTHORITY.box(tmp_path / "box"), gateway.url, log) as uplink:
            await uplink.run(last)
    assert [words["attempt"] for words in log.words("uplink.failed")] == [1, 2]
    assert log.words("uplink.failed")[0]["reason"] == "HTTP 503"
    assert len(gateway.readings) == 2


async def test_an_expired_certificate_is_said_and_nothing_is_lost(
    outbox: EdgeOutbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    box = AUTHORITY.box(tmp_path / "box", days=1)
    monkeypatch.setattr("edge.uplink.FIRST_BATCH_WAIT", 30.0)
    async with peer(AUTHORITY, tmp_path) as gateway:
        async with connected(outbox, box, gateway.url, log, expires=AT) as uplink:
            await _until_failed(uplink, log)
        assert gateway.requests == []
    assert log.words("uplink.failed")[0]["reason"] == "certificate-expired"
    assert outbox.counts().waiting == 2


async def test_a_gateway_under_another_authority_gets_nothing(outbox: EdgeOutbox, tmp_path: Path) -> None:
    async with peer(Authority(), tmp_path, mutual=False) as gateway:
        async with connected(outbox, AUTHORITY.box(tmp_path / "box"), gateway.url, Log()) as uplink:
            with pytest.raises(UplinkError, match="Certificate"):
                await uplink.send_one()
        assert gateway.requests == []


async def _until_failed(uplink: Uplink, log: Log) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(uplink.run())
        await log.heard("uplink.failed")
        running.cancel()


def test_a_box_that_is_not_enrolled_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        tls.mutual(tmp_path)


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_the_wait_doubles_between_its_bounds(attempt: int, jitter: float) -> None:
    wait = wait_before(attempt, jitter)
    whole = min(LONGEST_BATCH_WAIT, FIRST_BATCH_WAIT * 2 ** min(attempt - 1, 20))
    assert whole / 2 <= wait <= whole
