"""What is long over is forgotten; what may still be asked for stays."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from adapters.openadr import MIGRATIONS, retention
from adapters.openadr.desk import Desk
from adapters.openadr.model import EventResponse, OptSchedule, Put, ReportRequest
from adapters.openadr.settings import read
from adapters.openadr.store import TABLES
from adapters.openadr.v2b.past import long_over
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import SqliteStore, url_of
from tests.adapters.openadr.harness import straw
from tests.adapters.openadr.ven import NOON, Table

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def table() -> Table:
    return Table()


def over(table: Table, days: float = 0) -> set[tuple[str, ...]]:
    return {record.key for record in long_over(table.machine, table.now - days * DAY)}


def asked(name: str, lasting: float, event: str = "e", begin: timedelta = -HOUR) -> ReportRequest:
    return ReportRequest(
        ven="v", id=name, event=event, specifier="s", name="n", rids=("r",), granularity=60.0, back=60.0,
        start=NOON + begin, lasting=lasting,
    )  # fmt: skip


def opted(name: str, *lasting: float, replaced: bool = False) -> OptSchedule:
    periods = tuple((NOON - HOUR, seconds) for seconds in lasting)
    return OptSchedule(ven="v", opt_id=name, scope="", opt="optOut", periods=periods, at=NOON - DAY, replaced=replaced)


def test_an_event_goes_when_its_end_is_past_and_not_before(table: Table) -> None:
    event = table.announce(ago=2 * HOUR)
    table.announce()
    assert over(table) == {(event,)}
    assert over(table, days=1.5 / 24) == set()


def test_an_event_without_an_end_stays_until_it_was_deleted_long_ago(table: Table) -> None:
    event = table.announce(ago=2 * HOUR, step="P9999Y")
    table.now += 100 * DAY
    assert over(table) == set()
    deleted = replace(table.state.events[event], cancelled=True, told=frozenset({"silent"}), modified=table.now)
    table.apply(Put(deleted), Put(asked("open", 0.0, event)))
    table.now += DAY
    assert over(table) == {(event,), ("v", "open")}
    assert over(table, days=2) == set()


def test_report_requests_and_opt_schedules_go_with_their_time(table: Table) -> None:
    for request in (asked("short", 60.0), asked("long", 7200.0), asked("open", 0.0)):
        table.apply(Put(request))
    for opt in (opted("past", 60.0, 120.0), opted("half", 60.0, 7200.0), opted("ever", 0.0)):
        table.apply(Put(opt))
    table.apply(Put(opted("former", 0.0, replaced=True)))
    assert over(table) == {("v", "short"), ("v", "past", ""), ("v", "former", "")}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    migrate(url_of(tmp_path / "openadr.sqlite"), [MIGRATIONS])
    async with SqliteStore(url_of(tmp_path / "openadr.sqlite")) as store, asyncio.TaskGroup() as group:
        writer = group.create_task(store.run())
        services = straw(store, settings={"ended_kept_days": 10}, now=NOON)
        found = Desk(services)
        await found.start()
        yield found
        writer.cancel()


async def test_a_round_deletes_in_portions_with_the_answers_and_is_durable(
    desk: Desk, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "RECORDS_AT_ONCE", 2)
    old = [table.announce(ago=11 * DAY + HOUR) for _ in range(5)]
    kept = table.announce(ago=9 * DAY)
    answers = [EventResponse(event=event, ven="v", number=0, opt="optIn", at=NOON) for event in (*old, kept)]
    await desk.commit([Put(record) for record in (*table.state.events.values(), *answers)])
    assert await retention.purge(desk) == 5
    assert await retention.purge(desk) == 0
    assert set(desk.state.events) == {kept}
    counts = [select(func.count()).select_from(t) for r, t in TABLES.items() if r.kind in ("event", "answer")]
    assert await desk.services.look(lambda connection: [connection.execute(c).scalar() for c in counts]) == [1, 1]


@pytest.mark.parametrize(
    ("setting", "rule"),
    [({"poll_evry": "PT10S"}, "poll_evry"), ({"poll_every": "10"}, "poll_every"), ({"ended_kept_days": 0}, "ended_")],
)
def test_a_setting_that_makes_no_sense_stops_the_start_with_its_name(setting: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        read(setting)
