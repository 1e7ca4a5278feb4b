"""The test kit keeps the laws of what it stands for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Column, Connection, MetaData, String, Table
from sqlalchemy.exc import OperationalError

from adapters import openadr
from adapters.plugin import (
    CALLER,
    Adapter,
    Gone,
    InputServices,
    Later,
    Logger,
    Notice,
    OutboundError,
    ProcessorServices,
    Refused,
    Reply,
    Route,
    Services,
)
from metergate.testing.log import LogLines
from metergate.testing.parties import FakeHttp, FakeNotices, FakeSigner
from metergate.testing.services import FakeInputServices, FakeProcessorServices, FakeServices, opening
from metergate.testing.serving import calling, serve
from metergate.testing.tables import Tables
from policies.roles import Listener, Role
from policies.terms import (
    AS_RECEIVED,
    Level,
    Period,
    Portfolio,
    Pseudonym,
    Purpose,
    Recipient,
    ReleaseRequest,
    Row,
    Subject,
    SubjectId,
    Zone,
)

ENERGY = "1-0:1.8.0*255"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = Recipient("acme")
mine = Table("mine", MetaData(), Column("body", String))


def asks(subject: Subject, recipient: Recipient = ACME) -> ReleaseRequest:
    period = Period(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    purpose = Purpose.ENERGY_ADVICE
    return ReleaseRequest(recipient, purpose, subject, frozenset({ENERGY}), AS_RECEIVED, Level.INDIVIDUAL, period)


def test_every_fake_is_what_it_stands_for() -> None:
    """mypy is the judge."""
    output: Services = FakeServices()
    taking: InputServices = FakeInputServices()
    processor: ProcessorServices = FakeProcessorServices()
    log: Logger = LogLines().bind(adapter="x")
    assert (output.log, taking.log, processor.log) != (log, log, log)


async def test_own_tables_roll_back_alone_and_a_look_cannot_write() -> None:
    def spoil(connection: Connection) -> None:
        connection.execute(mine.insert().values(body="b"))
        raise KeyError

    with Tables() as tables:
        await tables.write(lambda c: mine.create(c))
        await tables.write(lambda c: c.execute(mine.insert().values(body="a")).rowcount)
        with pytest.raises(KeyError):
            await tables.write(spoil)
        assert await tables.look(lambda c: [row.body for row in c.execute(mine.select())]) == ["a"]
        with pytest.raises(OperationalError, match="readonly"):
            await tables.look(lambda c: c.execute(mine.delete()).rowcount)
        await tables.write(lambda c: c.execute(mine.delete()).rowcount)


async def test_an_adapters_revisions_are_applied_once(tmp_path: Path) -> None:
    for _ in range(2):
        with Tables(openadr.MIGRATIONS, file=tmp_path / "own.db") as tables:
            found = await tables.look(lambda c: c.exec_driver_sql("SELECT count(*) FROM openadr_event").scalar())
            assert found == 0


async def test_a_notice_is_there_if_its_write_is_and_waits_until_its_handler_is_done() -> None:
    told: list[Notice] = []

    async def handler(notice: Notice) -> None:
        told.append(notice)
        if len(told) == 1:
            raise Later("not yet")

    def spoil(connection: Connection) -> None:
        notices.put(connection, Notice("x.lost", {}))
        raise KeyError

    notices = FakeNotices()
    notices.handle({"x.told": handler})
    with Tables() as tables:
        await tables.write(lambda c: notices.put(c, Notice("x.told", {"id": "1"})))
        with pytest.raises(KeyError):
            await tables.write(spoil)
        assert await notices.deliver(tables) == 0
        assert [(n.kind, n.tries) for n in await notices.waiting(tables)] == [("x.told", 1)]
        assert await notices.deliver(tables) == 1
        assert await notices.waiting(tables) == []
    assert [n.tries for n in told] == [0, 1]


def test_the_door_gives_what_an_opening_covers_and_nothing_else() -> None:
    services = FakeServices()
    services.door.openings[ACME] = [opening("p1", {ENERGY}), opening("p2", {ENERGY}, Purpose.FORECAST)]
    services.door.places[ACME] = ["riverside"]
    for name in ("p1", "p2", "riverside"):
        services.door.rows += [Row(name, q, NOON, NOON, Decimal(1), "kWh") for q in (ENERGY, "other")]
    services.door.rows.append(Row("p1", ENERGY, NOON - timedelta(days=1), NOON, Decimal(1), "kWh"))
    asked: list[tuple[Subject, str]] = [(Pseudonym("p1"), "p1"), (Portfolio(), "p1"), (Zone("riverside"), "riverside")]
    for subject, name in asked:
        (part,) = services.door.release(asks(subject))
        assert [(row.subject, row.quantity, row.start) for row in part.rows] == [(name, ENERGY, NOON)]
    for no in (asks(Pseudonym("p2")), asks(Pseudonym("p1"), Recipient("other")), asks(Zone("hill"))):
        with pytest.raises(Refused):
            services.door.release(no)


async def test_what_is_sealed_opens_for_the_same_household_and_words_until_it_is_gone() -> None:
    services, who = FakeServices(), SubjectId("a")
    sealed = await services.seal(who, b"opt", about="1")
    assert await services.unseal(who, sealed, about="1") == b"opt"
    for other, about in ((who, "2"), (SubjectId("b"), "1")):
        with pytest.raises(ValueError, match="seal"):
            await services.unseal(other, sealed, about=about)
    services.gone.add(who)
    with pytest.raises(Gone):
        await services.unseal(who, sealed, about="1")


async def test_a_call_outside_gets_the_reply_that_is_prepared_or_none() -> None:
    http = FakeHttp()
    http.replies["https://x.example/"] = Reply(200, {}, b"a\nb\n")
    assert (await http.request("GET", "https://x.example/")).body == b"a\nb\n"
    async with http.stream("https://x.example/") as answer:
        assert [piece async for piece in answer.pieces()] == [b"a\n", b"b\n"]
    with pytest.raises(OutboundError):
        await http.request("POST", "https://y.example/", json={})
    assert [verb for verb, _, _ in http.asked] == ["GET", "GET", "POST"]


def test_a_token_is_known_by_its_key_and_type_alone() -> None:
    signer, other = FakeSigner(), FakeSigner()
    token = signer.sign({"sub": "x"}, typ="receipt+jwt")
    assert signer.verify(token, typ="receipt+jwt") == {"sub": "x"}
    assert signer.verify(token, typ="other+jwt") is None
    assert other.verify(token, typ="receipt+jwt") is None
    assert signer.verify("rubbish", typ="receipt+jwt") is None


@pytest.mark.parametrize("role", Role)
async def test_routes_are_served_to_their_roles_alone(role: Role) -> None:
    async def who(request: web.Request) -> web.Response:
        return web.Response(text=request[CALLER].id)

    routes = [
        Route(Listener.PARTNERS, verb, "/x/y", "x", who, frozenset({Role.PARTNER}), max_body=10)
        for verb in ("GET", "POST")
    ]
    async with TestClient(TestServer(serve(Adapter("x", routes)))) as client:
        mine = calling(role, "me")
        expected = 200 if role is Role.PARTNER else 401 if role is Role.ANYONE else 403
        for ask in (client.get, client.head, client.post):
            assert (await ask("/x/y", headers=mine)).status == expected
        large = await client.post("/x/y", headers=mine, data=b"x" * 11)
        assert large.status == (413 if role is Role.PARTNER else expected)
    async with TestClient(TestServer(serve(Adapter("x", routes), listener=Listener.PEOPLE))) as client:
        assert (await client.get("/x/y", headers=mine)).status == 404
