"""Thousands of VENs that are given to an organisation do not hold the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.openadr import MIGRATIONS, ownership
from adapters.openadr.desk import RECORDS_A_TURN, Desk
from adapters.openadr.model import Change, Put, Ven
from adapters.openadr.objects import VenRequest
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import SqliteStore, url_of
from tests.adapters.openadr.harness import straw
from tests.loop_turns import LoopTurns, loop_turns

THEN = datetime(2026, 3, 4, tzinfo=UTC)
MANY = 5 * RECORDS_A_TURN


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """With VENs from before owners were noted."""
    file = url_of(tmp_path / "openadr.sqlite")
    migrate(file, [MIGRATIONS])
    async with SqliteStore(file) as store, asyncio.TaskGroup() as group:
        writing = group.create_task(store.run())
        made = Desk(straw(store))
        await made.start()
        await made.commit([Put(ven(number)) for number in range(MANY)])
        yield made
        writing.cancel()


def ven(number: int) -> Ven:
    said = VenRequest(object_type="BL_VEN_REQUEST", client_id=f"c{number}", ven_name=f"v{number}")
    return Ven(id=f"id{number}", created=THEN, modified=THEN, content=said)


@pytest.mark.parametrize(
    ("owner", "name"), [("state", "_put"), ("desk", "household_of"), ("state", "ven_named"), ("module", "replace")]
)
async def test_vens_are_given_in_slices(desk: Desk, monkeypatch: pytest.MonkeyPatch, owner: str, name: str) -> None:
    place: Any = {"state": desk.state, "desk": desk, "module": ownership}[owner]
    with loop_turns() as turns:
        monkeypatch.setattr(place, name, turns.counted(getattr(place, name)))
        assert await ownership._taken(desk.state, "utility") is None
        assert await ownership._give(desk, "utility") == MANY
    assert turns.calls == MANY
    assert turns.most <= RECORDS_A_TURN
    assert desk.state.unowned() == []


async def test_who_goes_away_meanwhile_leaves_nothing_half_given(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    giving: asyncio.Future[int] | None = None
    turns, kept = LoopTurns(), desk.state.apply

    def apply(changes: Iterable[Change]) -> None:
        turns.counted(kept)(changes)
        if turns.calls == RECORDS_A_TURN:
            assert giving is not None
            giving.cancel()

    monkeypatch.setattr(desk.state, "apply", apply)
    async with asyncio.TaskGroup() as group:
        giving = group.create_task(ownership._give(desk, "utility"))
    assert giving.cancelled()
    assert desk.state.unowned() == []
    again = Desk(desk.services)
    await again.start()
    assert again.state.unowned() == []
