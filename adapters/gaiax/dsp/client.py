"""Messages of ours, sent by the durable outbox: in order within a process, again until the partner has them."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from adapters.gaiax.dsp import negotiation, negotiations, store, transfer, transfers
from adapters.gaiax.dsp.desk import NO_CONSENT, Desk, Refuse
from adapters.gaiax.dsp.messages import CONTEXT, Body, Malformed, read
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.jsonld import NotLinkedData, compacted
from adapters.plugin import Later, Notice, OutboundError, Reply

AGAIN = frozenset({404, 408, 409, 425, 429})
"""Answers of partners that are not ready: not listening yet, or still busy with the message before."""
FIRST_WAIT, LONGEST_WAIT = 0.3, 60.0
MOST_NOT_FOUND, LONGEST_NOT_FOUND = 7, 2.0
"""Tries against 404: a partner that has ended the process, or had the message before a crash of ours, says it too."""
MOST_TRIES = 50
LARGEST_CATALOG = 16 << 20
"""Bytes of a provider's catalog."""


async def deliver(desk: Desk, notice: Notice) -> None:
    """Handler of ``dsp.message``. Raises ``Later`` to be called again."""
    pid, kind, number = notice.payload["pid"], notice.payload["kind"], notice.payload["number"]
    if not await desk.turn(pid):
        raise Later("our answer to the partner is still leaving", FIRST_WAIT)
    due = await _due(desk, notice)
    if due is None:
        return
    process, path, body = due
    reply = await _post(desk, process, path, body)
    if reply is None or reply.status in AGAIN or reply.status >= 500:
        not_found = reply is not None and reply.status == 404
        if notice.tries + 1 < (MOST_NOT_FOUND if not_found else MOST_TRIES):
            said = "no answer" if reply is None else f"status {reply.status}"
            longest = LONGEST_NOT_FOUND if not_found else LONGEST_WAIT
            raise Later(said, min(FIRST_WAIT * 2 ** min(notice.tries, 16), longest))
    accepted = reply is not None and 200 <= reply.status < 300
    if not accepted:
        status = reply.status if reply is not None else 0
        desk.services.log.warning(
            "dsp.message_refused", kind=kind, process=pid, say=notice.payload["say"], status=status
        )
    partner_pid = _partner_pid(reply) if accepted and reply is not None and not process.partner_pid else ""

    def work(connection: Connection) -> None:
        _settled(connection, desk, type(process), pid, number, partner_pid, accepted=accepted)

    await desk.services.write(work)


async def _due(desk: Desk, notice: Notice) -> tuple[Negotiation | Transfer, str, Body] | None:
    pid, number, why = notice.payload["pid"], notice.payload["number"], notice.payload["why"]
    if notice.payload["kind"] == transfers.KIND:
        return await transfers.say(desk, pid, transfer.Say(notice.payload["say"]), number, why)
    what = negotiation.Say(notice.payload["say"])
    if what is negotiation.Say.AGREEMENT:
        process = await desk.services.look(lambda connection: store.load(connection, Negotiation, pid))
        if process is not None and not desk.stands(process.terms, process.recipient):
            what, why = negotiation.Say.TERMINATION, NO_CONSENT
    return await negotiations.say(desk, pid, what, number, why)


async def _post(desk: Desk, process: Negotiation | Transfer, path: str, body: Body) -> Reply | None:
    headers = {
        "Authorization": desk.participants.header(process.partner),
        "Content-Type": "application/json",
        "Accept": "application/json, application/ld+json;q=0.9",
    }
    data = msgspec.json.encode(body)
    try:
        return await desk.services.http.request(
            "POST", process.callback + path, data=data, headers=headers, limit=1 << 16
        )
    except OutboundError:
        return None


async def fetch_catalog(desk: Desk, partner: str, address: str) -> Mapping[str, Any]:
    """A provider's catalog for us, as consumer. Raises ``Refuse`` when there is none to be had."""
    message = {"@context": CONTEXT, "@type": "CatalogRequestMessage"}  # no empty filter: EDC refuses it
    url = address.rstrip("/") + "/catalog/request"
    headers = {"Authorization": desk.participants.header(partner), "Content-Type": "application/json"}
    try:
        data = msgspec.json.encode(message)
        reply = await desk.services.http.request("POST", url, data=data, headers=headers, limit=LARGEST_CATALOG)
    except OutboundError:
        raise Refuse(502, "provider-silent", "address: the provider does not answer") from None
    if reply.status != 200:
        raise Refuse(502, "provider-refused", f"the provider answers {reply.status}")
    try:
        found = compacted(msgspec.json.decode(reply.body, type=dict))
    except (msgspec.DecodeError, NotLinkedData, RecursionError):
        raise Refuse(502, "provider-unreadable", "the provider's answer is no catalog") from None
    return found


def _partner_pid(reply: Reply) -> str:
    """The provider's id in its answer to a first request; "" where the answer cannot be read."""
    try:
        return read(reply.body, "ContractNegotiation", "TransferProcess").provider_pid
    except Malformed:
        return ""


def _settled(
    connection: Connection,
    desk: Desk,
    kind: type[Negotiation] | type[Transfer],
    pid: str,
    number: str,
    partner_pid: str,
    *,
    accepted: bool,
) -> None:
    """The message is dealt with. If the partner has not moved the process meanwhile, say what comes next."""
    process = store.load(connection, kind, pid)
    if process is None or process.said == number:
        return
    still_ours = process.saying == number
    first = not process.partner_pid
    process = replace(process, saying="", said=number, partner_pid=process.partner_pid or partner_pid)
    if first and still_ours and not process.partner_pid:
        why = "the provider did not take the request"
        ended = negotiation.State.TERMINATED if isinstance(process, Negotiation) else transfer.State.TERMINATED
        store.save(connection, replace(process, state=ended, why=why))
        return
    store.save(connection, process)
    if not still_ours or not accepted:
        return
    if isinstance(process, Negotiation):
        desk.put(connection, negotiations.KIND, pid, desk.conduct.negotiation(process))
    else:
        desk.put(connection, transfers.KIND, pid, desk.conduct.transfer(process))
