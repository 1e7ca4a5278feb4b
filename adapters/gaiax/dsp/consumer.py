"""The consumer role: look into a provider's catalog, negotiate, ask for transfers. Each act becomes a message later."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from adapters.bodies import decoded
from adapters.gaiax.dsp import negotiations, store, transfers
from adapters.gaiax.dsp.agreements import Wish
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.messages import MESSAGE_CONTEXT
from adapters.gaiax.dsp.outcome import Outcome, Refuse
from adapters.gaiax.dsp.process import Transfer
from adapters.gaiax.dsp.words import Side, urn
from adapters.gaiax.jsonld import NotLinkedData, compacted
from adapters.plugin import OutboundError

LARGEST_CATALOG = 16 << 20
"""Bytes of a provider's catalog."""
MOST_IN_CATALOG = 20_000
"""Objects of one that has to be expanded: seconds, beside the loop."""


async def catalog(connector: Connector, partner: str, address: str) -> Mapping[str, Any]:
    """A provider's catalog for us. Raises ``Refuse`` when there is none to be had."""
    message = {"@context": MESSAGE_CONTEXT, "@type": "CatalogRequestMessage"}  # no empty filter: EDC refuses it
    url = address.rstrip("/") + "/catalog/request"
    headers = {"Authorization": connector.participants.header(partner), "Content-Type": "application/json"}
    try:
        data = msgspec.json.encode(message)
        reply = await connector.services.http.request("POST", url, data=data, headers=headers, limit=LARGEST_CATALOG)
    except OutboundError:
        raise Refuse(502, "provider-silent", "address: the provider does not answer") from None
    if reply.status != 200:
        raise Refuse(502, "provider-refused", f"the provider answers {reply.status}")
    try:
        found = await asyncio.to_thread(_read_catalog, reply.body)
    except (msgspec.DecodeError, NotLinkedData, RecursionError):
        raise Refuse(502, "provider-unreadable", "the provider's answer is no catalog") from None
    return found


def _read_catalog(body: bytes) -> Mapping[str, Any]:
    return compacted(decoded(body, dict[str, Any]), most_nodes=MOST_IN_CATALOG)


async def negotiate(connector: Connector, wish: Wish) -> str:
    """Ask for an offer; our id of the negotiation. Raises ``Refuse``."""
    recipient = await connector.participants.recipient(wish.partner)
    pid, now = urn(connector.services.ids()), connector.services.clock()
    untrusted = connector.participants.untrusted(wish.partner) if recipient is None else ""
    await connector.act(lambda _: negotiations.begin(pid, wish, recipient, now, untrusted))
    return pid


async def fetch(connector: Connector, *, address: str, agreement_id: str, data_format: str) -> str:
    """Ask for the data of an agreement; our id of the transfer. Raises ``Refuse``."""
    pid, now = urn(connector.services.ids()), connector.services.clock()
    wish = {"agreement_id": agreement_id, "address": address, "data_format": data_format}

    def decide(connection: Connection) -> Outcome[Transfer]:
        agreement = store.load_agreement(connection, agreement_id, Side.CONSUMER)
        return transfers.begin(agreement, pid, now, **wish)

    await connector.act(decide)
    return pid
