"""The role table and the routes of the whole gateway, laid beside each other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.plugin import Route
from gateway.app import all_routes, found
from gateway.compose import Gateway
from gateway.serve.listeners import application
from policies.roles import ALLOWED, Listener
from tests.gateway.people_house import people


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with people(tmp_path) as house:
        yield house.gateway


def _all(gateway: Gateway) -> list[Route]:
    return all_routes(gateway, [create(gateway.services(name)) for name, create, _ in found(gateway.settings)])


async def test_every_route_is_in_the_table_and_the_table_names_no_other(gateway: Gateway) -> None:
    served = {(route.name, route.verb) for route in _all(gateway)}
    table = {(name, verb) for name, verbs in ALLOWED.items() for verb, roles in verbs.items() if roles}
    assert served - table == set(), "nobody may call these"
    assert {name for name, _ in table} - {name for name, _ in served} == set(), "the table knows routes that are gone"


async def test_every_listener_has_routes_of_its_own_and_none_twice(gateway: Gateway) -> None:
    routes = _all(gateway)
    for which in Listener:
        mine = [route for route in routes if route.listener is which]
        assert mine
        application(which, mine, gateway.callers().of(which), gateway.access.note, gateway.log, most=1)
