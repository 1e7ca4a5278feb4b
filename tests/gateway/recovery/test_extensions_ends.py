"""What ended by rows of an adapter after the backup stays ended: VENs, enrolments, transfers, agreements."""

from dataclasses import replace as replaced
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.gaiax import MIGRATIONS as GAIAX
from adapters.gaiax.adapter import make_connector
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.outcome import Outcome
from adapters.gaiax.dsp.process import Agreement, Transfer
from adapters.gaiax.dsp.transfer import State
from adapters.gaiax.dsp.words import Side
from adapters.openadr import MIGRATIONS as OPENADR
from adapters.openadr.desk import Desk
from adapters.openadr.model import Drop, Put, Registration, Resource, Ven
from adapters.openadr.objects import ResourceRequest, VenRequest
from adapters.openadr.store import TABLES
from policies.terms import Recipient
from tests.gateway.house import NOON, House
from tests.gateway.recovery.lost import Lost, lost


@pytest.fixture
def here(tmp_path: Path) -> Lost:
    """With the adapters' tables."""
    return replaced(lost(tmp_path), extensions=(GAIAX, OPENADR))


def ven(name: str, household: str = "") -> Ven:
    content = VenRequest("BL_VEN_REQUEST", client_id=name, ven_name=name)
    return Ven(id=name, created=NOON, modified=NOON, owner="utility", content=content, household=household)


def resource(of: str) -> Resource:
    content = ResourceRequest("BL_RESOURCE_REQUEST", resource_name="heat pump", ven_id=of)
    return Resource(id=f"{of}-1", created=NOON, modified=NOON, owner="utility", content=content)


def registration(of: str) -> Registration:
    return Registration(ven=of, name=of, number=f"number of {of}", at=NOON, fingerprint="ab" * 32)


async def desk_of(home: House) -> Desk:
    made = Desk(home.gateway.services("openadr"))
    await made.start()
    return made


async def test_a_ven_that_was_deleted_is_gone_and_others_are_there(here: Lost) -> None:
    async with here.house() as home:
        desk = await desk_of(home)
        for name in ("left", "stays"):
            await desk.commit([Put(ven(name)), Put(resource(name)), Put(registration(name))])
        await home.gateway.backups.make(here.backup)
        await desk.commit([Drop(ven("left")), Drop(resource("left")), Put(replace(registration("left"), ending=True))])
        await desk.commit([Put(replace(ven("stays"), modified=NOON + timedelta(hours=1)))])
    here.lose()
    await here.back()
    async with here.house() as home:
        state = (await desk_of(home)).state
        assert (set(state.vens), set(state.resources)) == ({"stays"}, {"stays-1"})
        assert state.vens["stays"].modified == NOON, "what ends nothing is as it was in the backup"
        assert {name: each.ending for name, each in state.registrations.items()} == {"left": True, "stays": False}


async def test_a_ven_that_was_taken_from_a_household_is_not_given_back_to_it(here: Lost) -> None:
    async with here.house() as home:
        desk, anna = await desk_of(home), await home.household()
        await desk.commit([Put(ven("v", anna)), Put(registration("v"))])
        await home.gateway.backups.make(here.backup)
        await desk.commit([Put(ven("v"))])
        await desk.commit([Drop(registration("v"))])
    here.lose()
    await here.back()
    async with here.house() as home:
        state = (await desk_of(home)).state
        assert (state.vens["v"].household, dict(state.registrations)) == ("", {})


def transfer(pid: str) -> Transfer:
    words: dict[str, Any] = {"partner": "did:web:acme.example", "recipient": Recipient("acme"), "callback": "https://a"}
    words |= {"begun": NOON, "changed": NOON, "agreement": f"agreement of {pid}", "format": "HttpData-PULL"}
    return Transfer(pid=pid, partner_pid=f"{pid}-there", side=Side.PROVIDER, state=State.STARTED, round=1, **words)


def agreement(one: Transfer) -> Agreement:
    words: dict[str, Any] = {"partner": one.partner, "recipient": one.recipient, "dataset": "d", "policy": {}}
    return Agreement(id=one.agreement, side=Side.PROVIDER, **words)


async def begun(connector: Connector, *pids: str) -> None:
    for one in map(transfer, pids):
        await connector.act(lambda _, one=one: Outcome(one, writes=(one, agreement(one))))  # type: ignore[misc]


async def ends(connector: Connector, pid: str, state: State) -> None:
    moved = replace(transfer(pid), state=state)
    await connector.act(lambda _: Outcome(moved, writes=(moved,)), ending=True)


async def test_a_transfer_or_an_agreement_that_ended_or_was_suspended_is_not_served_again(here: Lost) -> None:
    async with here.house() as home:
        connector = make_connector(home.gateway.services("gaiax"))
        await begun(connector, "ended", "paused", "agreed", "stays")
        await home.gateway.backups.make(here.backup)
        await ends(connector, "ended", State.TERMINATED)
        await ends(connector, "paused", State.SUSPENDED)
        over = replace(agreement(transfer("agreed")), ended=NOON, why="over")
        nothing: list[Outcome[Transfer]] = []
        told: list[Outcome[Transfer]] = [Outcome(None, writes=(over,))]
        for outcomes in (told, nothing):
            await connector.act_all(lambda _, outcomes=outcomes: outcomes, ending=True)  # type: ignore[misc]
    here.lose()
    await here.back()
    async with here.house() as home:
        assert sorted(await home.store.look(store.started_transfers)) == ["agreed", "stays"]
        standing = await home.store.look(lambda c: store.live_agreements(c, Recipient("acme")))
        assert sorted(each.id for each in standing) == [f"agreement of {p}" for p in ("ended", "paused", "stays")]


async def test_many_rows_are_several_entries(here: Lost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.recovery.row_ends.KEYS_AT_ONCE", 2)
    async with here.house() as home:
        desk, names = await desk_of(home), [f"v{number}" for number in range(5)]
        await desk.commit([Put(ven(name)) for name in names])
        await home.gateway.backups.make(here.backup)
        await desk.commit([Drop(ven(name)) for name in names])
    here.lose()
    assert (await here.back()).ended == 3
    async with here.house() as home:
        table = TABLES[Ven]
        assert await home.store.look(lambda c: c.execute(table.select()).fetchall()) == []
