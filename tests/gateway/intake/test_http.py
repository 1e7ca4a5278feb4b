"""POST /ingest/senml over a real socket: acknowledged, refused by index, bounded."""

import json
import threading
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from adapters.plugin import CALLER, Batch, Caller, IntakeAnswer
from gateway.errors import StoreFull
from gateway.intake import http as ingest
from gateway.intake.labels import Taking
from gateway.registry.meter_records import Reader
from gateway.registry.meters import Meters
from gateway.registry.tenancy_records import Tenancy
from gateway.serve.problems import Problem, answer
from meter_driver import senml
from policies.roles import Role
from policies.terms import SubjectId
from tests.gateway.vault.safe import ANNA, NOON, Safe, opened

METER = "urn:dev:ops:box-1:"
NOW = int(NOON.timestamp())


class Registry:
    """One box that may send anything; another one."""

    def subject_of(self, box_id: str, base_name: str) -> SubjectId | None:
        mine = base_name in ("urn:dev:ops:box-1", "urn:dev:ops:box-2", "urn:dev:ops:own")
        return ANNA if box_id == "box-1" and mine else None

    def has(self, box_id: str) -> bool:
        return box_id in ("box-1", "box-2")


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[Safe]:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        yield safe


class Homes:
    """Anna moved in two hours ago."""

    def get(self, subject: SubjectId) -> Tenancy | None:
        start = NOON - timedelta(hours=2)
        return Tenancy(subject, "", "", "household", start, moved_in=start)


class Unmet(Meters):
    """Each meter by its component, without a store."""

    def __init__(self) -> None:
        self.asked: list[Reader] = []

    def known(self, household: SubjectId, reader: Reader) -> str | None:
        return None

    async def meet(self, household: SubjectId, reader: Reader) -> str:
        self.asked.append(reader)
        return reader.component or "main"


def client_of(intake: Taking, meters: Meters) -> "TestClient[web.Request, web.Application]":
    (route,) = ingest.routes(intake, Registry(), meters, Homes(), lambda: NOON)

    async def handle(request: web.Request) -> web.StreamResponse:
        request[CALLER] = Caller(Role.BOX, "box-1")
        try:
            return await route.handler(request)
        except Problem as problem:
            return answer(problem)

    app = web.Application(client_max_size=route.max_body)
    app.router.add_route(route.verb, route.path, handle)
    return TestClient(TestServer(app))


@pytest.fixture
async def client(safe: Safe) -> AsyncIterator["TestClient[web.Request, web.Application]"]:
    async with client_of(safe.intake, safe.meters) as client:
        yield client


def pack(*more: dict[str, Any], values: int = 3) -> list[dict[str, Any]]:
    records = [{"n": "1-0:1.8.0", "u": "kWh", "v": 100 + i, "t": i} for i in range(values)]
    return [{"bn": METER, "bt": NOW - 600, **records[0]}, *records[1:], *more]


