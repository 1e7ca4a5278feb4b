"""The plain way over HTTP: what is asked is understood whole, and a no names its field."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from adapters.plugin import Organisation
from adapters.readings import create
from metergate.testing.parties import FakeDirectory
from metergate.testing.services import FakeServices, opening
from metergate.testing.serving import calling, serve
from policies.roles import Role
from policies.terms import Grant, Level, Period, Purpose, Reason, Recipient, Refusal, ReleaseRequest, Row

ENERGY, EXPORT = "1-0:1.8.0*255", "1-0:2.8.0*255"
ACME = Recipient("acme")
NAME = "a" * 32
HOME, ALL = f"/readings/households/{NAME}.json", "/readings/portfolio.json"
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LAST = FIRST + timedelta(days=3)
GOOD = {"purpose": "energy-advice", "quantity": ENERGY, "start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"}
PROFILE = Organisation(
    ACME,
    "Acme",
    levels=frozenset({Level.INDIVIDUAL, Level.PSEUDONYMOUS}),
    quantities=frozenset({ENERGY}),
    finest=timedelta(minutes=15),
    purposes=frozenset({Purpose.ENERGY_ADVICE}),
)


@pytest.fixture
def services() -> FakeServices:
    directory = FakeDirectory()
    directory.organisations[ACME] = PROFILE
    found = FakeServices(directory=directory)
    mine = replace(opening(NAME, {ENERGY}), values=Period(FIRST, LAST))
    found.door.openings[ACME] = [mine]
    found.door.rows = [Row(NAME, ENERGY, FIRST, FIRST, Decimal("1.5"), "kWh")]
    return found


@pytest.fixture
async def client(services: FakeServices) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(serve(create(services)))) as found:
        yield found


async def ask(client: TestClient[Any, Any], path: str, **changes: str) -> tuple[int, Any]:
    async with client.get(path, params=GOOD | changes, headers=calling(Role.PARTNER, "acme")) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize(
    ("field", "value"), [("zone", "Europe/Wien"), ("quantiti", EXPORT), ("minuts", "1440"), ("Minutes", "15")]
)
@pytest.mark.parametrize("path", [HOME, ALL, "/readings/places/north.json"])
async def test_a_field_that_is_not_known_is_refused_by_name(
    client: TestClient[Any, Any], services: FakeServices, path: str, field: str, value: str
) -> None:
    status, problem = await ask(client, path, **{field: value})
    assert (status, problem["field"]) == (400, field)
    assert "quantity" in problem["rule"]
    assert services.door.questions == []


async def test_the_list_of_households_takes_no_filter(client: TestClient[Any, Any]) -> None:
    headers = calling(Role.PARTNER, "acme")
    answer = await client.get("/readings/households", params={"purpose": "forecast"}, headers=headers)
    assert (answer.status, (await answer.json())["field"]) == (400, "purpose")
    assert (await client.get("/readings/households", headers=headers)).status == 200


async def test_the_list_of_households_says_until_when_each_allows_what_and_that_this_is_soon(
    client: TestClient[Any, Any], services: FakeServices
) -> None:
    (usual,) = services.door.openings[ACME]
    services.door.openings[ACME] = [usual, replace(usual, until=LAST, ends_soon=True)]
    answer = await client.get("/readings/households", headers=calling(Role.PARTNER, "acme"))
    first, last = (await answer.json())["households"]
    assert (first["ends_soon"], last["ends_soon"], last["until"]) == (False, True, "2026-03-04T00:00:00Z")


@pytest.mark.parametrize(
    ("field", "value"), [("level", "pseudonimous"), ("level", "cohort"), ("minutes", "7"), ("minutes", "")]
)
async def test_a_value_that_is_none_of_the_field_is_refused_by_its_name(
    client: TestClient[Any, Any], field: str, value: str
) -> None:
    status, problem = await ask(client, HOME, **{field: value})
    assert (status, problem["field"]) == (400, field)
    assert problem["fields"] == [{"field": field, "rule": problem["rule"]}]


def not_in_profile(_: ReleaseRequest) -> Grant | Refusal:
    return Refusal((Reason.NOT_IN_PROFILE,))


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"purpose": "forecast"}, "purpose", "energy-advice"),
        ({"quantity": EXPORT}, "quantity", EXPORT),
        ({"minutes": "0"}, "minutes", "15"),
    ],
)
async def test_a_no_of_the_profile_names_the_field_and_what_the_profile_has(
    client: TestClient[Any, Any], services: FakeServices, changes: dict[str, str], field: str, said: str
) -> None:
    services.door.decision = not_in_profile
    status, problem = await ask(client, HOME, **{"minutes": "15"} | changes)
    assert (status, problem["reasons"], problem["field"]) == (403, ["not-in-profile"], field)
    assert [each["field"] for each in problem["fields"]] == [field]
    assert said in problem["rule"]
    assert f"{field}: {problem['rule']}" in problem["detail"]


async def test_a_no_of_the_profile_names_the_level_and_the_place(
    client: TestClient[Any, Any], services: FakeServices
) -> None:
    services.door.places[ACME] = ["south"]
    status, problem = await ask(client, "/readings/places/north%231.json", minutes="15")
    assert (status, [each["field"] for each in problem["fields"]]) == (403, ["level", "place"])
    assert "south" in problem["fields"][1]["rule"]


async def test_without_minutes_the_finest_is_given_that_profile_and_ground_allow(
    client: TestClient[Any, Any], services: FakeServices
) -> None:
    assert (await ask(client, HOME))[0] == 200
    assert services.door.questions[-1].resolution == timedelta(minutes=15)
    coarse = replace(opening("b" * 32, {ENERGY}), resolution=timedelta(minutes=20), values=Period(FIRST, LAST))
    services.door.openings[ACME].append(coarse)
    assert (await ask(client, ALL))[0] == 200
    assert services.door.questions[-1].resolution == timedelta(minutes=60), "nobody is left out without a word"
    assert (await ask(client, HOME))[0] == 200
    assert services.door.questions[-1].resolution == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("start", "end", "fields", "said"),
    [
        ("2026-02-28T00:00:00Z", "2026-03-02T00:00:00Z", ["start"], "2026-02-28T00:00:00Z/2026-03-01T00:00:00Z"),
        ("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z", ["end"], "2026-03-04T00:00:00Z/2026-03-09T00:00:00Z"),
        ("2026-02-28T00:00:00Z", "2026-03-09T00:00:00Z", ["start", "end"], "2026-03-04T00:00:00Z/2026-03-09"),
    ],
)
async def test_a_period_beyond_the_ground_is_told_what_of_it_is_not_covered(
    client: TestClient[Any, Any], services: FakeServices, start: str, end: str, fields: list[str], said: str
) -> None:
    services.door.decision = lambda _: Refusal((Reason.PERIOD_NOT_COVERED,))
    status, problem = await ask(client, HOME, start=start, end=end, minutes="15")
    assert (status, [each["field"] for each in problem["fields"]]) == (403, fields)
    assert said in problem["rule"]


@pytest.mark.parametrize(
    ("reason", "changes", "field", "said"),
    [
        (Reason.PURPOSE_NOT_COVERED, {"purpose": "research"}, "purpose", "energy-advice"),
        (Reason.QUANTITY_NOT_COVERED, {"quantity": EXPORT}, "quantity", EXPORT),
        (Reason.LEVEL_NOT_COVERED, {"level": "pseudonymous"}, "level", "individual"),
        (Reason.TOO_FINE, {"minutes": "15"}, "minutes", "60"),
    ],
)
async def test_a_no_of_the_ground_names_the_field_and_what_the_ground_has(
    client: TestClient[Any, Any],
    services: FakeServices,
    reason: Reason,
    changes: dict[str, str],
    field: str,
    said: str,
) -> None:
    services.door.openings[ACME] = [replace(opening(NAME, {ENERGY}), resolution=timedelta(hours=1))]
    services.door.decision = lambda _: Refusal((reason,))
    status, problem = await ask(client, HOME, **{"minutes": "60"} | changes)
    assert (status, problem["field"], problem["reasons"]) == (403, field, [reason])
    assert said in problem["rule"]


async def test_two_quantities_under_two_consents_are_refused_by_field_and_may_be_asked_apart(
    client: TestClient[Any, Any], services: FakeServices
) -> None:
    services.door.openings[ACME] = [opening(NAME, {ENERGY}), opening(NAME, {EXPORT}), opening(NAME, {ENERGY})]
    services.door.decision = lambda _: Refusal((Reason.QUANTITY_NOT_COVERED,))
    query = [*GOOD.items(), ("quantity", EXPORT), ("minutes", "60")]
    async with client.get(HOME, params=query, headers=calling(Role.PARTNER, "acme")) as answer:
        problem = await answer.json(content_type=None)
    rule = f"no one ground covers all of them; ask apart for {ENERGY} and for {EXPORT}"
    assert (answer.status, problem["fields"]) == (403, [{"field": "quantity", "rule": rule}])


async def test_of_a_household_that_is_not_known_nothing_is_told(client: TestClient[Any, Any]) -> None:
    status, problem = await ask(client, f"/readings/households/{'f' * 32}.json", minutes="15")
    assert (status, problem["reasons"]) == (403, ["no-consent"])
    assert "fields" not in problem


async def test_a_portfolio_says_how_many_do_not_allow_all_of_the_period(
    client: TestClient[Any, Any], services: FakeServices
) -> None:
    services.door.openings[ACME] += [opening("b" * 32, {ENERGY}), opening("c" * 32, {EXPORT})]
    asked = GOOD | {"end": "2026-03-09T00:00:00Z", "minutes": "15"}
    async with client.get(ALL, params=asked, headers=calling(Role.PARTNER, "acme")) as answer:
        assert answer.headers["Not-Covered"] == "households=1;of=2;reason=period-not-covered"
    async with client.get(ALL, params=asked | GOOD, headers=calling(Role.PARTNER, "acme")) as answer:
        assert answer.status == 200
        assert "Not-Covered" not in answer.headers


@pytest.mark.parametrize("path", [HOME, ALL, "/readings/places/north.csv"])
async def test_who_takes_none_of_our_forms_is_told_which_there_are(
    client: TestClient[Any, Any], services: FakeServices, path: str
) -> None:
    headers = {**calling(Role.PARTNER, "acme"), "Accept": "application/vnd.sdmx.data+csv;version=2.0.0"}
    async with client.get(path, params=GOOD, headers=headers) as answer:
        problem = await answer.json(content_type=None)
    assert (answer.status, problem["reason"], problem["field"]) == (406, "not-acceptable", "Accept")
    assert problem["rule"].startswith("text/csv, application/json, application/x-ndjson")
    assert services.door.questions == []


@pytest.mark.parametrize("accept", ["*/*", "text/csv", "text/*", "", "application/vnd.sdmx.data+csv, */*;q=0.1"])
async def test_the_end_of_the_path_says_the_form_to_who_takes_any_of_ours(
    client: TestClient[Any, Any], accept: str
) -> None:
    headers = {**calling(Role.PARTNER, "acme"), "Accept": accept}
    async with client.get(HOME, params=GOOD, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
