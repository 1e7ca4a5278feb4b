"""The routes of the whole gateway beside the table that was last looked at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.compose import Gateway
from gateway.serve.listeners import application
from policies.roles import Listener, Role
from tests.gateway.people_house import people
from tests.gateway.route_table import FILE, routes_of, snapshot, written


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with people(tmp_path) as house:
        yield house.gateway


async def test_the_routes_and_their_roles_are_those_of_the_table(gateway: Gateway) -> None:
    assert written(routes_of(gateway)) == FILE.read_text().splitlines(), (
        "look at what changed, then: python -m tests.gateway.route_table"
    )


async def test_every_listener_has_routes_of_its_own_and_none_twice(gateway: Gateway) -> None:
    routes = routes_of(gateway)
    for which in Listener:
        mine = [route for route in routes if route.listener is which]
        assert mine
        application(which, mine, gateway.callers().of(which), gateway.access.note, gateway.log, most=1)


def test_only_those_that_must_are_open_to_anyone() -> None:
    """Start pages, what is public by its standard, what a code or a token in the request opens."""
    shut: tuple[str, ...] = ("/api/households", "/api/organisations", "/api/boxes", "/api/clients", "/api/retention")
    shut += ("/readings", "/ingest", "/data", "/consents", "/ledger", "/fleet", "/dsp/", "/sdmx", "/api/dsp")
    shut += ("/openadr3/3.1.1/reports", "/openadr3/3.1.1/vens")
    opened = [path for (_, _, path), roles in snapshot().items() if Role.ANYONE in roles]
    assert opened
    assert [path for path in opened if path.startswith(shut)] == []


def test_boxes_and_vens_reach_their_own_listener_and_operators_the_people_one_alone() -> None:
    own = {Role.BOX: Listener.DEVICES, Role.VEN: Listener.OPENADR20, Role.OPERATOR: Listener.PEOPLE}
    for (listener, _, path), roles in snapshot().items():
        if roles != frozenset(Role):
            assert {own.get(role, listener) for role in roles} == {listener}, path
