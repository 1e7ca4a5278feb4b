"""Transfers: what comes in, what goes out, each in one transaction with the messages that it causes."""

import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from adapters.gaiax.dsp import catalog, exchange, messages, store
from adapters.gaiax.dsp.desk import NO_CONSENT, Desk, Refuse
from adapters.gaiax.dsp.messages import Message
from adapters.gaiax.dsp.process import Agreement, Transfer
from adapters.gaiax.dsp.transfer import FINAL, Say, State, move
from adapters.gaiax.dsp.words import Side, urn
from adapters.gaiax.participants import DATA_TOKEN
from adapters.plugin import Caller

KIND = "transfer"


async def request(desk: Desk, caller: Caller, message: Message, pid: str) -> Transfer:
    """A request under an agreement of ours: REQUESTED. The same request again finds its transfer. Raises ``Refuse``."""
    assert caller.recipient is not None  # participants have one
    now = desk.services.clock()
    fresh = Transfer(
        pid=pid,
        partner_pid=message.consumer_pid,
        side=Side.PROVIDER,
        partner=caller.client,
        recipient=caller.recipient,
        callback=message.callback,
        begun=now,
        changed=now,
        state=State.REQUESTED,
        agreement=message.agreement_id,
        format=message.format,
    )

    def work(connection: Connection) -> Transfer:
        if (known := exchange.known(connection, Transfer, caller, message)) is not None:
            return known
        _usable(store.load_agreement(connection, message.agreement_id, Side.PROVIDER), caller)
        store.save(connection, fresh)
        desk.put(connection, KIND, fresh.pid, desk.conduct.transfer(fresh))
        return fresh

    agreement = await desk.services.look(lambda c: store.load_agreement(c, message.agreement_id, Side.PROVIDER))
    usable = _usable(agreement, caller)
    if message.format not in catalog.formats_of(usable.dataset):
        raise Refuse(400, "format-unknown", "format: must be one of the dataset's distributions")
    if not desk.stands(usable.terms, caller.recipient):
        raise Refuse(403, "agreement-ended", NO_CONSENT)
    return await desk.services.write(work)


def _usable(agreement: Agreement | None, caller: Caller) -> Agreement:
    if agreement is None or agreement.partner != caller.client:
        raise Refuse(404, "agreement-unknown", "agreementId: no such agreement of yours")
    if agreement.ended is not None:
        raise Refuse(403, "agreement-ended", f"agreementId: the agreement has ended: {agreement.why}")
    return agreement


async def hear(desk: Desk, caller: Caller, pid: str, say: Say, message: Message, digest: str) -> Transfer:
    """A message of the partner about a running transfer. Raises ``Refuse``; then nothing has changed."""
    now = desk.services.clock()

    def work(connection: Connection) -> Transfer:
        process = exchange.owned(store.load(connection, Transfer, pid), Transfer, caller)
        if process.heard == digest:
            return process
        moved = exchange.heard(process, move(process.state, say, process.side.other), message, digest, now)
        why = "; ".join(message.reasons) or message.code or process.why
        moved = replace(moved, address=_address(process, say, message, moved.state), why=why)
        store.save(connection, moved)
        desk.put(connection, KIND, pid, desk.conduct.transfer(moved))
        return moved

    moved = await desk.services.write(work)
    serve(desk, moved)
    return moved


def _address(process: Transfer, say: Say, message: Message, after: State) -> Mapping[str, Any] | None:
    """As consumer: where the data is now. A token of a transfer that is over is not kept."""
    if after in FINAL:
        return None
    return message.address or process.address if say is Say.START else process.address


def serve(desk: Desk, process: Transfer) -> None:
    """Let its streams go on, or end."""
    if process.side is Side.PROVIDER and process.state is State.STARTED:
        desk.live.add(process.pid)
    else:
        desk.live.discard(process.pid)


async def begin(desk: Desk, *, address: str, agreement_id: str, data_format: str) -> str:
    """As consumer: ask for the data of an agreement; our id of the transfer. Raises ``Refuse`` for an unknown one."""
    agreement = await desk.services.look(lambda c: store.load_agreement(c, agreement_id, Side.CONSUMER))
    if agreement is None or agreement.ended is not None:
        raise Refuse(404, "agreement-unknown", "agreementId: no such agreement, or it has ended")
    now = desk.services.clock()
    process = Transfer(
        pid=urn(desk.services.ids()),
        side=Side.CONSUMER,
        partner=agreement.partner,
        recipient=agreement.recipient,
        callback=address.rstrip("/"),
        begun=now,
        changed=now,
        state=State.REQUESTED,
        agreement=agreement_id,
        format=data_format,
    )

    def work(connection: Connection) -> None:
        store.save(connection, process)
        desk.put(connection, KIND, process.pid, (Say.REQUEST,))

    await desk.services.write(work)
    return process.pid


async def say(desk: Desk, pid: str, what: Say, number: str, why: str) -> tuple[Transfer, str, messages.Body] | None:
    """Make the move of one message of ours, once; the message and its path, or None if it is no longer due.

    A start by us as provider carries a fresh token each time it is sent; only its hash is kept.
    """
    now = desk.services.clock()
    token = DATA_TOKEN + desk.services.ids() + desk.services.ids()
    digest = hashlib.sha256(token.encode()).hexdigest()

    def work(connection: Connection) -> Transfer | None:
        before = store.load(connection, Transfer, pid)
        if before is None:
            return None
        after = move(before.state, what, before.side)
        process = exchange.speaking(before, after, number, why, now, request=what is Say.REQUEST)
        if process is None:
            return None
        offering = what is Say.START and process.side is Side.PROVIDER
        if process is not before:
            process = replace(process, round=process.round + 1) if offering else process
            process = replace(process, address=None) if process.state in FINAL else process
            store.save(connection, process)
        if offering:
            store.keep_token(connection, digest, pid, process.round)
        return process

    process = await desk.services.write(work)
    if process is None:
        return None
    serve(desk, process)
    address = messages.data_address(endpoint(desk, pid), token) if process.side is Side.PROVIDER else None
    return process, *messages.transfer_message(what, process, desk.address, address)


def endpoint(desk: Desk, pid: str) -> str:
    """Where the data of one transfer is fetched."""
    return f"{desk.origin}/dsp-data/{pid.removeprefix('urn:uuid:')}"


async def end(desk: Desk, pid: str, why: str, *, what: Say = Say.TERMINATION) -> None:
    """Terminate (or complete, or suspend), if it has not ended."""
    await exchange.end(desk, Transfer, pid, why, what)
