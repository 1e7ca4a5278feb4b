"""Availability tells what the caller's grounds cover and nothing else, and sdmx1 reads it."""

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sdmx
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.plugin import Adapter, Opening, Organisation
from adapters.sdmx.asked import KEY, METER, QUANTITY, SUBJECT, TIME_PERIOD, NotAnswered, of_2_1, of_3_0
from adapters.sdmx.available_routes import STRUCTURE_TYPE_3_0, Availabilities
from adapters.sdmx.routes import STRUCTURE_TYPE, Structures
from metergate.testing.services import FakeServices
from metergate.testing.serving import calling, serve
from policies.roles import Role
from policies.terms import Level, Period, Purpose, Recipient
from tests.shared import SHARED, needs_corpus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
ENERGY, FEED, GAS = "1-0:1.8.0*255", "1-0:2.8.0*255", "7-0:3.0.0*255"
A, B, C = "a" * 32, "b" * 32, "c" * 32
SCHEMAS = SHARED / "corpus/gaiax/sdmx"
ME, OTHER = Recipient("me"), Recipient("other")


def opening(name: str, *quantities: str, days: int = 10, level: Level = Level.INDIVIDUAL) -> Opening:
    values = Period(NOW - days * DAY, NOW + 30 * DAY)
    return Opening(name, Purpose.RESEARCH, frozenset(quantities), QUARTER, level, values, NOW + 30 * DAY, DAY)


def organisation(name: Recipient) -> Organisation:
    quantities, purposes = frozenset({ENERGY, FEED}), frozenset({Purpose.RESEARCH, Purpose.NEIGHBOURHOOD})
    return Organisation(name, name, "", frozenset(Level), quantities, QUARTER, purposes)


@pytest.fixture
def services() -> FakeServices:
    """I may see A and B, and the sums of a place; somebody else may see C."""
    given = FakeServices(now=NOW)
    given.door.openings = {
        ME: [opening(A, ENERGY, FEED), opening(B, ENERGY, GAS, days=3), opening(C, ENERGY, level=Level.COHORT)],
        OTHER: [opening(C, ENERGY)],
    }
    given.door.places = {ME: ["place 1"]}
    given.directory.organisations = {name: organisation(name) for name in (ME, OTHER)}  # type: ignore[attr-defined]
    return given


@pytest.fixture
async def client(services: FakeServices) -> AsyncIterator[TestClient[Any, Any]]:
    adapter = Adapter("sdmx", [*Structures(services).routes(), *Availabilities(services).routes()])
    async with TestClient(TestServer(serve(adapter))) as open_client:
        yield open_client


Told = Mapping[str, Mapping[str, Sequence[str]]]


async def told(client: TestClient[Any, Any], path: str, who: str = "me") -> Told:
    """By dataflow and dimension, as sdmx1 reads it."""
    answer = await client.get(path, headers=calling(Role.PARTNER, who))
    body = await answer.read()
    assert answer.status == 200, body
    assert answer.headers["Content-Type"] == (STRUCTURE_TYPE_3_0 if "/3.0/" in path else STRUCTURE_TYPE)
    message = sdmx.read_sdmx(io.BytesIO(body))
    found = {}
    for constraint in message.constraint.values():
        assert str(constraint.role.role).endswith("actual")
        (region,) = constraint.data_content_region
        values = {each.id: [_text(value) for value in chosen.values] for each, chosen in region.member.items()}
        found[constraint.id.removeprefix("AVAILABLE_")] = values
    return found


def _text(value: Any) -> str:
    return (
        value.value if hasattr(value, "value") else f"{value.start.period:%m-%d %H:%M}/{value.end.period:%m-%d %H:%M}"
    )


async def refusal(
    client: TestClient[Any, Any], path: str, role: Role = Role.PARTNER, who: str = "me"
) -> tuple[int, str]:
    answer = await client.get(path, headers=calling(role, who))
    root = etree.fromstring(await answer.read())
    assert etree.QName(root).localname == "Error"
    assert ("v3_0" if "/3.0/" in path else "v2_1") in str(etree.QName(root).namespace)
    return answer.status, str(root[0].get("code"))


FLOW = "/sdmx/3.0/availability/dataflow/METERGATE/LOAD/2.0"


@pytest.mark.rule("SDMX REST 2.0.0, availability: values of each dimension for a key")
async def test_a_caller_is_told_its_own_households_and_quantities(client: TestClient[Any, Any]) -> None:
    everything = {SUBJECT: [A, B], QUANTITY: [ENERGY, FEED]}
    for path in (FLOW, f"{FLOW}/*", f"{FLOW}/*/*", "/sdmx/3.0/availability/dataflow/*/LOAD", f"{FLOW}/*.*.*"):
        assert await told(client, path) == {"LOAD": everything}
    assert await told(client, FLOW, "other") == {"LOAD": {SUBJECT: [C], QUANTITY: [ENERGY]}}
    assert await told(client, f"{FLOW}/{B}.*.*") == {"LOAD": {SUBJECT: [B], QUANTITY: [ENERGY]}}
    assert await told(client, f"{FLOW}/*.{quote(FEED)}.*") == {"LOAD": {SUBJECT: [A], QUANTITY: [FEED]}}
    assert await told(client, f"{FLOW}/{A}.1-0:2.8.0.*,{B}.*.*") == {"LOAD": everything}


