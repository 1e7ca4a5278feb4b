"""The role table and the routes of the whole gateway, laid beside each other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from adapters.plugin import Route
from gateway.app import _adapters, _made
from gateway.compose import Gateway
from gateway.intake import http as ingest
from gateway.people import people_routes
from gateway.serve.listeners import Surroundings, application
from policies.roles import ALLOWED, Listener
from tests.gateway.people_house import people


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with people(tmp_path) as house:
        yield house.gateway


def _all(gateway: Gateway) -> list[Route]:
    adapters = [_made(gateway, name, create) for name, create, _ in _adapters(gateway.settings)]
    return [
        *people_routes(gateway),
        *ingest.routes(gateway.house.intake, gateway.registry.devices, gateway.clock),
        *[route for adapter in adapters for route in adapter.routes],
    ]


async def test_every_route_is_in_the_table_and_the_table_names_no_other(gateway: Gateway) -> None:
    served = {(route.name, route.verb) for route in _all(gateway)}
    table = {(name, verb) for name, verbs in ALLOWED.items() for verb, roles in verbs.items() if roles}
    assert served - table == set(), "nobody may call these"
    assert {name for name, _ in table} - {name for name, _ in served} == set(), "the table knows routes that are gone"


async def test_every_listener_has_routes_of_its_own_and_none_twice(gateway: Gateway) -> None:
    routes = _all(gateway)
    around = Surroundings(gateway.callers_of([]), gateway.access, structlog.get_logger(), 1)
    for which in Listener:
        mine = [route for route in routes if route.listener is which]
        assert mine
        application(which, mine, around)
