"""What becomes of a negotiation by each message of the partner and each act of ours, in both roles. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from adapters.gaiax.dsp import agreements, exchange, messages
from adapters.gaiax.dsp.agreements import Wanted, Wish
from adapters.gaiax.dsp.catalog import stands
from adapters.gaiax.dsp.messages import DspMessage
from adapters.gaiax.dsp.negotiation import FINAL, Say, State, move
from adapters.gaiax.dsp.outcome import Before, Due, Incoming, Outcome, Refuse, Us
from adapters.gaiax.dsp.process import Agreement, Negotiation
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.odrl import Policy
from adapters.plugin import Opening
from policies.terms import Purpose, Recipient

NOT_GIVEN = "the household has not given its consent"
LESS = "the household has given its consent to less than was asked for; see the catalog"


# -- what partners say


def request(
    before: Before[Negotiation], incoming: Incoming, asked_for: Wanted, pid: str, us: Us
) -> Outcome[Negotiation]:
    """A first request, as provider: REQUESTED. The same request again finds the negotiation that it began."""
    offer = asked_for.offer
    fresh = Negotiation(
        pid=pid,
        partner_pid=incoming.message.consumer_pid,
        side=Side.PROVIDER,
        partner=incoming.partner,
        recipient=incoming.recipient,
        callback=incoming.message.callback,
        begun=incoming.now,
        changed=incoming.now,
        state=State.REQUESTED,
        dataset=asked_for.dataset,
        offer_id=offer.id,
        policy=offer.policy,
        terms=offer.terms,
        waiting=asked_for.ask,
    )
    try:
        outcome = _asking(exchange.first(fresh, before, us))
    except Refuse as refusal:
        return Outcome(None, refusal)
    return dataclasses.replace(outcome, answer=messages.negotiation_state(before.known or fresh))


def hear(
    process: Negotiation | None, say: Say, incoming: Incoming, us: Us, counter: Wanted | None = None
) -> Outcome[Negotiation]:
    """A message of the partner in a running negotiation. ``counter``: the offer that a further request names."""
    try:
        process = exchange.owned(process, Negotiation, incoming.partner)
        if process.heard == incoming.digest and say is not Say.REQUEST:
            return Outcome(process)
        moved = exchange.heard(process, move(process.state, say, process.side.other), incoming)
        return _asking(_taken(moved, say, incoming.message, us, counter))
    except Refuse as refusal:
        return Outcome(process, refusal)


def _taken(process: Negotiation, say: Say, message: DspMessage, us: Us, counter: Wanted | None) -> Outcome[Negotiation]:
    """What the message brings, beside the move."""
    match say:
        case Say.REQUEST:
            process = _countered(process, counter)
        case Say.OFFER:
            process = _offered(process, message.offer)
        case Say.AGREEMENT:
            kept = agreements.agreed(process, message.agreement, us)
            return exchange.entered(replace(process, agreement=kept.id), us, kept)
        case Say.TERMINATION:
            process = replace(process, why="; ".join(message.reasons) or message.code or "ended by the partner")
    return exchange.entered(process, us)


def _asking(outcome: Outcome[Negotiation]) -> Outcome[Negotiation]:
    """A negotiation that has entered a state waits for its household: put the question."""
    process = outcome.process
    ask = process is not None and process.waiting and process.state not in FINAL and bool(outcome.writes)
    return dataclasses.replace(outcome, ask=ask)


def _countered(process: Negotiation, counter: Wanted | None) -> Negotiation:
    """As provider: the consumer wants another offer of ours instead."""
    if counter is None:
        raise Refuse(400, "offer-unknown", "the request names no offer")
    return replace(
        process,
        target=counter.dataset,
        offer_id=counter.offer.id,
        policy=counter.offer.policy,
        terms=counter.offer.terms,
        requests=process.requests + 1,
        waiting=counter.ask,
    )


def _offered(process: Negotiation, offer: Policy) -> Negotiation:
    """As consumer: does the provider offer what we asked for?"""
    same = agreements.same(offer, process.policy) and offer.get("target", process.about) == process.about
    return process if same else replace(process, differs=True, why="the offer is not the one that was asked for")


# -- what we do


def begin(
    pid: str, wish: Wish, recipient: Recipient | None, now: datetime, untrusted: str = ""
) -> Outcome[Negotiation]:
    """As consumer: ask a provider for one of its offers.

    ``recipient``: the provider as the registry knows it; None when nobody trusts it: its answers would not be let in.
    ``untrusted`` says why, then.
    """
    offer_id = wish.offer.get("@id")
    if not isinstance(offer_id, str) or not wish.rules:
        return Outcome(None, Refuse(400, "malformed", "offer: must have an @id and rules, as the catalog shows it"))
    if recipient is None:
        return Outcome(None, Refuse(400, "partner-unknown", untrusted))
    process = Negotiation(
        pid=pid,
        side=Side.CONSUMER,
        partner=wish.partner,
        recipient=recipient,
        callback=wish.address.rstrip("/"),
        begun=now,
        changed=now,
        state=State.REQUESTED,
        dataset=wish.dataset,
        offer_id=offer_id,
        policy=wish.rules,
    )
    return Outcome(process, writes=(process,), says=(Say.REQUEST,))


def speak(
    process: Negotiation | None, due: Due, us: Us, openings: Sequence[Opening], agreement: Agreement | None = None
) -> Outcome[Negotiation]:
    """Make the move of one message of ours, once; nothing to send if it is no longer due.

    Args:
        openings: the live grounds of the partner; an offer that they no longer carry is not agreed to.
        agreement: the one that we have made already, for a message that goes out again.
    """
    if process is None:
        return Outcome(None)
    say = Say(due.say)
    if say is Say.AGREEMENT and not stands(process.terms, openings):
        return _withdrawn(process, due, us)
    moved = exchange.speaking(process, move(process.state, say, process.side), due, request=say is Say.REQUEST)
    if moved is None:
        return Outcome(process)
    writes: tuple[Negotiation | Agreement, ...] = ()
    if moved is not process:
        writes = (moved,)
        if say is Say.AGREEMENT:
            agreement = agreements.made(moved, due, us)
            moved = replace(moved, agreement=agreement.id)
            writes = (agreement, moved)
    return Outcome(moved, writes=writes, send=messages.negotiation_message(say, moved, agreement, us.address))


def _withdrawn(process: Negotiation, due: Due, us: Us) -> Outcome[Negotiation]:
    """Instead of the agreement, also of one that was on its way: a termination."""
    if process.saying == due.number and process.state is not State.TERMINATED:
        process = replace(process, saying="")
    return speak(process, dataclasses.replace(due, say=Say.TERMINATION, why=agreements.NO_CONSENT), us, ())


def end(process: Negotiation | None, why: str) -> Outcome[Negotiation]:
    """An order to terminate. Refused for one that has ended."""
    if process is None or process.state in FINAL:
        status = 404 if process is None else 409
        return Outcome(process, Refuse(status, "not-open", "no such negotiation, or it has ended"))
    return Outcome(process, says=(Say.TERMINATION,), why=why)


def answered(
    process: Negotiation | None, recipient: Recipient, ground: str, openings: Iterable[Opening], us: Us
) -> Outcome[Negotiation]:
    """The household has answered; "" as ground is a no. Answers that nobody waits for change nothing."""
    if process is None or not process.waiting or process.state in FINAL or process.recipient != recipient:
        return Outcome(process)
    process = replace(process, waiting=False)
    if not ground or not stands(process.terms, openings):
        why = LESS if ground else NOT_GIVEN
        return Outcome(process, writes=(process,), says=(Say.TERMINATION,), why=why)
    return exchange.entered(process, us)


def ground_ended(
    process: Negotiation, purpose: Purpose, openings: Mapping[str, Sequence[Opening]], why: str
) -> Outcome[Negotiation]:
    """A ground for this purpose has ended. ``openings``: the live ones of the partner, by pseudonym."""
    terms = process.terms
    asked = terms is not None and terms.ask
    if asked or process.state in FINAL or not agreements.fallen(terms, purpose, openings):
        return Outcome(process)
    return Outcome(process, says=(Say.TERMINATION,), why=why)
