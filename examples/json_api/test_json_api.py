"""The output with the test kit: who gets what, and the text."""

from datetime import UTC, datetime
from decimal import Decimal

from aiohttp.test_utils import TestClient, TestServer
from json_api import create

from metergate.testing.services import FakeServices, opening
from metergate.testing.serving import calling, serve
from policies.roles import Role
from policies.terms import Recipient, Row

ENERGY = "1-0:1.8.0*255"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"}


async def test_a_partner_gets_what_its_household_allows_and_another_nothing() -> None:
    services = FakeServices()
    services.door.openings[Recipient("acme")] = [opening("p1", {ENERGY})]
    services.door.rows = [Row("p1", ENERGY, NOON, NOON, Decimal("1234.560"), "kWh")]
    acme, other = calling(Role.PARTNER, "acme"), calling(Role.PARTNER, "other")
    async with TestClient(TestServer(serve(create(services)))) as client:
        assert await (await client.get("/json-api/households", headers=acme)).json() == {"households": ["p1"]}
        answer = await client.get("/json-api/households/p1", params=DAY, headers=acme)
        shown = {"at": "2026-03-01T12:00:00+00:00", "value": "1234.560", "unit": "kWh", "status": "measured"}
        assert await answer.json() == {"parts": [{"household": "p1", "values": [shown]}]}
        for who, status in ((other, 403), (calling(Role.HOUSEHOLD, "h"), 403), ({}, 401)):
            assert (await client.get("/json-api/households/p1", params=DAY, headers=who)).status == status
        services.door.openings.clear()
        assert (await client.get("/json-api/households/p1", params=DAY, headers=acme)).status == 403


async def test_a_query_without_instants_is_refused() -> None:
    async with TestClient(TestServer(serve(create(FakeServices())))) as client:
        answer = await client.get("/json-api/households/p1", headers=calling(Role.PARTNER, "acme"))
        assert answer.status == 400
