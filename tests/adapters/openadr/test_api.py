"""The 3.1 REST API on real sockets, and reports through the door."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
import yaml

from adapters.openadr.v3.routes import PARAMETERS
from adapters.plugin import Notice, Opening, Released
from metergate.testing.parties import FakeDirectory
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    Grant,
    Level,
    Period,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    Row,
    SubjectId,
)
from tests.adapters.openadr.harness import Running
from tests.adapters.openadr.utility import BASE, Utility, basic, event
from tests.shared import SHARED, needs_corpus

HOUSEHOLD = SubjectId("b" * 32)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_tokens_by_basic_and_by_form(vtn: Running) -> None:
    url = f"{vtn.partners}{BASE}/auth/token"
    form = {"grant_type": "client_credentials"}
    by_form = form | {"client_id": "bl_client", "client_secret": "1001", "scope": "read_all write_events"}
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{vtn.partners}{BASE}/auth/server") as reply:
            assert (await reply.json())["tokenURL"] == url
        async with http.post(url, data=by_form) as reply:
            assert reply.headers["Cache-Control"] == "no-store"
            assert (await reply.json())["scope"] == "read_all write_events"
        async with http.post(url, data=form, headers=basic("bl_client", "1001")) as reply:
            assert (await reply.json())["token_type"] == "Bearer"
        for headers, data, error, status in (
            (basic("bl_client", "wrong"), form, "invalid_client", 401),
            (basic("nobody", "1001"), form, "invalid_client", 401),
            (basic("bl_client", "1001"), form | {"scope": "write_reports"}, "invalid_scope", 400),
            ({}, {"grant_type": "password"}, "unsupported_grant_type", 400),
            ({}, {}, "invalid_request", 400),
        ):
            async with http.post(url, data=data, headers=headers) as reply:
                assert (reply.status, (await reply.json())["error"]) == (status, error)
                assert reply.headers["Cache-Control"] == "no-store"


async def test_a_client_that_is_guessed_at_is_told_to_wait_and_others_are_not(vtn: Running, partner: Utility) -> None:
    assert isinstance(vtn.services.directory, FakeDirectory)
    vtn.services.directory.waits["reader"] = 17
    url, form = f"{partner.root}/auth/token", {"grant_type": "client_credentials"}
    async with partner.http.post(url, data=form, headers=basic("reader", "2002")) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (429, "17")
        assert reply.headers["Cache-Control"] == "no-store"
        assert (await reply.json())["error"] == "temporarily_unavailable"
    vtn.services.directory.busy = True
    async with partner.http.post(url, data=form, headers=basic("reader", "2002")) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (503, "17")
    await partner.login()


async def test_objects_come_back_as_they_were_posted(partner: Utility) -> None:
    program = await partner.program()
    posted = event(program, targets=["a"], priority=3)
    posted["intervals"][0]["payloads"].append({"type": "PRICE", "values": [0.1, 20.25, 2]})
    made = await partner.made("/events", posted)
    assert {k: made[k] for k in posted} == posted
    assert made["objectType"] == "EVENT"
    status, changed = await partner.ask("PUT", f"/events/{made['id']}", posted | {"priority": 4})
    assert (status, changed["priority"], changed["createdDateTime"]) == (200, 4, made["createdDateTime"])
    assert changed["modificationDateTime"] > made["modificationDateTime"]
    assert (await partner.ask("GET", "/events", targets="a"))[1] == [changed]
    assert (await partner.ask("GET", "/events", targets="b"))[1] == []
    assert (await partner.ask("DELETE", f"/events/{made['id']}"))[0] == 200
    assert (await partner.ask("GET", f"/events/{made['id']}"))[0] == 404
    assert (await partner.ask("DELETE", f"/programs/{program}"))[0] == 200


BAD: list[tuple[str, str, Any, int]] = [
    ("POST", "/programs", {}, 400),
    ("POST", "/programs", {"programName": "peak"}, 409),
    ("POST", "/programs", {"programName": "x" * 129}, 400),
    ("POST", "/events", {"programID": "unknown"}, 400),
    ("POST", "/events", {"programID": "a b"}, 400),
    ("POST", "/vens", {"objectType": "VEN_VEN_REQUEST", "venName": "v"}, 400),
    ("GET", "/events?limit=51", None, 400),
    ("GET", "/events?programID=%C3%97", None, 400),
    ("POST", "/programs", {"programName": "p", "payloadDescriptors": [{"payloadType": "USAGE"}]}, 400),
    ("GET", "/events?skip=-1", None, 400),
    ("GET", "/events?skip=2147483648", None, 400),
    ("GET", "/events?targets=", None, 400),
    ("GET", "/programs/unknown", None, 404),
    ("GET", "/reports?x-purpose=none-of-ours&clientName=home", None, 400),
    ("GET", "/reports?clientName=home&x-minutes=7", None, 400),
    ("GET", "/reports?clientName=home&x-purpose=forecast&x-purpose=research", None, 400),
]
SEARCHES = ("/programs", "/events", "/vens", "/resources", "/reports", "/subscriptions", "/notifiers")


@pytest.mark.parametrize(("verb", "path", "body", "status"), BAD)
async def test_a_problem_names_its_request(
    vtn: Running, partner: Utility, verb: str, path: str, body: Any, status: int
) -> None:
    await partner.program()
    await enrolled(vtn, partner)
    async with partner.http.request(verb, partner.root + path, json=body, headers=partner.headers) as reply:
        problem = await reply.json(content_type="application/problem+json")
        assert (reply.status, problem["status"]) == (status, status)
        assert problem["title"]
        assert problem["instance"] == reply.headers["x-request-id"]
        assert problem["instance"].startswith("urn:uuid:")


async def test_bodies_nested_too_deep_and_numbers_out_of_range_are_refused(partner: Utility) -> None:
    for body in (
        b"[" * 5000,
        b'{"a":' * 5000,
        b'{"programName":"p","attributes":[{"type":"a","values":[1e400]}]}',
        b"\xff",
    ):
        headers = {**partner.headers, "Content-Type": "application/json"}
        async with partner.http.post(partner.root + "/programs", data=body, headers=headers) as reply:
            assert reply.status == 400


async def test_a_secret_by_basic_that_is_no_ascii_is_refused(partner: Utility) -> None:
    form, said = {"grant_type": "client_credentials"}, {"Authorization": "Basic \u00e9"}
    async with partner.http.post(partner.root + "/auth/token", data=form, headers=said) as reply:
        assert reply.status == 400


@pytest.mark.parametrize("path", SEARCHES)
async def test_a_parameter_that_the_api_does_not_list_is_refused_by_name(partner: Utility, path: str) -> None:
    for name in ("foo", "targetValues", "programId"):
        status, problem = await partner.ask("GET", path, **{name: "1"})
        assert (status, problem["detail"].partition(":")[0]) == (400, name)
    program = await partner.program()
    assert (await partner.ask("DELETE", f"/programs/{program}", dry="true"))[0] == 400
    assert (await partner.ask("GET", f"/programs/{program}"))[0] == 200


@needs_corpus
def test_each_parameter_of_the_published_api_is_known() -> None:
    paths = yaml.safe_load((SHARED / "corpus/openadr/v3/3.1.1/openadr3.yaml").read_text())["paths"]
    for path, verbs in paths.items():
        listed = {each["name"] for each in verbs.get("get", {}).get("parameters", ()) if each["in"] == "query"}
        assert listed <= set(PARAMETERS.get(path, ())), path


async def test_the_token_endpoint_says_how_long_the_token_lives(vtn: Running, partner: Utility) -> None:
    assert isinstance(vtn.services.directory, FakeDirectory)
    vtn.services.directory.token_life = timedelta(minutes=7)
    form, headers = {"grant_type": "client_credentials"}, basic("bl_client", "1001")
    async with partner.http.post(f"{partner.root}/auth/token", data=form, headers=headers) as reply:
        assert (await reply.json())["expires_in"] == 420


async def test_the_token_endpoint_ignores_what_it_does_not_know(partner: Utility) -> None:
    form = {"grant_type": "client_credentials", "resource": "x"}  # RFC 6749, 3.2
    url = f"{partner.root}/auth/token?foo=1"
    async with partner.http.post(url, data=form, headers=basic("bl_client", "1001")) as reply:
        assert reply.status == 200


async def test_without_a_token_or_its_scope_nothing_is_read_or_written(vtn: Running, partner: Utility) -> None:
    async with partner.http.get(f"{partner.root}/programs") as reply:
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="openadr3"'
    async with partner.http.get(f"{partner.root}/programs", headers={"Authorization": "Bearer gone"}) as reply:
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="openadr3", error="invalid_token"'
    await partner.login("reader", "2002")
    assert (await partner.ask("GET", "/programs"))[0] == 200
    assert (await partner.ask("POST", "/programs", {"programName": "p"}))[0] == 403
    async with partner.http.post(f"{partner.root}/programs", data="{}", headers=partner.headers) as reply:
        assert reply.status == 403


async def test_nobody_is_promised_a_notification(partner: Utility) -> None:
    assert await partner.ask("GET", "/notifiers") == (200, {"WEBHOOK": False})
    assert await partner.ask("GET", "/subscriptions") == (200, [])
    assert (await partner.ask("POST", "/subscriptions", {"clientName": "c"}))[0] == 400


async def test_business_logic_cannot_say_whose_a_ven_is(vtn: Running, partner: Utility) -> None:
    await partner.ven("home")
    url = f"{vtn.people}/api/openadr/vens/home/household"
    async with partner.http.put(url, json={"household": HOUSEHOLD}, headers={"Authorization": "Operator"}) as reply:
        assert reply.status == 204
    _, vens = await partner.ask("GET", "/vens", venName="home")
    assert HOUSEHOLD not in json.dumps(vens)


async def enrolled(vtn: Running, partner: Utility) -> None:
    await partner.ven("home")
    url = f"{vtn.people}/api/openadr/vens/home/household"
    async with partner.http.put(url, json={"household": HOUSEHOLD}, headers={"Authorization": "Operator"}) as reply:
        assert reply.status == 204


async def test_a_household_is_refused_by_name_and_unseen_in_lists(vtn: Running, partner: Utility) -> None:
    await enrolled(vtn, partner)
    asked: list[ReleaseRequest] = []

    def refuse(question: ReleaseRequest) -> Refusal:
        asked.append(question)
        return Refusal((Reason.WITHDRAWN,))

    vtn.services.door.decision = refuse
    status, problem = await partner.ask("GET", "/reports", clientName="home")
    assert (status, problem["detail"]) == (403, "the consent was withdrawn")
    assert asked[-1].purpose is Purpose.DEMAND_RESPONSE
    assert (await partner.ask("GET", "/reports"))[1] == []


async def test_a_household_that_allows_it_gives_readings_and_opts_with_their_digits(
    vtn: Running, partner: Utility
) -> None:
    await enrolled(vtn, partner)
    values = Period(AT, FAR_FUTURE)
    quantities = frozenset({"1-0:1.8.0*255"})
    vtn.services.door.openings[Recipient("utility")] = [
        Opening(
            "known-as", Purpose.FORECAST, quantities, AS_RECEIVED, Level.INDIVIDUAL, values, FAR_FUTURE, timedelta(1)
        )
    ]

    def grant(q: ReleaseRequest) -> Grant:
        keep = timedelta(days=1)
        return Grant(
            "g", HOUSEHOLD, q.recipient, q.purpose, q.quantities, q.resolution, q.level, q.period, FAR_FUTURE, keep
        )

    vtn.services.door.decision = grant
    days = [AT + timedelta(days=n) for n in range(2)]
    vtn.services.door.released = [
        Released(
            "known-as", [Row("known-as", "1-0:1.8.0*255", at, at, Decimal("12345678.120"), "kWh") for _ in range(500)],
            Recipient("utility"), Purpose.FORECAST, AS_RECEIVED, Level.INDIVIDUAL, timedelta(1),
        )
        for at in days
    ]  # fmt: skip
    url = f"{partner.root}/reports?clientName=home&x-purpose=forecast"
    async with partner.http.get(url, headers=partner.headers) as reply:
        text = await reply.text()
    assert text.count("12345678.120") == 1000
    reports = json.loads(text)
    assert [r["clientName"] for r in reports] == ["home", "home"]
    first = reports[0]["resources"][0]["intervals"]
    assert [i["id"] for i in first] == list(range(500))
    assert first[0]["intervalPeriod"] == {"start": "2026-03-01T12:00:00Z", "duration": "PT0S"}
    assert HOUSEHOLD not in text


async def test_an_erased_household_leaves_its_ven_to_nobody(vtn: Running, partner: Utility) -> None:
    await enrolled(vtn, partner)
    vtn.services.door.decision = lambda _: Refusal((Reason.WITHDRAWN,))
    assert (await partner.ask("GET", "/reports", clientName="home"))[0] == 403
    for _ in range(2):  # a notice may come twice
        await vtn.adapter.notices["household.erased"](Notice("household.erased", {"subject": HOUSEHOLD}))
    assert await partner.ask("GET", "/reports", clientName="home") == (200, [])


async def test_a_ven_with_report_values_and_no_household_gives_them_to_nobody(vtn: Running, partner: Utility) -> None:
    ven = await partner.ven("site")
    assert vtn.services.batches == []
    assert (await partner.ask("GET", f"/vens/{ven}"))[1]["venName"] == "site"
    assert (await partner.ask("GET", "/reports", clientName="site"))[1] == []


async def test_active_leaves_out_what_has_transpired_whatever_its_payloads_are(partner: Utility) -> None:
    program = await partner.program()
    price = [{"id": 0, "payloads": [{"type": "EXPORT_PRICE", "values": [0.1]}]}]
    past, coming = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
    made = [await partner.event(program, start=at, intervals=price) for at in (past, coming)]
    for query, seen in (({"active": "true"}, made[1:]), ({"active": "false"}, made), ({}, made)):
        status, found = await partner.ask("GET", "/events", **query)
        assert (status, [each["id"] for each in found]) == (200, seen)


async def test_who_shows_a_tag_again_is_told_only_that_nothing_changed(partner: Utility) -> None:
    program = await partner.program()
    url = f"{partner.root}/programs"
    async with partner.http.get(url, headers=partner.headers) as first:
        tag = first.headers["ETag"]
    known = {**partner.headers, "If-None-Match": tag}
    async with partner.http.get(url, headers=known) as again:
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)
    await partner.event(program)
    async with partner.http.get(url, headers=known) as unchanged:
        assert unchanged.status == 304
    await partner.program("another")
    async with partner.http.get(url, headers=known) as changed:
        assert (changed.status, changed.headers["ETag"] != tag) == (200, True)
