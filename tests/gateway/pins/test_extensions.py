"""Rows of adapters say who may as well: who writes them without keys is given nothing, at the start and in between."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import CapturingLogger, capture_logs

from adapters.gaiax import MIGRATIONS as GAIAX
from adapters.gaiax.adapter import make_connector
from adapters.gaiax.data_plane import _behind
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.outcome import Outcome
from adapters.gaiax.dsp.process import Agreement, Token, Transfer
from adapters.gaiax.dsp.transfer import State
from adapters.gaiax.dsp.words import Side
from adapters.openadr import MIGRATIONS as OPENADR
from adapters.openadr import store as vens
from adapters.openadr.desk import Desk
from adapters.openadr.model import Drop, Put, Ven
from adapters.openadr.objects import VenRequest
from gateway.errors import StoreDoubted, StoreFull
from gateway.restored import accept
from policies.terms import Recipient
from tests.gateway.house import NOON, House, clear_settings, house
from tests.gateway.pins.test_attacks import sentences
from tests.gateway.pins.thief import Row, copy_to, replace_rows, rows_of, store_of

ACME, OTHER = "did:web:acme.example", "did:web:other.example"
BOTH = (GAIAX, OPENADR)


def transfer(pid: str, state: State = State.STARTED) -> Transfer:
    words: dict[str, Any] = {"partner": ACME, "recipient": Recipient("acme"), "callback": "https://a"}
    words |= {"begun": NOON, "changed": NOON, "agreement": "agreed", "format": "HttpData-PULL"}
    return Transfer(pid=pid, partner_pid=f"{pid}-there", side=Side.PROVIDER, state=state, round=1, **words)


AGREED = Agreement(
    id="agreed", side=Side.PROVIDER, partner=ACME, recipient=Recipient("acme"), dataset="d", policy={}
)  # fmt: skip


def ven(household: str = "") -> Ven:
    content = VenRequest("BL_VEN_REQUEST", client_id="v", ven_name="v")
    return Ven(id="v", created=NOON, modified=NOON, owner="utility", content=content, household=household)


async def acts(connector: Connector, *writes: Any, ending: bool = False) -> None:
    await connector.act_all(lambda _: (Outcome(None, writes=writes),), ending=ending)


async def told(tmp_path: Path) -> tuple[Path, Path]:
    """A transfer is served, another over; a partner's key is known, another is distrusted; a VEN was enrolled."""
    folder = tmp_path / "home"
    async with house(folder, extensions=BOTH) as home:
        connector = make_connector(home.gateway.services("gaiax"))
        await acts(connector, AGREED, transfer("served"), transfer("over"))
        await acts(connector, Token(hash="1", transfer="served", round=1), Token(hash="2", transfer="over", round=1))
        await connector.services.write(lambda c: store.pin_keys(c, ACME, {"k": {}}))
        await (desk := Desk(home.gateway.services("openadr"))).start()
        await desk.commit([Put(ven("somebody"))])
    before = copy_to(folder, tmp_path / "before")
    async with house(folder, extensions=BOTH) as home:
        connector = make_connector(home.gateway.services("gaiax"))
        await acts(connector, transfer("over", State.TERMINATED), ending=True)
        await acts(connector, Agreement(**{**{f: getattr(AGREED, f) for f in AGREED.__struct_fields__}, "ended": NOON}))
        await connector.services.write(lambda c: store.distrust(c, OTHER))
        await connector.services.write(lambda c: store.pin_keys(c, OTHER, {"k": {}}))
        await connector.services.write(lambda c: store.save_token(c, Token(hash="3", transfer="served", round=1)))
        await (desk := Desk(home.gateway.services("openadr"))).start()
        await desk.commit([Put(ven())])
    return folder, before / "store.db"


Forge = Callable[[list[Row], list[Row]], Sequence[Row]]
FORGES: dict[str, Forge] = {
    "forged": lambda _, now: [*now, {**now[0], _key(now[0]): "forged"}],
    "changed": lambda _, now: [{**now[0], _last(now[0]): b"{}"}, *now[1:]],
    "deleted": lambda _, now: now[1:],
    "old": lambda was, _: was,
}


def _key(row: Row) -> str:
    return next(iter(row))