async def test_what_ends_is_not_told_any_more(client: TestClient[Any, Any], services: FakeServices) -> None:
    services.door.openings[ME].pop(0)
    assert await told(client, FLOW) == {"LOAD": {SUBJECT: [B], QUANTITY: [ENERGY]}}
    services.door.openings[ME].clear()
    assert await refusal(client, FLOW) == (404, "100")
    assert services.door.questions == []


async def test_a_narrower_profile_is_told_less(client: TestClient[Any, Any], services: FakeServices) -> None:
    mine = organisation(ME)
    known = services.directory.organisations  # type: ignore[attr-defined]
    known[ME] = replace(mine, quantities=frozenset({FEED}))
    assert await told(client, FLOW) == {"LOAD": {SUBJECT: [A], QUANTITY: [FEED]}}
    for narrower in (
        replace(mine, levels=frozenset({Level.COHORT})),
        replace(mine, purposes=frozenset({Purpose.FORECAST})),
        replace(mine, quantities=frozenset()),
    ):
        known[ME] = narrower
        assert await refusal(client, FLOW) == (404, "100")
    del known[ME]
    assert await refusal(client, FLOW) == (404, "100")


async def test_of_places_it_says_names_and_quantities_and_no_meter(client: TestClient[Any, Any]) -> None:
    cells = {"CELLS": {SUBJECT: ["place 1"], QUANTITY: [ENERGY, FEED], METER: ["_Z"]}}
    assert await told(client, "/sdmx/3.0/availability/dataflow/METERGATE/CELLS") == cells
    both = await told(client, "/sdmx/3.0/availability/datastructure/METERGATE/DSD_ENERGY")
    assert set(both) == {"CELLS", "LOAD"}
    assert await told(client, "/sdmx/3.0/availability/*/*/*/*/*.*._Z") == cells
    assert await refusal(client, "/sdmx/3.0/availability/dataflow/METERGATE/CELLS", who="other") == (404, "100")


@pytest.mark.rule("SDMX REST 2.0.0, availability: one dimension")
async def test_one_dimension_alone(client: TestClient[Any, Any]) -> None:
    assert await told(client, f"{FLOW}/*/SUBJECT") == {"LOAD": {SUBJECT: [A, B]}}
    assert await told(client, f"{FLOW}/*/SUBJECT,QUANTITY") == {"LOAD": {SUBJECT: [A, B], QUANTITY: [ENERGY, FEED]}}
    assert await refusal(client, f"{FLOW}/*/METER") == (501, "501")
    assert await refusal(client, f"{FLOW}/*.*.main") == (501, "501")


@pytest.mark.rule("SDMX REST 2.0.0, availability: mode exact and available")
async def test_what_could_be_added_to_a_question_is_told_beside_what_answers_it(client: TestClient[Any, Any]) -> None:
    path = f"{FLOW}/{B}.*.*"
    assert await told(client, f"{path}?mode=exact") == {"LOAD": {SUBJECT: [B], QUANTITY: [ENERGY]}}
    assert await told(client, f"{path}?mode=available") == {"LOAD": {SUBJECT: [A, B], QUANTITY: [ENERGY]}}
    assert await refusal(client, f"{path}?mode=both") == (400, "140")


@pytest.mark.rule("SDMX REST 2.0.0, availability: c by values of a dimension")
async def test_values_of_dimensions_narrow_the_key(client: TestClient[Any, Any]) -> None:
    asked = quote(f"{FEED},eq:{GAS}")
    assert await told(client, f"{FLOW}?c[QUANTITY]={asked}") == {"LOAD": {SUBJECT: [A], QUANTITY: [FEED]}}
    assert await refusal(client, f"{FLOW}/{B}.*.*?c[QUANTITY]={asked}") == (404, "100")
    assert await refusal(client, f"{FLOW}?c[COLOUR]=red") == (400, "140")
    for open_query in ("c[TIME_PERIOD]=ge:2026-01-01", "updatedAfter=2026-01-01", "references=all"):
        assert await refusal(client, f"{FLOW}?{open_query}") == (501, "501")


@needs_corpus
@pytest.mark.rule("SDMX REST 2.0.0, availability: SDMX-ML 3.0 structure message")
@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("3.0", FLOW),
        ("3.0", f"{FLOW}/*/TIME_PERIOD"),
        ("3.0", "/sdmx/3.0/availability/*"),
        ("3.0", f"{FLOW}/*.*.main"),
        ("2.1", "/sdmx/2.1/availableconstraint/all?references=all"),
        ("2.1", "/sdmx/2.1/availableconstraint/LOAD/x"),
    ],
)
async def test_answers_and_errors_are_valid_against_the_schemas(
    client: TestClient[Any, Any], version: str, path: str
) -> None:
    body = await (await client.get(path, headers=calling(Role.PARTNER, "me"))).read()
    schema = etree.XMLSchema(etree.parse(SCHEMAS / f"xsd-{version}" / "SDMXMessage.xsd"))
    schema.assertValid(etree.fromstring(body))


