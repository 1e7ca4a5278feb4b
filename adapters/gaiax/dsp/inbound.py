"""What partners say: first requests to us as provider, and messages to either role."""

from sqlalchemy import Connection

from adapters.gaiax.dsp import agreements, negotiations, store, transfers
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.messages import DspMessage
from adapters.gaiax.dsp.outcome import Before, Incoming, Outcome, P
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.dsp.words import Side
from adapters.plugin import Caller


async def negotiation_request(
    connector: Connector, caller: Caller, message: DspMessage, pid: str
) -> Outcome[Negotiation]:
    """A first request; ``pid`` is for a fresh negotiation. Raises ``Refuse``."""
    incoming, us = _incoming(connector, caller, message), connector.us
    wanted = await _wanted(connector, caller, message)

    def decide(connection: Connection) -> Outcome[Negotiation]:
        before = _before(connection, Negotiation, incoming)
        return negotiations.request(before, incoming, wanted, pid, us)

    return await connector.act(decide)


async def negotiation_message(
    connector: Connector, caller: Caller, pid: str, say: n.Say, message: DspMessage, digest: str
) -> Outcome[Negotiation]:
    """A message in a running negotiation. Raises ``Refuse``; then nothing has changed."""
    incoming, us = _incoming(connector, caller, message, digest), connector.us
    counter = None
    if say is n.Say.REQUEST:
        counter = await _wanted(connector, caller, message)

    def decide(connection: Connection) -> Outcome[Negotiation]:
        return negotiations.hear(store.load(connection, Negotiation, pid), say, incoming, us, counter)

    return await connector.act(decide)


async def transfer_request(connector: Connector, caller: Caller, message: DspMessage, pid: str) -> Outcome[Transfer]:
    """A request under an agreement of ours; ``pid`` is for a fresh transfer. Raises ``Refuse``."""
    incoming, us = _incoming(connector, caller, message), connector.us
    openings = connector.services.openings(incoming.recipient)  # here: the writer's thread may not

    def decide(connection: Connection) -> Outcome[Transfer]:
        before = _before(connection, Transfer, incoming)
        agreement = store.load_agreement(connection, message.agreement_id, Side.PROVIDER)
        return transfers.request(before, incoming, agreement, openings, pid, us)

    return await connector.act(decide)


async def transfer_message(
    connector: Connector, caller: Caller, pid: str, say: t.Say, message: DspMessage, digest: str
) -> Outcome[Transfer]:
    """A message about a running transfer. Raises ``Refuse``; then nothing has changed."""
    incoming, us = _incoming(connector, caller, message, digest), connector.us
    ending = say is not t.Say.START
    return await connector.act(lambda c: transfers.hear(store.load(c, Transfer, pid), say, incoming, us), ending=ending)


async def _wanted(connector: Connector, caller: Caller, message: DspMessage) -> agreements.Wanted:
    return await connector.aside.do(agreements.wanted, message, await connector.datasets(caller))


def _incoming(connector: Connector, caller: Caller, message: DspMessage, digest: str = "") -> Incoming:
    assert caller.recipient is not None  # participants have one
    return Incoming(message, caller.client, caller.recipient, connector.services.clock(), digest)


def _before(connection: Connection, kind: type[P], incoming: Incoming) -> Before[P]:
    known = store.load_by_partner_pid(connection, kind, incoming.partner, incoming.message.consumer_pid)
    return Before(known, crowded=known is None and store.crowded(connection, kind, incoming.partner))
