"""Opts of a household's VEN: sealed in the tables, taken in like readings, and out by the door alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.openadr.desk import Desk
from adapters.openadr.v2b.telemetry import OPT_QUANTITY
from adapters.openadr.v3.report_form import Labels, renderer
from adapters.plugin import Notice, Released
from meter_driver.reading import Reading
from policies.terms import AS_RECEIVED, Level, Purpose, Recipient, Row, SubjectId
from tests.adapters.openadr.harness import Running, running
from tests.adapters.openadr.utility import Utility, utility
from tests.adapters.openadr.ven import Reply, cancel_opt, create_opt, created_event, register, request_event

HOUSEHOLD, OTHER = SubjectId("b" * 32), SubjectId("c" * 32)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORDS = (b"optIn", b"optOut", b"holiday")


class Line:
    """A running gateway, its utility, and one VEN."""

    def __init__(self, vtn: Running, partner: Utility, folder: Path) -> None:
        self.vtn, self.partner, self.folder, self.ven = vtn, partner, folder, ""

    async def send(self, service: str, body: bytes) -> Reply:
        url = f"{self.vtn.openadr20}/OpenADR2/Simple/2.0b/{service}"
        async with self.partner.http.post(url, data=body, headers={"Content-Type": "application/xml"}) as reply:
            assert reply.status == 200
            return Reply(await reply.read())

    async def belongs_to(self, household: str) -> None:
        url = f"{self.vtn.people}/api/openadr/vens/home/household"
        headers = {"Authorization": "Operator"}
        async with self.partner.http.put(url, json={"household": household}, headers=headers) as reply:
            assert reply.status == 204

    async def join(self, household: str) -> None:
        self.ven = await self.partner.ven("home")
        await self.belongs_to(household)
        await self.send("EiRegisterParty", register("home"))

    async def opts(self, program: str = "p") -> str:
        """In and out of an event, and a schedule; the event."""
        event = await self.partner.event(await self.partner.program(program))
        for word in ("optIn", "optOut"):
            assert (await self.send("EiEvent", created_event(self.ven, (event, 0, word)))).code == "200"
        assert (await self.send("EiOpt", create_opt(self.ven, "holiday", lasting="PT1H"))).code == "200"
        return event

    async def stored(self) -> bytes:
        """Every row of answers and schedules."""
        tables = ("openadr_answer", "openadr_opt")
        found = await self.vtn.services.look(
            lambda connection: [row for each in tables for row in connection.exec_driver_sql(f"SELECT * FROM {each}")]
        )
        return repr(found).encode() if found else b""

    async def shown(self) -> Sequence[str]:
        _, reports = await self.partner.ask("GET", "/reports")
        return [r["resources"][0]["intervals"][0]["payloads"][0]["values"][0] for r in reports]

    def taken_in(self) -> list[Reading]:
        return [reading for batch in self.vtn.services.batches for _, reading in batch.readings]


@asynccontextmanager
async def line(folder: Path) -> AsyncIterator[Line]:
    async with running(folder) as vtn, utility(vtn.partners) as partner:
        yield Line(vtn, partner, folder)


async def test_the_tables_show_no_opt_of_a_household_and_it_works_on_after_a_restart(tmp_path: Path) -> None:
    async with line(tmp_path) as home:
        await home.join(HOUSEHOLD)
        event = await home.opts()
        rows = await home.stored()
        assert rows
        assert not [word for word in WORDS if word in rows]
    async with line(tmp_path) as again:
        again.ven = home.ven
        assert (await again.send("EiOpt", cancel_opt(home.ven, "holiday"))).code == "200"
        assert (await again.send("EiOpt", cancel_opt(home.ven, "holiday"))).code == "452"
        assert event in (await again.send("EiEvent", request_event(home.ven))).texts(".//ei:eventID")
        assert (await again.stored()).count(home.ven.encode()) == 1, "the answer, and no schedule"
        assert await again.shown() == []


async def test_a_household_s_opts_are_taken_in_and_an_organisation_s_are_not(tmp_path: Path) -> None:
    async with line(tmp_path) as home:
        await home.join("")
        await home.opts()
        assert home.taken_in() == []
        assert await home.shown() == ["optOut"]
        await home.belongs_to(HOUSEHOLD)
        assert await home.shown() == []
        rows = await home.stored()
        assert rows
        assert not [word for word in WORDS if word in rows]
        await home.opts("q")
        assert [(r.quantity, r.value) for r in home.taken_in()] == [
            (OPT_QUANTITY, Decimal(1)),
            (OPT_QUANTITY, Decimal(0)),
        ]


async def test_opts_of_several_events_in_one_message_are_values_of_their_own(tmp_path: Path) -> None:
    async with line(tmp_path) as home:
        await home.join(HOUSEHOLD)
        program = await home.partner.program()
        events = [await home.partner.event(program) for _ in range(3)]
        await home.send("EiEvent", created_event(home.ven, *[(event, 0, "optIn") for event in events]))
        assert len({reading.at for reading in home.taken_in()}) == 3


@pytest.mark.parametrize("household", ["", OTHER])
async def test_opts_go_when_the_ven_leaves_the_household(tmp_path: Path, household: str) -> None:
    async with line(tmp_path) as home:
        await home.join(HOUSEHOLD)
        await home.opts()
        await home.belongs_to(household)
        assert await home.stored() == b""
        assert await home.shown() == []


async def test_what_an_erased_household_left_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    async with line(tmp_path) as home:
        await home.join(HOUSEHOLD)
        await home.opts()
        services = home.vtn.services
        services.gone.add(HOUSEHOLD)
        assert (await home.send("EiOpt", create_opt(home.ven, "more", lasting="PT1H"))).code == "200"
        desk = Desk(services)
        await desk.start()
        assert await home.stored() == b""
        assert not any(desk.state.answers.values())
        notice = Notice("household.erased", {"subject": HOUSEHOLD})
        await asyncio.gather(*(home.vtn.adapter.notices["household.erased"](notice) for _ in range(2)))
        assert await home.stored() == b""


async def test_an_opt_that_is_being_sealed_when_its_household_is_erased_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with line(tmp_path) as home, asyncio.TaskGroup() as group:
        await home.join(HOUSEHOLD)
        services, reached, sealing = home.vtn.services, asyncio.Event(), asyncio.Event()
        seal = services.seal

        async def slow(household: SubjectId, plain: bytes, *, about: str) -> bytes:
            sealed = await seal(household, plain, about=about)
            reached.set()
            await sealing.wait()
            return sealed

        monkeypatch.setattr(services, "seal", slow)
        opt = group.create_task(home.send("EiOpt", create_opt(home.ven, "holiday", lasting="PT1H")))
        await reached.wait()
        services.gone.add(HOUSEHOLD)
        notice = Notice("household.erased", {"subject": HOUSEHOLD})
        erased = asyncio.gather(home.vtn.adapter.notices["household.erased"](notice))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not opt.done()
        assert not erased.done()
        sealing.set()
        assert (await opt).code == "200"
        await erased
        assert await home.stored() == b""


def rows(*values: tuple[str, datetime, timedelta, str]) -> Released:
    found = [Row("known-as", q, at, at + span, Decimal(value), None) for q, at, span, value in values]
    return Released("known-as", found, Recipient("u"), Purpose.FORECAST, AS_RECEIVED, Level.INDIVIDUAL, timedelta(1))


@pytest.mark.parametrize(("some", "told"), [(False, 4), (True, 3)])
def test_a_report_says_the_event_of_an_opt_that_was_released_and_keeps_means_as_numbers(some: bool, told: int) -> None:
    hour, zero = timedelta(hours=1), timedelta(0)
    released = rows(
        (OPT_QUANTITY, AT, zero, "1"),
        (OPT_QUANTITY, AT + hour, zero, "0"),
        (OPT_QUANTITY, AT, hour, "0.5"),
        ("1-0:1.8.0*255", AT, zero, "7.10"),
    )
    made = renderer(Labels("home", "c", "v", AT, AT), "none", {AT: "e1"}, some=some)
    text = b"".join([made.head, *made.body(released), made.tail])
    payloads = [i["payloads"][0] for r in json.loads(text)[0]["resources"] for i in r["intervals"]]
    values = [p["values"] for p in payloads]
    assert len(values) == told
    assert values[0] == ["optIn", "e1"]
    assert (["optOut"] in values) is not some
    assert b"[7.10," in text
    assert [p["values"][0] for p in payloads if p["type"] == "X_METERGATE_READING"] == [0.5, 7.1]