async def test_the_period_is_that_of_the_grounds_as_far_as_it_is_past(client: TestClient[Any, Any]) -> None:
    body = await (await client.get(FLOW, headers=calling(Role.PARTNER, "me"))).read()
    values = [each for each in etree.fromstring(body).iter() if etree.QName(each).localname == "KeyValue"]
    assert {(each.get("validFrom"), each.get("validTo")) for each in values} == {
        ("2026-02-19T12:00:00Z", "2026-03-01T12:00:00Z")
    }
    only_b = await told(client, f"/sdmx/2.1/availableconstraint/LOAD/{B}..?references=all")
    assert only_b["LOAD"][TIME_PERIOD] == ["02-26 12:00/03-01 12:00"]


async def test_a_ground_for_days_to_come_has_nothing_yet(client: TestClient[Any, Any], services: FakeServices) -> None:
    later = Period(NOW + DAY, NOW + 2 * DAY)
    services.door.openings[ME] = [replace(opening(A, ENERGY), values=later)]
    assert await refusal(client, FLOW) == (404, "100")


@pytest.mark.rule("SDMX REST guidelines 1.5: availableconstraint")
async def test_the_older_form_brings_structures_beside_it(client: TestClient[Any, Any]) -> None:
    time = ["02-19 12:00/03-01 12:00"]
    everything = {SUBJECT: [A, B], QUANTITY: [ENERGY, FEED], TIME_PERIOD: time}
    for path in ("METERGATE,LOAD,2.0", "METERGATE,LOAD/all", "LOAD/all/METERGATE"):
        assert await told(client, f"/sdmx/2.1/availableconstraint/{quote(path)}?references=all") == {"LOAD": everything}
    key = f"{A}+{B}.1-0:2.8.0+{ENERGY}."
    assert await told(client, f"/sdmx/2.1/availableconstraint/LOAD/{quote(key, safe='+:*')}?references=all") == {
        "LOAD": everything
    }
    only = await told(client, "/sdmx/2.1/availableconstraint/LOAD/all/all/SUBJECT?references=all")
    assert only == {"LOAD": {SUBJECT: [A, B]}}
    assert (await told(client, "/sdmx/2.1/availableconstraint/all?references=all"))["CELLS"][METER] == ["_Z"]
    for nobody in ("OTHER,LOAD", "LOAD/all/SOMEBODY", "LOAD,3.0", "NONE"):
        assert await refusal(client, f"/sdmx/2.1/availableconstraint/{nobody}") == (404, "100")
    assert await refusal(client, "/sdmx/2.1/availableconstraint/LOAD?startPeriod=2026") == (501, "501")


@pytest.mark.rule("SDMX REST guidelines 1.5: errors of the standard")
async def test_refusals_before_the_handler_are_the_standards_too(client: TestClient[Any, Any]) -> None:
    for path in (FLOW, "/sdmx/2.1/availableconstraint/LOAD"):
        assert await refusal(client, path, Role.HOUSEHOLD) == (403, "110")
        assert await refusal(client, path, Role.ANYONE) == (401, "110")
        assert await refusal(client, path, who="nobody") == (404, "100")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/sdmx/3.0/availability/table/METERGATE/LOAD", "140"),
        (f"{FLOW}/{A}", "140"),
        (f"{FLOW}/{A}.*", "140"),
        (f"{FLOW}/{A}.nonsense!.*", "140"),
        (f"{FLOW}/*/COLOUR", "140"),
        (f"{FLOW}/{','.join(['*.*.*'] * 70)}", "130"),
        ("/sdmx/3.0/availability/provisionagreement/METERGATE/LOAD", "100"),
        ("/sdmx/3.0/availability/dataflow/METERGATE/LOAD/9.9", "100"),
    ],
)
async def test_one_thing_wrong_with_a_path_is_told_by_its_code(
    client: TestClient[Any, Any], path: str, code: str
) -> None:
    assert (await refusal(client, path))[1] == code


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(["c[SUBJECT]", "c[QUANTITY]", "mode", "x"]))
def test_no_key_crashes_the_reader_of_queries(key: str, component: str, name: str) -> None:
    for ask, path in (
        (of_3_0, {"context": "dataflow", "id": "LOAD", "key": key, "component": component}),
        (of_2_1, {"flow": "LOAD", "key": key, "component": component}),
    ):
        try:
            found = ask(path, [(name, component)])
        except NotAnswered:
            continue
        assert all(set(each) <= set(KEY) for each in (*found.keys, found.where))


@pytest.mark.parametrize("quantity", ["*", ENERGY, "1-0:1.8.0", "energy/storage.1"])
@pytest.mark.parametrize("meter", ["*", "main"])
def test_a_key_is_not_cut_at_the_dots_of_a_quantity(quantity: str, meter: str) -> None:
    (key,) = of_3_0({"context": "dataflow", "key": f"{A}.{quantity}.{meter}"}, []).keys
    assert key[SUBJECT] == {A}
    assert key.get(METER, frozenset("*")) == {meter}
    assert (QUANTITY in key) is (quantity != "*")
