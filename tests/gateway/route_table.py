"""``routes.txt``: every route of the gateway and who may call it, as it was last looked at by a person.

``python -m tests.gateway.route_table`` writes it anew from the code as it is; what changed in it is for the reviewer.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.plugin import Route
from gateway.app import own_routes
from gateway.compose import Gateway
from gateway.extending.found import found
from gateway.extending.making import made
from policies.roles import EVERYBODY, Listener, Role
from tests.gateway.people_house import people

FILE = Path(__file__).with_name("routes.txt")
Table = dict[tuple[Listener, str, str], frozenset[Role]]


def routes_of(gateway: Gateway) -> list[Route]:
    """With our own adapters, as a gateway without further settings has them."""
    ours = own_routes(gateway)
    return [*ours, *[route for each in made(gateway, found(gateway.settings), ours) for route in each.routes]]


def written(routes: Iterable[Route]) -> list[str]:
    """One line for each route: listener, verb, path, name, roles. Sorted."""
    return sorted(f"{r.listener} {r.verb} {r.path} {r.name} {_roles(r.roles)}" for r in routes)


def _roles(roles: frozenset[Role]) -> str:
    return "everybody" if roles == EVERYBODY else ",".join(sorted(roles)) or "nobody"


def snapshot() -> Table:
    """By listener, verb and path. What is not in the table has no roles there: asking for it raises ``KeyError``."""
    table: Table = {}
    for line in FILE.read_text().splitlines():
        listener, verb, path, _, roles = line.split(" ")
        named = EVERYBODY if roles == "everybody" else frozenset(map(Role, roles.split(",")))
        table[Listener(listener), verb, path] = named
    return table


async def _write() -> None:
    with TemporaryDirectory() as folder:
        async with people(Path(folder)) as house:
            FILE.write_text("\n".join(written(routes_of(house.gateway))) + "\n")


if __name__ == "__main__":
    asyncio.run(_write())