async def post(
    client: "TestClient[web.Request, web.Application]",
    body: Any,
    sequence: str | None = "1",
    content_type: str = senml.JSON,
    deflate: bool = True,
) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": content_type}
    if sequence is not None:
        headers["Batch-Sequence"] = sequence
    if deflate:
        headers["Content-Encoding"] = "deflate"
        data = zlib.compress(data)
    async with client.post(ingest.PATH, data=data, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("deflate", [True, False])
async def test_a_batch_is_acknowledged_and_a_repetition_said(client: Any, safe: Safe, deflate: bool) -> None:
    for repeated in (False, True):
        status, said = await post(client, pack(), "12", deflate=deflate)
        assert (status, said) == (200, {"sequence": 12, "accepted": 3, "refused": [], "repeated": repeated})
    assert len(await safe.values(ANNA)) == 3
    assert [meter.how for meter in await safe.meters.of(ANNA)] == ["seen"]


async def test_records_are_refused_by_their_index_in_the_pack(client: Any) -> None:
    bad = [
        {"n": "1-0:1.8.0", "u": "nonsense", "v": 1},
        {"n": "1-0:1.8.0", "u": "kWh", "v": 1, "t": 7200},
        {"bn": "urn:dev:ops:box-2:", "n": "1-0:1.8.0", "u": "kWh", "v": 1},
        {"bn": METER, "n": "1-0:2.8.0", "u": "kWh", "v": 5},
        {"bn": "urn:dev:ops:own:", "n": "1-0:2.8.0", "u": "kWh", "v": 5},
    ]
    status, said = await post(client, pack(*bad))
    assert status == 200
    assert said["accepted"] == 5
    assert [(r["index"], r["reason"]) for r in said["refused"]] == [(3, "senml"), (4, "clock"), (5, "unknown-meter")]


@pytest.mark.parametrize(
    ("body", "change", "status", "reason"),
    [
        (json.dumps(pack()).encode()[:40], {}, 400, "malformed"),
        (b"", {}, 400, "malformed"),
        (pack(), {"sequence": None}, 400, "sequence"),
        (pack(), {"sequence": "-1"}, 400, "sequence"),
        (pack(), {"sequence": "9" * 30}, 400, "sequence"),
        (pack(), {"sequence": "9" * 19}, 400, "malformed"),
        (pack(), {"content_type": "application/json"}, 415, "media-type"),
    ],
)
async def test_a_batch_that_cannot_be_read_is_a_problem(
    client: Any, body: Any, change: dict[str, Any], status: int, reason: str
) -> None:
    found, said = await post(client, body, **change)
    assert (found, said["reason"]) == (status, reason)


@pytest.mark.parametrize("data", [b"\x78\x9c\xff\xff\xff", zlib.compress(b"[" * 100_000)[:-20]])
async def test_a_body_that_does_not_inflate_is_malformed(client: Any, data: bytes) -> None:
    headers = {"Content-Type": senml.JSON, "Batch-Sequence": "1", "Content-Encoding": "deflate"}
    async with client.post(ingest.PATH, data=data, headers=headers) as response:
        assert response.status == 400


async def test_a_bomb_is_too_large_however_small_it_came(client: Any) -> None:
    bomb = zlib.compress(b" " * (64 << 20))
    assert len(bomb) < 70_000
    headers = {"Content-Type": senml.JSON, "Batch-Sequence": "1", "Content-Encoding": "deflate"}
    async with client.post(ingest.PATH, data=bomb, headers=headers) as response:
        assert response.status == 413


async def test_a_large_pack_is_read_beside_the_loop_and_a_small_one_on_it(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse, there = senml.parse, []

    def noted(*given: Any) -> senml.Pack:
        there.append(threading.current_thread() is threading.main_thread())
        return parse(*given)

    monkeypatch.setattr(senml, "parse", noted)
    for values in (3, 2000):
        assert (await post(client, pack(values=values), str(values)))[0] == 200
    assert there == [True, False]


async def test_a_full_store_asks_the_box_to_come_again(safe: Safe) -> None:
    class Full:
        async def take(self, batch: Batch) -> IntakeAnswer:
            raise StoreFull

    async with client_of(Full(), safe.meters) as client:
        headers = {"Content-Type": senml.JSON, "Batch-Sequence": "1"}
        async with client.post(ingest.PATH, data=json.dumps(pack()), headers=headers) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "30")
            assert (await response.json())["reason"] == "storage-full"


async def test_what_was_taken_before_the_household_moved_in_is_refused_by_name(client: Any, safe: Safe) -> None:
    moved_in = NOW - 7200
    records = [
        {"bn": METER, "bt": moved_in, "n": "1-0:1.8.0", "u": "kWh", "v": 5, "t": -1},
        {"n": "1-0:1.8.0", "u": "kWh", "v": 6},
        {"n": "1-0:1.29.0", "u": "kWh", "v": 1, "t": 60, "mgd_": 900},
        {"n": "1-0:1.29.0", "u": "kWh", "v": 2, "t": 900, "mgd_": 900},
    ]
    status, said = await post(client, records)
    assert (status, said["accepted"]) == (200, 2)
    assert said["refused"] == [{"index": index, "reason": "before-tenancy"} for index in (0, 2)]


async def test_the_registry_hears_the_serial_number_and_the_medium_of_a_new_meter(safe: Safe) -> None:
    meters = Unmet()
    records = [
        {"bn": METER, "bt": NOW, "n": "0-0:96.7.21", "v": 5, "bmgs": "K7", "bmgm": ""},
        {"n": "1-0:1.8.0", "u": "kWh", "v": 6},
        {"n": "volume", "u": "m3", "v": 7, "bmgs": "W1", "bmgm": "cold-water"},
    ]
    async with client_of(safe.intake, meters) as client:
        assert (await post(client, records))[1]["refused"] == []
    assert [(reader.serial, reader.medium) for reader in meters.asked] == [("K7", "electricity"), ("W1", "cold-water")]


async def test_the_registry_hears_of_when_the_first_reading_of_a_new_number_is(safe: Safe) -> None:
    meters = Unmet()
    records = [
        {"bn": METER, "bt": NOW, "n": "1-0:1.8.0", "u": "kWh", "v": 5, "bmgs": "K7"},
        {"n": "1-0:1.8.0", "u": "kWh", "v": 4, "t": -3600},
    ]
    async with client_of(safe.intake, meters) as client:
        await post(client, records)
    assert [reader.at for reader in meters.asked] == [datetime.fromtimestamp(NOW - 3600, UTC)]
