"""Two gateways over real sockets, one that has households and one that wants their data; and what journeys do."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from adapters.gaiax.adapter import assemble, make_desk
from adapters.gaiax.dsp import negotiations, store, transfers
from adapters.gaiax.dsp.desk import Desk
from adapters.gaiax.dsp.messages import read_data_address
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.jsonld import DSPACE
from adapters.plugin import Adapter, Services
from policies.roles import Listener
from tests.adapters.gaiax.harness import House, Key

SINGLE = "urn:metergate:load/single/p1"


@dataclass
class Side:
    house: House
    desk: Desk

    @property
    def base(self) -> str:
        return self.house.public_urls[Listener.PARTNERS]

    def header(self, to: str) -> dict[str, str]:
        return {"Authorization": self.desk.participants.header(to)}


def maker(found: list[Desk]) -> Callable[[Services], Adapter]:
    def make(services: Services) -> Adapter:
        found.append(make_desk(services))
        return assemble(services, found[-1])

    return make


def pin(key: Key, connection: Connection) -> None:
    store.pin_keys(connection, key.did, {key.kid: dict(key.jwk())})


async def until(what: Callable[[], Awaitable[Any]]) -> Any:
    """What it gives as soon as it gives something; fails after ten seconds."""
    async with asyncio.timeout(10):
        while not (found := await what()):  # noqa: ASYNC110 - what is looked at is a row of a database
            await asyncio.sleep(0.02)
    return found


async def call(
    side: Side, verb: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    assert side.house.client is not None
    data = None if body is None else json.dumps(body).encode()
    async with side.house.client.request(verb, url, data=data, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text


async def catalog_of(provider: Side, consumer: Side, **headers: str) -> tuple[int, Any]:
    body = {"@context": [DSPACE], "@type": "CatalogRequestMessage"}
    given = headers or consumer.header(provider.desk.did)
    return await call(consumer, "POST", provider.base + "/dsp/catalog/request", body, given)


async def negotiate(provider: Side, consumer: Side, dataset: str = SINGLE, place: int = 0) -> str:
    """Take an offer from the catalog; our pid of the negotiation."""
    _, catalog = await catalog_of(provider, consumer)
    (chosen,) = [d for d in catalog["dataset"] if d["@id"] == dataset]
    offer = chosen["hasPolicy"][place]
    rules = {k: v for k, v in offer.items() if k in ("permission", "prohibition", "obligation")}
    return await negotiations.begin(
        consumer.desk,
        partner=provider.desk.did,
        address=provider.base + "/dsp",
        dataset=dataset,
        offer_id=offer["@id"],
        policy=rules,
    )


async def negotiation(side: Side, pid: str) -> Negotiation:
    found = await side.house.look(lambda connection: store.load(connection, Negotiation, pid))
    assert found is not None
    return found


async def transfer(side: Side, pid: str) -> Transfer:
    found = await side.house.look(lambda connection: store.load(connection, Transfer, pid))
    assert found is not None
    return found


async def reaches(side: Side, pid: str, *states: str) -> Negotiation:
    async def look() -> Negotiation | None:
        found = await negotiation(side, pid)
        return found if found.state in states else None

    result: Negotiation = await until(look)
    return result


async def transfer_reaches(side: Side, pid: str, *states: str) -> Transfer:
    async def look() -> Transfer | None:
        found = await transfer(side, pid)
        return found if found.state in states else None

    result: Transfer = await until(look)
    return result


async def agreed(provider: Side, consumer: Side, dataset: str = SINGLE) -> str:
    pid = await negotiate(provider, consumer, dataset)
    return (await reaches(consumer, pid, "FINALIZED")).agreement


async def started(
    provider: Side, consumer: Side, dataset: str = SINGLE, form: str = "HttpData-PULL"
) -> tuple[Transfer, str, dict[str, str]]:
    """A running transfer on the consumer's side; where its data is, with which header."""
    agreement = await agreed(provider, consumer, dataset)
    address = provider.base + "/dsp"
    pid = await transfers.begin(consumer.desk, address=address, agreement_id=agreement, data_format=form)
    running = await transfer_reaches(consumer, pid, "STARTED")
    assert running.address is not None
    endpoint, token = read_data_address(running.address)
    return running, endpoint, {"Authorization": f"Bearer {token}"}


async def waiting(provider: Side, consumer: Side) -> str:
    """A negotiation that the provider leaves in REQUESTED: the household has not answered."""
    pid = await negotiate(provider, consumer, place=1)
    await until(lambda: first_asked(provider))
    await until(lambda: _known(consumer, pid))
    return pid


async def _known(side: Side, pid: str) -> str:
    return (await negotiation(side, pid)).partner_pid


async def first_asked(side: Side) -> Any:
    return side.house.door.asked[0] if side.house.door.asked else None
