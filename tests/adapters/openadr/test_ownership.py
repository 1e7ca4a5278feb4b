"""What lies from before owners were noted: unseen, served on, and given to an organisation by the operator."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from adapters.openadr.desk import Desk
from adapters.openadr.model import RECORD_TYPES
from adapters.openadr.store import TABLES
from adapters.plugin import Organisation
from metergate.testing.parties import FakeDirectory
from policies.terms import Recipient
from tests.adapters.openadr.harness import Running, running
from tests.adapters.openadr.utility import Utility, thing_body, told, utility, ven_body
from tests.adapters.openadr.ven import (
    Reply,
    created_event,
    message,
    offer,
    poll,
    register,
    register_report,
    request_event,
    response,
    tag,
)

HOUR = timedelta(hours=1)
COLLECTIONS = ("programs", "events", "vens", "resources")


@pytest.fixture
async def old(tmp_path: Path) -> dict[str, str]:
    """A folder in which an earlier version left one object of each kind, and a VEN that registered."""
    async with running(tmp_path) as vtn, utility(vtn.partners) as partner:
        made = {"programs": await partner.program(), "vens": await partner.ven("home")}
        made["events"] = await partner.event(made["programs"])
        made["resources"] = (await partner.made("/resources", thing_body(made["vens"])))["id"]
        assert b">200<" in await told(vtn.openadr20, partner.http, "EiRegisterParty", register("home"))
        await vtn.services.write(_as_before)
    return made


def _as_before(connection: Any) -> None:
    """The rows as they were written when objects had no owner."""
    for kind in RECORD_TYPES:
        table = TABLES[kind]
        for row in connection.execute(table.select()).fetchall():
            body = json.loads(row.body)
            body.pop("owner", None)
            assert "owner" not in body
            same = [column == getattr(row, column.name) for column in table.primary_key]
            connection.execute(table.update().where(*same).values(body=json.dumps(body)))


@pytest.fixture
async def vtn(old: dict[str, str], tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as harness:
        assert isinstance(harness.services.directory, FakeDirectory)
        for name in ("utility", "rival"):
            harness.services.directory.organisations[Recipient(name)] = Organisation(Recipient(name), name)
        yield harness


async def give(vtn: Running, partner: Utility, body: Any, who: str = "Operator") -> tuple[int, Any]:
    url = f"{vtn.people}/api/openadr/owner"
    async with partner.http.put(url, json=body, headers={"Authorization": who}) as reply:
        return reply.status, await reply.json(content_type=None)


async def seen(partner: Utility) -> list[int]:
    return [len((await partner.ask("GET", f"/{kind}"))[1]) for kind in COLLECTIONS]


async def test_it_is_counted_at_start_seen_by_nobody_and_still_served_to_vens(
    old: dict[str, str], vtn: Running, partner: Utility
) -> None:
    with structlog.testing.capture_logs() as lines:
        await Desk(vtn.services).start()
    assert [(line["event"], line["objects"]) for line in lines] == [("openadr.unowned", 4)]
    assert await seen(partner) == [0] * 4
    for kind in COLLECTIONS:
        assert (await partner.ask("DELETE", f"/{kind}/{old[kind]}"))[0] == 404
    fresh = await partner.event(await partner.program())
    shown = await told(vtn.openadr20, partner.http, "EiEvent", request_event(old["vens"]))
    assert [each.encode() in shown for each in (old["events"], fresh)] == [True, True]
    answer = created_event(old["vens"], (old["events"], 0, "optIn"), (fresh, 0, "optIn"))
    assert Reply(await told(vtn.openadr20, partner.http, "EiEvent", answer)).code == "200"
    assert await partner.ask("GET", "/reports") == (200, [])


async def test_the_operator_gives_all_of_it_to_an_organisation_for_good(
    old: dict[str, str], vtn: Running, partner: Utility
) -> None:
    assert await give(vtn, partner, {"organisation": "utility"}) == (200, {"organisation": "utility", "objects": 4})
    assert await give(vtn, partner, {"organisation": "rival"}) == (200, {"organisation": "rival", "objects": 0})
    assert await seen(partner) == [1] * 4
    desk = Desk(vtn.services)
    with structlog.testing.capture_logs() as lines:
        await desk.start()
    assert lines == []
    assert {each.owner for each in (*desk.state.vens.values(), *desk.state.events.values())} == {"utility"}
    async with utility(vtn.partners, "rival", "3003") as rival:
        assert await seen(rival) == [0] * 4
        await rival.event(await rival.program())
    shown = await told(vtn.openadr20, partner.http, "EiEvent", request_event(old["vens"]))
    assert shown.count(b"<ei:eventID>") == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"organisation": "nobody"}, 404),
        ({"organisation": ""}, 404),
        ({}, 400),
        ({"organisation": "utility", "x": 1}, 400),
    ],
)
async def test_who_is_no_organisation_gets_nothing(vtn: Running, partner: Utility, body: Any, status: int) -> None:
    assert (await give(vtn, partner, body))[0] == status
    assert (await give(vtn, partner, {"organisation": "utility"}, "Bearer nobody"))[0] == 401
    assert await seen(partner) == [0] * 4


@pytest.mark.parametrize("path", ["owner", "vens/home/household"])
async def test_a_body_that_is_no_text_is_refused(vtn: Running, partner: Utility, path: str) -> None:
    url, headers = f"{vtn.people}/api/openadr/{path}", {"Authorization": "Operator"}
    for body in (b'{"organisation": "\xff", "household": ""}', b"", b"[", b'{"organisation": "\\ud800"}'):
        async with partner.http.put(url, data=body, headers=headers) as reply:
            assert reply.status == 400


@pytest.mark.parametrize(
    ("path", "made", "said"),
    [("/programs", {"programName": "peak"}, "programName: peak"), ("/vens", ven_body("home"), "venName: home")],
)
async def test_a_name_that_the_organisation_uses_by_now_gives_it_nothing_until_it_is_free(
    vtn: Running, partner: Utility, path: str, made: Any, said: str
) -> None:
    own = (await partner.made(path, made))["id"]
    status, problem = await give(vtn, partner, {"organisation": "utility"})
    assert (status, problem["detail"].startswith(said)) == (409, True)
    assert sum(await seen(partner)) == 1
    assert (await partner.ask("DELETE", f"{path}/{own}"))[0] == 200
    assert (await give(vtn, partner, {"organisation": "utility"}))[1]["objects"] == 4


async def test_a_write_that_fails_has_given_nothing(
    vtn: Running, partner: Utility, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: Any) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(vtn.services, "write", full)
        url = f"{vtn.people}/api/openadr/owner"
        headers = {"Authorization": "Operator"}
        async with partner.http.put(url, json={"organisation": "utility"}, headers=headers) as reply:
            assert reply.status == 500
    assert await seen(partner) == [0] * 4
    assert (await give(vtn, partner, {"organisation": "utility"}))[1]["objects"] == 4


async def two_utilities(vtn: Running, partner: Utility, ven: str) -> None:
    """Each wants reports on its event, and the VEN from before answers the greeting."""
    wanted: dict[str, Any] = {"reportDescriptors": [{"payloadType": "USAGE"}], "start": datetime.now(UTC) + HOUR}
    async with utility(vtn.partners, "rival", "3003") as rival:
        await rival.event(await rival.program(), **wanted)
    await partner.event(await partner.program("own"), **wanted)
    greeted = message("oadrRegisteredReport", response() + tag("ei:venID", ven))
    await told(vtn.openadr20, partner.http, "EiReport", greeted)


async def brought(vtn: Running, partner: Utility, ven: str) -> list[str]:
    replies = [Reply(await told(vtn.openadr20, partner.http, "OadrPoll", poll(ven))) for _ in range(3)]
    return sorted(reply.name for reply in replies)


TOLD = ["oadrCancelReport", "oadrCreateReport", "oadrDistributeEvent"]


async def test_a_ven_that_is_given_away_is_asked_for_no_report_on_another_s_event(
    old: dict[str, str], vtn: Running, partner: Utility
) -> None:
    await two_utilities(vtn, partner, old["vens"])
    await told(vtn.openadr20, partner.http, "EiReport", register_report(old["vens"], offer()))
    assert (await give(vtn, partner, {"organisation": "utility"}))[0] == 200
    assert await brought(vtn, partner, old["vens"]) == TOLD


async def test_a_message_that_is_being_stored_meanwhile_leaves_no_such_request_behind(
    old: dict[str, str], vtn: Running, partner: Utility, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_utilities(vtn, partner, old["vens"])
    write, stored, asleep, given = vtn.services.write, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(work: Any) -> Any:
        if not asleep.is_set():
            asleep.set()
            await stored.wait()
            return await write(work)
        done = await write(work)
        given.set()
        return done

    monkeypatch.setattr(vtn.services, "write", slow)
    async with asyncio.TaskGroup() as group:
        body = register_report(old["vens"], offer())
        group.create_task(told(vtn.openadr20, partner.http, "EiReport", body))
        await asleep.wait()
        giving = group.create_task(give(vtn, partner, {"organisation": "utility"}))
        await given.wait()
        stored.set()
    assert giving.result()[0] == 200
    assert await brought(vtn, partner, old["vens"]) == TOLD