def _last(row: Row) -> str:
    return list(row)[-1]


@pytest.mark.parametrize("how", FORGES)
@pytest.mark.parametrize("table", [*(t.name for t in store.DATASPACE_GUARDED), "openadr_ven"])
async def test_a_start_is_refused_with_a_sentence_where_an_adapters_rows_of_who_may_are_not_its_own(
    tmp_path: Path, table: str, how: str
) -> None:
    folder, before = await told(tmp_path)
    replace_rows(folder, table, FORGES[how](rows_of(before, table), rows_of(store_of(folder), table)))
    with pytest.raises((StoreDoubted, ExceptionGroup)) as stopped:
        async with house(folder, extensions=BOTH):
            pass
    (sentence,) = sentences(stopped.value)
    assert sentence.startswith(f"the store was altered: it does not match its keys (in {table}): ")


async def test_an_untouched_store_starts_again_and_what_was_written_is_believed(tmp_path: Path) -> None:
    folder, _ = await told(tmp_path)
    for _ in range(2):
        async with house(folder, extensions=BOTH) as home:
            connector = make_connector(home.gateway.services("gaiax"))
            assert await connector.services.look(store.started_transfers) == {"served": 1}
            assert await connector.services.look(store.all_distrusted) == {OTHER}
            assert home.gateway.pins.faults == []


def forged_live(home: House, statement: str) -> None:
    with closing(sqlite3.connect(store_of(home.gateway.settings.data.parent))) as db, db:
        db.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO dsp_token (hash, transfer, round) VALUES ('forged', 'served', 1)",
        "UPDATE dsp_process SET recipient = 'thief' WHERE pid = 'served'",
        "UPDATE dsp_agreement SET body = '{}'",
    ],
)
async def test_while_it_serves_a_row_that_somebody_else_wrote_opens_nothing_and_is_said(
    tmp_path: Path, statement: str
) -> None:
    folder, _ = await told(tmp_path)
    with capture_logs() as said:
        async with house(folder, extensions=BOTH) as home:
            services = home.gateway.services("gaiax")
            assert await services.look(lambda c: _behind(c, "1", "served")) is not None
            before = copy_to(folder, tmp_path / "as it was")
            forged_live(home, statement)
            token = "forged" if "token" in statement else "1"
            assert await services.look(lambda c: _behind(c, token, "served")) is None
            assert len(home.gateway.pins.faults) == 1
            for table in ("dsp_token", "dsp_process", "dsp_agreement"):
                replace_rows(folder, table, rows_of(before / "store.db", table))
    assert len([line for line in said if line["event"] == "rows.not_believed"]) == 1


async def test_a_key_and_a_distrust_of_somebody_elses_hand_are_not_there(tmp_path: Path) -> None:
    folder, _ = await told(tmp_path)
    async with house(folder, extensions=BOTH) as home:
        services = home.gateway.services("gaiax")
        forged_live(home, "INSERT INTO dsp_key (did, keys) VALUES ('did:web:thief', '{\"k\": {}}')")
        assert await services.look(lambda c: store.pinned_keys(c, "did:web:thief")) is None
        assert await services.look(lambda c: store.pinned_keys(c, ACME)) == {"k": {}}
        forged_live(home, "DELETE FROM dsp_key WHERE did = 'did:web:thief'")


async def test_what_went_is_not_believed_when_it_comes_back_by_another_hand(tmp_path: Path) -> None:
    folder, _ = await told(tmp_path)
    async with house(folder, extensions=BOTH) as home:
        services, pins = home.gateway.services("gaiax"), home.gateway.pins
        await services.write(lambda c: store.trust(c, OTHER))
        await services.write(lambda c: store.distrust(c, OTHER))
        for _ in range(3):
            pins._marks.forget()
        assert await services.look(store.all_distrusted) == {OTHER}, "it came back by its own"
        await services.write(lambda c: store.trust(c, OTHER))
        for _ in range(2):
            pins._marks.forget()
        forged_live(home, f"INSERT INTO dsp_distrusted (did) VALUES ('{OTHER}')")
        assert await services.look(store.all_distrusted) == set()
        forged_live(home, "DELETE FROM dsp_distrusted")


