"""What becomes of a transfer by each message of the partner and each act of ours, in both roles. Pure."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from adapters.gaiax.dsp import exchange, messages
from adapters.gaiax.dsp.agreements import NO_CONSENT
from adapters.gaiax.dsp.catalog import formats_of, stands
from adapters.gaiax.dsp.messages import DspMessage
from adapters.gaiax.dsp.outcome import Before, Due, Incoming, Outcome, Refuse, Us
from adapters.gaiax.dsp.process import Agreement, Token, Transfer
from adapters.gaiax.dsp.transfer import FINAL, Say, State, move
from adapters.gaiax.dsp.words import Side
from adapters.plugin import Opening

# -- what partners say


def request(
    before: Before[Transfer],
    incoming: Incoming,
    agreement: Agreement | None,
    openings: Iterable[Opening],
    pid: str,
    us: Us,
) -> Outcome[Transfer]:
    """A request under an agreement of ours: REQUESTED. The same request again finds the transfer that it began.

    ``openings``: the partner's live grounds.
    """
    message = incoming.message
    fresh = Transfer(
        pid=pid,
        partner_pid=message.consumer_pid,
        side=Side.PROVIDER,
        partner=incoming.partner,
        recipient=incoming.recipient,
        callback=message.callback,
        begun=incoming.now,
        changed=incoming.now,
        state=State.REQUESTED,
        agreement=message.agreement_id,
        format=message.format,
    )
    try:
        _allowed(fresh, agreement, openings)
        outcome = exchange.first(fresh, before, us)
    except Refuse as refusal:
        return Outcome(None, refusal)
    return dataclasses.replace(outcome, answer=messages.transfer_state(before.known or fresh))


def _allowed(process: Transfer, agreement: Agreement | None, openings: Iterable[Opening]) -> None:
    """Raises ``Refuse``."""
    if agreement is None or agreement.partner != process.partner:
        raise Refuse(404, "agreement-unknown", "agreementId: no such agreement of yours")
    if agreement.ended is not None:
        raise Refuse(403, "agreement-ended", f"agreementId: the agreement has ended: {agreement.why}")
    if process.format not in formats_of(agreement.dataset):
        raise Refuse(400, "format-unknown", "format: must be one of the dataset's distributions")
    if not stands(agreement.terms, openings):
        raise Refuse(403, "agreement-ended", NO_CONSENT)


def hear(process: Transfer | None, say: Say, incoming: Incoming, us: Us) -> Outcome[Transfer]:
    """A message of the partner about a running transfer."""
    message = incoming.message
    try:
        process = exchange.owned(process, Transfer, incoming.partner)
        if process.heard == incoming.digest:
            return Outcome(process)
        moved = exchange.heard(process, move(process.state, say, process.side.other), incoming)
    except Refuse as refusal:
        return Outcome(process, refusal)
    why = "; ".join(message.reasons) or message.code or process.why
    return exchange.entered(replace(moved, address=_address(process, say, message, moved.state), why=why), us)


def _address(process: Transfer, say: Say, message: DspMessage, after: State) -> Mapping[str, Any] | None:
    """As consumer: where the data is now. A token of a transfer that is over is not kept."""
    if after in FINAL:
        return None
    return message.address or process.address if say is Say.START else process.address


# -- what we do


def begin(
    agreement: Agreement | None, pid: str, now: datetime, *, agreement_id: str, address: str, data_format: str
) -> Outcome[Transfer]:
    """As consumer: ask for the data of an agreement. ``agreement``: the one with this id, if we have it."""
    if agreement is None or agreement.ended is not None:
        return Outcome(None, Refuse(404, "agreement-unknown", "agreement: no such agreement, or it has ended"))
    process = Transfer(
        pid=pid,
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
    return Outcome(process, writes=(process,), says=(Say.REQUEST,))


def speak(process: Transfer | None, due: Due, us: Us) -> Outcome[Transfer]:
    """Make the move of one message of ours, once; nothing to send if it is no longer due.

    A start by us as provider carries a fresh token each time it is sent; only its hash is kept.
    """
    if process is None:
        return Outcome(None)
    say = Say(due.say)
    moved = exchange.speaking(process, move(process.state, say, process.side), due, request=say is Say.REQUEST)
    if moved is None:
        return Outcome(process)
    offering = say is Say.START and process.side is Side.PROVIDER
    writes: tuple[Transfer | Token, ...] = ()
    if moved is not process:
        moved = replace(moved, round=moved.round + 1) if offering else moved
        moved = replace(moved, address=None) if moved.state in FINAL else moved
        writes = (moved,)
    address = None
    if offering:
        digest = hashlib.sha256(due.token.encode()).hexdigest()
        writes = (*writes, Token(hash=digest, transfer=moved.pid, round=moved.round))
        address = messages.data_address(us.endpoint(moved.pid), due.token)
    return Outcome(moved, writes=writes, send=messages.transfer_message(say, moved, us.address, address))


def order(process: Transfer | None, say: Say | None, why: str) -> Outcome[Transfer]:
    """An order to say what ends, suspends or goes on; None for a word that is none. Refused where it cannot be said."""
    if process is None:
        return Outcome(None, Refuse(404, "not-found", "no such transfer"))
    if say is None or move(process.state, say, process.side) is None:
        return Outcome(process, Refuse(409, "wrong-state", f"that is not possible in {process.state}"))
    return Outcome(process, says=(say,), why=why)


def ground_ended(process: Transfer, why: str) -> Outcome[Transfer]:
    """The agreement has ended with its ground: no more data from now on, and the partner is told."""
    if process.state in FINAL:
        return Outcome(process)
    return Outcome(process, says=(Say.TERMINATION,), why=why, cut=True)


def served(process: Transfer) -> bool:
    """Whether its streams may go on."""
    return process.side is Side.PROVIDER and process.state is State.STARTED
