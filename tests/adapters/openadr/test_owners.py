"""Whose an object is: another utility is told of it what it is told of none."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.adapters.openadr.harness import Running
from tests.adapters.openadr.utility import Utility, event, thing_body, told, utility, ven_body
from tests.adapters.openadr.ven import (
    register,
)

COLLECTIONS = ("programs", "events", "vens", "resources")
MARK = "ab" * 32


async def belongings(partner: Utility, name: str = "home") -> dict[str, tuple[str, dict[str, Any]]]:
    """One object of each kind: id, and a body for PUT."""
    program = await partner.program()
    ven, signal = ven_body(name, MARK, ("north",)), event(program)
    made = {"vens": (await partner.made("/vens", ven))["id"], "programs": program}
    made["events"] = (await partner.made("/events", signal))["id"]
    thing = thing_body(made["vens"])
    made["resources"] = (await partner.made("/resources", thing))["id"]
    bodies = {"programs": {"programName": "peak"}, "events": signal, "vens": ven, "resources": thing}
    return {kind: (made[kind], bodies[kind]) for kind in COLLECTIONS}


async def enrol(vtn: Running, partner: Utility, name: str, household: str, **more: str) -> int:
    url, headers = f"{vtn.people}/api/openadr/vens/{name}/household", {"Authorization": "Operator"}
    async with partner.http.put(url, json={"household": household, **more}, headers=headers) as reply:
        return reply.status


async def test_every_verb_on_another_s_object_says_what_it_says_of_none(partner: Utility, rival: Utility) -> None:
    theirs = await belongings(partner)
    before = [await partner.ask("GET", f"/{kind}/{theirs[kind][0]}") for kind in COLLECTIONS]
    for kind, (identity, body) in theirs.items():
        for verb in ("GET", "PUT", "DELETE"):
            sent = body if verb == "PUT" else None
            said = [await rival.ask(verb, f"/{kind}/{each}", sent) for each in (identity, "0" * 32)]
            assert [status for status, _ in said] == [404, 404], (verb, kind)
            assert len({problem["detail"] for _, problem in said}) == 1
    assert [await partner.ask("GET", f"/{kind}/{theirs[kind][0]}") for kind in COLLECTIONS] == before


async def test_what_names_another_s_object_is_refused_as_if_it_named_none(partner: Utility, rival: Utility) -> None:
    theirs = await belongings(partner)
    own = await rival.made("/vens", ven_body("own"))
    thing = await rival.made("/resources", thing_body(own["id"]))
    mine = await rival.event(await rival.program())
    for verb, path, make, kind in (
        ("POST", "/events", event, "programs"),
        ("PUT", f"/events/{mine}", event, "programs"),
        ("POST", "/resources", thing_body, "vens"),
        ("PUT", f"/resources/{thing['id']}", thing_body, "vens"),
    ):
        said = [await rival.ask(verb, path, make(each)) for each in (theirs[kind][0], "0" * 32)]
        assert [(status, problem["detail"]) for status, problem in said] == [(400, said[0][1]["detail"])] * 2


async def test_lists_and_their_pages_hold_one_s_own_and_nothing_else(partner: Utility, rival: Utility) -> None:
    for n in range(3):
        for who in (partner, rival):
            await who.made("/vens", ven_body(f"home-{n}", targets=("north",)))
            await who.program(f"peak-{n}")
    _, vens = await rival.ask("GET", "/vens", targets="north", skip="1", limit="1")
    assert [ven["venName"] for ven in vens] == ["home-1"]
    assert [ven["id"] for ven in vens] != [ven["id"] for ven in (await partner.ask("GET", "/vens", skip="1"))[1][:1]]
    assert len((await rival.ask("GET", "/programs"))[1]) == 3
    assert len((await rival.ask("GET", "/vens", venName="home-2"))[1]) == 1
    theirs = await belongings(partner)
    assert await rival.ask("GET", "/resources", venID=theirs["vens"][0]) == (200, [])
    assert await rival.ask("GET", "/events", programID=theirs["programs"][0]) == (200, [])
    assert await rival.ask("GET", "/reports", eventID=theirs["events"][0]) == (200, [])


async def test_clients_of_one_organisation_share_and_a_client_of_none_is_alone(vtn: Running, partner: Utility) -> None:
    program = await partner.program()
    async with utility(vtn.partners, "second") as second, utility(vtn.partners, "lone", "4004") as lone:
        assert (await second.ask("GET", f"/programs/{program}"))[0] == 200
        assert (await lone.ask("GET", f"/programs/{program}"))[0] == 404
        own = await lone.program()
        assert [each["id"] for each in (await lone.ask("GET", "/programs"))[1]] == [own]
        assert (await second.ask("GET", f"/programs/{own}"))[0] == 404


WAYS: dict[str, Callable[[str], str]] = {
    "whole": str,
    "last ten bytes": lambda mark: mark[-20:],
    "with colons": lambda mark: ":".join(mark[-20:][n : n + 2] for n in range(0, 20, 2)).upper(),
}


@pytest.mark.rule("10.5.1")
@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("then", WAYS)
async def test_one_certificate_is_enrolled_once_however_it_is_written(
    partner: Utility, rival: Utility, first: str, then: str
) -> None:
    await partner.made("/vens", ven_body("home", WAYS[first](MARK)))
    own = await rival.made("/vens", ven_body("own"))
    for verb, path in (("POST", "/vens"), ("PUT", f"/vens/{own['id']}")):
        status, problem = await rival.ask(verb, path, ven_body("own-2", WAYS[then](MARK)))
        assert (status, problem["detail"]) == (409, "another VEN has this certificate")


async def test_a_name_that_two_use_is_each_one_s_own_and_the_operator_says_whose(
    vtn: Running, partner: Utility, rival: Utility
) -> None:
    mine, theirs = await partner.ven("home"), await rival.ven("home")
    assert (await rival.ask("POST", "/vens", ven_body("home")))[0] == 409
    assert await enrol(vtn, partner, "home", "b" * 32) == 409
    assert await enrol(vtn, partner, "home", "b" * 32, organisation="nobody") == 404
    assert await enrol(vtn, partner, "home", "b" * 32, organisation="rival") == 204
    assert (await rival.ask("DELETE", f"/vens/{theirs}"))[0] == 403
    assert (await partner.ask("DELETE", f"/vens/{mine}"))[0] == 200


async def test_without_tls_two_vens_of_one_name_register_by_their_id(
    vtn: Running, partner: Utility, rival: Utility
) -> None:
    mine, _ = await partner.ven("home"), await rival.ven("home")
    assert b">463<" in await told(vtn.openadr20, partner.http, "EiRegisterParty", register("home"))
    answer = await told(vtn.openadr20, partner.http, "EiRegisterParty", register("home", ven=mine))
    assert b">200<" in answer
    assert mine.encode() in answer


async def test_under_a_household_nobody_exchanges_a_ven_or_its_resources(vtn: Running, partner: Utility) -> None:
    theirs = await belongings(partner)
    ven, thing = theirs["vens"][0], theirs["resources"][0]
    loose = await partner.made("/vens", ven_body("loose"))
    other = await partner.made("/resources", thing_body(loose["id"]))
    assert await enrol(vtn, partner, "home", "b" * 32) == 204
    seen = await partner.ask("GET", f"/vens/{ven}"), await partner.ask("GET", "/resources", venID=ven)
    tries = (
        ("PUT", f"/vens/{ven}", ven_body("home", "cd" * 32)),
        ("DELETE", f"/vens/{ven}", None),
        ("POST", "/resources", thing_body(ven, "pump")),
        ("PUT", f"/resources/{thing}", thing_body(loose["id"])),
        ("PUT", f"/resources/{other['id']}", thing_body(ven, "pump")),
        ("DELETE", f"/resources/{thing}", None),
    )
    for verb, path, body in tries:
        status, problem = await partner.ask(verb, path, body)
        assert (status, "the operator ends its enrolment first" in problem["detail"]) == (403, True), (verb, path)
    assert (await partner.ask("GET", f"/vens/{ven}"), await partner.ask("GET", "/resources", venID=ven)) == seen
    assert await enrol(vtn, partner, "home", "") == 204
    assert [(await partner.ask(verb, path, body))[0] for verb, path, body in (tries[0], tries[5], tries[1])] == [
        200
    ] * 3
