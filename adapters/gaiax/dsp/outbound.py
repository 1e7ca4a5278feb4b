"""Messages of ours, sent by the durable outbox: in order within a process, again until the partner has them."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from adapters.gaiax.dsp import exchange, negotiations, store, transfers
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.messages import Malformed
from adapters.gaiax.dsp.outcome import Due, Outcome
from adapters.gaiax.dsp.process import PROCESS_KINDS, Negotiation, Transfer
from adapters.gaiax.dsp.words import Side, urn
from adapters.gaiax.participants import DATA_TOKEN
from adapters.plugin import Later, Notice, OutboundError, Reply


async def deliver(connector: Connector, notice: Notice) -> None:
    """Handler of ``dsp.message``. Raises ``Later`` to be called again."""
    pid = notice.payload["pid"]
    if not await connector.turn(pid):
        raise Later("our answer to the partner is still leaving", exchange.FIRST_MESSAGE_WAIT)
    if notice.payload["kind"] == PROCESS_KINDS[Transfer]:
        await _deliver(connector, notice, await _transfer(connector, notice))
    else:
        await _deliver(connector, notice, await _negotiation(connector, notice))


async def _negotiation(connector: Connector, notice: Notice) -> Outcome[Negotiation]:
    pid, due, us = notice.payload["pid"], _due(connector, notice), connector.us
    found = await connector.find(Negotiation, pid) if due.say == n.Say.AGREEMENT else None
    openings = connector.services.openings(found.recipient) if found else ()  # here: the writer's thread may not

    def decide(connection: Connection) -> Outcome[Negotiation]:
        process = store.load(connection, Negotiation, pid)
        made = store.load_agreement(connection, process.agreement, Side.PROVIDER) if process else None
        return negotiations.speak(process, due, us, openings, made)

    return await connector.act(decide)


async def _transfer(connector: Connector, notice: Notice) -> Outcome[Transfer]:
    pid, due, us = notice.payload["pid"], _due(connector, notice), connector.us
    ending = due.say not in (t.Say.REQUEST, t.Say.START)
    return await connector.act(lambda c: transfers.speak(store.load(c, Transfer, pid), due, us), ending=ending)


def _due(connector: Connector, notice: Notice) -> Due:
    ids, given = connector.services.ids, notice.payload
    token = DATA_TOKEN + ids() + ids()
    return Due(given["say"], given["number"], given["why"], connector.services.clock(), urn(ids()), token)


async def _deliver(connector: Connector, notice: Notice, outcome: Outcome[Any]) -> None:
    """Send what has become durable, and go on when the partner has it."""
    process, number = outcome.process, notice.payload["number"]
    if process is None or outcome.send is None:
        return
    reply = await _post(connector, process, *outcome.send)
    status = reply.status if reply is not None else 0
    if (wait := exchange.again(status, notice.tries)) is not None:
        raise Later(f"status {status}" if status else "no answer", wait)
    accepted = 200 <= status < 300
    if not accepted:
        told = {"kind": notice.payload["kind"], "process": process.pid, "say": notice.payload["say"]}
        connector.services.log.warning("dsp.message_refused", **told, status=status)
    partner_pid = (
        await _partner_pid(connector, reply) if reply is not None and accepted and not process.partner_pid else ""
    )
    kind, us = type(process), connector.us

    def decide(connection: Connection) -> Outcome[Any]:
        return exchange.settled(store.load(connection, kind, process.pid), number, partner_pid, us, accepted=accepted)

    await connector.act(decide)


async def _post(
    connector: Connector, process: Negotiation | Transfer, path: str, body: Mapping[str, Any]
) -> Reply | None:
    headers = {
        "Authorization": connector.participants.header(process.partner),
        "Content-Type": "application/json",
        "Accept": "application/json, application/ld+json;q=0.9",
    }
    data = msgspec.json.encode(body)
    try:
        return await connector.services.http.request(
            "POST", process.callback + path, data=data, headers=headers, limit=1 << 16
        )
    except OutboundError:
        return None


async def _partner_pid(connector: Connector, reply: Reply) -> str:
    """The provider's id in its answer to a first request; "" where the answer cannot be read."""
    try:
        message = await connector.aside.read(reply.body, "ContractNegotiation", "TransferProcess")
        return message.provider_pid
    except Malformed:
        return ""