async def test_a_write_that_fails_changes_nothing_of_what_is_believed(tmp_path: Path) -> None:
    folder, _ = await told(tmp_path)
    async with house(folder, extensions=BOTH) as home:
        services, pins = home.gateway.services("gaiax"), home.gateway.pins

        def fails(connection: Any) -> None:
            store.trust(connection, OTHER)
            store.distrust(connection, "did:web:third")
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await services.write(fails)
        for _ in range(3):
            pins._marks.forget()
        assert await services.look(store.all_distrusted) == {OTHER}
        await services.write(lambda c: store.distrust(c, "did:web:third"))
    async with house(folder, extensions=BOTH) as home:
        assert await home.gateway.services("gaiax").look(store.all_distrusted) == {OTHER, "did:web:third"}


async def test_what_ends_is_pinned_when_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = await told(tmp_path)
    async with house(folder, extensions=BOTH) as home:
        connector = make_connector(home.gateway.services("gaiax"))

        async def pin(*_: Any) -> None:
            raise StoreFull("full")

        with monkeypatch.context() as full:
            full.setattr(home.keeper, "pin", pin)
            with pytest.raises(StoreFull):
                await acts(connector, transfer("served", State.TERMINATED), ending=True)


async def test_an_operator_may_take_an_adapters_rows_as_they_lie_there(tmp_path: Path) -> None:
    folder, before = await told(tmp_path)
    replace_rows(folder, "dsp_distrusted", rows_of(before, "dsp_distrusted"))
    assert await accept(clear_settings(folder), CapturingLogger(), lambda: NOON) == {"dsp_distrusted": 0}
    async with house(folder, extensions=BOTH):
        pass


async def test_a_ven_that_somebody_wrote_into_the_store_is_nobodys(tmp_path: Path) -> None:
    folder, _ = await told(tmp_path)
    async with house(folder, extensions=BOTH) as home:
        desk = Desk(home.gateway.services("openadr"))
        forged_live(home, "UPDATE openadr_ven SET body = replace(body, '\"utility\"', '\"thief\"')")
        await desk.start()
        assert (desk.state.vens, vens.OPENADR_GUARDED[2].name) == ({}, "openadr_ven")
        forged_live(home, "UPDATE openadr_ven SET body = replace(body, '\"thief\"', '\"utility\"')")
        await desk.start()
        await desk.commit([Drop(ven())])


async def test_a_row_of_somebody_elses_hand_gives_way_to_the_extensions_own_and_is_never_taken_for_one(
    tmp_path: Path,
) -> None:
    folder, _ = await told(tmp_path)
    async with house(folder, extensions=BOTH) as home:
        services = home.gateway.services("gaiax")
        forged_live(home, "INSERT INTO dsp_key (did, keys) VALUES ('did:web:victim', CAST('{\"thief\": {}}' AS BLOB))")
        assert await services.look(lambda c: store.pinned_keys(c, "did:web:victim")) is None
        await services.write(lambda c: store.pin_keys(c, "did:web:victim", {"honest": {}}))
        assert await services.look(lambda c: store.pinned_keys(c, "did:web:victim")) == {"honest": {}}
    async with house(folder, extensions=BOTH) as home:
        kept = await home.gateway.services("gaiax").look(lambda c: store.pinned_keys(c, "did:web:victim"))
        assert (kept, home.gateway.pins.faults) == ({"honest": {}}, [])


async def test_what_an_ending_took_away_opens_nothing_the_moment_it_comes_back(tmp_path: Path) -> None:
    folder, _ = await told(tmp_path)
    async with house(folder, extensions=BOTH) as home:
        services = home.gateway.services("gaiax")
        before = copy_to(folder, tmp_path / "running")
        assert await services.look(lambda c: _behind(c, "1", "served")) is not None
        await acts(make_connector(services), transfer("served", State.TERMINATED), ending=True)
        after = copy_to(folder, tmp_path / "ended")
        for table in ("dsp_process", "dsp_token"):
            replace_rows(folder, table, rows_of(before / "store.db", table))
        assert await services.look(lambda c: _behind(c, "1", "served")) is None
        for table in ("dsp_process", "dsp_token"):
            replace_rows(folder, table, rows_of(after / "store.db", table))
