"""Two gateways over real sockets, one that has households and one that wants their data; and what journeys do."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from adapters.gaiax.adapter import assemble, make_connector
from adapters.gaiax.dsp import consumer as consuming
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.agreements import Wish
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.messages import read_data_address
from adapters.gaiax.dsp.outcome import P
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.jsonld import DSPACE
from adapters.plugin import Adapter, PermissionRequest, Services
from metergate.testing.parties import FakeSigner
from policies.roles import Listener
from tests.adapters.gaiax.harness import House

SINGLE = "urn:metergate:load/single/p1"


@dataclass
class Side:
    house: House
    connector: Connector

    @property
    def base(self) -> str:
        return self.house.public_urls[Listener.PARTNERS]

    def header(self, to: str) -> dict[str, str]:
        return {"Authorization": self.connector.participants.header(to)}


def maker(found: list[Connector]) -> Callable[[Services], Adapter]:
    def make(services: Services) -> Adapter:
        found.append(make_connector(services))
        return assemble(services, found[-1])

    return make


def pin(key: FakeSigner, connection: Connection) -> None:
    store.pin_keys(connection, key.did, {key.kid: dict(key.jwk())})


async def call(
    side: Side, verb: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    async with side.house.client.request(verb, url, data=data, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text


async def catalog_of(provider: Side, consumer: Side, **headers: str) -> tuple[int, Any]:
    body = {"@context": [DSPACE], "@type": "CatalogRequestMessage"}
    given = headers or consumer.header(provider.connector.us.did)
    return await call(consumer, "POST", provider.base + "/dsp/catalog/request", body, given)


async def negotiate(provider: Side, consumer: Side, dataset: str = SINGLE, place: int = 0) -> str:
    """Take an offer from the catalog; our pid of the negotiation."""
    _, catalog = await catalog_of(provider, consumer)
    (chosen,) = [d for d in catalog["dataset"] if d["@id"] == dataset]
    wish = Wish(provider.connector.us.did, provider.base + "/dsp", dataset, chosen["hasPolicy"][place])
    return await consuming.negotiate(consumer.connector, wish)


async def negotiation(side: Side, pid: str) -> Negotiation:
    found = await side.house.look(lambda connection: store.load(connection, Negotiation, pid))
    assert found is not None
    return found


async def transfer(side: Side, pid: str) -> Transfer:
    found = await side.house.look(lambda connection: store.load(connection, Transfer, pid))
    assert found is not None
    return found


async def becomes(side: Side, kind: type[P], pid: str, what: Callable[[P], object]) -> P:
    """The process as soon as that is true of it; fails after ten seconds."""

    async def look() -> P | None:
        found = await side.connector.find(kind, pid)
        return found if found is not None and what(found) else None

    found = await side.connector.bells.until(pid, look, 10)
    assert found is not None, f"{await side.connector.find(kind, pid)}"
    return found


async def reaches(side: Side, pid: str, *states: str) -> Negotiation:
    return await becomes(side, Negotiation, pid, lambda process: process.state in states)


async def transfer_reaches(side: Side, pid: str, *states: str) -> Transfer:
    return await becomes(side, Transfer, pid, lambda process: process.state in states)


async def agreed(provider: Side, consumer: Side, dataset: str = SINGLE) -> str:
    pid = await negotiate(provider, consumer, dataset)
    return (await reaches(consumer, pid, "FINALIZED")).agreement


async def started(
    provider: Side, consumer: Side, dataset: str = SINGLE, form: str = "HttpData-PULL"
) -> tuple[Transfer, str, dict[str, str]]:
    """A running transfer on the consumer's side; where its data is, with which header."""
    agreement = await agreed(provider, consumer, dataset)
    address = provider.base + "/dsp"
    pid = await consuming.fetch(consumer.connector, address=address, agreement_id=agreement, data_format=form)
    running = await transfer_reaches(consumer, pid, "STARTED")
    assert running.address is not None
    endpoint, token = read_data_address(running.address)
    return running, endpoint, {"Authorization": f"Bearer {token}"}


async def waiting(provider: Side, consumer: Side) -> str:
    """A negotiation that the provider leaves in REQUESTED: the household has not answered."""
    pid = await negotiate(provider, consumer, place=1)
    await first_asked(provider)
    await becomes(consumer, Negotiation, pid, lambda process: process.partner_pid)
    return pid


async def first_asked(side: Side) -> tuple[Any, PermissionRequest]:
    """The first household that was asked, and for what; waits until one is."""
    async with asyncio.timeout(10):
        await side.house.door.wondering.wait()
    return side.house.door.asked[0]
