"""/reports name nothing of another organisation's: no VEN, client or event, nor that there is one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from adapters.openadr.v2b.telemetry import OPT_QUANTITY
from adapters.plugin import Opening, Released
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    Grant,
    Level,
    Period,
    Pseudonym,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    Row,
    SubjectId,
)
from tests.adapters.openadr.harness import Running
from tests.adapters.openadr.utility import Utility, told, utility
from tests.adapters.openadr.ven import created_event, register

HOUSEHOLD = SubjectId("b" * 32)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENERGY = "1-0:1.8.0*255"
QUANTITIES = frozenset({ENERGY, OPT_QUANTITY})
NAMES = {"utility": "a1" * 16, "rival": "b2" * 16, "r": "c3" * 16}
"""Under which each organisation knows the household."""
CLIENTS = {"utility": ("bl_client", "1001"), "rival": ("rival", "3003"), "r": ("reader", "2002")}


async def allowed(vtn: Running, partner: Utility) -> tuple[str, str]:
    """The utility's VEN "home" belongs to a household that allows all three everything, and opted into an event.

    The VEN and the event.
    """
    ven = await partner.ven("home")
    url = f"{vtn.people}/api/openadr/vens/home/household"
    async with partner.http.put(url, json={"household": HOUSEHOLD}, headers={"Authorization": "Operator"}) as reply:
        assert reply.status == 204
    await told(vtn.openadr20, partner.http, "EiRegisterParty", register("home"))
    event, door = await partner.event(await partner.program()), vtn.services.door
    vtn.services.now = AT
    await told(vtn.openadr20, partner.http, "EiEvent", created_event(ven, (event, 0, "optIn")))
    ever = Period(AT - timedelta(days=1), FAR_FUTURE)
    for who, name in NAMES.items():
        terms = (Purpose.DEMAND_RESPONSE, QUANTITIES, AS_RECEIVED, Level.INDIVIDUAL, ever, FAR_FUTURE, timedelta(1))
        door.openings[Recipient(who)] = [Opening(name, *terms)]
    door.decision = grant
    rows = [Row("p", ENERGY, AT, AT, Decimal("7.10"), "kWh"), Row("p", OPT_QUANTITY, AT, AT, Decimal(1), None)]
    about = (Recipient("r"), Purpose.DEMAND_RESPONSE, AS_RECEIVED, Level.INDIVIDUAL, timedelta(1))
    door.released = [Released("p", rows, *about)]
    return ven, event


def grant(q: ReleaseRequest) -> Grant | Refusal:
    """As the door: whom a recipient knows by no such name is refused like one who allows nothing."""
    if q.subject not in (Pseudonym(NAMES[q.recipient]), HOUSEHOLD):
        return Refusal((Reason.NO_CONSENT,))
    terms = (q.recipient, q.purpose, q.quantities, q.resolution, q.level, q.period, FAR_FUTURE, timedelta(1))
    return Grant("g", HOUSEHOLD, *terms)


async def asked(vtn: Running, who: str, name: str, **more: str) -> tuple[int, Any]:
    async with utility(vtn.partners, *CLIENTS[who]) as client:
        return await client.ask("GET", "/reports", clientName=name, **more)


def opts(report: dict[str, Any]) -> list[list[str]]:
    payloads = [p for r in report["resources"] for i in r["intervals"] for p in i["payloads"]]
    return [p["values"] for p in payloads if p["type"] == "X_OADR20B_OPT"]


async def test_any_name_that_is_not_one_s_own_gives_the_same_empty_answer(vtn: Running, partner: Utility) -> None:
    await allowed(vtn, partner)
    await partner.ven("site")
    vtn.services.door.questions.clear()
    for name in ("home", "site", "nobody", HOUSEHOLD.upper()):
        assert await asked(vtn, "rival", name) == (200, []), name
        assert await asked(vtn, "rival", name, **{"x-purpose": "forecast"}) == (200, [])
        assert (await asked(vtn, "rival", name, **{"x-purpose": "none-of-ours"}))[0] == 400
    assert vtn.services.door.questions == []


async def test_a_household_is_asked_for_by_one_s_own_pseudonym_alone(vtn: Running, partner: Utility) -> None:
    await allowed(vtn, partner)
    status, (report,) = await asked(vtn, "rival", NAMES["rival"])
    assert (status, report["clientName"], report["id"]) == (200, NAMES["rival"], f"{NAMES['rival']}-1")
    said = [await asked(vtn, "rival", name) for name in (NAMES["utility"], NAMES["r"], HOUSEHOLD, "0" * 32)]
    assert [(status, problem["detail"]) for status, problem in said] == [(403, said[0][1]["detail"])] * 4


async def test_another_s_ven_client_and_event_stand_in_no_report(vtn: Running, partner: Utility) -> None:
    ven, event = await allowed(vtn, partner)
    _, (report,) = await asked(vtn, "rival", NAMES["rival"])
    assert opts(report) == [["optIn"]]
    assert report["eventID"] == "none"
    assert [word for word in ("home", ven, event) if word in json.dumps(report)] == []
    assert (await asked(vtn, "rival", NAMES["rival"], eventID=event))[1][0]["eventID"] == "none"


async def test_the_owner_sees_its_ven_by_name_with_its_own_event(vtn: Running, partner: Utility) -> None:
    ven, event = await allowed(vtn, partner)
    _, (report,) = await asked(vtn, "utility", "home")
    assert (report["clientName"], report["clientID"], report["id"]) == ("home", "home", f"{ven}-1")
    assert opts(report) == [["optIn", event]]
    _, (by_pseudonym,) = await asked(vtn, "utility", NAMES["utility"])
    assert (by_pseudonym["clientName"], opts(by_pseudonym)) == (NAMES["utility"], [["optIn", event]])


async def test_two_recipients_cannot_join_their_reports_by_what_names_them(vtn: Running, partner: Utility) -> None:
    await allowed(vtn, partner)
    names = []
    for minute, who in enumerate(("utility", "rival", "r")):
        vtn.services.now = AT + timedelta(minutes=minute)
        _, (report,) = await asked(vtn, who, "home" if who == "utility" else NAMES[who])
        names.append({key: word for key, word in strings(report) if key not in ("resources", "payloadDescriptors")})
    same = set.intersection(*(set(each.items()) for each in names[1:]))
    assert same == {("objectType", "REPORT"), ("reportName", "readings"), ("eventID", "none")}
    assert not {*names[0].values()} & {*names[1].values(), *names[2].values()} - {"REPORT", "readings"}


def strings(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return ((key, word) for key, word in report.items() if isinstance(word, str))


async def test_a_client_of_no_organisation_has_no_pseudonym_to_ask_by(vtn: Running, partner: Utility) -> None:
    await allowed(vtn, partner)
    async with utility(vtn.partners, "lone", "4004") as lone:
        assert (await lone.ask("GET", "/reports", clientName=NAMES["rival"]))[0] == 403
        assert await lone.ask("GET", "/reports", clientName="home") == (200, [])


async def test_opts_of_vens_without_a_household_are_told_to_their_owner_alone(vtn: Running, partner: Utility) -> None:
    ven = await partner.ven("site")
    await told(vtn.openadr20, partner.http, "EiRegisterParty", register("site"))
    event = await partner.event(await partner.program())
    await told(vtn.openadr20, partner.http, "EiEvent", created_event(ven, (event, 0, "optIn")))
    for more in ({}, {"eventID": event}, {"clientName": "site"}):
        assert [r["clientName"] for r in (await partner.ask("GET", "/reports", **more))[1]] == ["site"]
        async with utility(vtn.partners, "rival", "3003") as rival:
            assert await rival.ask("GET", "/reports", **more) == (200, [])
